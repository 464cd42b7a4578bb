import { Double } from 'mongodb';
import { expect, test } from 'vitest';
import { workspace } from '../workspace.ts';

test('a clean bank', async () => {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'A', '--balance', '5']);
  await bank.run(['increment', 'branch1', 'A', '5']);
  await bank.run(['transfer', 'branch1:A', 'branch1:B', '5']);
  const before = await bank.everything();
  const ran = await bank.run(['audit', '--json']);
  expect([ran.status, JSON.parse(ran.stdout), ran.stderr]).toEqual([
    0,
    { findings: [], checked: { accounts: 1, operations: 2 }, unread: [] },
    '',
  ]);
  expect(await bank.everything()).toBe(before);
});

test('a legacy collection', async () => {
  const bank = await workspace();
  await bank.db
    .collection('branch1')
    .insertMany([
      { _cls: 'X', account_number: 'A', balance: new Double(7044.999999999999) },
      { account_number: 'B', balance: '12,50' },
      { nothing: true },
      { account_number: ' A', balance: 3 },
      { account_number: 'C', balance: 3, branch: 'branch2' },
    ]);
  await bank.db.collection('bank_account').insertOne({ account_number: 'A', balance: 7 });
  const ran = await bank.run(['audit', '--json']);
  expect(ran.status).toBe(4);
});
