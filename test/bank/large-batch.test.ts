import { Decimal128 } from 'mongodb';
import { expect, test } from 'vitest';
import type { Outcome } from '../../src/bank/judge.ts';
import type { Operation } from '../../src/bank/operations/operation.ts';
import { post } from '../../src/bank/post.ts';
import { bankWith, by, type OpenBank, operation, place, plus } from './bank-fixture.ts';

const names = ['branch1:A', 'branch1:B', 'branch2:C'] as const;

/** Rows of a file, more than are judged and sent at once. */
function rows(count = 2_500): Operation[] {
  return Array.from({ length: count }, (_, index) => {
    const name = names[index % names.length] ?? '';
    return plus(name, BigInt(1 + (index % 7)), `row-${index}`);
  });
}

function fate(outcome: Outcome | undefined): string | undefined {
  if (!outcome?.applied) return outcome?.error.code;
  return outcome.replayed ? 'replayed' : 'applied';
}

/** The indexes and fates of those that were not simply applied. */
function exceptions(outcomes: readonly Outcome[]) {
  return outcomes.map(fate).flatMap((it, index) => (it === 'applied' ? [] : [[index, it]]));
}

/** What is left behind, times and ids of documents aside. */
async function everything({ db, bank }: OpenBank) {
  const read = (name: string) =>
    db
      .collection(name)
      .find({}, { projection: { at: 0, opened_at: 0, posted_at: 0 } })
      .toArray();
  const journal = await read(bank.journal?.collection ?? '');
  const accounts = [...(await read('branch1')), ...(await read('branch2'))];
  return {
    journal: journal
      .filter(({ type }) => type !== 'open')
      .map(({ seq, ...document }) => JSON.stringify(document))
      .sort(),
    accounts: accounts.map(({ _id, ...document }) => JSON.stringify(document)).sort(),
  };
}

test('a large batch leaves what its operations leave one hundred at a time', async () => {
  const large = await bankWith(names);
  const small = await bankWith(names);
  const operations = rows();
  operations[1_700] = operation({ type: 'reverse', reverses: 'row-3' }, 'undo');
  operations[2_100] = operation(
    { type: 'transfer', from: place('branch1:B'), to: place('branch1:A'), amountMinor: 50n },
    'move',
  );
  operations[2_200] = plus('branch1:A', -1_000_000n, 'too much');
  const options = { by, refusals: { stand: true } };
  const outcomes = await post(large.bank, operations, options);
  expect(exceptions(outcomes)).toEqual([[2_200, 'below_minimum']]);
  for (let start = 0; start < operations.length; start += 100) {
    await post(small.bank, operations.slice(start, start + 100), options);
  }
  const [left, wanted] = [await everything(large), await everything(small)];
  expect(left.journal).toHaveLength(2_500);
  expect(left).toEqual(wanted);
  expect(exceptions(await post(large.bank, operations, options))).toHaveLength(2_500);
  expect(await everything(large)).toEqual(wanted);
});

test('what looks refused within a large batch is a replay if it was applied', async () => {
  const opened = await bankWith(names);
  const operations = rows();
  operations[1_500] = operation({ type: 'open', ...place('branch1:N'), amountMinor: 0n }, 'new');
  operations[2_300] = operation({ type: 'reverse', reverses: 'row-5' }, 'undo');
  await post(opened.bank, operations.slice(1_500, 1_501), { by });
  const outcomes = await post(opened.bank, operations, { by, expectFresh: true });
  expect(exceptions(outcomes)).toEqual([[1_500, 'replayed']]);
  const { journal, accounts } = await everything(opened);
  expect(journal).toHaveLength(2_499);
  expect(accounts).toHaveLength(4);
  expect(exceptions(await post(opened.bank, operations, { by }))).toHaveLength(2_500);
  expect(await everything(opened)).toEqual({ journal, accounts });
});

test('another program that writes in the middle of a large batch loses nothing', async () => {
  const { bank, db } = await bankWith(names);
  const { journal } = bank;
  if (!journal) throw new Error('a bank without a journal');
  const operations = rows();
  const fiver = { $inc: { balance: Decimal128.fromString('5.00') } };
  let parts = 0;
  const append: typeof journal.append = (documents) => {
    const send = journal.append(documents);
    return async (session) => {
      parts += 1;
      if (parts === 2) await db.collection('branch1').updateOne({ account_number: 'B' }, fiver);
      return send(session);
    };
  };
  const slow = { ...bank, journal: { ...journal, append } };
  const outcomes = await post(slow, operations, { by, refusals: { stand: true } });
  expect(exceptions(outcomes)).toEqual([]);
  // Of the first run and of the second: the other program was in the way of the first.
  expect(parts).toBeGreaterThan(4);
  const paid = operations
    .filter((_, index) => index % names.length === 1)
    .reduce((sum, it) => sum + ('amountMinor' in it ? it.amountMinor : 0n), 0n);
  const account = await db.collection('branch1').findOne({ account_number: 'B' });
  const minor = BigInt(String(account?.['balance']).replace('.', ''));
  expect(minor).toBe(10_000n + 500n + paid);
  expect(String(account?.['version'])).toBe('834');
  expect(await db.collection(journal.collection).countDocuments()).toBe(2_503);
});

test('a second run of the same rows waits whole, and does not abort the first', async () => {
  const { bank } = await bankWith(names);
  const operations = rows(1_200);
  const options = { by, refusals: { stand: true } };
  const parts: number[] = [];
  const onSettled = (settled: readonly Outcome[]) => parts.push(settled.length);
  let pauses = 0;
  let hasWaited = () => {};
  const waiting = new Promise<void>((resolve) => {
    hasWaited = resolve;
  });
  const draw = () => {
    pauses += 1;
    if (pauses === 3) hasWaited();
    return 0.1;
  };
  let second: ReturnType<typeof post> | undefined;
  let reads = 0;
  const onPoint = async (point: string) => {
    if (point !== 'read') return;
    reads += 1;
    second ??= post({ ...bank, draw }, operations, { ...options, onSettled });
    await waiting;
  };
  const outcomes = await post(bank, operations, { ...options, onPoint });
  expect(exceptions(outcomes)).toEqual([]);
  expect(reads).toBe(1);
  expect(new Set((await second)?.map(fate))).toEqual(new Set(['replayed']));
  expect(parts).toEqual([1_200]);
});
