import { Decimal128, Long } from 'mongodb';
import { describe, expect, test } from 'vitest';
import type { JournalDocument } from '../../src/bank/journal-document.ts';
import type { Outcome } from '../../src/bank/judge.ts';
import { type PostOptions, post } from '../../src/bank/post.ts';
import { bankWith, by, type OpenBank, operation, plus } from './bank-fixture.ts';

const keeping: PostOptions = { by, refusals: { stand: true } };

function journalOf({ db }: OpenBank) {
  return db.collection<JournalDocument>('journal');
}

function fates(outcomes: readonly Outcome[]): readonly string[] {
  return outcomes.map((outcome) => {
    if (outcome.applied) return outcome.replayed ? 'replayed' : 'applied';
    return `${outcome.standing ? 'still ' : ''}${outcome.error.code}`;
  });
}

async function balance({ db }: OpenBank, account: string): Promise<string> {
  const document = await db.collection('branch1').findOne({ account_number: account });
  return String(document?.['balance']);
}

describe('a refusal', () => {
  test('is kept even if nothing is applied, and stands in the next run', async () => {
    const opened = await bankWith(['branch1:A']);
    const rows = Array.from({ length: 500 }, (_, index) =>
      plus('branch1:A', -10_001n, `w${index}`),
    );
    const file = [...rows, plus('branch1:A', 500_000n, 'deposit')];
    for (const size of [500, 1]) {
      for (let start = 0; start < file.length; start += size) {
        await post(opened.bank, file.slice(start, start + size), keeping);
      }
      expect(await balance(opened, 'A')).toBe('5100.00');
    }
    expect(await journalOf(opened).findOne({ _id: 'w0' })).toEqual({
      _id: 'w0',
      type: 'increment',
      at: expect.any(Date),
      seq: 0,
      by,
      request: expect.stringMatching(/^[0-9a-f]{64}$/),
      refused: {
        code: 'below_minimum',
        message: expect.stringContaining('branch1:A has 100.00 USD'),
        hint: 'See it with bankctl balance branch1 A.',
      },
      asked: { branch: 'branch1', account: 'A', amount: '-100.01' },
    });
  });

  test('of one request does not affect another under the same id', async () => {
    const opened = await bankWith(['branch1:A']);
    const wrong = plus('branch1:A', -20_000n, 'x');
    const right = plus('branch1:A', -2_000n, 'x');
    expect(fates(await post(opened.bank, [wrong], keeping))).toEqual(['below_minimum']);
    expect(fates(await post(opened.bank, [right], keeping))).toEqual(['applied']);
    expect(fates(await post(opened.bank, [right], keeping))).toEqual(['replayed']);
    expect(fates(await post(opened.bank, [wrong], keeping))).toEqual(['operation_id_conflict']);
    expect(await balance(opened, 'A')).toBe('80.00');
    expect(await journalOf(opened).findOne({ _id: 'x' })).toMatchObject({
      postings: [{ version: 2 }],
      refused_before: [
        { at: expect.any(Date), by, code: 'below_minimum', request: expect.any(String) },
      ],
    });
  });

  test('yields to a new attempt by --retry-refused or by a single command', async () => {
    const opened = await bankWith(['branch1:A']);
    const rows = ['x', 'y', 'z'].map((id) => plus('branch1:A', -20_000n, id));
    await post(opened.bank, rows, keeping);
    await post(opened.bank, [plus('branch1:A', 30_000n)], { by });
    expect(fates(await post(opened.bank, rows, keeping))).toEqual(
      Array(3).fill('still below_minimum'),
    );
    const [x, y, z] = rows;
    if (!x || !y || !z) throw new Error('three rows');
    expect(fates(await post(opened.bank, [x], { by, refusals: { stand: false } }))).toEqual([
      'applied',
    ]);
    expect(fates(await post(opened.bank, [y], { by }))).toEqual(['applied']);
    expect(fates(await post(opened.bank, [z], { by }))).toEqual(['below_minimum']);
    expect(fates(await post(opened.bank, rows, keeping))).toEqual([
      'replayed',
      'replayed',
      'still below_minimum',
    ]);
    expect(await journalOf(opened).countDocuments({ refused: { $exists: true } })).toBe(1);
  });

  test('stands even if another request has been refused under its id since', async () => {
    const opened = await bankWith(['branch1:A']);
    const [first, second] = [plus('branch1:A', -20_000n, 'x'), plus('branch1:A', -30_000n, 'x')];
    await post(opened.bank, [first], keeping);
    await post(opened.bank, [second], keeping);
    await post(opened.bank, [plus('branch1:A', 100_000n)], { by });
    for (const row of [first, second]) {
      expect(fates(await post(opened.bank, [row], keeping))).toEqual(['still below_minimum']);
    }
    expect(fates(await post(opened.bank, [plus('branch1:A', -1n, 'x')], keeping))).toEqual([
      'applied',
    ]);
  });

  test('of a row that the journal keeps from being judged spares the others', async () => {
    const opened = await bankWith(['branch1:A']);
    const documents = ['far', 'odd'].map((_id) => ({
      ...{ _id, type: 'increment', at: new Date(), seq: 0, by, request: 'r' },
      postings: [
        {
          branch: _id === 'far' ? 'branch9' : 'branch1',
          account_number: _id,
          amount: Decimal128.fromString(_id === 'far' ? '1.00' : '1.001'),
          balance_after: Decimal128.fromString('1.00'),
          version: Long.ONE,
        },
      ],
    }));
    await journalOf(opened).insertMany(documents);
    const rows = [
      plus('branch1:A', 1n, 'a'),
      operation({ type: 'reverse', reverses: 'far' }, 'b'),
      plus('branch1:A', 1n, 'odd'),
      plus('branch1:A', 1n, 'c'),
    ];
    for (const fate of ['applied', 'replayed']) {
      const outcomes = await post(opened.bank, rows, keeping);
      expect(fates(outcomes)).toEqual([fate, 'unknown_branch', 'bad_balance', fate]);
      expect(outcomes[1]).toMatchObject({
        error: { message: expect.stringContaining('"far" also belongs to the branch "branch9"') },
      });
    }
    expect(await balance(opened, 'A')).toBe('100.02');
  });

  test('replaces the previous one of its id, and remembers it', async () => {
    const opened = await bankWith(['branch1:A']);
    for (let round = 0; round < 20; round += 1) {
      const rows = [plus('branch1:A', -20_000n, 'x'), plus('branch1:A', 100n)];
      await post(opened.bank, rows, { by, refusals: { stand: false } });
    }
    const document = await journalOf(opened).findOne({ _id: 'x' });
    expect(document?.refused_before).toHaveLength(16);
    expect(document).toMatchObject({ refused: { message: expect.stringContaining('119.00') } });
  });

  test('is found by the server if the caller expected a fresh id', async () => {
    const opened = await bankWith(['branch1:A']);
    await post(opened.bank, [plus('branch1:A', -20_000n, 'x')], keeping);
    await post(opened.bank, [plus('branch1:A', 30_000n)], { by });
    const rows = [plus('branch1:A', -20_000n, 'x'), plus('branch1:A', 1n, 'y')];
    expect(fates(await post(opened.bank, rows, { ...keeping, expectFresh: true }))).toEqual([
      'still below_minimum',
      'applied',
    ]);
  });

  test('is kept for each half of a batch that was split', async () => {
    const opened = await bankWith(['branch1:A', 'branch1:B']);
    // Another program posted the next version of B past its document.
    const next = { ...(await journalOf(opened).findOne({ 'postings.account_number': 'B' })) };
    const stray = {
      _id: 'stray',
      type: 'increment',
      at: new Date(),
      by: 'nobody',
      request: '',
      postings: [
        {
          branch: 'branch1',
          account_number: 'B',
          amount: Decimal128.fromString('1.00'),
          balance_after: Decimal128.fromString('101.00'),
          version: Long.fromNumber(2),
        },
      ],
    };
    expect(next).not.toEqual({});
    await journalOf(opened).insertOne(stray);
    const rows = [
      plus('branch1:A', -20_000n, 'r1'),
      plus('branch1:B', 100n, 'r2'),
      plus('branch1:A', 100n, 'r3'),
      plus('branch1:A', -20_000n, 'r4'),
    ];
    const expected = ['below_minimum', 'behind_journal', 'applied', 'below_minimum'];
    const { bank } = opened;
    expect(fates(await post(bank, rows, { ...keeping, dryRun: true }))).toEqual(expected);
    expect(fates(await post(bank, rows, keeping))).toEqual(expected);
    await post(bank, [plus('branch1:A', 50_000n)], { by });
    expect(fates(await post(bank, rows, keeping))).toEqual(
      expected.map((fate) => (fate === 'applied' ? 'replayed' : `still ${fate}`)),
    );
  });

  test('and an application exclude each other, whichever comes first', async () => {
    const opened = await bankWith(['branch1:A']);
    const { bank } = opened;
    for (let round = 0; round < 15; round += 1) {
      const id = `race-${round}`;
      const answers = await Promise.all([
        post(bank, [plus('branch1:A', -50_000n, id)], keeping),
        post(bank, [plus('branch1:A', 100n, id)], keeping),
        post(bank, [plus('branch1:A', -50_000n, id)], { ...keeping, expectFresh: true }),
        post(bank, [plus('branch1:A', 100n, id)], { ...keeping, expectFresh: true }),
      ]);
      const fate = answers.flatMap(fates);
      const documents = await journalOf(opened).find({ _id: id }).toArray();
      expect([fate.filter((it) => it === 'applied'), documents.length]).toEqual([['applied'], 1]);
      expect(documents).toMatchObject([{ postings: [{ account_number: 'A' }] }]);
    }
    expect(await balance(opened, 'A')).toBe('115.00');
  });

  test('cannot be reversed', async () => {
    const opened = await bankWith(['branch1:A']);
    await post(opened.bank, [plus('branch1:A', -20_000n, 'x')], keeping);
    const reversal = operation({ type: 'reverse', reverses: 'x' });
    const [outcome] = await post(opened.bank, [reversal], { by });
    expect(outcome).toMatchObject({ applied: false, error: { code: 'operation_not_found' } });
    expect(
      await post(opened.bank, [operation({ type: 'reverse', reverses: 'x' }, 'r')], keeping),
    ).toMatchObject([{ applied: false }]);
    expect(await journalOf(opened).findOne({ _id: 'r' })).toMatchObject({
      asked: { reverses: 'x' },
    });
  });
});

