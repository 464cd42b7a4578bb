import fc from 'fast-check';
import { Decimal128, type Document, Long } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { accountBalance } from '../../src/bank/balances.ts';
import type { Bank } from '../../src/bank/bank.ts';
import type { Operation } from '../../src/bank/operations/operation.ts';
import { post } from '../../src/bank/post.ts';
import { bankWith, by, type OpenBank, operation, place, plus } from '../bank/bank-fixture.ts';
import '../seed.ts';
import { auditOf } from './audit-fixture.ts';

const names = ['branch1:A', 'branch1:B', 'branch2:A', 'branch2:C'];

/** One thing that happens to a bank. */
type Step =
  | { readonly kind: 'plus'; readonly at: number; readonly amount: bigint }
  | { readonly kind: 'move'; readonly at: number; readonly to: number; readonly amount: bigint }
  | { readonly kind: 'freeze' | 'unfreeze' | 'back' | 'adopt'; readonly at: number }
  | { readonly kind: 'legacy'; readonly at: number; readonly amount: bigint }
  | { readonly kind: 'repair'; readonly at: number; readonly amount: bigint };

const at = fc.nat({ max: names.length - 1 });
const amount = fc.bigInt({ min: -3000n, max: 3000n }).filter((minor) => minor !== 0n);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('plus'), at, amount }),
  fc.record({ kind: fc.constant('move'), at, to: at, amount }),
  fc.record({ kind: fc.constantFrom('freeze', 'unfreeze', 'back', 'adopt'), at }),
  fc.record({ kind: fc.constant('legacy'), at, amount }),
  fc.record({ kind: fc.constant('repair'), at, amount }),
);

/** Plays the steps, and then takes into the journal whatever legacy writes are left. */
async function play({ bank, db }: OpenBank, steps: readonly Step[]): Promise<void> {
  const posted: string[] = [];
  const left = names.map((_, index): Step => ({ kind: 'adopt', at: index }));
  for (const one of [...steps, ...left]) {
    const name = names[one.at] ?? '';
    const { branch, account } = place(name);
    if (one.kind === 'legacy') await increment(db.collection(branch), account, one.amount);
    const change = await operationOf(bank, one, name, posted);
    if (!change) continue;
    const [outcome] = await post(bank, [change], { by });
    if (outcome && !('error' in outcome)) posted.push(change.id);
  }
}

async function increment(collection: Coll, account: string, minor: bigint): Promise<void> {
  const $inc = { balance: decimal(minor) };
  await collection.updateOne({ account_number: account }, { $inc });
}

type Coll = ReturnType<OpenBank['db']['collection']>;

function decimal(minor: bigint): Decimal128 {
  return Decimal128.fromString(`${minor}E-2`);
}

async function operationOf(
  bank: Bank,
  one: Step,
  name: string,
  posted: readonly string[],
): Promise<Operation | undefined> {
  const reference = place(name);
  const pinned = await pinnedAt(bank, reference);
  switch (one.kind) {
    case 'plus':
      return plus(name, one.amount);
    case 'move':
      return operation({
        ...{ type: 'transfer', from: reference, to: place(names[one.to] ?? '') },
        amountMinor: one.amount < 0n ? -one.amount : one.amount,
      });
    case 'freeze':
    case 'unfreeze':
      return operation({ type: one.kind, ...reference });
    case 'back': {
      const reverses = posted.at(-1);
      return reverses === undefined ? undefined : operation({ type: 'reverse', reverses });
    }
    case 'legacy':
      return undefined;
    case 'adopt': {
      const amountMinor = await outsideOf(bank, reference);
      if (amountMinor === undefined) return undefined;
      return operation({ type: 'adopt', ...reference, amountMinor, ...pinned });
    }
    case 'repair':
      return operation({
        type: 'repair',
        legs: [{ ...reference, amountMinor: one.amount, ...pinned }],
      });
  }
}

/** As audit says it. */
async function outsideOf(bank: Bank, { branch, account }: ReturnType<typeof place>) {
  const { findings } = await auditOf(bank);
  const found = findings.find((one) => one.branch === branch && one.account === account);
  if (!found) return undefined;
  expect(found.code).toBe('outside_write');
  return BigInt(found.amount?.replace('.', '') ?? '');
}

async function pinnedAt(bank: Bank, { branch, account }: ReturnType<typeof place>) {
  const { balance, version } = await accountBalance(bank, branch, account);
  return { balanceMinor: BigInt(balance.replace('.', '')), version: BigInt(version) };
}

/** A change that no program of a bank makes. @returns false if there was nothing to change */
interface Damage {
  readonly name: string;
  readonly make: (db: OpenBank['db'], draw: (max: number) => number) => Promise<boolean>;
}

const past = { bypassDocumentValidation: true };

async function anAccount(db: OpenBank['db'], draw: (max: number) => number) {
  const { branch, account } = place(names[draw(names.length)] ?? '');
  return { collection: db.collection(branch), filter: { account_number: account } };
}

