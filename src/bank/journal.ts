import {
  type ChangeStream,
  type ClientSession,
  type Collection,
  type Db,
  type Document,
  type Filter,
  Long,
  type ResumeToken,
  type Sort,
} from 'mongodb';
import { type JournalRange, readPostings } from './account-postings.ts';
import { lastOfTime, lastTied, sortByApplication, timeKey } from './application-order.ts';
import {
  applicationOrder,
  checkCollection,
  journalSpec,
  type PartialCheck,
  prepareCollection,
} from './collections.ts';
import { batchesOf, listBatchSize } from './cursor-batches.ts';
import type { AppliedDocument, JournalDocument } from './journal-document.ts';
import { newestBy, postingsIn, totalsByBranch } from './journal-pipelines.ts';
import { type AccountReference, referenceKey } from './operations/names.ts';
import { statusTypes } from './operations/operation.ts';
import { findRecent, newestPostings, searchPostings, withStatus } from './past-postings.ts';
import type { Sender } from './sender.ts';
import { startingWith } from './stored-values.ts';
import { maxClauses } from './version-search.ts';

/** An account, and a version of it that it has not reached. */
export interface NextVersion extends AccountReference {
  readonly version: bigint;
}

/** The collection of applied operations, and of the refused ones that files keep. */
export interface Journal {
  readonly collection: string;
  /** The documents with those ids, applied or refused: see `isApplied`. */
  readonly find: (
    ids: readonly string[],
    session?: ClientSession,
  ) => Promise<readonly JournalDocument[]>;
  /** The documents of the reversals of those ids. */
  readonly findReversals: (
    ids: readonly string[],
    session?: ClientSession,
  ) => Promise<readonly AppliedDocument[]>;
  /** Which of the given ids the journal has. */
  readonly idsAmong: (ids: readonly string[]) => Promise<readonly string[]>;
  /** At most `limit` ids before or after an id in sort order, nearest first. */
  readonly idsBeside: (
    id: string,
    side: 'before' | 'after',
    limit: number,
  ) => Promise<readonly string[]>;
  /** At most `limit` ids that begin with a text, in sort order. */
  readonly idsFrom: (begun: string, limit: number) => Promise<readonly string[]>;
  /** At most `limit` ids, newest first. */
  readonly newestIds: (limit: number) => Promise<readonly string[]>;
  /** The documents that touch an account, by ascending version, in batches. */
  readonly ofAccount: (
    account: AccountReference,
    range: JournalRange,
    session?: ClientSession,
  ) => AsyncIterable<readonly AppliedDocument[]>;
  /** All applied operations in the order of application, in batches. */
  readonly all: (session: ClientSession) => AsyncIterable<readonly AppliedDocument[]>;
  /**
   * The documents that match, in the order of application, in batches; with a limit only the newest
   * ones.
   */
  readonly select: (
    filter: Document,
    limit: number | undefined,
    session: ClientSession,
  ) => AsyncIterable<readonly JournalDocument[]>;
  /** The documents that match, newest first, in batches. */
  readonly selectNewestFirst: (
    filter: Document,
    session: ClientSession,
  ) => AsyncIterable<readonly AppliedDocument[]>;
  /** What changed the status of these accounts of a branch, in any order. */
  readonly statusChanges: (
    branch: string,
    accounts: readonly string[],
    session: ClientSession,
  ) => Promise<readonly AppliedDocument[]>;
  /** Which of the versions others have already posted. */
  readonly postedVersions: (
    versions: readonly NextVersion[],
    session?: ClientSession,
  ) => Promise<readonly AccountReference[]>;
  /** Which accounts of a branch have postings; any account of it if none are named. */
  readonly accountsPosted: (
    branch: string,
    accounts?: readonly string[],
    session?: ClientSession,
  ) => Promise<ReadonlySet<string>>;
  /** The postings of some accounts of a branch, by account and version, in batches. */
  readonly postingsOf: (
    branch: string,
    accounts: readonly string[],
    session: ClientSession,
  ) => AsyncIterable<readonly Document[]>;
  /** The time of the newest operation. */
  readonly newestAt: () => Promise<Date | undefined>;
  /** Number and sum of the accounts of each branch, as posted by that time, in rows to be added. */
  readonly totalsAt: (at: Date, session: ClientSession) => AsyncIterable<readonly Document[]>;
  /** The newest posting and change of status of each account by that time, in batches. */
  readonly accountsAt: (
    at: Date,
    of: { readonly branch: string; readonly account?: string },
    session: ClientSession,
  ) => AsyncIterable<readonly Document[]>;
  /** Follows what is appended, from now on or from the place at which a stream broke off. */
  readonly watch: (resumeAfter?: ResumeToken) => ChangeStream<AppliedDocument>;
  /** Encodes documents, and returns what appends them. */
  readonly append: (documents: readonly JournalDocument[]) => Sender<unknown>;
  /** Deletes refused operations that are about to be decided anew. @returns how many there were */
  readonly forgetRefused: (ids: readonly string[], session: ClientSession) => Promise<number>;
  /** See `prepareCollection`. */
  readonly prepare: () => Promise<void>;
  /** See `checkCollection`. */
  readonly check: (only?: PartialCheck) => Promise<void>;
}

