import { type Document, Double } from 'mongodb';
import { expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';

const config = 'branches: { branch1: { collection: branch1, storage: double } }\n';
const past = { bypassDocumentValidation: true };

async function findingsOf(bank: Workspace): Promise<readonly Document[]> {
  const { findings } = JSON.parse((await bank.run(['audit', '--json'])).stdout);
  return findings.filter(({ code }: Document) => !String(code).startsWith('missing_'));
}

test.each([
  { what: 'beyond what a double holds', document: { balance: new Double(10_000_000_000_000) } },
  { what: 'that is no amount', document: { balance: 'much' } },
  {
    what: 'that is no amount, in a field branch',
    document: { balance: 'much', branch: 'branch1' },
  },
])('adopt leaves a balance $what alone, as audit says', async ({ document }) => {
  const bank = await workspace({ config });
  await bank.db.collection<Document>('branch1').insertOne({ account_number: 'A', ...document });
  const [first] = await findingsOf(bank);
  expect(first).toMatchObject({ code: 'bad_balance', account: 'A' });
  expect(first?.['repair']).toContain('by hand');
  const { status, stdout } = await bank.run(['adopt', '--yes', '--json']);
  expect([status, JSON.parse(stdout).conflicts]).toMatchObject([1, [{ account: 'A' }]]);
  expect((await findingsOf(bank))[0]).toMatchObject({ code: 'bad_balance', account: 'A' });
});

test('adopt rounds a stamped balance that audit says it puts into form', async () => {
  const bank = await workspace({ config });
  await bank.run(['open', 'branch1', 'A', '--balance', '10']);
  const change = { $inc: { balance: 1 / 3 } };
  await bank.db.collection('branch1').updateOne({ account_number: 'A' }, change, past);
  expect(await findingsOf(bank)).toMatchObject([
    {
      ...{ code: 'bad_balance', account: 'A' },
      repair: 'bankctl adopt branch1 puts it into the form that bankctl writes.',
    },
  ]);
  expect((await bank.run(['adopt', '--yes'])).status).toBe(0);
  expect(await findingsOf(bank)).toMatchObject([{ code: 'outside_write', amount: '0.33' }]);
});

test('adopt takes over what the old program gave a field branch, and audit says so', async () => {
  const bank = await workspace({ config });
  const document: Document = { account_number: 'A', balance: 1.5, branch: 'branch1' };
  await bank.db.collection<Document>('branch1').insertOne(document);
  expect(await findingsOf(bank)).toMatchObject([
    { code: 'unstamped_document', documents: 1, amount: '1.50' },
  ]);
  expect((await bank.run(['adopt', '--yes'])).status).toBe(0);
  expect(await findingsOf(bank)).toEqual([]);
});
