import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Binary, Decimal128, Double, Int32, Long, MongoClient } from 'mongodb';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { openBank } from '../../src/bank/bank.ts';
import { post } from '../../src/bank/post.ts';
import { findConfig } from '../../src/config/search.ts';
import { mongodWith } from '../database/own-mongod.ts';
import { type Workspace, workspace } from '../workspace.ts';

const raw = { bypassDocumentValidation: true };

/** branch1 and branch2 in USD, branch3 in EUR, each with an account A. */
async function bankWithAccounts(timezone = 'UTC'): Promise<Workspace> {
  const bank = await workspace({
    config: [
      `timezone: ${timezone}`,
      'branches:',
      '  branch1: { collection: branch1 }',
      '  branch2: { collection: branch2 }',
      '  branch3: { collection: branch3, currency: EUR }\n',
    ].join('\n'),
  });
  await bank.run(['open', 'branch1', 'A', '--balance', '10']);
  await bank.run(['open', 'branch2', 'A', '--balance', '7']);
  await bank.run(['open', 'branch3', 'A', '--balance', '3']);
  return bank;
}

/** A document of branch1 as bankctl would have written it, but for some fields. */
function accountDocument(account_number: string, fields: Readonly<Record<string, unknown>> = {}) {
  return {
    account_number,
    balance: Decimal128.fromString('5.00'),
    branch: 'branch1',
    version: Long.ONE,
    status: 'open',
    opened_at: new Date(),
    posted_at: new Date(),
    ...fields,
  };
}

async function plant(bank: Workspace, ...documents: readonly object[]): Promise<void> {
  await bank.db.collection('branch1').insertMany([...documents], raw);
}

