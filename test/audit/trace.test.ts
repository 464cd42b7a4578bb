import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { Decimal128, Double, Long } from 'mongodb';
import { describe, expect, test } from 'vitest';
import type { Finding } from '../../src/audit/finding.ts';
import { post } from '../../src/bank/post.ts';
import { bankWith, by, operation } from '../bank/bank-fixture.ts';
import { until } from '../database/host.ts';
import { type Workspace, workspace } from '../workspace.ts';
import { falseStatements, type LegacyCall, runLegacy, traceLegacy } from './legacy-run.ts';

const config = `branches:
  branch1: { collection: branch1 }
  branch2: { collection: branch2 }
  branch3: { collection: branch3 }
`;
const branches = ['branch1', 'branch2', 'branch3'];
const accounts = ['A', 'B', 'C', 'D'];

/** Every account in every branch, with 100.00 each. */
async function legacyBank(): Promise<Workspace> {
  const bank = await workspace({ config });
  const rows: string[] = [];
  for (const branch of branches) {
    await bank.db
      .collection(branch)
      .insertMany(accounts.map((account_number) => ({ account_number, balance: 100 })));
    rows.push(...accounts.map((account) => `${branch},${account},100.00`));
  }
  await writeFile(
    join(bank.directory, 'opening.csv'),
    ['branch,account,balance', ...rows, ''].join('\n'),
  );
  return bank;
}

/** A workspace whose config names another database. */
async function workspaceOn(database: string): Promise<Workspace> {
  const bank = await workspace();
  const text = `database: ${database}\n${config}`;
  await writeFile(join(bank.directory, 'bankctl.config.yaml'), text);
  return bank;
}

/** Random calls, of which about a third go wrong. */
function plan(amounts: fc.Arbitrary<number>, size: number): readonly LegacyCall[] {
  const call = fc
    .record({
      branch: fc.constantFrom('branch1', 'branch2'),
      account: fc.constantFrom(...accounts),
      cents: amounts,
      fate: fc.constantFrom('right', 'right', 'right', 'right', 'branch2', 'branch3', 'lost'),
    })
    .map(
      ({ fate, ...it }): LegacyCall => ({
        ...it,
        landed: fate === 'right' ? it.branch : fate === 'lost' ? undefined : fate,
      }),
    );
  const [calls = []] = fc.sample(fc.array(call, { minLength: size, maxLength: size }), 1);
  return calls;
}

const varied = (size: number) =>
  plan(fc.constant(0), size).map((call, index) => ({ ...call, cents: 101 + 7 * index }));
const equal = (size: number) => plan(fc.constantFrom(500, 1000), size);

