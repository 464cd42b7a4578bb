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

test.each(['branch1', 'journal'])('adopt refuses a view as %s', async (name) => {
  const bank = await workspace({ config });
  await bank.db.collection<Document>('behind').insertOne(account('A', 5));
  await bank.db.createCollection(name, { viewOn: 'behind' });
  const before = await bank.everything();
  for (const how of ['--dry-run', '--yes']) {
    const { status, stderr } = await bank.run(['adopt', 'branch1', how]);
    expect([status, stderr]).toEqual([2, expect.stringContaining('is a view.')]);
    expect(stderr).toContain('Name the collection behind it in the config.');
  }
  expect(await bank.everything()).toBe(before);
});

test("another program's collection called journal is named by adopt and by audit", async () => {
  const bank = await workspace({ config });
  await bank.db.collection<Document>('branch1').insertOne(account('A', 5));
  const { insertedId } = await bank.db.collection<Document>('journal').insertOne({ x: 1 });
  const before = await bank.everything();
  for (const how of ['--dry-run', '--yes']) {
    const { status, stderr } = await bank.run(['adopt', how]);
    expect([status, stderr]).toEqual([1, expect.stringContaining('journal: NAME in the config')]);
  }
  expect(await bank.everything()).toBe(before);
  const { findings } = await audit(bank);
  const named = findings.find(({ code }: { readonly code: string }) => code === 'bad_document');
  expect(named.detail).toContain(`holds what is no operation: _id ${insertedId}.`);
  expect(named.repair).toContain('journal: NAME in the config');
});
