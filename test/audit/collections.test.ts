import { type Document, Double } from 'mongodb';
import { expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';

const config = 'branches: { branch1: { collection: branch1 } }\n';
const account = (number: string, balance: number): Document => ({
  account_number: number,
  balance: new Double(balance),
});

async function audit(bank: Workspace, ...argv: readonly string[]) {
  const before = await bank.everything();
  const { status, stdout, stderr } = await bank.run(['audit', ...argv, '--json']);
  expect(stderr).toBe('');
  expect(await bank.everything()).toBe(before);
  return { status, ...JSON.parse(stdout) };
}

async function bankWithAccount(): Promise<Workspace> {
  const bank = await workspace({ config });
  await bank.run(['open', 'branch1', 'A', '--balance', '10']);
  return bank;
}

test('a capped collection of no branch is read, though it has no snapshot', async () => {
  const bank = await bankWithAccount();
  const capped = await bank.db.createCollection('balance_log', { capped: true, size: 100_000 });
  await capped.insertMany([account('A', 5), account('A', 6)]);
  const { status, findings, unread } = await audit(bank);
  expect([status, unread]).toEqual([4, []]);
  expect(findings).toMatchObject([
    { code: 'stray_collection', branch: 'balance_log', documents: 2, amount: '11.00' },
    { code: 'duplicate_account', branch: 'balance_log', account: 'A' },
  ]);
});

test.each([
  { argv: [], is: 'capped' },
  { argv: ['branch1'], is: 'capped' },
  { argv: [], is: 'view' },
])('a branch that is $is is unread, with the reason: $argv', async ({ argv, is }) => {
  const bank = await workspace({ config });
  await bank.db.collection<Document>('behind').insertOne({ anything: 1 });
  const options = is === 'capped' ? { capped: true, size: 100_000 } : { viewOn: 'behind' };
  await bank.db.createCollection('branch1', options);
  const { status, findings, unread } = await audit(bank, ...argv);
  expect([status, findings]).toEqual([5, []]);
  const reason = expect.stringContaining(`It is ${is === 'view' ? 'a view' : 'capped'}`);
  expect(unread).toEqual([{ branch: 'branch1', collection: 'branch1', reason }]);
});

test('accounts of a journal that is capped are compared with nothing, which is said', async () => {
  const bank = await bankWithAccount();
  await bank.db.command({ convertToCapped: 'journal', size: 100_000 });
  const { status, findings, unread, checked } = await audit(bank);
  expect([status, findings, checked.accounts]).toEqual([5, [], 1]);
  const reason = expect.stringContaining('It is capped');
  expect(unread).toEqual([{ collection: 'journal', reason }]);
});
