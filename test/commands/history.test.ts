import { Decimal128 } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { parseHistory } from '../../src/commands/history.ts';
import { builtInConfig } from '../../src/config/config.ts';
import { BankctlError } from '../../src/core/errors.ts';
import { type Workspace, workspace } from '../workspace.ts';

const config = { ...builtInConfig, timezone: 'Europe/Paris' };

function parse(options: Readonly<Record<string, string>>) {
  return parseHistory({ args: ['branch1', 'ACC'], options }, config);
}

describe('argv → input', () => {
  test.each([
    [{}, {}],
    [{ since: '2026-11-01' }, { since: '2026-10-31T23:00:00.000Z' }],
    [{ until: '2026-11-30' }, { until: '2026-11-30T23:00:00.000Z' }],
    [
      { since: '2026-11-30', until: '2026-11-30' },
      { since: '2026-11-29T23:00:00.000Z', until: '2026-11-30T23:00:00.000Z' },
    ],
    [{ since: '2026-11-30 10:00' }, { since: '2026-11-30T09:00:00.000Z' }],
    [{ until: '2026-11-30T10:00:00.9999Z' }, { until: '2026-11-30T10:00:00.999Z' }],
    [
      { since: '2026-11-30T10:00Z', until: '2026-11-30T10:00Z' },
      { since: '2026-11-30T10:00:00.000Z', until: '2026-11-30T10:00:00.000Z' },
    ],
  ])('%j', (options, expected) => {
    const { since, until } = parse(options);
    const given = {
      ...(since && { since: since.from.toISOString() }),
      ...(until && { until: until.to.toISOString() }),
    };
    expect(given).toEqual(expected);
  });

  test.each([
    [{ since: '' }, /--since "" is not an ISO 8601 date/],
    [{ until: 'yesterday' }, /--until "yesterday" is not an ISO 8601 date/],
    [{ since: '2026-11-30', until: '2026-11-29' }, /--until is earlier than --since/],
    [{ since: '2026-11-30T00:00:00.001', until: '2026-11-30T00:00' }, /--until is earlier/],
    [{ limit: '0' }, /--limit "0"/],
  ])('%j is refused', (options, message) => {
    expect(() => parse(options)).toThrow(message);
    expect(() => parse(options)).toThrow(BankctlError);
  });
});

/** Postings of branch1:A at the given times; the first one opens the account. */
async function bankWithPostings(timezone: string, times: readonly string[]): Promise<Workspace> {
  const bank = await workspace({
    config: `timezone: ${timezone}\nbranches: { branch1: { collection: branch1 } }\n`,
  });
  await bank.run(['open', 'branch1', 'A', '--id', 'posting-0']);
  for (const index of times.keys()) {
    if (index > 0) await bank.run(['increment', 'branch1', 'A', '1', '--id', `posting-${index}`]);
    const at = { $set: { at: new Date(times[index] ?? '') } };
    await bank.db.collection<{ _id: string }>('journal').updateOne({ _id: `posting-${index}` }, at);
  }
  return bank;
}

async function listed(bank: Workspace, ...argv: readonly string[]): Promise<readonly string[]> {
  const { status, stdout, stderr } = await bank.run(['history', 'branch1', 'A', ...argv, '--json']);
  expect(status, stderr).toBe(0);
  const rows: readonly { operation: string }[] = JSON.parse(stdout);
  return rows.map(({ operation }) => operation.replace('posting-', ''));
}

