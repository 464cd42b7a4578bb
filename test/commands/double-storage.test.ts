import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Double } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';

/** branch1 keeps doubles, and branch2 decimals. */
async function bankOfDoubles(): Promise<Workspace> {
  const bank = await workspace({
    config: [
      'branches:',
      '  branch1: { collection: branch1, storage: double }',
      '  branch2: { collection: branch2 }\n',
    ].join('\n'),
  });
  await bank.run(['open', 'branch1', 'A', '--balance', '10']);
  await bank.run(['open', 'branch2', 'B', '--balance', '10000000000000']);
  return bank;
}

function write(bank: Workspace, name: string, text: string): Promise<void> {
  return writeFile(join(bank.directory, name), text);
}

function storedBalance(bank: Workspace, account: string) {
  return bank.db
    .collection('branch1')
    .findOne({ account_number: account }, { promoteValues: false })
    .then((document) => document?.['balance']);
}

describe('beyond 15 digits', () => {
  test.each([
    ['open branch1 NEW --balance 10000000000000'],
    ['open branch1 NEW --balance -10000000000000'],
    ['increment branch1 A 9999999999990'],
    ['increment branch1 A 9999999999990 --dry-run'],
    ['increment branch1 NEW 10000000000000 --create'],
    ['transfer branch2:B branch1:A 9999999999990'],
  ])('%s is refused, and nothing is written', async (line) => {
    const bank = await bankOfDoubles();
    const before = await bank.everything();
    const { status, stdout, stderr } = await bank.run([...line.split(' '), '--json']);
    expect([status, stdout]).toEqual([1, '']);
    const { error } = JSON.parse(stderr);
    if (line.includes(' -1')) expect(error.code).toBe('below_minimum');
    else {
      expect(error).toMatchObject({
        code: 'balance_limit',
        message: expect.stringMatching(/beyond 9999999999999\.99 USD, which a double cannot hold/),
        hint: expect.stringContaining('15 digits'),
      });
    }
    expect(await bank.everything()).toBe(before);
  });

  test('a row of apply is refused, and the others are applied', async () => {
    const bank = await bankOfDoubles();
    await write(
      bank,
      'rows.csv',
      'id,branch,account,amount\na,branch1,A,9999999999990\nb,branch1,A,9999999999989.99\n',
    );
    const { status, stdout } = await bank.run(['apply', 'rows.csv', '--json']);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ applied: 1, refused: 1 });
    expect(await storedBalance(bank, 'A')).toEqual(new Double(9_999_999_999_999.99));
    expect((await bank.run(['show', 'a', '--json'])).stdout).toContain('balance_limit');
  });

  test('a row of import is rejected, and the others are created', async () => {
    const bank = await bankOfDoubles();
    await write(bank, 'a.csv', 'account,balance\nX,10000000000000.00\nY,9999999999999.99\n');
    const { status, stdout, stderr } = await bank.run(['import', 'branch1', 'a.csv', '--json']);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ created: 1, rejected: 1 });
    expect(stderr).toMatch(/which a double cannot hold exactly/);
    expect(await storedBalance(bank, 'X')).toBeUndefined();
  });
});

test('what is exported from doubles is imported to the same, also into decimals', async () => {
  const bank = await bankOfDoubles();
  await bank.run(['open', 'branch1', 'F', '--balance', '0.07']);
  await bank.run(['freeze', 'branch1', 'F']);
  await bank.db
    .collection('branch1')
    .updateOne({ account_number: 'A' }, { $inc: { balance: 0.1 + 0.2 } });
  const { stdout } = await bank.run(['export', 'branch1']);
  expect(stdout).toBe(
    'branch,account,balance,currency,status,owner,labels\n' +
      'branch1,A,10.30,USD,open,,\nbranch1,F,0.07,USD,frozen,,\n',
  );
  for (const storage of ['decimal', 'double']) {
    const other = await workspace({
      config: `branches:\n  branch1: { collection: branch1, storage: ${storage} }\n`,
    });
    await write(other, 'a.csv', stdout);
    expect((await other.run(['import', 'branch1', 'a.csv'])).status).toBe(0);
    expect((await other.run(['export', 'branch1'])).stdout).toBe(stdout);
    expect((await other.run(['import', 'branch1', 'a.csv', '--json'])).stdout).toMatch(
      /"duplicate": 2/,
    );
  }
});

test('the journal of doubles, applied to an empty bank of decimals, gives the same', async () => {
  const bank = await bankOfDoubles();
  await bank.run(['increment', 'branch1', 'A', '0.10']);
  await bank.run(['transfer', 'branch1:A', 'branch2:B', '0.03']);
  const { stdout } = await bank.run(['export', '--operations']);
  const other = await workspace({
    config: 'branches: { branch1: { collection: branch1 }, branch2: { collection: branch2 } }\n',
  });
  await write(other, 'all.ndjson', stdout);
  expect((await other.run(['apply', 'all.ndjson'])).status).toBe(0);
  for (const argv of [['export'], ['balance', '--json'], ['balance', 'branch1', 'A', '--json']]) {
    expect((await other.run(argv)).stdout).toBe((await bank.run(argv)).stdout);
  }
});

test('every command for one account works on doubles', async () => {
  const bank = await bankOfDoubles();
  const lines: readonly (readonly [line: string, balance: number])[] = [
    ['increment branch1 A 0.10 --id one', 10.1],
    ['increment branch1 A 0.20 --id two', 10.3],
    ['reverse one', 10.2],
    ['freeze branch1 A', 10.2],
    ['unfreeze branch1 A', 10.2],
    ['transfer branch1:A branch2:B 10.20', 0],
    ['close branch1 A', 0],
  ];
  for (const [line, balance] of lines) {
    const { status, stderr } = await bank.run(line.split(' '));
    expect(status, stderr).toBe(0);
    expect(await storedBalance(bank, 'A')).toEqual(new Double(balance));
  }
  const history = JSON.parse((await bank.run(['history', 'branch1', 'A', '--json'])).stdout);
  expect(history.map(({ balance }: { balance: string }) => balance)).toEqual([
    '10.00',
    '10.10',
    '10.30',
    '10.20',
    '10.20',
    '10.20',
    '0.00',
    '0.00',
  ]);
});

test('a total says how many documents of an old program it leaves out', async () => {
  const bank = await bankOfDoubles();
  await bank.db.collection('branch1').insertMany([
    { account_number: 'L-1', balance: 5.5 },
    { account_number: 'L-2', balance: 0.25 },
  ]);
  const { status, stdout, stderr } = await bank.run(['balance', '--json']);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    branches: [{ branch: 'branch1', accounts: 1, total: '10.00' }, {}],
    totals: { USD: '10000000000010.00' },
    left_out: { USD: 2 },
  });
  expect(stderr).toContain('bankctl adopt branch1');
});
