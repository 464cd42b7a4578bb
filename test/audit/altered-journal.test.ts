import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Decimal128, Double } from 'mongodb';
import { expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';

const config = `branches:
  branch1: { collection: branch1 }
  branch2: { collection: branch2 }
`;
const journal = (bank: Workspace) => bank.db.collection<{ _id: string }>('journal');
const cents = (minor: number) => Decimal128.fromString((minor / 100).toFixed(2));

async function done(bank: Workspace, ...argv: readonly string[]): Promise<void> {
  const { status, stderr } = await bank.run(argv);
  expect([status, stderr]).toEqual([0, expect.anything()]);
}

async function bankWithPostings(): Promise<Workspace> {
  const bank = await workspace({ config });
  await done(bank, 'open', 'branch1', 'C', '--balance', '10', '--id', 'C1');
  await done(bank, 'open', 'branch2', 'C', '--balance', '10', '--id', 'C2');
  await done(bank, 'increment', 'branch1', 'C', '10', '--id', 'C3', '--memo', 'rent');
  return bank;
}

async function audit(bank: Workspace, ...argv: readonly string[]) {
  const { status, stdout } = await bank.run(['audit', '--json', ...argv]);
  return { status, ...JSON.parse(stdout) };
}

test.each([
  { what: 'an amount', fields: { 'postings.0.amount': cents(1100) } },
  { what: 'a type', fields: { 'postings.0.balance_after': cents(2100), type: 'adopt' } },
  { what: 'a memo', fields: { 'postings.0.balance_after': cents(2100), memo: 'gift' } },
])("$what changed in the journal is nobody's write, and nothing is planned", async (changed) => {
  const bank = await bankWithPostings();
  await journal(bank).updateOne({ _id: 'C3' }, { $set: changed.fields });
  const before = await bank.everything();
  const { status, findings } = await audit(bank, '--plan', 'plan.yaml');
  expect(status).toBe(4);
  expect(findings).toMatchObject([
    { code: 'bad_document', account: 'C', branch: 'branch1', operation: 'C3' },
  ]);
  expect(findings[0].detail).toContain('"C3" was changed since it was written');
  expect(await readdir(bank.directory)).not.toContain('plan.yaml');
  expect(await bank.everything()).toBe(before);
});

test('a statement plans nothing for an account whose journal was changed', async () => {
  const bank = await bankWithPostings();
  await journal(bank).updateOne({ _id: 'C3' }, { $set: { 'postings.0.amount': cents(1100) } });
  const statement = 'branch,account,balance\nbranch1,C,15.55\nbranch2,C,15.45\n';
  await writeFile(join(bank.directory, 'expected.csv'), statement);
  const { findings } = await audit(bank, '--expected', 'expected.csv', '--plan', 'plan.yaml');
  expect(findings).toContainEqual(expect.objectContaining({ operation: 'C3' }));
  expect(await readdir(bank.directory)).not.toContain('plan.yaml');
});

test('every kind of operation is what was asked for, beside a write past bankctl', async () => {
  const bank = await bankWithPostings();
  const branch1 = bank.db.collection('branch1');
  const c = { account_number: 'C' };
  const push = () => branch1.updateOne(c, { $inc: { balance: cents(100) } });
  await done(bank, 'transfer', 'branch1:C', 'branch2:C', '5', '--id', 'C4');
  await done(bank, 'reverse', 'C4');
  await done(bank, 'freeze', 'branch1', 'C');
  await done(bank, 'unfreeze', 'branch1', 'C');
  await writeFile(
    join(bank.directory, 'rows.csv'),
    'type,branch,account,amount\nincrement,branch1,C,1\n',
  );
  await done(bank, 'apply', 'rows.csv', '--batch', 'one');
  await push();
  await done(bank, 'adopt', 'branch1', '--outside-writes', '--yes');
  await push();
  await done(bank, 'increment', 'branch1', 'C', '1');
  const statement = 'branch,account,balance\nbranch1,C,15.55\nbranch2,C,15.45\n';
  await writeFile(join(bank.directory, 'expected.csv'), statement);
  await bank.run(['audit', '--expected', 'expected.csv', '--plan', 'plan.yaml']);
  await done(bank, 'repair', 'plan.yaml', '--yes');
  const types = await bank.db.collection('journal').distinct('type');
  expect(types).toEqual(
    expect.arrayContaining(['adopt', 'repair', 'transfer', 'reverse', 'freeze', 'unfreeze']),
  );
  await push();
  await bank.db.collection('branch2').updateOne(c, { $inc: { balance: cents(100) } });
  const { findings } = await audit(bank);
  expect(findings.map(({ code }: { readonly code: string }) => code)).toEqual([
    'outside_write',
    'outside_write',
  ]);
});

test('documents of other programs, once adopted, are what was asked for', async () => {
  const bank = await workspace({ config });
  const branch1 = bank.db.collection('branch1');
  await branch1.insertOne({ account_number: 7, balance: new Double(7.004) });
  await done(bank, 'adopt', '--yes');
  await branch1.updateOne({ account_number: '7' }, { $inc: { balance: cents(100) } });
  const { findings } = await audit(bank);
  expect(findings).toMatchObject([{ code: 'outside_write', account: '7', amount: '1.00' }]);
});

test('an operation of a later version is not judged', async () => {
  const bank = await bankWithPostings();
  const fields = { type: 'merge', 'postings.0.balance_after': cents(2100) };
  await journal(bank).updateOne({ _id: 'C3' }, { $set: fields });
  const { findings } = await audit(bank);
  expect(findings).toMatchObject([{ code: 'outside_write' }]);
});
