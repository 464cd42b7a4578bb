import { BSON, type ClientSession, type Db, type Document } from 'mongodb';
import { type Config, identityCollection } from '../config/config.ts';
import { findUnguarded, type Unguarded } from './collection-guards.ts';
import { type CollectionKinds, readCollectionKinds } from './collection-kinds.ts';
import { branchSpec, journalSpec } from './collections.ts';
import { batchesOf } from './cursor-batches.ts';
import type { AppliedDocument } from './journal-document.ts';
import { findRepeatedNumbers, type RepeatedNumber } from './repeated-numbers.ts';
import { literalOption } from './session-options.ts';
import { labelsField, ownerField } from './stored-profile.ts';
import { hasUniqueNumbers } from './survey.ts';

/** How many documents an account number has in a branch's collection. */
interface DocumentCount {
  readonly all: number;
  /** Those with the branch's stamp. */
  readonly own: number;
}

/** One posting of an account, as the server unwinds it from its journal document. */
interface UnwoundPosting {
  /** The operation id. */
  readonly _id: unknown;
  readonly type: unknown;
  readonly at: unknown;
  readonly posting: Document;
  /** The whole journal document. */
  readonly operation: AppliedDocument;
}

/** Which postings are to be read. */
interface PostingsOf {
  readonly branch: string;
  readonly accounts: readonly string[];
  /** What their operations must match besides. */
  readonly among?: Document;
}

/** Reads collections as they are, whoever wrote them; changes nothing. */
export interface BankScan {
  /**
   * The names of the collections that neither a branch of the config, nor the journal, nor bankctl
   * itself owns; views and the server's own are left out.
   */
  readonly otherCollections: () => Promise<readonly string[]>;
  /** The collections that are views, capped, or time series. */
  readonly kinds: () => Promise<CollectionKinds>;
  /** At most `limit` documents of a collection, whichever come first. */
  readonly sample: (collection: string, limit: number) => Promise<readonly Document[]>;
  /** Every document, with the fields of an account only, as BSON, in batches. */
  readonly accounts: (
    collection: string,
    session: ClientSession,
  ) => AsyncIterable<readonly Buffer[]>;
  /** What the driver makes of BSON, also of text that is no UTF-8. */
  readonly decode: (bytes: Buffer) => Document;
  /** Every applied operation as BSON, in batches; in the order of storage, which is faster. */
  readonly operations: (session: ClientSession) => AsyncIterable<readonly Buffer[]>;
  /** The `_id` of some documents of the journal's collection that are no operations. */
  readonly strangers: (limit: number, session: ClientSession) => Promise<readonly string[]>;
  /** The postings of accounts of one branch, by account and then by version, in batches. */
  readonly postingsOf: (
    of: PostingsOf,
    session: ClientSession,
  ) => AsyncIterable<readonly UnwoundPosting[]>;
  /** The documents of accounts of one branch, by number. */
  readonly documentsOf: (
    of: { readonly branch: string; readonly accounts: readonly string[] },
    session: ClientSession,
  ) => Promise<ReadonlyMap<string, DocumentCount>>;
  /** See `findRepeatedNumbers`. */
  readonly repeatedNumbers: (
    collection: string,
    session: ClientSession,
  ) => AsyncIterable<readonly RepeatedNumber[]>;
  /** True if the server refuses a second document of a collection with the same number. */
  readonly hasUniqueNumbers: (collection: string) => Promise<boolean>;
  /** What a branch's collection, or the journal, lacks of what guards it; if it exists. */
  readonly unguarded: (branch?: string) => Promise<Unguarded>;
}

const accountFields = {
  account_number: 1,
  balance: 1,
  branch: 1,
  version: 1,
  status: 1,
  opened_at: 1,
  posted_at: 1,
  [ownerField]: 1,
  [labelsField]: 1,
} as const;

