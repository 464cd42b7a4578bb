import { Decimal128, Long, MongoClient } from 'mongodb';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { createBranch, createBranches } from '../../src/bank/branch.ts';
import { builtInConfig } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/parser.ts';

const config = loadConfig(
  'x',
  'branches: { branch1: { collection: b1 }, branch2: { collection: b2 } }',
);

async function freshDatabase() {
  const client = await MongoClient.connect(inject('uri'));
  const db = client.db(`bankctl_branch_${Math.random().toString(36).slice(2, 10)}`);
  onTestFinished(async () => {
    await db.dropDatabase();
    await client.close();
  });
  return db;
}

function document(branch: string, account_number = 'ACC') {
  return {
    account_number,
    balance: Decimal128.fromString('10.00'),
    branch,
    version: Long.ONE,
    status: 'open',
    opened_at: new Date(),
  };
}

describe('a branch model cannot be re-pointed', () => {
  const attempts: readonly [how: string, (model: object) => void][] = [
    ['assignment', (model) => Object.assign(model, { collection: 'b2' })],
    ['a new method', (model) => Object.assign(model, { add: () => Promise.resolve(1) })],
    ['defining a property', (model) => Object.defineProperty(model, 'name', { value: 'branch2' })],
    ['deleting a property', (model) => expect(Reflect.deleteProperty(model, 'add')).toBe(true)],
    ['another prototype', (model) => Object.setPrototypeOf(model, { collection: 'b2' })],
  ];

  test.each(attempts)('by %s', async (_how, attempt) => {
    const db = await freshDatabase();
    const model = createBranches(db, config).get('branch1');
    expect(() => attempt(model)).toThrow();
    await db.collection('b1').insertOne(document('branch1'));
    await db.collection('b2').insertOne(document('branch2'));
    expect(await model.add('ACC', 100n)).toBe(1);
    expect(String((await db.collection('b1').findOne())?.['balance'])).toBe('11.00');
    expect(String((await db.collection('b2').findOne())?.['balance'])).toBe('10.00');
  });

  test('by changing the config object after it was made', async () => {
    const db = await freshDatabase();
    const [frozen] = config.branches;
    if (!frozen) throw new Error('no branch');
    const loose = { ...frozen };
    const model = createBranch(db, loose);
    loose.collection = 'b2';
    loose.name = 'branch2';
    await db.collection('b1').insertOne(document('branch1'));
    expect(await model.add('ACC', 100n)).toBe(1);
    expect(model).toMatchObject({ name: 'branch1', collection: 'b1' });
  });

  test('through the registry', async () => {
    const branches = createBranches(await freshDatabase(), builtInConfig);
    expect(Object.isFrozen(branches)).toBe(true);
    expect(branches.get('branch1')).toBe(branches.get('branch1'));
    expect(() => Object.assign(branches, { get: () => branches.get('branch2') })).toThrow();
  });
});

describe('the server refuses', () => {
  test.each([
    ['another stamp', document('branch2')],
    ['no stamp', { ...document('branch1'), branch: undefined }],
    ['a double', { ...document('branch1'), balance: 10.5 }],
    ['NaN', { ...document('branch1'), balance: Decimal128.fromString('NaN') }],
    ['infinity', { ...document('branch1'), balance: Decimal128.fromString('Infinity') }],
    ['too large a balance', { ...document('branch1'), balance: Decimal128.fromString('1E+30') }],
    ['an unknown status', { ...document('branch1'), status: 'asleep' }],
  ])('a document with %s', async (_what, refused) => {
    const db = await freshDatabase();
    await createBranches(db, config).get('branch1').prepare();
    await expect(db.collection('b1').insertOne({ ...refused })).rejects.toMatchObject({
      code: 121,
    });
    await db.collection('b1').insertOne(document('branch1'));
    const { version: _, ...fields } = refused;
    await expect(
      db
        .collection('b1')
        .updateOne(
          { account_number: 'ACC' },
          { $set: { ...fields, branch: fields.branch ?? null } },
        ),
    ).rejects.toMatchObject({ code: 121 });
  });

  test('a second account with the same number', async () => {
    const db = await freshDatabase();
    await createBranches(db, config).get('branch1').prepare();
    await db.collection('b1').insertOne(document('branch1'));
    await expect(db.collection('b1').insertOne(document('branch1'))).rejects.toMatchObject({
      code: 11000,
    });
  });
});

describe('the guard', () => {
  test.each([
    ['another stamp', { branch: 'branch2' }, 100n, 0],
    ['a frozen account', { status: 'frozen' }, 100n, 0],
    ['less than the minimum', {}, -1001n, 0],
    ['down to the minimum', {}, -1000n, 1],
    ['a missing account', { account_number: 'OTHER' }, 100n, 0],
  ])('%s: matched by the write itself', async (_what, fields, amountMinor, matched) => {
    const db = await freshDatabase();
    await db.collection('b1').insertOne({ ...document('branch1'), ...fields });
    const before = JSON.stringify(await db.collection('b1').findOne());
    const model = createBranches(db, config).get('branch1');
    expect(await model.add('ACC', amountMinor)).toBe(matched);
    expect(JSON.stringify(await db.collection('b1').findOne()) === before).toBe(matched === 0);
  });
});

describe('prepare', () => {
  test('is repeatable, even concurrently', async () => {
    const db = await freshDatabase();
    const model = createBranches(db, config).get('branch1');
    await Promise.all(Array.from({ length: 10 }, () => model.prepare()));
    await model.prepare();
    const [collection] = await db.listCollections({ name: 'b1' }).toArray();
    expect(collection).toMatchObject({ options: { validator: { $jsonSchema: {} } } });
    expect(await db.collection('b1').indexes()).toHaveLength(2);
  });

  test("leaves a collection with a stranger's documents as it is", async () => {
    const db = await freshDatabase();
    await db.collection('b1').insertOne({ account_number: 'OLD', balance: 5.5 });
    const model = createBranches(db, config).get('branch1');
    await expect(model.prepare()).rejects.toMatchObject({ code: 'foreign_documents' });
    const [collection] = await db.listCollections({ name: 'b1' }).toArray();
    expect(collection).toMatchObject({ options: {} });
  });
});
