import { type Db, Decimal128, type Document, Long } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { createJournal } from '../../src/bank/journal.ts';
import type { JournalDocument } from '../../src/bank/journal-document.ts';
import {
  findNumbered,
  hasOthers,
  newestPostings,
  searchPostings,
  withStatus,
} from '../../src/bank/past-postings.ts';
import { examinedBy } from '../examined.ts';
import { seededDraw } from '../stress/judge/serial-bank.ts';
import { workspace } from '../workspace.ts';

const start = Date.UTC(2026, 0, 1);
const moment = (minute: number) => new Date(start + minute * 60_000);
const named = (index: number) => `ACC-${String(index).padStart(3, '0')}`;

/** Transfers around a ring of accounts, a minute apart, the first of which open them. */
function ring(accounts: number, rounds: number): Document[] {
  const versions = new Map<number, number>();
  const leg = (account: number, minute: number) => {
    const version = (versions.get(account) ?? 0) + 1;
    versions.set(account, version);
    return {
      ...{ branch: account % 3 === 0 ? 'branch2' : 'branch1', account_number: named(account) },
      ...{ amount: Decimal128.fromString('1.00'), version: Long.fromNumber(version) },
      balance_after: Decimal128.fromString(`${minute}.25`),
    };
  };
  return Array.from({ length: accounts * rounds }, (_, minute) => {
    const account = minute % accounts;
    const isFirst = minute < accounts;
    const type = isFirst ? 'open' : (['transfer', 'freeze', 'unfreeze'][minute % 41] ?? 'transfer');
    const legs = [leg(account, minute)];
    if (type === 'transfer') legs.push(leg((account + 1 + (minute % 5)) % accounts, minute));
    return {
      ...{ _id: `operation-${minute}`, type, at: moment(minute), seq: 0 },
      ...{ by: 'teller@desk', request: 'r', postings: legs },
    };
  });
}

async function journalWith(documents: readonly Document[]): Promise<Db> {
  const { db } = await workspace();
  await createJournal(db, 'journal').prepare();
  await db.collection('journal').insertMany([...documents]);
  return db;
}

/** Account by account, as a reader of the whole journal finds them. */
function expected(documents: readonly Document[], at: Date) {
  const rows = new Map<string, Document>();
  for (const { type, at: posted, postings } of documents) {
    for (const { branch, account_number, version, balance_after: balance } of postings) {
      if (posted > at) continue;
      const key = `${branch}:${account_number}`;
      const before = rows.get(key);
      const isChange = ['freeze', 'unfreeze', 'close'].includes(type);
      rows.set(key, {
        last: `${version} ${balance}`,
        changed: isChange ? `${version} ${type}` : (before?.['changed'] ?? null),
      });
    }
  }
  return Object.fromEntries([...rows].sort(([left], [right]) => (left < right ? -1 : 1)));
}

const shown = ({ version, balance, type }: Document) => `${version} ${balance ?? type}`;

/** What a search finds that reads all postings since a minute, and none if it is undefined. */
async function searched(db: Db, at: Date, since: number | undefined) {
  const collection = db.collection<JournalDocument>('journal');
  return db.client.withSession({ snapshot: true }, async (session) => {
    const source = { collection, session };
    const accounts = (await findNumbered(source, undefined, 1e6)) ?? [];
    const found: Document[] = [];
    if (since === undefined) {
      for (const some of accounts) found.push(...(await searchPostings(source, some, at)));
    } else {
      const recent = { accounts, since: moment(since) };
      for await (const rows of newestPostings(source, recent, at)) found.push(...rows);
    }
    const rows: (readonly [string, Document])[] = [];
    for (const { branch } of accounts) {
      const own = found.filter(({ _id }) => _id.branch === branch);
      for (const { _id, last, changed } of await withStatus(source, branch, own, at)) {
        const row = { last: shown(last), changed: changed && shown(changed) };
        rows.push([`${_id.branch}:${_id.account_number}`, row]);
      }
    }
    const order = rows.map(([name]) => name);
    // A search alone is in no order.
    if (since === undefined) order.sort();
    return { rows: Object.fromEntries(rows), order };
  });
}

async function others(db: Db): Promise<boolean> {
  const collection = db.collection<JournalDocument>('journal');
  return db.client.withSession({ snapshot: true }, async (session) => {
    const source = { collection, session };
    return hasOthers(source, (await findNumbered(source, undefined, 1e6)) ?? [], undefined);
  });
}

/** The number and the sum of the accounts of each branch, as `balance --at` adds them up. */
async function totals(db: Db, at: Date) {
  const sums: Record<string, readonly [number, number]> = {};
  await db.client.withSession({ snapshot: true }, async (session) => {
    for await (const rows of createJournal(db, 'journal').totalsAt(at, session)) {
      for (const { _id, accounts, total } of rows) {
        const [count, sum] = sums[_id] ?? [0, 0];
        sums[_id] = [count + accounts, sum + Number(total)];
      }
    }
  });
  return sums;
}

function sumsOf(rows: Readonly<Record<string, Document>>) {
  const sums: Record<string, readonly [number, number]> = {};
  for (const [key, { last }] of Object.entries(rows)) {
    const branch = key.split(':')[0] ?? '';
    const [count, sum] = sums[branch] ?? [0, 0];
    sums[branch] = [count + 1, sum + Number(last.split(' ')[1])];
  }
  return sums;
}

