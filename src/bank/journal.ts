import {
  type AggregationCursor,
  type ChangeStream,
  type ClientSession,
  type Collection,
  type Db,
  type Decimal128,
  type Document,
  Long,
  type ResumeToken,
} from 'mongodb';
import { BankctlError } from '../errors.ts';
import type { Branches } from './branches.ts';
import { prepareJournal } from './collections.ts';
import { fromDecimal, toDecimal } from './decimal.ts';
import { type AccountReference, type Request, referenceKey } from './operation.ts';

/** The effect of an operation on one account, as it is stored. */
export interface PostingDocument {
  readonly branch: string;
  readonly account_number: string;
  readonly amount: Decimal128;
  readonly balance_after: Decimal128;
  readonly version: Long;
}

/** An applied operation, as it is stored: append-only, one document each. */
export interface JournalDocument {
  /** The operation id. */
  readonly _id: string;
  readonly type: string;
  /** The server's time, never earlier than that of an account's previous posting. */
  readonly at: Date;
  readonly memo?: string;
  /** Who asked for it, as `user@host`. */
  readonly by: string;
  /** The operation that this one reverses; the server refuses a second reversal of it. */
  readonly reverses?: string;
  /** Digest of the request, see `requestDigest`. */
  readonly request: string;
  readonly postings: readonly PostingDocument[];
  /** What the rules refused in the same batch of a file, so that it stays refused: see `post`. */
  readonly refused?: readonly Refusal[];
}

/** An operation that the rules refused, as a batch of a file remembers it. */
export interface Refusal {
  /** The operation id. */
  readonly id: string;
  /** A code of the error table. */
  readonly code: string;
  readonly message: string;
}

/** The effect of an operation on one account, in memory. */
export interface Posting extends AccountReference {
  readonly amountMinor: bigint;
  readonly balanceBeforeMinor: bigint;
  readonly balanceAfterMinor: bigint;
  readonly version: bigint;
}

/** An applied operation, in memory. */
export interface Entry {
  readonly id: string;
  readonly type: string;
  readonly at: Date;
  readonly memo: string | undefined;
  readonly by: string;
  readonly reverses: string | undefined;
  readonly request: string;
  readonly postings: readonly Posting[];
  readonly refused?: readonly Refusal[] | undefined;
}

/** Which postings of an account: a half-open range of time, and at most so many of the newest. */
export interface JournalRange {
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
  readonly limit?: number | undefined;
}

/** The collection of applied operations. */
export interface Journal {
  readonly collection: string;
  /** The documents of those ids that were applied. */
  readonly find: (
    ids: readonly string[],
    session?: ClientSession,
  ) => Promise<readonly JournalDocument[]>;
  /** The documents of the reversals of those ids. */
  readonly findReversals: (
    ids: readonly string[],
    session?: ClientSession,
  ) => Promise<readonly JournalDocument[]>;
  /** The documents that touch an account, by rising version, in batches. */
  readonly ofAccount: (
    account: AccountReference,
    range: JournalRange,
    session?: ClientSession,
  ) => AsyncIterable<readonly JournalDocument[]>;
  /** All documents in the order in which they were appended, in batches. */
  readonly all: (session: ClientSession) => AsyncIterable<readonly JournalDocument[]>;
  /** The time of the newest operation. Slow: it looks at all of them. */
  readonly newestAt: () => Promise<Date | undefined>;
  /** Number and sum of the accounts of each branch, as posted by that time. */
  readonly totalsAt: (at: Date, session: ClientSession) => Promise<readonly Document[]>;
  /** The newest posting and change of status of each account by that time, in batches. */
  readonly accountsAt: (
    at: Date,
    of: { readonly branch: string; readonly account?: string },
    session: ClientSession,
  ) => AsyncIterable<readonly Document[]>;
  /** Follows what is appended, from now on or from where a stream broke off. */
  readonly watch: (resumeAfter?: ResumeToken) => ChangeStream<JournalDocument>;
  /** Appends the documents of a batch. */
  readonly append: (documents: readonly JournalDocument[], session: ClientSession) => Promise<void>;
  /** Creates what is missing: the collection, its validator, its unique index. Repeatable. */
  readonly prepare: () => Promise<void>;
}