function lines(text: string): readonly Record<string, Record<string, unknown>>[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

describe('what is not of the bank', () => {
  const strangers = [
    { account_number: 'L-1', balance: 100.1 },
    { account_number: 'L-2', balance: 0.3, branch: null },
    { balance: new Int32(5) },
    accountDocument('M-1', { branch: 'branch2' }),
    accountDocument('M-2', { branch: 7 }),
  ];

  test.each([[['balance']], [['branches']]])('is counted by %s, with status 0', async (argv) => {
    const bank = await bankWithAccounts();
    await plant(bank, ...strangers);
    const people = await bank.run(argv);
    expect(people.status).toBe(0);
    expect(people.stderr).toMatch(
      /branch1: 3 documents of the collection branch1 are without a branch's stamp and left out/,
    );
    expect(people.stderr).toMatch(/L-1, L-2/);
    expect(people.stderr).toMatch(/branch1: 2 documents .* are stamped for another branch/);
    expect(people.stderr).toMatch(/bankctl audit branch1 says .*; bankctl adopt branch1 takes it/);
    // Who reads only the table learns it too.
    const note = 'Left out: 5 documents of branch1. bankctl audit says what they are.';
    expect(people.stdout.trimEnd().split('\n').at(-1)).toBe(note);
    expect((await bank.run([...argv, '-o', 'csv'])).stdout).not.toContain('Left out');
    // Quiet leaves it: the figures must not be taken for all that is there.
    expect((await bank.run([...argv, '-q'])).stderr).toBe(people.stderr);
    const { stdout, stderr } = await bank.run([...argv, '--json']);
    const data = JSON.parse(stdout);
    if (argv[0] === 'balance') expect(data.left_out).toEqual({ USD: 5 });
    expect((data.branches ?? data)[0]).toMatchObject({
      ...{ branch: 'branch1', accounts: 1, total: '10.00' },
      problems: [
        { code: 'unstamped_document', documents: 3, more: false },
        { code: 'misplaced_document', documents: 2, examples: ['M-1', 'M-2'], more: false },
      ],
    });
    expect(lines(stderr)).toMatchObject([
      { notice: { code: 'unstamped_document', branch: 'branch1', documents: 3 } },
      { notice: { code: 'misplaced_document', branch: 'branch1', documents: 2 } },
    ]);
  });

  test('is counted beside the accounts of a branch', async () => {
    const bank = await bankWithAccounts();
    await plant(bank, ...strangers);
    const { status, stdout, stderr } = await bank.run(['balance', 'branch1', '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual([
      { account: 'A', balance: '10.00', currency: 'USD', status: 'open' },
    ]);
    const people = await bank.run(['balance', 'branch1']);
    expect(people.stdout).toMatch(/^A +10\.00 +open\nLeft out: 5 documents of branch1\./m);
    expect((await bank.run(['balance', 'branch1', '-o', 'csv'])).stdout).toBe(
      'account,balance,status\nA,10.00,open\n',
    );
    expect(lines(stderr)).toMatchObject([
      { notice: { code: 'unstamped_document', documents: 3 } },
      { notice: { code: 'misplaced_document', documents: 2 } },
    ]);
  });

  test('is named by what asks for one account', async () => {
    const bank = await bankWithAccounts();
    await plant(bank, ...strangers);
    const reads = ['balance branch1 L-1', 'history branch1 L-1'];
    const writes = ['increment branch1 L-1 5', 'freeze branch1 M-1', 'open branch1 L-2'];
    const before = await bank.everything();
    for (const line of [...reads, ...writes]) {
      const { status, stderr } = await bank.run([...line.split(' '), '--json']);
      expect(status).toBe(1);
      const hint = expect.stringContaining('bankctl adopt branch1 takes it over');
      expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'wrong_branch', hint } });
    }
    for (const line of ['balance branch1 L-9', 'history branch1 L-9']) {
      const { status, stderr } = await bank.run([...line.split(' '), '--json']);
      expect(status).toBe(1);
      expect(JSON.parse(stderr).error).toMatchObject({
        code: 'account_not_found',
        message: expect.stringContaining('documents of other programs'),
        hint: expect.stringContaining('bankctl adopt branch1'),
      });
    }
    expect((await bank.run(['balance', 'branch2', 'L-9'])).stderr).toMatch(
      /^bankctl: There is no account L-9 in branch2\.\nbankctl balance branch2 lists/,
    );
    expect(await bank.everything()).toBe(before);
  });

  test('makes an account unclear if it has the same number', async () => {
    const bank = await bankWithAccounts();
    await bank.db.collection('branch1').dropIndex('account_number');
    await plant(bank, { account_number: 'A', balance: 7 });
    for (const line of ['balance branch1 A', 'history branch1 A', 'increment branch1 A 1']) {
      const { status, stderr } = await bank.run([...line.split(' '), '--json']);
      expect(status).toBe(1);
      const hint = expect.stringContaining('bankctl audit branch1');
      expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'duplicate_account', hint } });
    }
  });

  test('is counted by an export of accounts', async () => {
    const bank = await bankWithAccounts();
    await plant(bank, ...strangers);
    const { status, stdout, stderr } = await bank.run(['export', 'branch1']);
    expect(status).toBe(0);
    expect(stdout.trimEnd().split('\n')).toHaveLength(2);
    expect(stderr).toMatch(/branch1: 3 documents .* without a branch's stamp/);
  });

  test('an export names two documents of one number, and one with a bad field', async () => {
    const bank = await bankWithAccounts();
    await plant(bank, accountDocument('BAD', { version: new Double(1.5) }));
    await bank.db.collection('branch1').dropIndex('account_number');
    await plant(bank, accountDocument('A', { balance: Decimal128.fromString('5.00') }));
    const { status, stdout, stderr } = await bank.run(['export', 'branch1']);
    expect(status).toBe(1);
    expect(stdout.trimEnd().split('\n')).toHaveLength(4);
    expect(stderr).toMatch(/branch1: 2 documents share account numbers: A\./);
    expect(stderr).toMatch(/branch1: 1 document with fields missing or wrong: BAD\./);
  });

  test('is named as it is stored, if it has a number at all', async () => {
    const bank = await bankWithAccounts();
    const numbers = [7, Long.fromString('9007199254740993'), ' L-5 ', 'L\u202E6'];
    await plant(bank, ...numbers.map((account_number) => ({ account_number })), { _id: 'odd-1' });
    for (const argv of [['balance'], ['balance', 'branch1']]) {
      const { stderr } = await bank.run(argv);
      expect(stderr).toMatch(/: _id odd-1, 7, 9007199254740993, " L-5 ", "L\\u202e6"\./);
    }
  });

  test('is named five times at most', async () => {
    const bank = await bankWithAccounts();
    await plant(
      bank,
      ...Array.from({ length: 40 }, (_, number) => ({ account_number: `L-${number + 10}` })),
    );
    for (const argv of [['balance'], ['balance', 'branch1']]) {
      const { stderr } = await bank.run(argv);
      expect(stderr).toMatch(/: 40 documents .*: L-10, L-11, L-12, L-13, L-14, …\./);
    }
  });

  test('is not talked of where there is none', async () => {
    const bank = await bankWithAccounts();
    for (const argv of [['balance'], ['branches'], ['balance', 'branch1'], ['export']]) {
      expect((await bank.run(argv)).stderr).toBe('');
    }
    const { stdout } = await bank.run(['balance', '--json']);
    expect(JSON.parse(stdout)).toEqual({
      branches: [
        { branch: 'branch1', currency: 'USD', accounts: 1, total: '10.00' },
        { branch: 'branch2', currency: 'USD', accounts: 1, total: '7.00' },
        { branch: 'branch3', currency: 'EUR', accounts: 1, total: '3.00' },
      ],
      totals: { USD: '17.00', EUR: '3.00' },
    });
  });
});