/** Sends nothing to the server. */
export function createScan(db: Db, config: Config): BankScan {
  const { journal, branches } = config;
  const journalName = String(journal);
  const collectionOf = (name: string) =>
    branches.find((branch) => branch.name === name)?.collection ?? name;
  return Object.freeze({
    otherCollections: () => otherCollections(db, config),
    kinds: () => readCollectionKinds(db),
    sample: (collection, limit) =>
      db.collection(collection).find({}, { enableUtf8Validation: false }).limit(limit).toArray(),
    accounts: (collection, session) =>
      batchesOf(
        db
          .collection(collection)
          .find<Buffer>({}, { projection: accountFields, ...inBatches(session), raw: true }),
      ),
    decode: (bytes) => BSON.deserialize(bytes, { validation: { utf8: false } }),
    operations: (session) =>
      batchesOf(
        db
          .collection(journalName)
          .find<Buffer>({ postings: { $exists: true } }, { ...inBatches(session), raw: true }),
      ),
    strangers: async (limit, session) => {
      const found = await db
        .collection(journalName)
        .find(isNoOperation, { projection: { _id: 1 }, limit, ...inBatches(session) })
        .toArray();
      return found.map(({ _id }) => String(_id));
    },
    postingsOf: (of, session) =>
      batchesOf(
        db.collection(journalName).aggregate<UnwoundPosting>(postingsOf(of), {
          ...inBatches(session),
          allowDiskUse: true,
        }),
      ),
    documentsOf: async ({ branch, accounts }, session) => {
      const found = await db
        .collection(collectionOf(branch))
        .find(
          { account_number: { $in: [...accounts] } },
          { projection: { account_number: 1, branch: 1 }, ...inBatches(session) },
        )
        .toArray();
      return countDocuments(branch, found);
    },
    repeatedNumbers: (collection, session) =>
      findRepeatedNumbers(() =>
        batchesOf(
          db.collection(collection).find(
            {},
            {
              projection: { _id: 0, account_number: 1 },
              ...inBatches(session),
              enableUtf8Validation: false,
            },
          ),
        ),
      ),
    hasUniqueNumbers: (collection) => hasUniqueNumbers(db, collection),
    unguarded: (name) => {
      const branch = branches.find((one) => one.name === name);
      return findUnguarded(db, branch ? branchSpec(branch) : journalSpec(journalName));
    },
  } satisfies BankScan);
}

function inBatches(session: ClientSession) {
  return { ...literalOption(session), batchSize: 1000 };
}

function countDocuments(
  branch: string,
  documents: readonly Document[],
): ReadonlyMap<string, DocumentCount> {
  const counts = new Map<string, DocumentCount>();
  for (const { account_number, branch: stamp } of documents) {
    const account = String(account_number);
    const { all, own } = counts.get(account) ?? { all: 0, own: 0 };
    counts.set(account, { all: all + 1, own: own + (stamp === branch ? 1 : 0) });
  }
  return counts;
}

async function otherCollections(db: Db, { journal, branches }: Config): Promise<readonly string[]> {
  const owned = new Set([
    ...branches.map(({ collection }) => collection),
    ...(journal === false ? [] : [journal]),
    identityCollection,
  ]);
  const found = await db.listCollections({ type: 'collection' }, { nameOnly: true }).toArray();
  return found
    .map(({ name }) => name)
    .filter((name) => !owned.has(name) && !name.startsWith('system.'))
    .sort();
}

const isNoOperation = { postings: { $exists: false }, refused: { $exists: false } };

function postingsOf({ branch, accounts, among = {} }: PostingsOf): Document[] {
  const numbers = { $in: [...accounts] };
  return [
    {
      $match: {
        postings: { $elemMatch: { branch, account_number: numbers } },
        'postings.branch': branch,
        'postings.account_number': numbers,
        ...among,
      },
    },
    { $project: { type: 1, at: 1, posting: '$postings', operation: '$$ROOT' } },
    { $unwind: '$posting' },
    { $match: { 'posting.branch': branch, 'posting.account_number': numbers } },
    { $sort: { 'posting.account_number': 1, 'posting.version': 1 } },
  ];
}