test('a search finds of every account what a reader of the whole journal does', async () => {
  const documents = ring(230, 12);
  // A version may be missing, whoever took it out.
  const kept = documents.filter((_, index) => index < 230 || index % 19 !== 0);
  const db = await journalWith(kept);
  for (const minute of [-1, 0, 100, 500, 1234, 2759, 1e6]) {
    const rows = expected(kept, moment(minute));
    for (const since of [undefined, minute - 40, minute - 400]) {
      const found = await searched(db, moment(minute), since);
      expect(found).toEqual({ rows, order: Object.keys(rows) });
    }
  }
  expect(await others(db)).toBe(false);
});

describe('postings at random of accounts of which few are busy', () => {
  const draw = seededDraw(Number(process.env['BANKCTL_TEST_SEED']));
  const random = () => draw(2 ** 20) / 2 ** 20;
  /** Several operations share a moment; `timeOf` may place them anywhere. */
  function busyFew(operations: number, timeOf: (index: number) => number): Document[] {
    const versions = new Map<number, number>();
    return Array.from({ length: operations }, (_, index) => {
      const account = Math.floor(60 * random() ** 4);
      const version = (versions.get(account) ?? 0) + 1;
      versions.set(account, version);
      const branch = account % 3 === 0 ? 'branch2' : 'branch1';
      return {
        ...{ _id: `${index}`, type: version % 9 === 8 ? 'freeze' : 'unfreeze' },
        ...{ at: moment(timeOf(index)), seq: 0, by: 'teller@desk', request: 'r' },
        postings: [
          {
            ...{ branch, account_number: named(account), version: Long.fromNumber(version) },
            ...{ amount: Decimal128.fromString('1.00') },
            balance_after: Decimal128.fromString(`${index}.25`),
          },
        ],
      };
    });
  }

  test('are found as in a reading of all, also those of one moment', async () => {
    const documents = busyFew(3000, (index) => index >> 3);
    const db = await journalWith(documents);
    for (const minute of [20, 180, 374, ...Array.from({ length: 3 }, () => random() * 375)]) {
      const rows = expected(documents, moment(minute));
      for (const since of [undefined, Math.floor(minute), minute - 30 * random()]) {
        const found = await searched(db, moment(minute), since);
        expect(found).toEqual({ rows, order: Object.keys(rows) });
      }
      expect(await totals(db, moment(minute))).toEqual(sumsOf(rows));
    }
  });

  test('are never of a later time, even if times do not ascend', async () => {
    const documents = busyFew(1000, () => Math.floor(125 * random()));
    const db = await journalWith(documents);
    const postedBy = (minute: number) =>
      documents
        .filter(({ at }) => at <= moment(minute))
        .map(({ postings: [{ version, balance_after: balance }] }) => `${version} ${balance}`);
    for (const minute of [10, 60, 120]) {
      for (const since of [undefined, minute - 5]) {
        const { rows } = await searched(db, moment(minute), since);
        const found = Object.values(rows).map(({ last }) => last);
        expect(found.length).toBeGreaterThan(5);
        expect(postedBy(minute)).toEqual(expect.arrayContaining(found));
      }
      // So few are read whole, which finds the greatest version whatever the times are.
      const rows = expected(byVersion(documents), moment(minute));
      expect(await totals(db, moment(minute))).toEqual(sumsOf(rows));
    }
  });
});

const byVersion = (documents: readonly Document[]) =>
  documents.toSorted(
    (left, right) => Number(left['postings'][0].version) - Number(right['postings'][0].version),
  );

describe('accounts that their first postings do not show', () => {
  const posting = { branch: 'branch1', account_number: 'ACC-0015', version: Long.fromNumber(2) };
  test.each([
    ['between two others', {}],
    ['before all', { account_number: 'A' }],
    ['after all', { account_number: 'Z' }],
    ['in a branch of their own', { branch: 'branch3' }],
    ['without a number', { account_number: null }],
    ['with a number of another type', { account_number: 15 }],
  ])('are noticed %s', async (_what, change) => {
    const [first = {}, ...rest] = ring(20, 2);
    const db = await journalWith([first, ...rest]);
    expect(await others(db)).toBe(false);
    const [leg] = first['postings'];
    const other: Document = {
      ...first,
      _id: 'other',
      postings: [{ ...leg, ...posting, ...change }],
    };
    const raw = { bypassDocumentValidation: true };
    await db.collection('journal').insertMany([other], raw);
    expect(await others(db)).toBe(true);
  });
});

test('what is examined grows with the accounts, not with the journal', async () => {
  for (const accounts of [10, 40]) {
    const costs = [];
    for (const rounds of [4000 / accounts, 8000 / accounts]) {
      const documents = ring(accounts, rounds);
      const db = await journalWith(documents);
      const at = moment(accounts * rounds * 0.75);
      const seen = await examinedBy(db, 'journal', async () => {
        expect(await totals(db, at)).toEqual(sumsOf(expected(documents, at)));
      });
      expect(seen.documents).toBeLessThan(500 + 2 * accounts);
      expect(seen.roundTrips).toBeLessThan(9);
      costs.push(seen.documents);
    }
    expect(costs[1]).toBe(costs[0]);
  }
});

test('an account that must be searched costs a few postings, however many it has', async () => {
  const db = await journalWith(ring(40, 64));
  // Each has 120 postings.
  const seen = await examinedBy(db, 'journal', () => searched(db, moment(2000), undefined));
  expect(seen.documents / 40).toBeLessThan(35);
  expect(seen.roundTrips).toBeLessThan(20);
});