describe('a range of days', () => {
  test('includes its last day, and two that follow one another share no posting', async () => {
    // The last day of October in Paris has ended an hour before that in UTC.
    const bank = await bankWithPostings('Europe/Paris', [
      '2026-10-31T22:59:59.999Z',
      '2026-10-31T23:00:00.000Z',
      '2026-11-30T22:59:59.999Z',
      '2026-11-30T23:00:00.000Z',
    ]);
    expect(await listed(bank, '--until', '2026-10-31')).toEqual(['0']);
    expect(await listed(bank, '--since', '2026-11-01', '--until', '2026-11-30')).toEqual([
      '1',
      '2',
    ]);
    expect(await listed(bank, '--since', '2026-12-01')).toEqual(['3']);
    expect(await listed(bank, '--since', '2026-11-30', '--until', '2026-11-30')).toEqual(['2']);
    // A moment is not a day: the first moment after a range is not in it.
    expect(await listed(bank, '--until', '2026-11-30T23:00Z')).toEqual(['0', '1', '2']);
    expect(await listed(bank, '--since', '2026-12-01 00:00')).toEqual(['3']);
  });

  test('is printed as the moments it means, for people and for programs', async () => {
    const bank = await bankWithPostings('Europe/Paris', ['2026-11-15T12:00:00.000Z']);
    const argv = ['history', 'branch1', 'A', '--since', '2026-11-01', '--until', '2026-11-30'];
    expect((await bank.run(argv)).stderr).toBe(
      'Showing what was posted from 2026-11-01T00:00:00.000+01:00 ' +
        'and before 2026-12-01T00:00:00.000+01:00.\n',
    );
    expect(JSON.parse((await bank.run([...argv, '--json'])).stderr)).toMatchObject({
      notice: {
        code: 'range',
        since: '2026-10-31T23:00:00.000Z',
        until: '2026-11-30T23:00:00.000Z',
      },
    });
    expect((await bank.run([...argv, '-q'])).stderr).toBe('');
    expect((await bank.run(['history', 'branch1', 'A'])).stderr).toBe('');
    // An error stands alone.
    const nobody = await bank.run(['history', 'branch1', 'B', '--since', '2026-11-01', '--json']);
    expect(JSON.parse(nobody.stderr)).toMatchObject({ error: { code: 'account_not_found' } });
  });
});

test('tables show times in the zone, and JSON and CSV in UTC', async () => {
  const bank = await bankWithPostings('America/St_Johns', ['2026-11-15T12:00:00.123Z']);
  const printed = async (...options: string[]) =>
    (await bank.run(['history', 'branch1', 'A', ...options])).stdout;
  expect(await printed()).toContain('2026-11-15T08:30:00.123-03:30');
  expect(await printed('-o', 'csv')).toContain('2026-11-15T12:00:00.123Z');
  expect(await printed('--json')).toContain('2026-11-15T12:00:00.123Z');
});

describe('of an account whose document', () => {
  test.each([
    [
      'is gone',
      'account_not_found',
      async (bank: Workspace) => {
        await bank.db.collection('branch1').deleteMany({});
      },
    ],
    [
      'lost its stamp',
      'wrong_branch',
      async (bank: Workspace) => {
        const raw = { bypassDocumentValidation: true };
        await bank.db.collection('branch1').updateMany({}, { $unset: { branch: '' } }, raw);
      },
    ],
    [
      'has no version',
      'bad_document',
      async (bank: Workspace) => {
        const raw = { bypassDocumentValidation: true };
        await bank.db.collection('branch1').updateMany({}, { $unset: { version: '' } }, raw);
      },
    ],
  ])('%s, the journal is shown, and the document named', async (_what, code, harm) => {
    const bank = await bankWithPostings('UTC', ['2026-11-15T12:00:00Z', '2026-11-16T12:00:00Z']);
    await harm(bank);
    const { status, stdout, stderr } = await bank.run(['history', 'branch1', 'A', '--json']);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toHaveLength(2);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code } });
  });
});

test('a transfer to a branch that is no longer in the config is still in the history', async () => {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'A', '--balance', '5', '--id', 'one']);
  const raw = { bypassDocumentValidation: true };
  const [document] = await bank.db.collection('journal').find().toArray();
  const postings = [document?.['postings'][0], { ...document?.['postings'][0], branch: 'gone' }];
  await bank.db.collection('journal').updateOne({}, { $set: { postings } }, raw);
  const { status, stdout } = await bank.run(['history', 'branch1', 'A', '--json']);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject([{ operation: 'one', amount: '5.00' }]);
});

