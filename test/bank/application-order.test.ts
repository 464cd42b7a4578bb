import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { Decimal128, Long } from 'mongodb';
import { expect, test } from 'vitest';
import type { AppliedDocument } from '../../src/bank/journal-document.ts';
import type { Operation } from '../../src/bank/operations/operation.ts';
import { post } from '../../src/bank/post.ts';
import { workspace } from '../workspace.ts';
import { bankWith, by, type OpenBank, operation, place, plus } from './bank-fixture.ts';

const names = ['branch1:A', 'branch1:B', 'branch2:C', 'branch2:D'];

/** The journal in its order of application. */
function inOrder({ db }: Pick<OpenBank, 'db'>): Promise<AppliedDocument[]> {
  return db.collection<AppliedDocument>('journal').find().sort({ at: 1, seq: 1, _id: 1 }).toArray();
}

/** Checks the postings of each account in this order: each version must follow the last. */
function expectDependencies(documents: readonly AppliedDocument[]): void {
  const versions = new Map<string, number>();
  for (const { _id, postings } of documents) {
    for (const { branch, account_number, version } of postings) {
      const key = `${branch}:${account_number}`;
      expect([_id, key, Number(version)]).toEqual([_id, key, (versions.get(key) ?? 0) + 1]);
      versions.set(key, Number(version));
    }
  }
}

const amount = fc.bigInt({ min: -5_000n, max: 9_000n }).filter((minor) => minor !== 0n);
const name = fc.constantFrom(...names);
const change: fc.Arbitrary<() => Operation> = fc.oneof(
  fc.tuple(name, amount).map(
    ([of, minor]) =>
      () =>
        plus(of, minor),
  ),
  fc.tuple(name, name, amount).map(
    ([from, to, minor]) =>
      () =>
        operation({ type: 'transfer', from: place(from), to: place(to), amountMinor: minor }),
  ),
);

test('an operation comes after whatever it depends on, despite concurrent callers', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.array(change, { minLength: 1, maxLength: 6 }), { maxLength: 4 }), {
        minLength: 2,
        maxLength: 4,
      }),
      fc.integer({ min: -3_600_000, max: 3_600_000 }),
      async (callers, skewMs) => {
        const opened = await bankWith(names);
        const skewed = {
          ...opened.bank,
          serverTime: async () => new Date((await opened.bank.serverTime()).getTime() + skewMs),
        };
        await Promise.all(
          callers.map(async (batches, caller) => {
            // The clock of every other caller's server is wrong.
            const bank = caller % 2 === 0 ? opened.bank : skewed;
            for (const batch of batches) {
              const operations = batch.map((make) => make());
              await post(bank, operations, { by, refusals: { stand: true } });
            }
          }),
        );
        const documents = await inOrder(opened);
        expectDependencies(documents.filter((it) => 'postings' in it));
      },
    ),
    { numRuns: 15 },
  );
});

test('a hot account keeps up with the clock', async () => {
  const { bank, db } = await bankWith(['branch1:A']);
  for (let count = 0; count < 100; count += 1) await post(bank, [plus('branch1:A', 1n)], { by });
  const newest = (await inOrder({ db })).at(-1)?.at.getTime() ?? 0;
  expect(newest - (await bank.serverTime()).getTime()).toBeLessThanOrEqual(100);
});

