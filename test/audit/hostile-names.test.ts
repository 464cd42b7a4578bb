import { readdir } from 'node:fs/promises';
import { Decimal128, type Document, Long } from 'mongodb';
import { expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';

const config = 'branches: { branch1: { collection: branch1 } }\n';
const hostile = 'E\x1b[31mVIL\nBranch1 is sound.';
const past = { bypassDocumentValidation: true };

const stamped = (account_number: string): Document => ({
  ...{ account_number, branch: 'branch1', status: 'open', opened_at: new Date() },
  ...{ balance: Decimal128.fromString('1.00'), version: Long.fromNumber(2) },
});

async function bankWith(documents: readonly Document[]): Promise<Workspace> {
  const bank = await workspace({ config });
  await bank.run(['open', 'branch1', 'A', '--balance', '10', '--id', 'A1']);
  await bank.db.collection('branch1').dropIndex('account_number');
  await bank.db.collection<Document>('branch1').insertMany([stamped('F'), ...documents], past);
  return bank;
}

/** Every line of a result that is not one of the text that bankctl itself wrote. */
function strangeLines(stdout: string): readonly string[] {
  return stdout.split('\n').filter((line) => line.includes('\x1b') || /^Branch1 is/.test(line));
}

const cases: readonly { readonly what: string; readonly documents: readonly Document[] }[] = [
  { what: 'postings that the journal lacks', documents: [stamped(hostile)] },
  { what: 'a number that two documents have', documents: [stamped(hostile), stamped(hostile)] },
  { what: 'a bad balance', documents: [{ ...stamped(hostile), balance: hostile }] },
  { what: 'another stamp', documents: [{ ...stamped('B'), branch: hostile }] },
  { what: 'no account number', documents: [{ _id: hostile, balance: 1 }] },
];

test.each(cases)('$what of a hostile name is said on one line', async ({ documents }) => {
  const bank = await bankWith(documents);
  const { status, stdout } = await bank.run(['audit']);
  expect([status, strangeLines(stdout)]).toEqual([4, []]);
  expect(stdout).toContain('\\x1b[31mVIL\\nBranch1');
  const { findings } = JSON.parse((await bank.run(['audit', '--json'])).stdout);
  const sentences = findings.flatMap((one: Document) => [
    one['detail'],
    one['cause'],
    one['repair'],
  ]);
  expect(sentences.filter((text: string | null) => /\p{C}/u.test(text ?? ''))).toEqual([]);
});

test('an account of a hostile name that has no document any more is said on one line', async () => {
  const bank = await bankWith([]);
  const change = { $set: { 'postings.0.account_number': hostile } };
  await bank.db.collection<{ _id: string }>('journal').updateOne({ _id: 'A1' }, change, past);
  const { stdout } = await bank.run(['audit']);
  expect(strangeLines(stdout)).toEqual([]);
  expect(stdout).toContain('no document of it has the stamp');
});

test('a hostile name keeps no other account from being repaired', async () => {
  const bank = await bankWith([{ ...stamped(hostile), version: Long.ONE }]);
  const change = { $inc: { balance: Decimal128.fromString('5') } };
  await bank.db.collection<Document>('branch1').updateMany({}, change, past);
  const journal = bank.db.collection<{ _id: string }>('journal');
  const opened: Document | null = await journal.findOne({ _id: 'A1' }, { promoteValues: false });
  const postings = [{ ...opened?.['postings'][0], account_number: hostile }];
  const added = { ...opened, _id: 'E1', type: 'later', postings };
  await journal.insertOne(added);
  const { stdout } = await bank.run(['audit', '--plan', 'plan.yaml']);
  expect(strangeLines(stdout)).toEqual([]);
  expect(await readdir(bank.directory)).toContain('plan.yaml');
  const { status, stdout: repaired, stderr } = await bank.run(['repair', 'plan.yaml', '--yes']);
  expect([status, stderr]).toEqual([0, '']);
  expect(repaired).toContain('repaired');
});