describe('one balance that cannot be read', () => {
  const balances: readonly (readonly [string, unknown])[] = [
    ['below a cent', Decimal128.fromString('5.005')],
    ['NaN', Decimal128.fromString('NaN')],
    ['infinite', Decimal128.fromString('-Infinity')],
    ['beyond 96 bits', Decimal128.fromString('1E+30')],
    ['a double', new Double(5.5)],
    ['text', '5.00'],
    ['missing', undefined],
    ['a list', [Decimal128.fromString('5.00')]],
  ];

  test.each(balances)('%s hides neither the other branches nor its name', async (_, balance) => {
    const bank = await bankWithAccounts();
    await plant(bank, accountDocument('BAD', { balance }));
    const { status, stdout, stderr } = await bank.run(['balance', '--json']);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      branches: [
        {
          ...{ branch: 'branch1', currency: 'USD', accounts: 2, total: null },
          problems: [{ code: 'bad_balance', documents: 1, examples: ['BAD'], more: false }],
          readable: { accounts: 1, total: '10.00' },
        },
        { branch: 'branch2', currency: 'USD', accounts: 1, total: '7.00' },
        { branch: 'branch3', currency: 'EUR', accounts: 1, total: '3.00' },
      ],
      totals: { USD: null, EUR: '3.00' },
    });
    expect(lines(stderr)).toMatchObject([{ error: { code: 'bad_balance', examples: ['BAD'] } }]);
    const people = await bank.run(['balance']);
    expect(people.status).toBe(1);
    expect(people.stderr).toMatch(/branch1: 1 balance is not an exact amount of USD: BAD\./);
    expect(people.stderr).toMatch(/Its total is unknown; the other account has 10\.00\./);
    expect(people.stdout).toMatch(/branch1 +USD +2 +\?/);
    expect(people.stdout).toMatch(/branch3 +EUR +1 +3\.00/);
    expect((await bank.run(['branches'])).status).toBe(1);
    const listed = await bank.run(['balance', 'branch1', '--json']);
    expect(listed.status).toBe(1);
    expect(JSON.parse(listed.stdout)).toEqual([
      { account: 'A', balance: '10.00', currency: 'USD', status: 'open' },
      { account: 'BAD', balance: null, currency: 'USD', status: 'open' },
    ]);
    const one = await bank.run(['balance', 'branch1', 'BAD', '--json']);
    expect(JSON.parse(one.stderr)).toMatchObject({ error: { code: 'bad_balance' } });
  });

  test('nor do two that cancel out to whole cents hide in the list', async () => {
    const bank = await bankWithAccounts();
    const half = Decimal128.fromString('0.005');
    await plant(
      bank,
      accountDocument('X', { balance: half }),
      accountDocument('Y', { balance: half }),
    );
    const { status, stderr } = await bank.run(['balance', 'branch1']);
    expect(status).toBe(1);
    expect(stderr).toMatch(/2 balances are not an exact amount of USD: X, Y\./);
  });
});