describe('with the log and the history', () => {
  test('varied amounts tell the fate of each call, even without times', async () => {
    const bank = await legacyBank();
    const log = await runLegacy(bank, varied(200));
    for (const times of ['both', 'start', 'none'] as const) {
      const { traced, outside, unread, status } = await traceLegacy(bank, log, { times });
      expect(falseStatements(log, traced)).toEqual([]);
      const wrong = log.filter(({ branch, landed }) => landed !== branch).map(({ id }) => id);
      const named = traced.filter(({ certain }) => certain).map(({ operation }) => operation);
      expect([times, named.toSorted()]).toEqual([times, wrong.toSorted()]);
      expect([outside, unread, status]).toEqual([[], [], 4]);
    }
  });

  test.each(['both', 'start', 'none'] as const)(
    'equal amounts leave sets that hold the truth, with times: %s',
    async (times) => {
      const bank = await legacyBank();
      const log = await runLegacy(bank, equal(300));
      for (const modified of [false, true]) {
        const { traced, outside } = await traceLegacy(bank, log, { times, modified });
        expect(outside).toEqual([]);
        expect(falseStatements(log, traced)).toEqual([]);
        expect(traced.length).toBeGreaterThan(0);
        const silent = new Set(traced.map(({ operation }) => operation));
        const unnamed = log.filter(
          ({ id, landed, branch }) => !silent.has(id) && landed !== branch,
        );
        expect(unnamed).toEqual([]);
        if (modified) {
          const lost = traced.filter(({ fates, certain }) => certain && fates?.[0] === 'lost');
          expect(lost).toHaveLength(log.filter(({ landed }) => landed === undefined).length);
        }
      }
    },
  );

  test('a bank in which all went right has nothing to report', async () => {
    const bank = await legacyBank();
    const right = equal(100).map((call) => ({ ...call, landed: call.branch }));
    const log = await runLegacy(bank, right);
    for (const times of ['both', 'none'] as const) {
      const { traced, outside, unread } = await traceLegacy(bank, log, { times });
      expect([traced, outside, unread]).toEqual([[], [], []]);
    }
  });

  test('a clock that is slow by an hour makes nothing certain', async () => {
    const bank = await legacyBank();
    const log = await runLegacy(bank, varied(150));
    const { traced, outside } = await traceLegacy(bank, log, { shiftMs: -3_600_000 });
    expect(traced.filter(({ certain }) => certain)).toEqual([]);
    expect(new Set(outside.map(({ account }) => account))).toEqual(new Set(accounts));
  });

  test('a log of the future is out of sight, and that is said', async () => {
    const bank = await legacyBank();
    const log = await runLegacy(bank, varied(20));
    const { traced, unread } = await traceLegacy(bank, log, { shiftMs: 3_600_000 });
    expect(traced.filter(({ certain }) => certain)).toEqual([]);
    expect(unread).toEqual([
      {
        reason:
          "The server's history may not reach 20 calls of the log: the log has times that are " +
          'later than the clock of the server.',
      },
    ]);
  });

  test('a log of the last day that a calendar has is out of sight too', async () => {
    const bank = await legacyBank();
    await writeFile(
      join(bank.directory, 'last.csv'),
      'branch,account,amount,time\nbranch1,A,5,9999-12-31T23:59:59Z\n',
    );
    const files = ['--intended', 'last.csv', '--opening', 'opening.csv'];
    const { status, stdout } = await bank.run(['audit', '--trace', ...files]);
    expect(status).toBe(4);
    expect(stdout).toContain(
      "The server's history may not reach 1 call of the log: the log has times that are later " +
        'than the clock of the server.',
    );
  });

  test('rows that are missing take the certainty from their account number alone', async () => {
    const bank = await legacyBank();
    const log = await runLegacy(bank, varied(200));
    const isMissing = (it: (typeof log)[number], index: number) =>
      it.account === 'A' && it.landed !== undefined && index % 2 === 0;
    const whole = log.filter((it, index) => !isMissing(it, index));
    expect(whole.length).toBeLessThan(log.length);
    const { traced, outside } = await traceLegacy(bank, whole);
    expect(new Set(outside.map(({ account }) => account))).toEqual(new Set(['A']));
    expect(outside[0]?.detail).toMatch(
      /^A: a write of \d+\.\d\d in branch\d at .* is in no row of/,
    );
    const certain = traced.filter((finding) => finding.certain);
    expect(falseStatements(log, certain)).toEqual([]);
    expect(certain.filter(({ account }) => account === 'A')).toEqual([]);
    expect(certain.length).toBeGreaterThan(0);
  });

  test('writes of others take the certainty from all findings of their number', async () => {
    const bank = await legacyBank();
    const calls = ['A', 'B'].map((account) => ({ branch: 'branch1', account, cents: 1000 }));
    const log = await runLegacy(bank, [
      ...calls.map((it) => ({ ...it, landed: it.account === 'A' ? 'branch1' : 'branch2' })),
    ]);
    for (const [branch, balance] of [['branch1', -10] as const, ['branch2', 10] as const]) {
      const accounts = bank.db.collection(branch);
      await accounts.updateOne({ account_number: 'A' }, { $inc: { balance } });
    }
    const { findings } = await traceLegacy(bank, log);
    const net = findings.filter(({ code, line }) => code === 'misplaced_write' && !line);
    expect(net.map(({ account, certain }) => [account, certain])).toEqual([
      ['A', false],
      ['B', true],
    ]);
    const ofA = findings.filter(({ account, code }) => account === 'A' && code !== 'outside_write');
    expect(ofA.filter(({ certain }) => certain)).toEqual([]);
  });

  test('one changed digit in the log changes the answer', async () => {
    const bank = await legacyBank();
    const log = await runLegacy(bank, varied(50));
    const [first] = log.filter(({ landed }) => landed !== undefined);
    const doctored = log.map((it) => (it === first ? { ...it, cents: it.cents + 1 } : it));
    const { outside } = await traceLegacy(bank, doctored);
    expect(outside).toMatchObject([{ account: first?.account, certain: true }]);
  });
});