describe('a statement', () => {
  /** The rows of a table, each as its cells without those that are empty. */
  async function lines(bank: Workspace, line: string): Promise<readonly string[]> {
    const { stdout, status } = await bank.run(['history', 'branch1', 'A', ...line.split(' ')]);
    expect(status).toBe(0);
    return stdout
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((text) => text.trim().split(/ {2,}/).slice(-6).join('|'));
  }

  async function busyAccount(): Promise<Workspace> {
    const bank = await bankWithPostings('UTC', [
      '2026-10-30T10:00:00Z',
      '2026-10-31T23:59:59.999Z',
      '2026-11-01T00:00:00Z',
      '2026-11-30T23:00:00Z',
      '2026-12-01T00:00:00Z',
    ]);
    return bank;
  }

  test('of a month begins and ends with the balances of its neighbours', async () => {
    const bank = await busyAccount();
    const figures = async (month: string) =>
      (await lines(bank, `--month ${month}`)).filter((text) => !text.includes('posting-'));
    expect(await figures('2026-10')).toEqual([
      ...['brought forward|0.00', 'money in|1.00', 'money out|0.00', 'carried forward|1.00'],
    ]);
    expect(await figures('2026-11')).toEqual([
      ...['brought forward|1.00', 'money in|2.00', 'money out|0.00', 'carried forward|3.00'],
    ]);
    // Before its first posting an account has nothing.
    expect(await figures('2026-09')).toEqual([
      ...['brought forward|0.00', 'money in|0.00', 'money out|0.00', 'carried forward|0.00'],
    ]);
    expect(await figures('2027-01')).toEqual([
      ...['brought forward|4.00', 'money in|0.00', 'money out|0.00', 'carried forward|4.00'],
    ]);
  });

  test('shows what other programs did between two postings, and adds up', async () => {
    const bank = await busyAccount();
    await bank.db
      .collection('branch1')
      .updateOne({ account_number: 'A' }, { $inc: { balance: Decimal128.fromString('-2.50') } });
    await bank.run(['increment', 'branch1', 'A', '10', '--id', 'last']);
    const shown = await lines(bank, '--limit 2');
    expect(shown).toContain('past bankctl|-2.50|1.50');
    expect(shown.slice(-3)).toEqual(['money in|11.00', 'money out|-2.50', 'carried forward|11.50']);
    expect(shown[0]).toBe('brought forward|3.00');
  });

  test('names the counterparty, and the author on request', async () => {
    const bank = await busyAccount();
    await bank.run(['open', 'branch1', 'B']);
    await bank.run(['transfer', 'branch1:A', 'branch1:B', '1', '--id', 'move']);
    expect((await lines(bank, '--limit 1'))[1]).toContain('transfer|branch1:B|-1.00');
    const [row] = JSON.parse(
      (await bank.run(['history', 'branch1', 'A', '--limit', '1', '--json'])).stdout,
    );
    expect(row).toMatchObject({ counterparty: 'branch1:B', reverses: null });
    // A file says by itself whose statement it is.
    expect(row).toMatchObject({ branch: 'branch1', account: 'A', currency: 'USD' });
    const csv = await bank.run(['history', 'branch1', 'A', '--limit', '1', '-o', 'csv']);
    const [head = '', line = ''] = csv.stdout.split('\n');
    expect([head, line]).toEqual([
      expect.stringMatching(/,labels,branch,account,currency$/),
      expect.stringMatching(/,branch1,A,USD$/),
    ]);
    const table = await bank.run(['history', 'branch1', 'A', '--author']);
    expect(table.stdout).toContain(row.by);
    expect((await bank.run(['history', 'branch1', 'A'])).stdout).not.toContain(row.by);
  });
});

test.each(['$C.d', '$$ROOT', '$'])(
  'an account may be called as a field is: %s',
  async (account) => {
    const bank = await workspace();
    await bank.run(['open', 'branch1', account, '--balance', '5']);
    await bank.run(['increment', 'branch1', account, '3']);
    const { status, stdout } = await bank.run(['history', 'branch1', account, '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout).map(({ balance }: { balance: string }) => balance)).toEqual([
      '5.00',
      '8.00',
    ]);
  },
);