/** Sends nothing to the server. */
export function createJournal(db: Db, name: string): Journal {
  const collection: Collection<JournalDocument> = db.collection<JournalDocument>(name);
  const spec = journalSpec(name);
  const idsBy = async (filter: Filter<JournalDocument>, order: Sort, limit: number) => {
    const found = await collection.find(filter, onlyId).sort(order).limit(limit).toArray();
    return found.map(({ _id }) => _id);
  };
  return Object.freeze({
    collection: name,
    find: (ids, session) =>
      collection.find({ _id: { $in: [...ids] } }, session ? { session } : {}).toArray(),
    findReversals: (ids, session) =>
      collection
        .find<AppliedDocument>({ reverses: { $in: [...ids] } }, session ? { session } : {})
        .toArray(),
    idsAmong: async (ids) => {
      const found = await collection.find({ _id: { $in: [...ids] } }, onlyId).toArray();
      return found.map(({ _id }) => _id);
    },
    idsBeside: (id, side, limit) =>
      side === 'after'
        ? idsBy({ _id: { $gt: id } }, { _id: 1 }, limit)
        : idsBy({ _id: { $lt: id } }, { _id: -1 }, limit),
    idsFrom: (begun, limit) => idsBy({ _id: startingWith(begun) }, { _id: 1 }, limit),
    newestIds: (limit) => idsBy({}, { at: -1, seq: -1 }, limit),
    ofAccount: (account, range, session) => readPostings(collection, account, range, session),
    all: (session) => readInOrder(collection, { postings: { $exists: true } }, session),
    select: (filter, limit, session) =>
      limit === undefined
        ? readInOrder(collection, filter, session)
        : readNewest(collection, filter, limit, session),
    selectNewestFirst: (filter, session) => readInOrder(collection, filter, session, 'newest'),
    statusChanges: (branch, accounts, session) =>
      collection
        .find<AppliedDocument>(
          {
            postings: { $elemMatch: { branch, account_number: { $in: [...accounts] } } },
            type: { $in: [...statusTypes] },
          },
          session.snapshotEnabled ? snapshotOf(session) : { session },
        )
        .toArray(),
    postedVersions: (versions, session) => readPosted(collection, versions, session),
    accountsPosted: async (branch, accounts, session) => {
      const group = { $group: { _id: '$postings.account_number' } };
      const stages = [...postingsIn(branch, accounts), ...(accounts ? [group] : [first])];
      const found = await collection.aggregate(stages, session ? { session } : {}).toArray();
      return new Set(found.map(({ _id, postings }) => postings?.account_number ?? _id));
    },
    postingsOf: (branch, accounts, session) =>
      batchesOf(
        collection.aggregate(
          [
            ...postingsIn(branch, accounts),
            { $sort: { 'postings.account_number': 1, 'postings.version': 1 } },
            { $project: { type: 1, postings: 1 } },
          ],
          { ...onDisk, ...snapshotOf(session) },
        ),
      ),
    newestAt: async () => {
      const [newest] = await collection
        .find({}, { projection: { at: 1 } })
        .sort({ at: -1 })
        .limit(1)
        .toArray();
      return newest?.at;
    },
    totalsAt: (at, session) => readTotalsAt(collection, at, session),
    accountsAt: (at, of, session) => readAccountsAt(collection, at, of, session),
    watch: (resumeAfter) =>
      collection.watch<AppliedDocument>(
        [{ $match: { operationType: 'insert', 'fullDocument.postings': { $exists: true } } }],
        resumeAfter ? { resumeAfter } : {},
      ),
    append: (documents) => {
      const [first] = documents;
      // As with the accounts, a single document can do without the driver's bulk code.
      if (first && documents.length === 1) {
        return (session) => collection.insertOne(first, { session });
      }
      const bulk = collection.initializeUnorderedBulkOp();
      for (const document of documents) bulk.insert(document);
      return (session) => bulk.execute({ session });
    },
    forgetRefused: async (ids, session) => {
      const filter = { _id: { $in: [...ids] }, refused: { $exists: true }, postings: absent };
      return (await collection.deleteMany(filter, { session })).deletedCount;
    },
    prepare: () => prepareCollection(db, spec),
    check: (only) => checkCollection(db, spec, only),
  } satisfies Journal);
}