describe('a finding', () => {
  test('says which call, when, and where its money is', async () => {
    const bank = await legacyBank();
    const log = await runLegacy(
      bank,
      [
        { branch: 'branch1', account: 'A', cents: 2000, landed: 'branch2' },
        { branch: 'branch1', account: 'B', cents: 125, landed: undefined },
      ],
      1,
    );
    const { traced, findings } = await traceLegacy(bank, log);
    const [first, second] = log.map(({ startMs }) => new Date(startMs).toISOString());
    expect(traced).toMatchObject([
      {
        code: 'misplaced_write',
        account: 'A',
        from: 'branch1',
        to: 'branch2',
        amount: '20.00',
        currency: 'USD',
        certain: true,
        line: 2,
        operation: 'call-0',
        fates: ['branch2'],
        detail: `line 2, 20.00 to branch1:A at ${first}: landed in branch2 (certain).`,
        cause: "The call was sent to another branch's collection.",
      },
      {
        code: 'lost_write',
        account: 'B',
        branch: 'branch1',
        amount: '1.25',
        certain: true,
        fates: ['lost'],
        detail: `line 3, 1.25 to branch1:B at ${second}: changed nothing (certain).`,
      },
    ]);
    // The net amounts of the evidence are there too.
    expect(findings.length).toBeGreaterThan(traced.length);
  });

  test('names a stray in which the money is', async () => {
    const bank = await legacyBank();
    await bank.db.collection('bank_account').insertOne({ account_number: 'A', balance: 0 });
    const log = await runLegacy(bank, [
      { branch: 'branch1', account: 'A', cents: 2000, landed: 'bank_account' },
    ]);
    const { traced } = await traceLegacy(bank, log);
    expect(traced).toMatchObject([{ from: 'branch1', to: 'bank_account', certain: true }]);
  });

  test('leaves open what two explanations tell differently', async () => {
    const bank = await legacyBank();
    const calls = [
      { branch: 'branch1', account: 'A', cents: 500, landed: 'branch2' },
      { branch: 'branch1', account: 'A', cents: 500, landed: undefined },
    ];
    const log = await runLegacy(bank, calls);
    const { traced } = await traceLegacy(bank, log, { times: 'none' });
    expect(traced).toMatchObject([
      { code: 'misplaced_write', certain: false, fates: ['branch2', 'lost'], cause: null },
      { code: 'misplaced_write', certain: false, fates: ['branch2', 'lost'] },
    ]);
    expect(traced[0]?.detail).toBe(
      'line 2, 5.00 to branch1:A: landed in branch2 or changed nothing.',
    );
  });
});