describe('a document with a field that bankctl could not have written', () => {
  const fields: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
    ['no version', { version: undefined }],
    ['version 1.5', { version: new Double(1.5) }],
    ['version 0', { version: Long.ZERO }],
    ['version in words', { version: 'one' }],
    ['status 7', { status: 7 }],
    ['no status', { status: undefined }],
    ['no opening time', { opened_at: undefined }],
    ['an opening time in words', { opened_at: 'today' }],
    ['a posting time in words', { posted_at: 'today' }],
  ];

  test.each(fields)('%s: every read names it, without a stack trace', async (_, changed) => {
    const bank = await bankWithAccounts();
    await plant(bank, accountDocument('ODD', changed));
    const whole = await bank.run(['balance', 'branch1', '--json']);
    expect(whole.status).toBe(1);
    expect(lines(whole.stderr)).toMatchObject([
      { error: { code: 'bad_document', examples: ['ODD'] } },
    ]);
    const one = await bank.run(['balance', 'branch1', 'ODD', '--json']);
    expect(one.status).toBe(1);
    expect(JSON.parse(one.stderr)).toMatchObject({ error: { code: 'bad_document' } });
    for (const argv of [['balance'], ['branches'], ['history', 'branch1', 'ODD']]) {
      expect((await bank.run(argv)).stderr).not.toMatch(/ at |This is a bug/);
    }
    // Its balance is money of the branch all the same.
    expect((await bank.run(['balance', '-o', 'csv'])).stdout).toMatch(/^branch1,USD,2,15\.00$/m);
  });

  test('no account number is named by its _id', async () => {
    const bank = await bankWithAccounts();
    await plant(bank, accountDocument('', { _id: 'odd-1', account_number: undefined }));
    const { status, stdout, stderr } = await bank.run(['balance', 'branch1', '--json']);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)[0]).toEqual({
      account: null,
      balance: '5.00',
      currency: 'USD',
      status: 'open',
    });
    expect(stderr).toMatch(/_id odd-1/);
  });
});

test('two documents of one account number are named by every report', async () => {
  const bank = await bankWithAccounts();
  await bank.db.collection('branch1').dropIndex('account_number');
  await plant(bank, accountDocument('A'), accountDocument('B'), accountDocument('B'));
  const whole = await bank.run(['balance', '--json']);
  expect(whole.status).toBe(1);
  const duplicates = { code: 'duplicate_account', documents: 4, examples: ['A', 'B'] };
  expect(JSON.parse(whole.stdout)).toMatchObject({
    branches: [{ branch: 'branch1', accounts: 4, total: null, problems: [duplicates] }, {}, {}],
    totals: { USD: null, EUR: '3.00' },
  });
  expect(lines(whole.stderr)).toMatchObject([{ error: duplicates }]);
  const listed = await bank.run(['balance', 'branch1', '--json']);
  expect(listed.status).toBe(1);
  expect(lines(listed.stderr)).toMatchObject([{ error: duplicates }]);
  const one = await bank.run(['balance', 'branch1', 'A', '--json']);
  expect(one.status).toBe(1);
  expect(JSON.parse(one.stderr)).toMatchObject({ error: { code: 'duplicate_account' } });
  // The journal still has what was posted to it.
  const history = await bank.run(['history', 'branch1', 'A', '--json']);
  expect(history.status).toBe(1);
  expect(JSON.parse(history.stdout)).toHaveLength(1);
  expect(lines(history.stderr)).toMatchObject([{ error: { code: 'duplicate_account' } }]);
});

