import { type ClientSession, type Collection, type Document, Long } from 'mongodb';
import { batchesOf } from './cursor-batches.ts';
import type { JournalDocument } from './journal-document.ts';
import { lastWithin, newestBy, statusBy } from './journal-pipelines.ts';
import { type AccountReference, byBranch } from './operations/names.ts';
import { sessionOption } from './session-options.ts';
import { findVersionsAround, maxClauses, type VersionsAround } from './version-search.ts';

/** A collection, and how it is read. */
interface Source {
  readonly collection: Collection<JournalDocument>;
  readonly session: ClientSession;
}

/** Some accounts of a branch. */
interface Accounts {
  readonly branch: string;
  readonly accounts: readonly string[];
}

/** The accounts that have postings, and since when those postings are read one and all. */
interface Recent {
  readonly accounts: readonly Accounts[];
  readonly since: Date;
}

/** Up to this many documents nothing is quicker than to read them. */
const minSearched = 2000;

/** Nor are more, up to this many for each account, which have to be listed to be searched. */
const searchedPerAccount = 40;

/**
 * How many of the newest documents are read for each account: most accounts are met there at about
 * a tenth of what it takes to search the versions of one.
 */
const readPerAccount = 10;

/** Fewer are not worth the round trips of a search for one account that they lack. */
const minRead = 500;

/**
 * What to read if it pays to read the newest postings by a time, and to search for those of the
 * accounts that have none there; undefined if all were to be read anyway.
 */
export async function findRecent(
  source: Source,
  at: Date,
  branch?: string,
): Promise<Recent | undefined> {
  if (!(await timeBack(source, at, minSearched))) return undefined;
  // Not in the session, since a snapshot has no such count.
  const documents = await source.collection.estimatedDocumentCount();
  const accounts = await findNumbered(source, branch, Math.floor(documents / searchedPerAccount));
  if (!accounts) return undefined;
  const count = accounts.reduce((sum, some) => sum + some.accounts.length, 0);
  if (!(await timeBack(source, at, searchedPerAccount * count))) return undefined;
  const since = await timeBack(source, at, Math.max(minRead, readPerAccount * count));
  if (!since || (await hasOthers(source, accounts, branch))) return undefined;
  return { accounts, since };
}

/**
 * The time of the document that so many others follow by a time, which the index by time tells
 * alone; undefined if there are not as many.
 */
async function timeBack({ collection, session }: Source, at: Date, count: number) {
  const [found] = await collection
    .find(
      { at: { $lte: at } },
      { ...sessionOption(session), projection: { _id: 0, at: 1 }, allowDiskUse: true },
    )
    .sort({ at: -1 })
    .skip(count)
    .limit(1)
    .toArray();
  return found?.at;
}

/**
 * By the first posting of each account: the index leads from one to the next, past all others.
 * @returns undefined if there are more than `limit`
 */
export async function findNumbered(
  { collection, session }: Source,
  branch: string | undefined,
  limit: number,
): Promise<readonly Accounts[] | undefined> {
  const first = {
    branch: branch ?? { $gte: '' },
    account_number: { $gte: '' },
    version: Long.ONE,
  };
  const cursor = collection.aggregate(
    [
      { $match: { postings: { $elemMatch: first } } },
      { $project: { postings: { branch: 1, account_number: 1, version: 1 } } },
      { $unwind: '$postings' },
      { $match: { 'postings.branch': first.branch, 'postings.version': Long.ONE } },
      { $limit: limit + 1 },
      { $sort: { 'postings.branch': 1, 'postings.account_number': 1 } },
    ],
    { ...sessionOption(session), allowDiskUse: true, batchSize: accountsAtOnce },
  );
  const names: AccountReference[] = [];
  for await (const rows of batchesOf(cursor)) {
    for (const { postings } of rows) names.push(nameOf(postings));
  }
  // Without the unique index, an account may have several.
  return names.length > limit ? undefined : perBranch(names);
}

/**
 * Whether there are postings of accounts whose first posting is gone, or that have no valid name:
 * there is then something between two accounts in the index.
 */
export async function hasOthers(
  { collection, session }: Source,
  found: readonly Accounts[],
  branch: string | undefined,
): Promise<boolean> {
  const inBranches = found.flatMap(({ branch: name, accounts }) =>
    between(accounts).map((account_number) => ({ branch: name, account_number })),
  );
  const names = found.map(({ branch: name }) => name);
  const ofBranches = branch === undefined ? between(names).map((name) => ({ branch: name })) : [];
  const ofNone = branch !== undefined && found.length === 0 ? [{ branch }] : [];
  const clauses = [...inBranches, ...ofBranches, ...ofNone];
  for (let start = 0; start < clauses.length; start += maxClauses) {
    const some = clauses.slice(start, start + maxClauses);
    const any = await collection.findOne(
      // One match of alternatives takes the server half as long to plan as alternative matches.
      { postings: { $elemMatch: { $or: some } } },
      { ...sessionOption(session), projection: { _id: 1 } },
    );
    if (any) return true;
  }
  return false;
}