const first = { $limit: 1 };

const onlyId = { projection: { _id: 1 } } as const;

const absent = { $exists: false } as const;

async function* readTotalsAt(
  collection: Collection<JournalDocument>,
  at: Date,
  session: ClientSession,
): AsyncIterable<readonly Document[]> {
  const source = { collection, session };
  const recent = await findRecent(source, at);
  if (!recent) {
    const stages = [...newestBy(at), ...totalsByBranch];
    yield* batchesOf(collection.aggregate(stages, { ...onDisk, ...snapshotOf(session) }));
    return;
  }
  for await (const rows of newestPostings(source, recent, at)) {
    yield rows.map(({ _id, last }) => ({ _id: _id.branch, accounts: 1, total: last.balance }));
  }
}

async function* readAccountsAt(
  collection: Collection<JournalDocument>,
  at: Date,
  { branch, account }: { readonly branch: string; readonly account?: string },
  session: ClientSession,
): AsyncIterable<readonly Document[]> {
  const source = { collection, session };
  if (account !== undefined) {
    const rows = await searchPostings(source, { branch, accounts: [account] }, at);
    yield await withStatus(source, branch, rows, at);
    return;
  }
  const recent = await findRecent(source, at, branch);
  if (!recent) {
    const stages = [...newestBy(at, { branch }), { $sort: { '_id.account_number': 1 } }];
    yield* batchesOf(collection.aggregate(stages, { ...onDisk, ...snapshotOf(session) }));
    return;
  }
  for await (const rows of newestPostings(source, recent, at, branch)) {
    if (rows.length > 0) yield await withStatus(source, branch, rows, at);
  }
}

/**
 * In the order of application, which is the same on every member and in every copy; the order of
 * storage is not. A snapshot session alone is not enough, see `createClient`.
 */
async function* readInOrder(
  collection: Collection<JournalDocument>,
  filter: Document,
  session: ClientSession,
  first: 'oldest' | 'newest' = 'oldest',
): AsyncIterable<readonly AppliedDocument[]> {
  const isUpwards = first === 'oldest';
  const order = (documents: readonly AppliedDocument[]) =>
    isUpwards
      ? sortByApplication(documents)
      : sortByApplication(documents.toReversed()).toReversed();
  const cursor = collection
    .find<AppliedDocument>(filter, { ...onDisk, ...snapshotOf(session) })
    .sort(isUpwards ? applicationOrder : { at: -1, seq: -1 });
  const held: AppliedDocument[] = [];
  for await (const documents of batchesOf(cursor)) {
    const end = isUpwards ? lastTied(held) : lastOfTime(held);
    if (end > 0) yield order(held.splice(0, end));
    held.push(...documents);
  }
  if (held.length > 0) yield order(held);
}

/** Reads all of the oldest moment too, since the server does not order what shares it. */
async function* readNewest(
  collection: Collection<JournalDocument>,
  filter: Document,
  limit: number,
  session: ClientSession,
): AsyncIterable<readonly AppliedDocument[]> {
  const find = (query: Document) =>
    collection.find<AppliedDocument>(query, { ...onDisk, ...snapshotOf(session) });
  const newest = await find(filter).sort({ at: -1, seq: -1 }).limit(limit).toArray();
  const oldest = newest.at(-1);
  if (!oldest) return;
  const later = newest.filter((document) => timeKey(document) !== timeKey(oldest));
  const tied = await find({ $and: [filter, { at: oldest.at }] })
    .sort(applicationOrder)
    .toArray();
  yield sortByApplication([...tied, ...later.reverse()]).slice(-limit);
}

async function readPosted(
  collection: Collection<JournalDocument>,
  versions: readonly NextVersion[],
  session: ClientSession | undefined,
): Promise<readonly AccountReference[]> {
  const posted: AccountReference[] = [];
  for (let start = 0; start < versions.length; start += maxClauses) {
    const asked = versions.slice(start, start + maxClauses);
    const clauses = asked.map(({ branch, account, version }) => ({
      postings: {
        $elemMatch: { branch, account_number: account, version: Long.fromBigInt(version) },
      },
    }));
    const found = await collection
      .find<AppliedDocument>({ $or: clauses }, session ? { session } : {})
      .toArray();
    const keys = new Set(
      found.flatMap(({ postings }) =>
        postings.map((it) => `${it.version} ${it.branch}:${it.account_number}`),
      ),
    );
    posted.push(...asked.filter((it) => keys.has(`${it.version} ${referenceKey(it)}`)));
  }
  return posted;
}

/** A snapshot session alone is not enough, see `createClient`. */
function snapshotOf(session: ClientSession) {
  return { session, readConcern: { level: 'snapshot' } as const };
}

const onDisk = { allowDiskUse: true, batchSize: listBatchSize };