/** Makes the one object through which the journal is touched. Nothing is sent to the server. */
export function createJournal(db: Db, name: string): Journal {
  const collection: Collection<JournalDocument> = db.collection<JournalDocument>(name);
  return Object.freeze({
    collection: name,
    find: (ids, session) =>
      collection.find({ _id: { $in: [...ids] } }, session ? { session } : {}).toArray(),
    findReversals: (ids, session) =>
      collection.find({ reverses: { $in: [...ids] } }, session ? { session } : {}).toArray(),
    ofAccount: (account, range, session) => readAccount(collection, account, range, session),
    all: (session) => readAll(collection, session),
    newestAt: async () => {
      const [newest] = await collection
        .aggregate([{ $group: { _id: null, at: { $max: '$at' } } }])
        .toArray();
      return newest?.['at'];
    },
    totalsAt: (at, session) =>
      collection
        .aggregate([...newestBy(at), ...totalsByBranch], { ...onDisk, ...snapshotOf(session) })
        .toArray(),
    accountsAt: (at, of, session) =>
      batchesOf(
        collection.aggregate([...newestBy(at, of), { $sort: { '_id.account_number': 1 } }], {
          ...onDisk,
          ...snapshotOf(session),
        }),
      ),
    watch: (resumeAfter) =>
      collection.watch(
        [{ $match: { operationType: 'insert' } }],
        resumeAfter ? { resumeAfter } : {},
      ),
    append: async (documents, session) => {
      const [first] = documents;
      // As with the accounts: one document does without the driver's bulk code.
      if (first && documents.length === 1) await collection.insertOne(first, { session });
      else await collection.insertMany([...documents], { session, ordered: false });
    },
    prepare: () => prepareJournal(db, name),
  } satisfies Journal);
}

/**
 * In order of the versions, which is what the unique index gives. Where only the newest are
 * wanted they are found from the end of the index, and then turned round by the server.
 */
async function* readAccount(
  collection: Collection<JournalDocument>,
  { branch, account }: AccountReference,
  { since, until, limit }: JournalRange,
  session: ClientSession | undefined,
): AsyncIterable<readonly JournalDocument[]> {
  const at = { ...(since && { $gte: since }), ...(until && { $lt: until }) };
  const posting = { branch, account_number: account };
  const cursor = collection.aggregate<JournalDocument>(
    [
      {
        $match: {
          postings: { $elemMatch: posting },
          'postings.branch': branch,
          'postings.account_number': account,
          ...(since || until ? { at } : {}),
        },
      },
      {
        $set: {
          version: {
            $first: {
              $filter: {
                input: '$postings',
                cond: {
                  $and: [
                    { $eq: ['$$this.branch', branch] },
                    { $eq: ['$$this.account_number', account] },
                  ],
                },
              },
            },
          },
        },
      },
      { $sort: { 'version.version': limit === undefined ? 1 : -1 } },
      ...(limit === undefined ? [] : [{ $limit: limit }, { $sort: { 'version.version': 1 } }]),
      { $unset: 'version' },
    ],
    { ...(session ? { session } : {}), batchSize: 1000, allowDiskUse: true },
  );
  yield* batchesOf(cursor);
}

/**
 * As the server keeps them: an account is changed by one transaction at a time, so its postings
 * come by rising version. A snapshot session alone is not enough, see `createClient`.
 */
async function* readAll(
  collection: Collection<JournalDocument>,
  session: ClientSession,
): AsyncIterable<readonly JournalDocument[]> {
  const cursor = collection
    .find({}, { session, readConcern: { level: 'snapshot' }, batchSize: 1000 })
    .sort({ $natural: 1 });
  try {
    while (await cursor.hasNext()) yield cursor.readBufferedDocuments();
  } finally {
    await cursor.close();
  }
}

/** A snapshot session alone is not enough, see `createClient`. */
function snapshotOf(session: ClientSession) {
  return { session, readConcern: { level: 'snapshot' } as const };
}

const onDisk = { allowDiskUse: true, batchSize: 1000 };

/**
 * The newest posting of each account by a time, and its newest change of status. Documents are
 * compared field by field, so the one with the greatest version is the greatest.
 */
