import { type ClientSession, type Collection, type Document, Long } from 'mongodb';
import type { JournalDocument } from './journal-document.ts';
import { lastWithin, statusBy, totalsByBranch } from './journal-pipelines.ts';
import { sessionOption } from './session-options.ts';
import { findVersionsAround, maxClauses } from './version-search.ts';

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

/** Below this many documents nothing is quicker than to read them. */
const minSearched = 20_000;

/** How many documents can be read in the time that it takes to find one account's posting. */
const readsPerSearch = 200;

/**
 * The accounts of each branch that the journal has, or of one branch, in order, if it pays to
 * search the postings of each; undefined if it is quicker to read all that were made until then,
 * which costs no more than in proportion to the accounts.
 */
export async function findSearched(
  source: Source,
  branch?: string,
): Promise<readonly Accounts[] | undefined> {
  // Not in the session, since a snapshot has no such count.
  const documents = await source.collection.estimatedDocumentCount();
  if (documents < minSearched) return undefined;
  const found = await findNumbered(source, branch, Math.floor(documents / readsPerSearch));
  return found && (await hasOthers(source, found, branch)) ? undefined : found;
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
  const rows = await collection
    .aggregate(
      [
        { $match: { postings: { $elemMatch: first } } },
        { $project: { postings: { branch: 1, account_number: 1, version: 1 } } },
        { $unwind: '$postings' },
        { $match: { 'postings.branch': first.branch, 'postings.version': Long.ONE } },
        { $limit: limit + 1 },
        { $sort: { 'postings.branch': 1, 'postings.account_number': 1 } },
      ],
      { ...sessionOption(session), allowDiskUse: true },
    )
    .toArray();
  if (rows.length > limit) return undefined;
  const byBranch = new Map<string, string[]>();
  for (const { postings } of rows) {
    const accounts = byBranch.get(postings.branch) ?? [];
    byBranch.set(postings.branch, accounts);
    accounts.push(postings.account_number);
  }
  // Without the unique index, an account may have several.
  return [...byBranch].map(([name, some]) => ({ branch: name, accounts: [...new Set(some)] }));
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
      { $or: some.map((posting) => ({ postings: { $elemMatch: posting } })) },
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

/** Accounts that are searched together. */
const accountsAtOnce = maxClauses;

/** Stages that give the newest posting of each account by a time. */
async function postingsBy(
  { collection, session }: Source,
  { branch, accounts }: Accounts,
  at: Date,
): Promise<Document[]> {
  const query = { branch, accounts, before: new Date(at.getTime() + 1) };
  const around = await findVersionsAround(collection, query, session);
  const ranges = [...around].map(([account, { below, from }]) => ({
    account_number: account,
    version: {
      $gte: Long.fromBigInt(below),
      ...(from !== undefined && { $lt: Long.fromBigInt(from) }),
    },
  }));
  return lastWithin(branch, ranges, at);
}

/** The newest posting of each account by a time, and its newest change of status, in batches. */
export async function* lastPostings(
  source: Source,
  { branch, accounts }: Accounts,
  at: Date,
): AsyncIterable<readonly Document[]> {
  for (let start = 0; start < accounts.length; start += accountsAtOnce) {
    const some = { branch, accounts: accounts.slice(start, start + accountsAtOnce) };
    const { collection, session } = source;
    const last = await collection
      .aggregate(await postingsBy(source, some, at), sessionOption(session))
      .toArray();
    const statuses = await collection
      .aggregate(statusBy(at, some), sessionOption(session))
      .toArray();
    const changed = new Map(statuses.map((row) => [row['_id'], row['changed']]));
    const rows = new Map(last.map((row) => [row['_id'].account_number, row]));
    yield some.accounts.flatMap((account) => {
      const row = rows.get(account);
      return row ? [{ ...row, changed: changed.get(account) ?? null }] : [];
    });
  }
}

/** Number and sum of the accounts of each branch by a time, in several rows each. */
export async function lastTotals(
  source: Source,
  searched: readonly Accounts[],
  at: Date,
): Promise<readonly Document[]> {
  const totals: Document[] = [];
  for (const { branch, accounts } of searched) {
    for (let start = 0; start < accounts.length; start += accountsAtOnce) {
      const some = { branch, accounts: accounts.slice(start, start + accountsAtOnce) };
      const stages = [...(await postingsBy(source, some, at)), ...totalsByBranch];
      totals.push(
        ...(await source.collection.aggregate(stages, sessionOption(source.session)).toArray()),
      );
    }
  }
  return totals;
}