/** Changes one field of one posting of the journal. */
function posting(name: string, field: string, change: Decimal128 | Long): Damage {
  return {
    name,
    make: async (db, draw) => {
      const journal = db.collection('journal');
      const documents = await journal.find<Document>({}).sort({ at: 1, seq: 1 }).toArray();
      const at = draw(documents.length);
      const document = documents[at];
      const index = draw(document?.['postings'].length);
      const { branch, account_number } = document?.['postings'][index] ?? {};
      // An adoption takes over whatever others did before it, and tells no two such changes apart.
      const isAdopted = documents
        .slice(at + 1)
        .filter(({ type }) => type === 'adopt')
        .flatMap(({ postings }): Document[] => postings)
        .some((one) => one['branch'] === branch && one['account_number'] === account_number);
      if (field === 'balance_after' && isAdopted) return false;
      const $inc = { [`postings.${index}.${field}`]: change };
      await journal.updateOne({ _id: document?.['_id'] }, { $inc }, past);
      return true;
    },
  };
}

const damages: readonly Damage[] = [
  {
    name: 'a digit of a balance',
    make: async (db, draw) => {
      const { collection, filter } = await anAccount(db, draw);
      await collection.updateOne(filter, { $inc: { balance: decimal(10n) } });
      return true;
    },
  },
  {
    name: 'a version',
    make: async (db, draw) => {
      const { collection, filter } = await anAccount(db, draw);
      await collection.updateOne(filter, { $inc: { version: Long.ONE } });
      return true;
    },
  },
  {
    name: 'an account deleted',
    make: async (db, draw) => {
      const { collection, filter } = await anAccount(db, draw);
      await collection.deleteOne(filter);
      return true;
    },
  },
  {
    name: 'two documents swapped',
    make: async (db) => {
      const branch1 = db.collection('branch1');
      const [first = {}, second = {}] = await branch1
        .find<Document>({})
        .sort({ account_number: 1 })
        .toArray();
      const state = ({ balance, version }: Document) => `${balance} ${version}`;
      if (state(first) === state(second)) return false;
      await branch1.updateOne({ _id: first['_id'] }, { $set: { account_number: 'X' } });
      await branch1.updateOne({ _id: second['_id'] }, { $set: { account_number: 'A' } });
      await branch1.updateOne({ _id: first['_id'] }, { $set: { account_number: 'B' } });
      return true;
    },
  },
  {
    name: 'an operation deleted',
    make: async (db, draw) => {
      const journal = db.collection('journal');
      const documents = await journal.find<Document>({}).toArray();
      await journal.deleteOne({ _id: documents[draw(documents.length)]?.['_id'] });
      return true;
    },
  },
  posting('a digit of an amount', 'amount', decimal(1n)),
  posting('a digit of a balance in the journal', 'balance_after', decimal(100n)),
  posting('a version in the journal', 'version', Long.fromNumber(100)),
];

describe('whatever bankctl does', () => {
  test('leaves a bank in which audit finds nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
        const opened = await bankWith(names);
        await play(opened, steps);
        const { findings, checked, unread } = await auditOf(opened.bank);
        expect([findings, unread]).toEqual([[], []]);
        expect(checked).toEqual({
          accounts: names.length,
          operations: await opened.db.collection('journal').countDocuments(),
        });
      }),
      { numRuns: 8 },
    );
  });

  test('is told from damage', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 8 }),
        fc.array(fc.nat(), { minLength: 4, maxLength: 4 }),
        async (steps, draws) => {
          const { bank, db } = await bankWith(names);
          await play({ bank, db }, steps);
          const whole = await contents(db);
          for (const { name, make } of damages) {
            const left = [...draws];
            const isDone = await make(db, (max) => (left.pop() ?? 0) % max);
            const { findings } = await auditOf(bank);
            expect([name, findings.length > 0]).toEqual([name, isDone]);
            await putBack(db, whole);
          }
          expect((await auditOf(bank)).findings).toEqual([]);
        },
      ),
      { numRuns: 5 },
    );
  });
});

type Contents = readonly (readonly [string, Document[]])[];

async function contents(db: OpenBank['db']): Promise<Contents> {
  return Promise.all(
    ['branch1', 'branch2', 'journal'].map(
      async (name) =>
        [
          name,
          await db.collection(name).find<Document>({}, { promoteValues: false }).toArray(),
        ] as const,
    ),
  );
}

async function putBack(db: OpenBank['db'], whole: Contents): Promise<void> {
  for (const [name, documents] of whole) {
    await db.collection(name).deleteMany({});
    await db.collection(name).insertMany(documents, past);
  }
}

test.each([0, 2, undefined])('accounts that are gone are all found, %j at once', async (most) => {
  const { bank, db } = await bankWith(names);
  await post(bank, [plus('branch1:A', 5n)], { by });
  await db.collection('branch1').deleteMany({});
  await db.collection('branch2').deleteOne({ account_number: 'C' });
  const { findings } = await auditOf(bank, most === undefined ? {} : { maxSuspects: most });
  expect(
    findings.map(({ code, branch, account, amount }) => [code, branch, account, amount]),
  ).toEqual([
    ['orphan_posting', 'branch1', 'A', '100.05'],
    ['orphan_posting', 'branch1', 'B', '100.00'],
    ['orphan_posting', 'branch2', 'C', '100.00'],
  ]);
});