describe('what is beside the log', () => {
  test('postings of bankctl are no writes, and move the balance', async () => {
    const bank = await workspace({ config });
    await bank.run(['open', 'branch1', 'A', '--balance', '100']);
    await bank.run(['open', 'branch2', 'A', '--balance', '100']);
    await writeFile(
      join(bank.directory, 'opening.csv'),
      'branch,account,balance\nbranch1,A,0.00\nbranch2,A,0.00\n',
    );
    const one = { branch: 'branch1', account: 'A', cents: 700, landed: 'branch2' };
    const log = [];
    for (const cents of [700, 800, 900]) {
      log.push(...(await runLegacy(bank, [{ ...one, cents }])));
      await bank.run(['increment', 'branch2', 'A', '5']);
    }
    const named = log.map((call, index) => ({ ...call, id: `call-${index}` }));
    const { traced, outside } = await traceLegacy(bank, named);
    expect(outside).toEqual([]);
    expect(traced.map(({ amount, fates, certain }) => [amount, fates, certain])).toEqual([
      ['7.00', ['branch2'], true],
      ['8.00', ['branch2'], true],
      ['9.00', ['branch2'], true],
    ]);
  });

  test('a document that another program saves as it once was is a write', async () => {
    const bank = await workspace({ config });
    await bank.run(['open', 'branch1', 'A', '--balance', '100']);
    await bank.run(['increment', 'branch1', 'A', '5']);
    const balance = Decimal128.fromString('100.00');
    const saved = { balance, version: Long.ONE, posted_at: new Date() };
    await bank.db.collection('branch1').updateOne({ account_number: 'A' }, { $set: saved });
    const opening = 'branch,account,balance\nbranch1,A,0.00\n';
    await writeFile(join(bank.directory, 'opening.csv'), opening);
    const one = { branch: 'branch1', account: 'A', cents: 700, landed: 'branch1' };
    const log = await runLegacy(bank, [one]);
    const { outside } = await traceLegacy(bank, log);
    expect(outside).toMatchObject([{ account: 'A', branch: 'branch1', amount: '-5.00' }]);
  });

  test('without an opening, what is later than the opening of the account counts', async () => {
    const skew = ['--clock-skew', '50ms'];
    let bank: Workspace;
    let beganMs: number;
    // The history is read from a second before the log, and is to have the opening.
    do {
      bank = await workspace({ config });
      beganMs = Date.now();
      for (const branch of ['branch1', 'branch2']) {
        await bank.run(['open', branch, 'A', '--balance', '100']);
      }
      // Further from the opening than the clocks may differ.
      const openedMs = Date.now();
      await until(async () => Date.now() > openedMs + 200);
    } while (Date.now() > beganMs + 1000);
    const calls = [700, 800].map((cents) => ({
      ...{ branch: 'branch1', account: 'A', cents, landed: cents === 700 ? 'branch2' : undefined },
    }));
    const log = await runLegacy(bank, calls, 1);
    const { traced, outside } = await traceLegacy(bank, log, {}, skew);
    expect(outside).toEqual([]);
    expect(traced.map(({ fates, certain }) => [fates, certain])).toEqual([
      [['branch2'], true],
      [['lost'], true],
    ]);
  });

  test('a collection that was dropped leaves no loss certain', async () => {
    const bank = await legacyBank();
    const calls = ['branch1', undefined, 'branch1'].map((landed, index) => ({
      ...{ branch: 'branch1', account: 'A', cents: 100 + index, landed },
    }));
    const log = await runLegacy(bank, calls, 1);
    const before = await traceLegacy(bank, log);
    expect(before.traced).toMatchObject([{ certain: true, fates: ['lost'] }]);
    await bank.db.createCollection('old');
    await bank.db.collection('old').drop();
    const { traced, unread } = await traceLegacy(bank, log);
    expect(traced).toEqual([]);
    expect(unread.map(({ reason }) => reason)).toEqual([
      "The server's history may not reach 1 call of the log: old was dropped or renamed.",
    ]);
  });

  test('documents that were written to, and are gone, leave no loss certain', async () => {
    const bank = await legacyBank();
    const call = { branch: 'branch1', account: 'A', cents: 300, landed: 'branch2' };
    // Their insertion is older than the history of the log, which begins with a second.
    const start = Date.now();
    await until(async () => Date.now() > start + 3000);
    const log = await runLegacy(bank, [call, { ...call, cents: 400, landed: undefined }], 1);
    const shift = { shiftMs: -((log[0]?.startMs ?? 0) % 1000) };
    const before = await traceLegacy(bank, log, shift);
    expect(before.traced.map(({ certain }) => certain)).toEqual([true, true]);
    await bank.db.collection('branch2').deleteOne({ account_number: 'A' });
    const { traced, unread } = await traceLegacy(bank, log, shift);
    expect(traced.filter(({ certain }) => certain)).toEqual([]);
    expect(unread.map(({ reason }) => reason).join()).toContain(
      'documents of branch2 that were written to are gone',
    );
  });

  test('a call without an answer is settled by the history', async () => {
    const bank = await legacyBank();
    const calls = [undefined, 'branch1', 'branch2'].map((landed, index) => ({
      ...{ branch: 'branch1', account: 'A', cents: 300 + index, landed },
    }));
    const log = await runLegacy(bank, calls, 1);
    const rows = log.map(({ startMs, cents }) =>
      ['branch1', 'A', (cents / 100).toFixed(2), new Date(startMs).toISOString(), 'unknown'].join(),
    );
    await writeFile(
      join(bank.directory, 'unknown.csv'),
      ['branch,account,amount,time,outcome', ...rows, ''].join('\n'),
    );
    const { stdout } = await bank.run([
      ...['audit', '--json', '--intended', 'unknown.csv', '--opening', 'opening.csv', '--trace'],
    ]);
    const findings: Finding[] = JSON.parse(stdout).findings;
    expect(findings.filter(({ fates }) => fates)).toMatchObject([
      { code: 'unknown_outcome', certain: true, fates: ['lost'] },
      { code: 'unknown_outcome', certain: true, fates: ['branch1'] },
      { code: 'misplaced_write', certain: true, fates: ['branch2'], to: 'branch2' },
    ]);
  });

  test('what was repaired is settled', async () => {
    const { bank: open, db } = await bankWith(['branch1:A', 'branch2:A']);
    const bank = await workspaceOn(db.databaseName);
    await writeFile(
      join(bank.directory, 'opening.csv'),
      'branch,account,balance\nbranch1,A,0.00\nbranch2,A,0.00\n',
    );
    const call = { branch: 'branch1', account: 'A', cents: 300, landed: 'branch2' };
    // The accounts were opened before the history that a trace with a small skew reads.
    const openedMs = Date.now();
    await until(async () => Date.now() > openedMs + 3000);
    const log = await runLegacy({ db }, [call]);
    const before = await traceLegacy(bank, log);
    expect(before.traced).toMatchObject([{ certain: true, fates: ['branch2'] }]);
    const legs = [300n, -300n].map((amountMinor, index) => ({
      ...{ branch: `branch${index + 1}`, account: 'A', amountMinor, version: 1n },
      balanceMinor: index === 0 ? 10_000n : 10_300n,
    }));
    const adopt = { type: 'adopt', branch: 'branch2', account: 'A', amountMinor: 300n } as const;
    await post(
      open,
      [
        operation({ ...adopt, balanceMinor: 10_300n, version: 1n }),
        operation({
          type: 'repair',
          legs: legs.map((leg, index) => ({ ...leg, version: BigInt(index + 1) })),
        }),
      ],
      { by, atomic: true },
    );
    const after = await traceLegacy(bank, log);
    expect([after.traced, after.outside]).toEqual([[], []]);
    // Further from the repair than the clocks may differ.
    const repairedMs = Date.now();
    await until(async () => Date.now() > repairedMs + 100);
    const again = await runLegacy({ db }, [{ ...call, cents: 400 }]);
    const both = [...log, ...again.map((it) => ({ ...it, id: 'call-again' }))];
    const { traced } = await traceLegacy(bank, both, {}, [
      ...['--opening', 'opening.csv', '--clock-skew', '50ms'],
    ]);
    expect(traced).toMatchObject([{ operation: 'call-again', certain: true, fates: ['branch2'] }]);
  });

  test('a write that is no addition, and a deletion, are outside writes', async () => {
    const bank = await legacyBank();
    const log = await runLegacy(bank, [
      { branch: 'branch1', account: 'A', cents: 2000, landed: 'branch2' },
    ]);
    await bank.db
      .collection('branch1')
      .updateOne({ account_number: 'A' }, { $set: { balance: 7 } });
    await bank.db.collection('branch1').deleteOne({ account_number: 'B' });
    await bank.db
      .collection('branch2')
      .updateOne({ account_number: 'C' }, { $inc: { balance: new Double(0) } });
    const { outside, traced } = await traceLegacy(bank, log);
    expect(outside.map(({ account, branch, amount }) => [account, branch, amount])).toEqual([
      ['A', 'branch1', '-93.00'],
      ['B', 'branch1', '-100.00'],
    ]);
    expect(traced).toMatchObject([{ certain: false, fates: ['branch2', 'lost'] }]);
  });
});