/** What is no name, and the open ranges before, between and after some names. */
function between(names: readonly string[]): readonly Document[] {
  const inner = names.map((name, index) => {
    const before = names[index - 1];
    return before === undefined ? { $gte: '', $lt: name } : { $gt: before, $lt: name };
  });
  const last = names.at(-1);
  const noNames = { $type: ['number', 'object', 'binData', 'objectId', 'bool', 'date', 'null'] };
  return [{ $lte: null }, noNames, ...inner, last === undefined ? { $gte: '' } : { $gt: last }];
}

/** Accounts that are given out together, and whose changes of status are looked for together. */
const accountsAtOnce = 1000;

/**
 * The newest posting by a time of each account that has one, by branch and number, in batches. What
 * is read since a time and has a posting of an account has its newest one, since the times of an
 * account's postings ascend with their versions.
 */
export async function* newestPostings(
  source: Source,
  { accounts, since }: Recent,
  at: Date,
  branch?: string,
): AsyncIterable<readonly Document[]> {
  const { collection, session } = source;
  const stages = [
    ...newestBy(at, { branch, since }),
    { $sort: { '_id.branch': 1, '_id.account_number': 1 } },
  ];
  const names = accounts.flatMap((some) =>
    some.accounts.map((account) => ({ branch: some.branch, account })),
  );
  const options = { ...sessionOption(session), allowDiskUse: true, batchSize: accountsAtOnce };
  let next = 0;
  for await (const rows of batchesOf(collection.aggregate(stages, options))) {
    const met = new Map(rows.map((row) => [keyOf(nameOf(row['_id'])), row]));
    const start = next;
    for (let left = met.size; left > 0 && next < names.length; next += 1) {
      const name = names[next];
      if (name && met.has(keyOf(name))) left -= 1;
    }
    yield* searchOthers(source, names.slice(start, next), met, at);
  }
  yield* searchOthers(source, names.slice(next), new Map(), at);
}

/** Of accounts by branch and number: the postings that were met, and those of the others. */
async function* searchOthers(
  source: Source,
  names: readonly AccountReference[],
  met: Map<string, Document>,
  at: Date,
): AsyncIterable<readonly Document[]> {
  for (let start = 0; start < names.length; start += accountsAtOnce) {
    const some = names.slice(start, start + accountsAtOnce);
    for (const others of perBranch(some.filter((name) => !met.has(keyOf(name))))) {
      for (const row of await searchPostings(source, others, at)) {
        met.set(keyOf(nameOf(row['_id'])), row);
      }
    }
    yield some.flatMap((name) => met.get(keyOf(name)) ?? []);
  }
}

/** An account as a posting names it. */
function nameOf({ branch, account_number: account }: Document): AccountReference {
  return { branch, account };
}

/** Neither part of a name can be mistaken for the other. */
function keyOf({ branch, account }: AccountReference): string {
  return JSON.stringify([branch, account]);
}

function perBranch(names: Iterable<AccountReference>): readonly Accounts[] {
  return [...byBranch(names)].map(([branch, accounts]) => ({ branch, accounts: [...accounts] }));
}

/** The newest posting by a time of each account that has one, found among its versions. */
export async function searchPostings(
  { collection, session }: Source,
  { branch, accounts }: Accounts,
  at: Date,
): Promise<readonly Document[]> {
  const rows: Document[] = [];
  for (let start = 0; start < accounts.length; start += maxClauses) {
    const some = accounts.slice(start, start + maxClauses);
    const query = { branch, accounts: some, before: new Date(at.getTime() + 1) };
    const ranges = rangesOf(await findVersionsAround(collection, query, session));
    if (ranges.length === 0) continue;
    const stages = lastWithin(branch, some, ranges, at);
    rows.push(...(await collection.aggregate(stages, sessionOption(session)).toArray()));
  }
  return rows;
}

/** Accounts with the same range are read together, which spares the server as many plans. */
function rangesOf(around: ReadonlyMap<string, VersionsAround>): readonly Document[] {
  const ranges = new Map<string, Accounts['accounts']>();
  const versions = new Map<string, Document>();
  for (const [account, { below, from }] of around) {
    // Nothing was posted before its first posting.
    if (from === 1n) continue;
    const key = `${below} ${from}`;
    const end = from === undefined ? {} : { $lt: Long.fromBigInt(from) };
    versions.set(key, { $gte: Long.fromBigInt(below), ...end });
    ranges.set(key, [...(ranges.get(key) ?? []), account]);
  }
  return [...ranges].map(([key, accounts]) => ({
    account_number: { $in: accounts },
    version: versions.get(key),
  }));
}

/** Adds to each posting of a branch the newest change of its account's status by a time. */
export async function withStatus(
  { collection, session }: Source,
  branch: string,
  rows: readonly Document[],
  at: Date,
): Promise<readonly Document[]> {
  const accounts = rows.map((row) => String(row['_id'].account_number));
  const statuses = await collection
    .aggregate(statusBy(at, { branch, accounts }), sessionOption(session))
    .toArray();
  const changed = new Map(statuses.map((row) => [row['_id'], row['changed']]));
  return rows.map((row) => ({ ...row, changed: changed.get(row['_id'].account_number) ?? null }));
}
