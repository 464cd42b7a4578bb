import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Decimal128, type Document, Double, Int32, Long, ObjectId } from 'mongodb';
import { expect, test } from 'vitest';
import { type FindingCode, findingTable } from '../../src/audit/finding.ts';
import { type Workspace, workspace } from '../workspace.ts';

/** What another program does to a bank with A and B in branch1 and A in branch2. */
interface Damage {
  readonly name: string;
  readonly make: (bank: Workspace) => Promise<unknown>;
  /** Parts of the findings that must come of it, in order, and no others. */
  readonly found: readonly { readonly code: FindingCode; readonly [key: string]: unknown }[];
}

const past = { bypassDocumentValidation: true };
const cents = (minor: number) => Decimal128.fromString((minor / 100).toFixed(2));
const coll = ({ db }: Workspace, name = 'branch1') => db.collection<Document>(name);
const journal = (bank: Workspace) => bank.db.collection<{ _id: string }>('journal');
const a = { account_number: 'A' };

function insert(...documents: readonly Document[]) {
  return (bank: Workspace) => coll(bank).insertMany([...documents], past);
}

function change(fields: Document, filter: Document = a) {
  return (bank: Workspace) => coll(bank).updateOne(filter, { $set: fields }, past);
}

async function unguard(bank: Workspace): Promise<void> {
  await coll(bank).dropIndex('account_number');
}

const unindexed = { code: 'missing_index', branch: 'branch1' } as const;

