import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import type { Db } from 'mongodb';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Correction } from '../../src/audit/correction.ts';
import { openEvidence } from '../../src/audit/evidence/evidence.ts';
import { runAudit } from '../../src/audit/scan/audit.ts';
import type { Bank } from '../../src/bank/bank.ts';
import { post } from '../../src/bank/post.ts';
import { createContext } from '../../src/core/context.ts';
import { formatAmount } from '../../src/core/money.ts';
import { bankWith, by, operation, place, plus } from '../bank/bank-fixture.ts';

const usd = { digits: 2 };
const realContext = createContext();

/** Files of evidence in a directory of their own, and an audit with them. */
async function auditor(bank: Bank) {
  const directory = await mkdtemp(join(tmpdir(), 'bankctl-evidence-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const said: string[] = [];
  const context = { ...realContext, cwd: directory, stdin: Readable.from([]) };
  const host = {
    context,
    progress: () => undefined,
    talk: (_code: string, line: string) => void said.push(line),
    formatTime: (time: Date) => time.toISOString(),
  };
  const file = async (name: string, head: string, rows: readonly string[] | undefined) => {
    if (!rows) return undefined;
    const width = head.split(',').length;
    const padded = rows.map((row) => row + ','.repeat(width - row.split(',').length));
    await writeFile(join(directory, name), [head, ...padded].map((row) => `${row}\n`).join(''));
    return name;
  };
  const filesOf = async (log: readonly string[], opening?: readonly string[]) => ({
    intended: await file('log.csv', 'branch,account,amount,time,end_time', log),
    opening: await file('opening.csv', 'branch,account,balance,time', opening),
    expected: undefined,
    clockSkewMs: 1000,
  });
  const audit = async (log: readonly string[], opening?: readonly string[]) => {
    const files = await filesOf(log, opening);
    const options = { branches: [], files, trace: false, corrections: true };
    const { findings, corrections, unread } = await runAudit(bank, options, host);
    const evident = findings.filter(({ certain }) => certain !== undefined);
    return { findings: evident, corrections: [...corrections], unread };
  };
  return { audit, filesOf, host, said };
}

/** The write of a program that knows nothing of bankctl. */
async function legacyWrite(db: Db, name: string, minor: bigint): Promise<void> {
  const { branch, account } = place(name);
  const { modifiedCount } = await db
    .collection(branch)
    .updateOne({ account_number: account }, [
      { $set: { balance: { $add: ['$balance', { $toDecimal: formatAmount(minor, usd) }] } } },
    ]);
  expect(modifiedCount).toBe(1);
}

async function balanceOf(db: Db, name: string): Promise<string> {
  const { branch, account } = place(name);
  const found = await db.collection(branch).findOne({ account_number: account });
  return String(found?.['balance']);
}

interface Step {
  readonly account: string;
  readonly branch: string;
  readonly minor: bigint;
  /** Where a call of the old program landed; undefined if nowhere. */
  readonly landed: string | undefined;
  /** Whether bankctl posts it. */
  readonly isOwn: boolean;
}

/** A bank after these steps, the log of the old program, and what each account should have. */
async function damagedBank(steps: readonly Step[]) {
  const accounts = ['A', 'B', 'C'].flatMap((name) => [`branch1:${name}`, `branch2:${name}`]);
  const { bank, db } = await bankWith(accounts);
  await db.collection('journal').updateMany({}, { $set: { at: new Date('2001-01-01T00:00Z') } });
  const right = new Map(accounts.map((name) => [name, 10_000n]));
  const log: string[] = [];
  for (const { account, branch, minor, landed, isOwn } of steps) {
    const name = `${branch}:${account}`;
    if (isOwn) await post(bank, [plus(name, 100n)], { by });
    else {
      log.push(`${branch},${account},${formatAmount(minor, usd)},2002-01-01T00:00Z`);
      if (landed !== undefined) await legacyWrite(db, `${landed}:${account}`, minor);
    }
    right.set(name, (right.get(name) ?? 0n) + (isOwn ? 100n : minor));
  }
  return { bank, db, log, right };
}

/** Carries out corrections as a repair does. */
async function repair(bank: Bank, corrections: readonly Correction[]): Promise<void> {
  for (const { legs, why } of corrections) {
    const adopts = legs.flatMap(({ outsideMinor, amountMinor: _, ...one }) =>
      outsideMinor === 0n ? [] : [operation({ type: 'adopt', ...one, amountMinor: outsideMinor })],
    );
    const pinned = legs.map(({ outsideMinor, version, ...one }) => ({
      ...one,
      version: outsideMinor === 0n ? version : version + 1n,
    }));
    const operations = [
      ...adopts,
      { ...operation({ type: 'repair', legs: pinned }), memo: why.slice(0, 500) },
    ];
    const outcomes = await post(bank, operations, { by, atomic: true });
    expect(outcomes.filter(({ applied }) => !applied)).toEqual([]);
  }
}

describe('corrections', () => {
  test('are not planned for a closed account, which no repair can change', async () => {
    const { bank } = await bankWith(['branch1:A', 'branch2:A']);
    const close = operation({ type: 'close', ...place('branch1:A') });
    await post(bank, [plus('branch1:A', -10_000n), close], { by });
    const { audit } = await auditor(bank);
    const { findings, corrections } = await audit(['branch1,A,7'], []);
    expect(findings).toMatchObject([
      {
        ...{ code: 'lost_write', account: 'A' },
        repair:
          'It is not planned: branch1:A is closed, and bankctl posts nothing to it. Settle the ' +
          'money by hand, through another account.',
      },
    ]);
    expect(corrections).toEqual([]);
  });

  test('are pinned to the accounts as they were seen, one for an account number', async () => {
    const { bank, db } = await bankWith(['branch1:A', 'branch2:A', 'branch1:B']);
    await legacyWrite(db, 'branch2:A', 700n);
    await post(bank, [plus('branch1:B', 250n)], { by });
    const { audit, said } = await auditor(bank);
    const { findings, corrections } = await audit(['branch1,A,7', 'branch1,B,5'], []);
    expect(findings).toMatchObject([
      { code: 'misplaced_write', account: 'A', certain: true, cause: expect.any(String) },
      { code: 'lost_write', account: 'B', certain: true },
    ]);
    expect(findings[0]?.repair).toBe(
      'bankctl audit --plan FILE plans the correction; bankctl repair FILE carries it out.',
    );
    const shared = { account: 'A', version: 1n };
    expect(corrections).toEqual([
      {
        ...{ account: 'A', findings: ['misplaced_write'] },
        why: "A: 7.00 of branch1's money is in branch2 (certain).",
        legs: [
          {
            ...{ ...shared, branch: 'branch1', amountMinor: 700n, balanceMinor: 10_000n },
            outsideMinor: 0n,
          },
          {
            ...{ ...shared, branch: 'branch2', amountMinor: -700n, balanceMinor: 10_700n },
            outsideMinor: 700n,
          },
        ],
      },
      expect.objectContaining({ account: 'B', findings: ['lost_write'] }),
    ]);
    expect(said).toEqual([]);
  });

  test('make every balance what was meant, to the cent, and leave nothing to find', async () => {
    const branch = fc.constantFrom('branch1', 'branch2');
    const account = fc.constantFrom('A', 'B', 'C');
    const minor = fc.bigInt({ min: -2_000n, max: 20_000n }).filter((amount) => amount !== 0n);
    const isOwn = fc.boolean();
    const landed = fc.option(branch, { nil: undefined });
    const steps = fc.array(fc.record({ account, branch, minor, landed, isOwn }), {
      minLength: 1,
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(steps, fc.boolean(), async (all, hasOpening) => {
        const { bank, db, log, right } = await damagedBank(all);
        if (log.length === 0) return;
        const { audit } = await auditor(bank);
        const opening = hasOpening ? [] : undefined;
        const { corrections } = await audit(log, opening);
        await repair(bank, corrections);
        for (const [name, balance] of right) {
          expect(await balanceOf(db, name)).toBe(formatAmount(balance, usd));
        }
        expect(await audit(log, opening)).toEqual({ findings: [], corrections: [], unread: [] });
      }),
      { numRuns: 8 },
    );
  }, 240_000);

  test('are taken back by a reversal, and found again', async () => {
    const { bank, db } = await bankWith(['branch1:A']);
    await legacyWrite(db, 'branch1:A', -100n);
    const { audit } = await auditor(bank);
    const before = await audit(['branch1,A,-2'], []);
    await repair(bank, before.corrections);
    expect((await audit(['branch1,A,-2'], [])).findings).toEqual([]);
    const repaired = await db.collection('journal').findOne({ type: 'repair' });
    const reverses = String(repaired?._id);
    await post(bank, [operation({ type: 'reverse', reverses })], { by });
    const { findings } = await audit(['branch1,A,-2'], []);
    expect(findings.map(({ code, amount }) => [code, amount])).toEqual(
      before.findings.map(({ code, amount }) => [code, amount]),
    );
    expect(findings).toHaveLength(1);
  });
});

describe('without an opening', () => {
  const at = (ms: number) => new Date(ms).toISOString();

  test('only rows after the opening operation count', async () => {
    const { bank, db } = await bankWith(['branch1:A']);
    const openedMs = (await db.collection('journal').findOne())?.['at'].getTime();
    await legacyWrite(db, 'branch1:A', 300n);
    const { audit } = await auditor(bank);
    const [old, late] = [at(openedMs - 60_000), at(openedMs + 60_000)];
    const { findings } = await audit([`branch1,A,50,${old}`, `branch1,A,4,${late}`]);
    expect(findings).toMatchObject([{ code: 'lost_write', amount: '1.00', certain: true }]);
  });

  test('a row of about that time leaves nothing certain, and no correction', async () => {
    const { bank, db } = await bankWith(['branch1:A']);
    const openedMs = (await db.collection('journal').findOne())?.['at'].getTime();
    const { audit } = await auditor(bank);
    const rows = [at(openedMs + 900), at(openedMs + 60_000)].map((time) => `branch1,A,4,${time}`);
    const { findings, corrections } = await audit(rows);
    expect(findings).toMatchObject([
      { code: 'lost_write', certain: false, cause: expect.stringContaining('line 2 is of about') },
    ]);
    expect(corrections).toEqual([]);
  });

  test('a row from before another branch was taken over leaves nothing certain', async () => {
    const { bank, db } = await bankWith(['branch1:A', 'branch2:A']);
    const openedMs = (await db.collection('journal').findOne())?.['at'].getTime();
    const adopted = { ...place('branch2:A'), balanceMinor: 10_000n, version: 1n };
    await post(bank, [operation({ type: 'adopt', ...adopted, amountMinor: 0n })], { by });
    const { audit } = await auditor(bank);
    await db
      .collection('journal')
      .updateOne({ type: 'adopt' }, { $set: { at: new Date(openedMs + 60_000) } });
    const { findings } = await audit([`branch1,A,4,${at(openedMs + 30_000)}`]);
    expect(findings).toMatchObject([
      { code: 'lost_write', certain: false, cause: expect.stringContaining('took over branch2') },
    ]);
  });

  test('an account that was never taken over is said to be left out', async () => {
    const { bank, db } = await bankWith(['branch1:A']);
    await db
      .collection('branch1')
      .insertOne({ account_number: 'B', balance: 5 }, { bypassDocumentValidation: true });
    const { audit } = await auditor(bank);
    const { unread } = await audit(['branch1,B,5,2099-01-01T00:00Z']);
    expect(unread).toEqual([
      { reason: expect.stringContaining('B cannot be judged: bankctl has not adopted it') },
    ]);
  });
});

test('an opening with a time has all that happened before', async () => {
  const { bank } = await bankWith(['branch1:A']);
  const { audit } = await auditor(bank);
  const opening = (time: string) => [`branch1,A,100.00,${time}`];
  const log = ['branch1,A,1,2100-01-01T00:00Z', 'branch1,A,7,2000-01-01T00:00Z'];
  expect((await audit(log, opening('2099-01-01T00:00Z'))).findings).toMatchObject([
    { code: 'lost_write', amount: '1.00', certain: true },
  ]);
  expect((await audit(log, opening('2000-01-01T00:00:01Z'))).findings).toMatchObject([
    { code: 'lost_write', certain: false, cause: expect.stringContaining('line 3 is of about') },
  ]);
  expect((await audit(log, opening('1999-01-01T00:00Z'))).findings).toMatchObject([
    { code: 'lost_write', amount: '8.00' },
    { code: 'outside_write', amount: '-100.00' },
  ]);
});

test('nothing is certain or planned if a part could not be read', async () => {
  const { bank } = await bankWith(['branch1:A']);
  const { filesOf, host } = await auditor(bank);
  const files = await filesOf(['branch1,A,1'], ['branch1,A,5,']);
  for (const isWhole of [true, false]) {
    const evidence = await openEvidence(files, bank, host);
    const conclusion = await evidence?.conclude(isWhole, new Set());
    await evidence?.close();
    expect(conclusion?.findings.some(({ certain }) => certain === true)).toBe(false);
    if (!isWhole) expect(conclusion?.corrections).toEqual([]);
  }
});