describe('an atomic batch', () => {
  test('keeps no refusal, and names the one that refused the others', async () => {
    const opened = await bankWith(['branch1:A']);
    const rows = [
      plus('branch1:A', 100n, 'a'),
      plus('branch1:A', -20_000n, 'b'),
      plus('branch1:A', 100n, 'c'),
    ];
    const outcomes = await post(opened.bank, rows, { ...keeping, atomic: true });
    expect(fates(outcomes)).toEqual(['batch_refused', 'below_minimum', 'batch_refused']);
    expect(outcomes[2]).toMatchObject({
      because: 1,
      error: {
        message: expect.stringMatching(/operation "b".*refused: The account branch1:A has/),
      },
    });
    expect(await journalOf(opened).countDocuments()).toBe(1);
  });
});

describe('a journal of an older version', () => {
  test('is brought up to date without a moment in which no index applies', async () => {
    const opened = await bankWith(['branch1:A']);
    const journal = journalOf(opened);
    await opened.db.command({ collMod: 'journal', validator: { $jsonSchema: {} } });
    await journal.dropIndexes();
    const key = {
      'postings.branch': 1,
      'postings.account_number': 1,
      'postings.version': 1,
    } as const;
    await journal.createIndex(key, { name: 'posting', unique: true });
    await post(opened.bank, [plus('branch1:A', 100n, 'old')], { by });
    const legacy = { refused: [{ id: 'q', code: 'below_minimum', message: 'no' }] };
    await opened.db
      .collection<{ _id: string }>('journal')
      .updateOne({ _id: 'old' }, { $set: legacy });
    const rows = [plus('branch1:A', -90_000n, 'x'), plus('branch1:A', -90_000n, 'y')];
    expect(fates(await post(opened.bank, rows, keeping))).toEqual(Array(2).fill('below_minimum'));
    const names = (await journal.indexes()).map(({ name }) => name);
    expect(names.sort()).toEqual(['_id_', 'at_seq', 'postings', 'refused', 'reverses', 'status']);
    expect(fates(await post(opened.bank, [plus('branch1:A', 100n, 'old')], keeping))).toEqual([
      'replayed',
    ]);
  });

  test.each([
    ['neither', {}],
    ['both', { postings: [], refused: {}, asked: {} }],
    ['a reason without words', { refused: { code: 'x' }, asked: {} }],
    ['a refused reversal', { refused: { code: 'x', message: 'y' }, asked: {}, reverses: 'z' }],
  ])('takes no document with %s', async (_what, fields) => {
    const { db } = await bankWith(['branch1:A']);
    const document = { _id: 'x', type: 'open', at: new Date(), by, request: '', ...fields };
    await expect(
      db.collection<{ _id: string }>('journal').insertOne(document),
    ).rejects.toMatchObject({ code: 121 });
  });
});