test.each(['decimal', 'double'])(
  'the list of a branch of %ss and the totals of the bank judge documents alike',
  async (storage) => {
    const bank = await workspace({
      config: `branches:\n  branch1: { collection: branch1, storage: ${storage} }\n`,
    });
    await bank.run(['open', 'branch1', 'A', '--balance', '10']);
    const odd: readonly unknown[] = [
      ...[undefined, null, 0, 1, 1.5, -1, 2 ** 53, 'x', '', true, [], {}, new Date(), new Date(-1)],
      ...[Long.ONE, Long.MAX_VALUE, Long.fromNumber(-5), new Double(2), new Int32(2)],
      ...[0.1 + 0.2, 1.005, 1e13, Number.NaN, Number.NEGATIVE_INFINITY].map((it) => new Double(it)),
      ...['1', '1.005', '1E+2', '1E+25', '-1E+25', 'NaN', 'Infinity'].map(Decimal128.fromString),
      ...[
        new Binary(Buffer.from('x')),
        new Date(Date.UTC(10_000, 0)),
        'branch1',
        'open',
        'branch2',
        ['x', null],
        ['x', ['y']],
        ['x'],
      ],
    ];
    const names = [
      ...['balance', 'branch', 'version', 'status', 'opened_at', 'posted_at'],
      ...['bankctl_owner', 'bankctl_labels'],
    ];
    const documents = names.flatMap((name) =>
      odd.map((value, index) => accountDocument(`${name}-${index}`, { [name]: value })),
    );
    await plant(bank, ...documents);
    const counts = async (argv: readonly string[]) => {
      const { stderr } = await bank.run([...argv, '--json']);
      return lines(stderr)
        .map((line) => line['notice'] ?? line['error'])
        .map((it) => [it?.['code'], it?.['documents']])
        .sort();
    };
    const whole = await counts(['balance']);
    const listed = await bank.run(['balance', 'branch1', '-o', 'csv']);
    const readable = listed.stdout.split('\n').filter((row) => /^balance-\d+,-?\d/.test(row));
    expect(readable).toHaveLength(storage === 'decimal' ? 2 : 11);
    expect(await counts(['balance', 'branch1'])).toEqual(whole);
    expect(whole.map(([code]) => code)).toEqual([
      ...['bad_balance', 'bad_document', 'misplaced_document', 'unstamped_document'],
    ]);
  },
);

/** A deposit of 5.00 in branch1:A whose transaction is ready to commit, and waits. */
async function heldDeposit(bank: Workspace) {
  const config = await findConfig(undefined, { cwd: bank.directory, env: {} });
  const opened = await openBank(bank.db.client, config, { timeoutMs: 20_000, draw: () => 0.5 });
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  onTestFinished(() => release());
  const operation = {
    ...({ type: 'increment', branch: 'branch1', account: 'A', create: false } as const),
    ...{ amountMinor: 500n, id: 'held', idGiven: true, memo: undefined },
  };
  let posted: ReturnType<typeof post> = Promise.resolve([]);
  await new Promise<void>((held, failed) => {
    posted = post(opened, [operation], {
      by: 'teller@desk',
      onPoint: (point) => {
        if (point === 'committing') held();
        return point === 'committing' ? released : Promise.resolve();
      },
    });
    posted.catch(failed);
  });
  return async () => {
    release();
    const [outcome] = await posted;
    if (!outcome?.applied) throw new Error('the deposit was refused');
    return outcome.entry.at;
  };
}