function newestBy(
  at: Date,
  { branch, account }: { readonly branch?: string; readonly account?: string } = {},
): Document[] {
  const posting = {
    ...(branch === undefined ? {} : { branch }),
    ...(account === undefined ? {} : { account_number: account }),
  };
  const matches = Object.entries(posting).map(([name, value]) => [`postings.${name}`, value]);
  return [
    {
      $match: {
        at: { $lte: at },
        ...(branch === undefined ? {} : { postings: { $elemMatch: posting } }),
      },
    },
    { $unwind: '$postings' },
    { $match: Object.fromEntries(matches) },
    {
      $group: {
        _id: { branch: '$postings.branch', account_number: '$postings.account_number' },
        last: { $max: { version: '$postings.version', balance: '$postings.balance_after' } },
        changed: {
          $max: {
            $cond: [
              { $in: ['$type', ['freeze', 'unfreeze', 'close']] },
              { version: '$postings.version', type: '$type' },
              null,
            ],
          },
        },
      },
    },
  ];
}

const totalsByBranch: Document[] = [
  { $group: { _id: '$_id.branch', accounts: { $sum: 1 }, total: { $sum: '$last.balance' } } },
];

async function* batchesOf<T>(cursor: AggregationCursor<T>): AsyncIterable<readonly T[]> {
  try {
    while (await cursor.hasNext()) yield cursor.readBufferedDocuments();
  } finally {
    await cursor.close();
  }
}

/** The stored form of an entry. */
export function toJournalDocument(entry: Entry, branches: Branches): JournalDocument {
  return {
    _id: entry.id,
    type: entry.type,
    at: entry.at,
    ...(entry.memo === undefined ? {} : { memo: entry.memo }),
    by: entry.by,
    ...(entry.reverses === undefined ? {} : { reverses: entry.reverses }),
    request: entry.request,
    postings: entry.postings.map((posting) => {
      const { currency } = branches.get(posting.branch);
      return {
        branch: posting.branch,
        account_number: posting.account,
        amount: toDecimal(posting.amountMinor, currency),
        balance_after: toDecimal(posting.balanceAfterMinor, currency),
        version: Long.fromBigInt(posting.version),
      };
    }),
    ...(entry.refused === undefined ? {} : { refused: entry.refused }),
  };
}

/**
 * An entry as it was stored.
 *
 * @throws `bad_balance` where a stored amount is not an exact amount of the branch's currency
 */
export function fromJournalDocument(document: JournalDocument, branches: Branches): Entry {
  return {
    id: document._id,
    type: document.type,
    at: document.at,
    memo: document.memo,
    by: document.by,
    reverses: document.reverses,
    request: document.request,
    refused: document.refused,
    postings: document.postings.map((posting) => {
      const { currency } = branches.get(posting.branch);
      const amountMinor = fromDecimal(posting.amount, currency);
      const balanceAfterMinor = fromDecimal(posting.balance_after, currency);
      if (amountMinor === undefined || balanceAfterMinor === undefined) {
        throw new BankctlError(
          'bad_balance',
          `The operation ${document._id} has an amount that is not exact in ${currency.code}.`,
        );
      }
      return {
        branch: posting.branch,
        account: posting.account_number,
        amountMinor,
        balanceBeforeMinor: balanceAfterMinor - amountMinor,
        balanceAfterMinor,
        version: BigInt(posting.version.toString()),
      };
    }),
  };
}

/**
 * What the operation id of an entry stands for: the inverse of posting it.
 *
 * @returns the same fields as `requestOf` gives for the operation
 */
export function requestOfEntry(entry: Entry): Request {
  const memo = entry.memo ?? '';
  const [first, second] = entry.postings;
  if (!first) return { type: entry.type, memo };
  switch (entry.type) {
    case 'open':
    case 'increment': {
      const { branch, account, amountMinor } = first;
      return { type: entry.type, branch, account, amount: amountMinor.toString(), memo };
    }
    case 'transfer':
      return {
        type: entry.type,
        from: referenceKey(first),
        to: second ? referenceKey(second) : '',
        amount: (-first.amountMinor).toString(),
        memo,
      };
    case 'reverse':
      return { type: entry.type, reverses: entry.reverses ?? '', memo };
    default:
      return { type: entry.type, branch: first.branch, account: first.account, memo };
  }
}
