import { type Db, Decimal128, type Document, Long } from 'mongodb';
import { describe, expect, test } from 'vitest';
import type { JournalRange } from '../../src/bank/account-postings.ts';
import { createJournal, type Journal } from '../../src/bank/journal.ts';
import { examinedBy } from '../examined.ts';
import { workspace } from '../workspace.ts';

const start = Date.UTC(2026, 0, 1);

/** A posting of branch1:A at a version, a minute later for each; half of them have another leg. */
function posting(version: number, { minute = version, otherFirst = false } = {}): Document {
  const leg = (branch: string, account_number: string, own: unknown) => ({
    ...{ branch, account_number, version: own },
    ...{ amount: Decimal128.fromString('1.00'), balance_after: Decimal128.fromString('1.00') },
  });
  const own = leg('branch1', 'A', Long.fromNumber(version));
  // The other leg's versions run the other way, and the same number is in another branch.
  const other = leg('branch2', 'A', Long.fromNumber(1_000_000 - version));
  const isTransfer = version % 2 === 0;
  return {
    ...{ _id: `operation-${version}`, type: 'increment', at: new Date(start + minute * 60_000) },
    ...{ seq: version % 7, by: 'teller@desk', request: 'r' },
    postings: isTransfer ? (otherFirst ? [other, own] : [own, other]) : [own],
  };
}

async function journalWith(documents: readonly Document[]): Promise<{ db: Db; journal: Journal }> {
  const { db } = await workspace();
  const journal = createJournal(db, 'journal');
  await journal.prepare();
  const raw = { bypassDocumentValidation: true };
  await db.collection('journal').insertMany([...documents], raw);
  return { db, journal };
}

async function read(journal: Journal, range: JournalRange): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const documents of journal.ofAccount({ branch: 'branch1', account: 'A' }, range)) {
    ids.push(...documents.map(({ _id }) => _id));
  }
  return ids;
}

/** What a reader finds who looks at every document. */
function expected(documents: readonly Document[], { since, until, limit }: JournalRange) {
  const own = ({ postings }: Document) =>
    postings.find((it: Document) => it['branch'] === 'branch1' && it['account_number'] === 'A');
  const found = documents
    .filter((it) => own(it) && (!since || it['at'] >= since) && (!until || it['at'] < until))
    .sort((left, right) => Number(own(left).version) - Number(own(right).version))
    .map(({ _id }) => String(_id));
  return limit === undefined ? found : found.slice(-limit);
}

const versions = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

const journals: readonly (readonly [string, readonly Document[]])[] = [
  ['no posting', []],
  ['one posting', [posting(1)]],
  ['many postings', versions(1, 700).map((version) => posting(version))],
  ['the other leg first', versions(1, 90).map((one) => posting(one, { otherFirst: true }))],
  ['postings of one moment', versions(1, 300).map((one) => posting(one, { minute: one >> 5 }))],
  ['no first version', versions(37, 180).map((version) => posting(version))],
  [
    'a gap in the middle, and powers of two missing',
    versions(1, 500)
      .filter((version) => version < 100 || version > 260)
      .map((version) => posting(version)),
  ],
  ['every third version', versions(1, 160).map((one) => posting(3 * one, { minute: one }))],
  [
    'a leap that another program made',
    [...versions(1, 50), ...versions(2 ** 50, 2 ** 50 + 70)].map((one, minute) =>
      posting(one, { minute }),
    ),
  ],
];

const ranges: readonly JournalRange[] = [undefined, 90, 255].flatMap((since) =>
  [undefined, 91, 256].flatMap((until) =>
    [undefined, 1, 20, 400].map((limit) => ({
      ...(since !== undefined && { since: new Date(start + since * 60_000) }),
      ...(until !== undefined && { until: new Date(start + until * 60_000) }),
      ...(limit !== undefined && { limit }),
    })),
  ),
);

describe('a range of an account is what a reader of the whole journal finds, with', () => {
  test.each(journals)('%s', async (_what, documents) => {
    const { journal } = await journalWith([
      ...documents,
      {
        ...posting(1),
        _id: 'of-another',
        postings: [{ ...posting(1)['postings'][0], account_number: 'B' }],
      },
    ]);
    for (const range of ranges) {
      const near = documents.length % 2 === 0 ? BigInt(documents.length) : undefined;
      expect(await read(journal, { ...range, near }), JSON.stringify(range)).toEqual(
        expected(documents, range),
      );
    }
  });
});

test('the newest that match something else too are found, however far back', async () => {
  const documents = versions(1, 700).map((version) => posting(version));
  const { journal } = await journalWith(documents);
  for (const [seq, limit] of [
    [3, 20],
    [3, 200],
    [9, 20],
  ] as const) {
    const matching = documents.filter((it) => it['seq'] === seq);
    expect(await read(journal, { limit, filter: { seq } })).toEqual(expected(matching, { limit }));
  }
  const first = { _id: 'operation-1' };
  expect(await read(journal, { limit: 5, filter: first })).toEqual(['operation-1']);
});

test.each([
  ['text', 'seven', 'odd'],
  ['nothing', undefined, 'operation-1'],
  ['zero', Long.ZERO, 'operation-1'],
])('a version that is %s does not go unnoticed', async (_what, version, newest) => {
  const [own] = posting(9)['postings'];
  const odd = { ...posting(9), _id: 'odd', postings: [{ ...own, version }] };
  const { journal } = await journalWith([posting(1), odd]);
  expect(await read(journal, {})).toContain('odd');
  expect(await read(journal, { limit: 1 })).toEqual([newest]);
});

describe('what is examined does not grow with the account', () => {
  test.each([
    ['the newest 20', { limit: 20 }, 20],
    ['the newest 20 before a time', { limit: 20, until: new Date(start + 250 * 60_000) }, 20],
    ['a span of 30', spanOf(100, 130), 30],
    ['a span in which nothing was posted', spanOf(0, 1), 0],
  ] as const)('%s', async (_what, range, rows) => {
    const costs = [];
    for (const size of [300, 3000]) {
      const { db, journal } = await journalWith(versions(1, size).map((one) => posting(one)));
      const near = 'until' in range ? undefined : BigInt(size);
      const seen = await examinedBy(db, 'journal', async () => {
        expect(await read(journal, { ...range, near })).toHaveLength(rows);
      });
      costs.push(seen);
    }
    const [small, large] = costs;
    // A few more powers of two, and one more round.
    expect(large?.documents).toBeLessThan((small?.documents ?? 0) + 40);
    expect(large?.documents).toBeLessThan(200);
    expect(large?.roundTrips).toBeLessThan(15);
  });
});

test('a whole history is read in pages that look at their own documents only', async () => {
  const { db, journal } = await journalWith(versions(1, 5000).map((one) => posting(one)));
  const seen = await examinedBy(db, 'journal', async () => {
    expect(await read(journal, { near: 5000n })).toHaveLength(5000);
  });
  expect(seen.documents).toBeLessThan(5100);
});

function spanOf(fromMinute: number, toMinute: number): JournalRange {
  return {
    since: new Date(start + fromMinute * 60_000),
    until: new Date(start + toMinute * 60_000),
  };
}