const damages: readonly Damage[] = [
  {
    name: 'documents without a stamp',
    make: insert(
      { _cls: 'BankAccount', account_number: 'OLD', balance: new Double(7044.999999999999) },
      { account_number: 12, balance: new Int32(3) },
      { account_number: ' SPACED ' },
    ),
    found: [
      {
        ...{ code: 'unstamped_document', account: null, branch: 'branch1', documents: 3 },
        amount: '7048.00',
        detail: expect.stringContaining('3 documents that bankctl did not write'),
        repair: 'bankctl adopt branch1 takes them over.',
      },
    ],
  },
  ...['12,50', Number.NaN, Number.POSITIVE_INFINITY, [1], Decimal128.fromString('1E+40')].map(
    (balance): Damage => ({
      name: `an unstamped balance of ${balance}`,
      make: insert({ account_number: 'OLD', balance }),
      found: [
        { code: 'bad_balance', account: 'OLD', branch: 'branch1' },
        { code: 'unstamped_document', documents: 1, amount: '0.00' },
      ],
    }),
  ),
  {
    name: 'documents that are no accounts',
    make: insert({ anything: 1 }, { account_number: {} }),
    found: [{ code: 'bad_document', branch: 'branch1', account: null, documents: 2 }],
  },
  {
    name: 'a document of another branch',
    make: insert({ account_number: 'C', balance: cents(500), branch: 'branch2' }),
    found: [{ code: 'misplaced_document', account: 'C', from: 'branch2', to: 'branch1' }],
  },
  {
    name: 'a balance with too many digits',
    make: change({ balance: Decimal128.fromString('1.001') }),
    found: [{ code: 'bad_balance', account: 'A', branch: 'branch1' }],
  },
  {
    name: 'a stored status that does not exist',
    make: change({ status: 'gone' }),
    found: [{ code: 'bad_document', account: 'A', branch: 'branch1' }],
  },
  {
    name: 'two documents of one number',
    make: async (bank) => {
      await unguard(bank);
      const [first] = await coll(bank).find(a, { promoteValues: false }).toArray();
      await coll(bank).insertOne({ ...first, _id: new ObjectId() });
    },
    found: [
      unindexed,
      { code: 'duplicate_account', account: 'A', branch: 'branch1', documents: 2 },
    ],
  },
  {
    name: 'a number that differs only by type and white space',
    make: insert({ account_number: '12' }, { account_number: 12 }, { account_number: ' 12' }),
    found: [
      { code: 'unstamped_document', documents: 3 },
      { code: 'duplicate_account', account: '12', documents: 3 },
    ],
  },
  {
    name: 'a number that differs only by how its letters are encoded',
    make: insert({ account_number: '\u00C5' }, { account_number: 'A\u030A' }),
    found: [
      { code: 'unstamped_document', documents: 2 },
      { code: 'duplicate_account', account: '\u00C5', documents: 2 },
    ],
  },
  {
    name: 'a write past bankctl after the last posting',
    make: (bank) => coll(bank).updateOne(a, { $inc: { balance: cents(800) } }),
    found: [
      {
        ...{ code: 'outside_write', account: 'A', branch: 'branch1', amount: '8.00' },
        cause: expect.stringMatching(/^\+8.00 after operation "two" of .* \(version 2\), the last/),
      },
    ],
  },
  {
    name: 'a write past bankctl between two postings',
    make: async (bank) => {
      await coll(bank).updateOne(a, { $inc: { balance: cents(-300) } });
      await bank.run(['increment', 'branch1', 'A', '1', '--id', 'three']);
    },
    found: [
      {
        ...{ code: 'outside_write', account: 'A', amount: '-3.00' },
        cause: expect.stringMatching(/^-3.00 between operation "two" .* operation "three" /),
      },
    ],
  },
  {
    name: 'writes past bankctl that cancel out',
    make: async (bank) => {
      await coll(bank).updateOne(a, { $inc: { balance: cents(-300) } });
      await bank.run(['increment', 'branch1', 'A', '1', '--id', 'three']);
      await coll(bank).updateOne(a, { $inc: { balance: cents(300) } });
    },
    found: [
      {
        ...{ code: 'outside_write', account: 'A', amount: '0.00' },
        detail: expect.stringContaining('at 2 points by amounts that cancel out'),
        repair: 'bankctl adopt branch1 --outside-writes accepts it.',
      },
    ],
  },
  {
    name: 'an operation that is gone from the journal',
    make: (bank) => journal(bank).deleteOne({ _id: 'two' }),
    found: [{ code: 'version_gap', account: 'A', branch: 'branch1', amount: '5.00' }],
  },
  {
    name: 'an older document put back',
    make: change({ balance: cents(1000), version: Long.ONE }),
    found: [
      {
        ...{ code: 'version_gap', account: 'A' },
        detail: expect.stringContaining('an older one was put back'),
      },
    ],
  },
  {
    name: 'a version posted twice',
    make: async (bank) => {
      await journal(bank).dropIndex('postings');
      const two = await journal(bank).findOne({ _id: 'two' }, { promoteValues: false });
      await journal(bank).insertOne({ ...two, _id: 'again' });
    },
    found: [
      { code: 'missing_index' },
      {
        ...{ code: 'version_gap', account: 'A' },
        detail: 'The journal has two postings of version 2 of branch1:A.',
      },
    ],
  },
  {
    name: 'a document that is gone',
    make: (bank) => coll(bank).deleteOne(a),
    found: [{ code: 'orphan_posting', account: 'A', branch: 'branch1', amount: '15.00' }],
  },
  {
    name: 'a whole collection that is gone',
    make: (bank) => coll(bank).drop(),
    found: [
      { code: 'orphan_posting', account: 'A', branch: 'branch1' },
      { code: 'orphan_posting', account: 'B', branch: 'branch1' },
    ],
  },
  {
    name: 'an amount of the journal that is no amount',
    make: (bank) =>
      journal(bank).updateOne({ _id: 'two' }, { $set: { 'postings.0.amount': 'much' } }, past),
    found: [
      { code: 'bad_document', account: null, operation: 'two' },
      { code: 'version_gap', account: 'A' },
    ],
  },
  {
    name: 'an owner that the journal does not know of',
    make: (bank) => coll(bank).updateOne(a, { $set: { bankctl_owner: 'Eve' } }),
    found: [
      {
        ...{ code: 'outside_label', account: 'A', branch: 'branch1' },
        repair: 'bankctl label branch1 A --owner - puts it right.',
      },
    ],
  },
  {
    name: 'accounts in a collection of no branch',
    make: (bank) => coll(bank, 'bank_account').insertOne({ account_number: 'A', balance: 7 }),
    found: [
      {
        ...{ code: 'stray_collection', branch: 'bank_account', documents: 1 },
        repair: expect.stringContaining('bank_account: { collection: bank_account }'),
      },
    ],
  },
  {
    name: 'collections that hold something else',
    make: async (bank) => {
      await coll(bank, 'users').insertOne({ name: 'x' });
      await coll(bank, 'log').insertMany([{ account_number: 1 }, { balance: 2 }]);
    },
    found: [],
  },
  { name: 'an index that is gone', make: unguard, found: [unindexed] },
  {
    name: 'an index of the journal that is gone',
    make: (bank) => journal(bank).dropIndex('postings'),
    found: [{ code: 'missing_index', detail: expect.stringContaining('journal') }],
  },
  {
    name: 'a validator that only warns',
    make: (bank) => bank.db.command({ collMod: 'branch2', validationAction: 'warn' }),
    found: [{ code: 'missing_validator', branch: 'branch2' }],
  },
];

