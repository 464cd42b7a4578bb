import { type Db, Decimal128, type Document, Long } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { createJournal } from '../../src/bank/journal.ts';
import type { JournalDocument } from '../../src/bank/journal-document.ts';
import { findNumbered, hasOthers, lastPostings, lastTotals } from '../../src/bank/past-postings.ts';
import { examinedBy } from '../examined.ts';
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

async function searched(db: Db, at: Date) {
  const collection = db.collection<JournalDocument>('journal');
  return db.client.withSession({ snapshot: true }, async (session) => {
    const source = { collection, session };
    const accounts = (await findNumbered(source, undefined, 1e6)) ?? [];
    const rows: (readonly [string, Document])[] = [];
    for (const some of accounts) {
      for await (const documents of lastPostings(source, some, at)) {
        for (const { _id, last, changed } of documents) {
          rows.push([
            `${_id.branch}:${_id.account_number}`,
            { last: shown(last), changed: changed && shown(changed) },
          ]);
        }
      }
    }
    const totals = await lastTotals(source, accounts, at);
    const sums: Record<string, number> = {};
    for (const { _id, total } of totals) sums[_id] = (sums[_id] ?? 0) + Number(total);
    const others = await hasOthers(source, accounts, undefined);
    return { rows: Object.fromEntries(rows), sums, others };
  });
}

function sumsOf(rows: Readonly<Record<string, Document>>): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [key, { last }] of Object.entries(rows)) {
    const branch = key.split(':')[0] ?? '';
    sums[branch] = (sums[branch] ?? 0) + Number(last.split(' ')[1]);
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
    expect(await searched(db, moment(minute))).toEqual({ rows, sums: sumsOf(rows), others: false });
  }
});

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
    expect((await searched(db, moment(0))).others).toBe(false);
    const [leg] = first['postings'];
    const other: Document = {
      ...first,
      _id: 'other',
      postings: [{ ...leg, ...posting, ...change }],
    };
    const raw = { bypassDocumentValidation: true };
    await db.collection('journal').insertMany([other], raw);
    expect((await searched(db, moment(0))).others).toBe(true);
  });
});

test('an account costs what finding a few of its postings costs, however many it has', async () => {
  const db = await journalWith(ring(40, 64));
  const seen = await examinedBy(db, 'journal', () => searched(db, moment(40 * 64)));
  // Each account has 120 postings, and is searched twice, for its balance and for the sum.
  expect(seen.documents / 40).toBeLessThan(60);
});