describe('balance --at', () => {
  const asked = (at: string) => [
    ['balance', '--at', at, '--json'],
    ['balance', 'branch1', '--at', at, '--json'],
    ['balance', 'branch1', 'A', '--at', at, '--json'],
  ];

  async function answers(bank: Workspace, at: string) {
    const ran = [];
    for (const argv of asked(at)) ran.push(await bank.run(argv));
    for (const { status, stderr } of ran) expect(status, stderr).toBe(0);
    const data = ran.map(({ stdout }) => JSON.parse(stdout)).map((it) => it[0] ?? it);
    return { data, stderrs: ran.map(({ stderr }) => stderr) };
  }

  test('is not final while an operation could change it, as one does', async () => {
    const bank = await bankWithAccounts();
    const commit = await heldDeposit(bank);
    const { localTime } = await bank.db.command({ hello: 1 });
    const moment = localTime.toISOString();
    const before = await answers(bank, moment);
    const at = await commit();
    expect(at.getTime()).toBeLessThanOrEqual(localTime.getTime());
    const after = await answers(bank, moment);
    expect(before.data.map((it) => it.totals?.USD ?? it.balance)).toEqual([
      '17.00',
      '10.00',
      '10.00',
    ]);
    expect(after.data.map((it) => it.totals?.USD ?? it.balance)).toEqual([
      '22.00',
      '15.00',
      '15.00',
    ]);
    for (const { data, stderrs } of [before, after]) {
      for (const it of data) expect(it).toMatchObject({ at: moment, final: false });
      for (const stderr of stderrs) {
        expect(lines(stderr)).toMatchObject([
          { notice: { code: 'moment', at: moment, final: false } },
          { notice: { code: 'not_final', message: expect.stringMatching(/^Not final: /) } },
        ]);
      }
    }
    const people = await bank.run(['balance', '--at', moment]);
    expect(people.stderr).toMatch(/^As of .*\.\nNot final: .*\.\n$/);
  });

  test('is final of a moment that no operation under way can be dated before', async () => {
    const bank = await bankWithAccounts();
    const hourAgo = { $dateSubtract: { startDate: '$at', unit: 'hour', amount: 1 } };
    await bank.db.collection('journal').updateMany({}, [{ $set: { at: hourAgo } }]);
    const { localTime } = await bank.db.command({ hello: 1 });
    const ago = (ms: number) => new Date(localTime.getTime() - ms).toISOString();
    for (const it of (await answers(bank, ago(120_000))).data) expect(it.final).toBe(true);
    const { data, stderrs } = await answers(bank, ago(80_000));
    for (const it of data) expect(it.final).toBe(false);
    for (const stderr of stderrs) expect(stderr).toContain('not_final');
  });

  test('a bare date is the end of that day in the zone; today so far is not final', async () => {
    const zone = 'Pacific/Kiritimati';
    const bank = await bankWithAccounts(zone);
    const journal = bank.db.collection('journal');
    // The first and the last millisecond of a day in the zone, and the first one after it.
    const times = ['2026-02-28T10:00:00.000Z', '2026-03-01T09:59:59.999Z', '2026-03-01T10:00:00Z'];
    const operations = await journal.find().sort({ at: 1 }).toArray();
    for (const [index, { _id }] of operations.entries()) {
      await journal.updateOne({ _id }, { $set: { at: new Date(times[index] ?? '') } });
    }
    const { data, stderrs } = await answers(bank, '2026-03-01');
    expect(data[0].totals).toEqual({ USD: '17.00', EUR: '0.00' });
    expect(data[0]).toMatchObject({ at: '2026-03-01T09:59:59.999Z', final: true });
    expect(stderrs[0]).toContain('As of the end of 1 Mar 2026 (Pacific/Kiritimati).');
    const later = await bank.run(['balance', '--at', '2026-03-02', '--json']);
    expect(JSON.parse(later.stdout).totals).toEqual({ USD: '17.00', EUR: '3.00' });
    const today = new Date(Date.now() + 14 * 3_600_000).toISOString().slice(0, 10);
    const soFar = await bank.run(['balance', '--at', today, '--json']);
    expect(JSON.parse(soFar.stdout)).toMatchObject({ final: false, totals: { EUR: '3.00' } });
    const tomorrow = new Date(Date.now() + 38 * 3_600_000).toISOString().slice(0, 10);
    expect((await bank.run(['balance', '--at', tomorrow])).stderr).toMatch(/in the future/);
  });

  test('an operation takes its time inside its transaction, whose life is bounded', async () => {
    const bank = await bankWithAccounts();
    const appName = `bankctl-test-${bank.db.databaseName}`;
    const client = await MongoClient.connect(inject('uri'), { appName });
    onTestFinished(() => client.close());
    const config = await findConfig(undefined, { cwd: bank.directory, env: {} });
    const opened = await openBank(client, config, { timeoutMs: 20_000, draw: () => 0.5 });
    const open: unknown[] = [];
    const serverTime = async () => {
      const sessions = await client
        .db('admin')
        .aggregate([{ $currentOp: { idleSessions: true } }, { $match: { appName } }])
        .toArray();
      open.push(sessions.filter(({ transaction }) => transaction !== undefined).length);
      return opened.serverTime();
    };
    const operation = {
      ...({ type: 'increment', branch: 'branch1', account: 'A', create: false } as const),
      ...{ amountMinor: 500n, id: 'timed', idGiven: true, memo: undefined },
    };
    await post({ ...opened, serverTime }, [operation], { by: 'teller@desk' });
    expect(open).toEqual([1]);
  });

  test('says which branches of the journal the config does not have', async () => {
    const bank = await bankWithAccounts();
    await writeFile(
      join(bank.directory, 'other.yaml'),
      `database: ${bank.db.databaseName}\nbranches: { branch2: { collection: branch2 } }\n`,
    );
    const now = new Date().toISOString();
    const { stdout, stderr } = await bank.run(['balance', '--at', now, '--config', 'other.yaml']);
    expect(stdout).toMatch(/total +USD +1 +7\.00/);
    expect(stderr).toMatch(/postings of "branch1", which is not a branch of the config/);
    expect(stderr).toMatch(/postings of "branch3"/);
  });

  test('refuses what is no time, with what to type', async () => {
    const bank = await bankWithAccounts('Europe/Paris');
    for (const at of ['', 'yesterday', '2026-02-30', '31.12.2026', '2026-03-29 02:30']) {
      const { status, stderr } = await bank.run(['balance', '--at', at]);
      expect(status).toBe(2);
      expect(stderr).toMatch(/--at "/);
      expect(stderr).toMatch(/--at 20\d\d-/);
    }
  });

  test('names a journal amount that is not exact, and shows no other in its place', async () => {
    const bank = await bankWithAccounts();
    const inexact = { $set: { 'postings.0.balance_after': Decimal128.fromString('1.005') } };
    await bank.db
      .collection('journal')
      .updateOne({ 'postings.branch': 'branch1' }, inexact, { bypassDocumentValidation: true });
    const now = new Date().toISOString();
    for (const argv of asked(now)) {
      const { status, stderr } = await bank.run(argv);
      expect(status).toBe(1);
      expect(stderr).toMatch(/"code":"bad_balance".*branch1/);
    }
  });
});

describe('the totals of many branches', () => {
  test('are those of each, whatever its name, and nothing without a collection', async () => {
    const names = ['$balance', '$$ROOT', ...Array.from({ length: 250 }, (_, index) => `b${index}`)];
    const branches = names.map((name, index) => `  ${name}: { collection: c${index} }\n`);
    const bank = await workspace({ config: `branches:\n${branches.join('')}` });
    const opened = ['$balance', '$$ROOT', 'b0', 'b98', 'b99', 'b197', 'b249'];
    for (const [index, name] of opened.entries()) {
      await bank.run(['open', name, 'A', '--balance', String(index + 1)]);
    }
    const { status, stdout, stderr } = await bank.run(['balance', '--json']);
    expect([status, stderr]).toEqual([0, '']);
    const shown: readonly { branch: string; accounts: number; total: string }[] =
      JSON.parse(stdout).branches;
    expect(shown.map(({ branch }) => branch)).toEqual(names);
    expect(shown.filter(({ accounts }) => accounts > 0)).toEqual(
      names.flatMap((branch) => {
        const at = opened.indexOf(branch);
        return at < 0 ? [] : [{ branch, currency: 'USD', accounts: 1, total: `${at + 1}.00` }];
      }),
    );
    expect(JSON.parse(stdout).totals).toEqual({ USD: '28.00' });
  });

  test('name the one collection that the user may not read', async () => {
    const bank = await workspace({
      config: 'branches:\n  a: { collection: a }\n  b: { collection: b }\n  c: { collection: c }\n',
    });
    const socket = encodeURIComponent(await mongodWith('--auth'));
    const admin = await MongoClient.connect(`mongodb://${socket}/`);
    await admin.db('admin').command({ createUser: 'root', pwd: 'secret-root', roles: ['root'] });
    await admin.close();
    const root = await MongoClient.connect(`mongodb://root:secret-root@${socket}/`);
    const db = bank.db.databaseName;
    const privileges = ['a', 'c', 'bankctl'].map((collection) => ({
      resource: { db, collection },
      actions: ['find', 'listIndexes'],
    }));
    await root.db('admin').command({ createRole: 'some', privileges, roles: [] });
    await root.db('admin').command({ createUser: 'me', pwd: 'secret-me', roles: ['some'] });
    await root.close();
    await writeFile(
      join(bank.directory, 'plain.yaml'),
      `database: ${db}\njournal: false\nbranches: { a: { collection: a }, b: { collection: b }, ` +
        'c: { collection: c } }\n',
    );
    const env = { BANKCTL_URI: `mongodb://me:secret-me@${socket}/` };
    const ran = await bank.run(['balance', '--config', 'plain.yaml'], { env });
    expect(ran).toMatchObject({ status: 3, stdout: '' });
    expect(ran.stderr).toMatch(/may not aggregate in \S+\.b\./);
  });
});