test('a copy stored in another order has the same export, which recreates the bank', async () => {
  const bank = await workspace();
  for (const account of ['A', 'B']) {
    await bank.run(['open', 'branch1', account, '--balance', '100', '--id', `open-${account}`]);
  }
  const rows = Array.from({ length: 400 }, (_, index) => ({
    id: `row-${(index * 7919) % 1000}`,
    branch: 'branch1',
    account: 'AB'[index % 2],
    amount: index % 3 === 0 ? '-49.00' : '25.00',
  }));
  await writeFile(
    join(bank.directory, 'rows.ndjson'),
    rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
  );
  await bank.run(['apply', 'rows.ndjson', '-q']);
  for (let count = 0; count < 10; count += 1) {
    await bank.run(['transfer', 'branch1:A', 'branch1:B', '1', '-q']);
    await bank.run(['transfer', 'branch1:B', 'branch1:A', '2', '-q']);
  }
  const line = ['export', '--operations', '-o', 'ndjson', '-q'];
  const exported = await bank.run(line);
  expect(exported.status, exported.stderr).toBe(0);
  const balances = (await bank.run(['balance', 'branch1', '--json'])).stdout;

  // A dump and restore may return the documents in any order.
  const journal = bank.db.collection<AppliedDocument>('journal');
  const documents = await journal.find({}, { promoteLongs: false }).toArray();
  await journal.deleteMany({});
  await journal.insertMany(
    documents.sort((left, right) => (left.request < right.request ? -1 : 1)),
  );
  expect((await bank.run(line)).stdout).toBe(exported.stdout);

  // An older version stored no position within a transaction.
  await journal.updateMany({}, { $unset: { seq: 1 } });
  const older = await bank.run(line);
  expect(older.stdout.split('\n').sort()).toEqual(exported.stdout.split('\n').sort());
  const again = await workspace();
  await writeFile(join(again.directory, 'all.ndjson'), older.stdout);
  await again.run(['apply', 'all.ndjson', '--json', '-q']);
  expect((await again.run(['balance', 'branch1', '--json'])).stdout).toBe(balances);

  const other = await workspace();
  await writeFile(join(other.directory, 'all.ndjson'), exported.stdout);
  const applied = await other.run(['apply', 'all.ndjson', '--json', '-q']);
  expect(JSON.parse(applied.stdout)).toMatchObject({ refused: 0 });
  expect((await other.run(['balance', 'branch1', '--json'])).stdout).toBe(balances);
});

test('documents of one time and position are ordered by id, however they are stored', async () => {
  const at = new Date(1_800_000_000_000);
  const ids = fc.uniqueArray(fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }), {
    minLength: 2,
    maxLength: 12,
  });
  const places = fc.array(fc.tuple(fc.integer({ min: 0, max: 1 }), fc.integer({ min: 0, max: 1 })));
  await fc.assert(
    fc.asyncProperty(ids, places, async (names, some) => {
      const { bank, db } = await bankWith([]);
      await bank.journal?.prepare();
      const documents = names.map((_id, index) => {
        const [later, seq] = some[index] ?? [0, 0];
        return { ...applied(_id, index), at: new Date(at.getTime() + later), seq };
      });
      await db.collection<AppliedDocument>('journal').insertMany(documents);
      const listed: AppliedDocument[] = [];
      await bank.inSession(
        async (session) => {
          for await (const batch of bank.journal?.all(session) ?? []) listed.push(...batch);
        },
        { snapshot: true },
      );
      expect(listed.map(({ _id }) => _id)).toEqual((await inOrder({ db })).map(({ _id }) => _id));
    }),
    { numRuns: 15 },
  );
});

function applied(_id: string, index: number) {
  const zero = Decimal128.fromString('0.00');
  const place = { branch: 'branch1', account_number: `A${index}` };
  const posting = { ...place, amount: zero, balance_after: zero, version: Long.ONE };
  return { _id, type: 'increment', by, request: 'r', postings: [posting] };
}

test('operations are listed in order by an index, even from a given time', async () => {
  const { bank, db } = await bankWith(names);
  await post(bank, [plus('branch1:A', 1n)], { by });
  const plan = await db
    .collection('journal')
    .find({ at: { $gte: new Date(0) }, postings: { $exists: true } })
    .sort({ at: 1, seq: 1 })
    .explain();
  expect(JSON.stringify(plan['queryPlanner'].winningPlan)).toMatch(/"indexName":"at_seq"/);
  expect(JSON.stringify(plan['queryPlanner'].winningPlan)).not.toMatch(/"stage":"SORT"/);
});

test('operations of one time are read piece by piece', async () => {
  const { bank } = await bankWith(names);
  const operations = Array.from({ length: 1200 }, () => plus('branch1:A', 1n));
  await post(bank, operations, { by });
  const sizes: number[] = [];
  await bank.inSession(
    async (session) => {
      for await (const batch of bank.journal?.all(session) ?? []) sizes.push(batch.length);
    },
    { snapshot: true },
  );
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(names.length + operations.length);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(500);
});