/** Codes that only a source of intentions leads to. */
const ofEvidence: readonly string[] = ['misplaced_write', 'lost_write', 'unknown_outcome'];

test('every kind of finding has a row', () => {
  const codes = new Set<string>(damages.flatMap(({ found }) => found.map(({ code }) => code)));
  const missing = Object.keys(findingTable).filter((code) => !codes.has(code));
  expect(missing).toEqual(ofEvidence);
});

async function bankWithAccounts(): Promise<Workspace> {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'A', '--balance', '10', '--id', 'one']);
  await bank.run(['increment', 'branch1', 'A', '5', '--id', 'two']);
  await bank.run(['open', 'branch1', 'B']);
  await bank.run(['open', 'branch2', 'A', '--balance', '2']);
  return bank;
}

test.each(damages)('$name', async ({ make, found }) => {
  const bank = await bankWithAccounts();
  await make(bank);
  const before = await bank.everything();
  const { status, stdout, stderr } = await bank.run(['audit', '--json']);
  const { findings, unread } = JSON.parse(stdout);
  expect(findings).toEqual(found.map((one) => expect.objectContaining(one)));
  expect([status, unread, stderr]).toEqual([found.length > 0 ? 4 : 0, [], '']);
  expect(await bank.everything()).toBe(before);
  const lines = await bank.run(['audit', '-o', 'ndjson']);
  expect(lines.status).toBe(status);
  expect(
    lines.stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
  ).toEqual(findings);
});

test('a branch that the config leaves out is no stray', async () => {
  const bank = await bankWithAccounts();
  const branches = 'branches: { branch1: { collection: branch1 } }\n';
  const config = `database: ${bank.db.databaseName}\n${branches}`;
  await writeFile(join(bank.directory, 'one.yaml'), config);
  const { status, stdout, stderr } = await bank.run(['audit', '--config', 'one.yaml']);
  expect([status, stdout]).toEqual([0, expect.stringContaining('Checked 2 accounts')]);
  expect(stderr).toContain('leaves out "branch2"');
});

test('a branch that is named is audited alone', async () => {
  const bank = await bankWithAccounts();
  await coll(bank).updateOne(a, { $inc: { balance: cents(800) } });
  await coll(bank, 'stray').insertOne({ account_number: 'A', balance: 7 });
  expect((await bank.run(['audit', 'branch2'])).status).toBe(0);
  const { findings } = JSON.parse((await bank.run(['audit', 'branch1', '--json'])).stdout);
  expect(findings).toMatchObject([{ code: 'outside_write', branch: 'branch1' }]);
});

test('a bank without a journal has its documents checked only, which is said', async () => {
  const config = 'journal: false\nbranches: { branch1: { collection: branch1 } }\n';
  const bank = await workspace({ config });
  await bank.run(['open', 'branch1', 'A', '--balance', '10']);
  await coll(bank).updateOne(a, { $inc: { balance: cents(800) } });
  const sound = await bank.run(['audit']);
  expect([sound.status, sound.stdout]).toEqual([0, expect.stringContaining('Nothing is wrong.')]);
  expect(sound.stderr).toContain('keeps no journal');
  await coll(bank).updateOne(a, { $set: { status: 'gone' } }, past);
  expect((await bank.run(['audit'])).status).toBe(4);
});

test('a database without a bank is audited as it is', async () => {
  const bank = await workspace();
  const { status, stderr } = await bank.run(['audit']);
  expect([status, stderr]).toEqual([0, expect.stringContaining('holds no bank yet')]);
  expect(await bank.everything()).toBe('[]');
});
