import {
  type AnyBulkWriteOperation,
  type ClientSession,
  type Collection,
  type Db,
  type Document,
  Long,
  MongoServerError,
  MongoWriteConcernError,
  ObjectId,
} from 'mongodb';
import { unknownBranch } from '../config/branch-lookup.ts';
import type { BranchConfig, Config } from '../config/config.ts';
import { type Currency, maxMinor } from '../core/money.ts';
import type { AccountDocument } from './account.ts';
import type { AccountState } from './book.ts';
import {
  branchSpec,
  checkCollection,
  createIndexes,
  type PartialCheck,
  prepareCollection,
} from './collections.ts';
import { batchesOf, listBatchSize } from './cursor-batches.ts';
import { toDecimal } from './decimal.ts';
import { createLegacyCollection, type LegacyCollection } from './legacy-collection.ts';
import type { Sender } from './sender.ts';
import { literalOption } from './session-options.ts';
import { toStored } from './stored-balance.ts';
import { toStoredProfile } from './stored-profile.ts';
import { startingWith } from './stored-values.ts';
import {
  type BranchTotal,
  findDuplicates,
  findProblems,
  hasUniqueNumbers,
  type Problem,
  type Problems,
  readTotals,
  readUniqueBranches,
  type Tally,
} from './survey.ts';

/** The state of an account after a batch, and the version at which it was read. */
export interface AccountChange extends Omit<AccountState, 'nextAt'> {
  readonly account: string;
  /** The write matches no other version. 0n for a new account. */
  readonly versionRead: bigint;
}

/**
 * The one way to a branch's collection. It is made once from the config and frozen, and holds the
 * collection in a closure, so nothing can re-point it. Every filter repeats the stamp, so a
 * misdirected write matches nothing.
 */
export interface BranchModel extends BranchConfig {
  /** The documents of these accounts that carry the branch's stamp. */
  readonly read: (
    accounts: readonly string[],
    session?: ClientSession,
  ) => Promise<readonly Document[]>;
  /** Every document with one of these numbers, whatever its stamp. */
  readonly find: (
    accounts: readonly string[],
    session?: ClientSession,
  ) => Promise<readonly Document[]>;
  /** Makes the transaction the writer of these accounts until its end: see `holdAccounts`. */
  readonly hold: (accounts: readonly string[], session: ClientSession) => Promise<unknown>;
  /** Leaves no trace of `hold` in what is committed. */
  readonly release: (accounts: readonly string[], session: ClientSession) => Promise<unknown>;
  /**
   * Encodes the changes of a batch, and returns what writes them in one call. Each matches only the
   * document and version read. It returns how many took effect; fewer than given means that another
   * writer came first.
   */
  readonly write: (changes: readonly AccountChange[]) => Sender<number>;
  /**
   * The plain `$inc` of a bank without a journal: one guarded update, atomic by itself. The filter
   * is the guard: number, stamp, status and the bounds of the result.
   * Sent once: the driver would repeat it, and hide that a first attempt went unanswered.
   * @returns the account after it, or null if it did not pass the guard
   */
  readonly increment: (
    account: string,
    documentId: unknown,
    amountMinor: bigint,
  ) => Promise<Document | null>;
  /**
   * Opens an account in a bank without a journal, for which the unique index is the guard. Sent
   * once, like `increment`.
   */
  readonly insert: (change: AccountChange) => Promise<void>;
  /** Like `increment`, without reading the account back: how many documents it matched, 0 or 1. */
  readonly add: (account: string, amountMinor: bigint) => Promise<number>;
  /** True if there is a document without the branch's stamp. Slow if there is none. */
  readonly hasForeign: () => Promise<boolean>;
  /** What is wrong with documents, except duplicates of a number. Slow. */
  readonly problems: (session?: ClientSession) => Promise<Problems>;
  /** Numbers that several documents have; there are none while the index is in place. */
  readonly duplicates: (session?: ClientSession) => Promise<readonly Problem[]>;
  /**
   * All accounts by number, in batches of bounded memory.
   * @param foreign counts the documents without the branch's stamp
   * @param filter what else they must match; without a tally only
   */
  readonly accounts: (
    session?: ClientSession,
    foreign?: Tally,
    filter?: Document,
  ) => AsyncIterable<readonly Document[]>;
  /** Numbers of the branch's accounts that begin with a text, by the index, at most `limit`. */
  readonly numbersFrom: (begun: string, limit: number) => Promise<readonly string[]>;
  /** Those of some numbers that the branch has, by the index, in order, at most `limit`. */
  readonly numbersAmong: (numbers: readonly string[], limit: number) => Promise<readonly string[]>;
  /** The documents that other programs left, which only `adopt` touches. */
  readonly legacy: LegacyCollection;
  /** See `prepareCollection`; or only the indexes, which may be possible where the rest is not. */
  readonly prepare: (only?: 'indexes') => Promise<void>;
  /** See `checkCollection`. */
  readonly check: (only?: PartialCheck) => Promise<void>;
}

/** Only ever inside a transaction; no program has a field of that name. */
const heldField = 'bankctl_held';

/** Sends nothing to the server. */
export function createBranch(db: Db, config: BranchConfig): BranchModel {
  const collection = db.collection(config.collection);
  const stamp = config.name;
  const spec = branchSpec(config);
  const guarded = (account: string, amountMinor: bigint) => ({
    account_number: account,
    branch: stamp,
    status: 'open',
    balance: {
      $gte: toDecimal(config.minBalanceMinor - amountMinor, config.currency),
      $lte: toDecimal(maxMinor - amountMinor, config.currency),
    },
  });
  // Adding to an amount with digits below the minor unit would only hide them.
  const exact = { $eq: ['$balance', { $round: ['$balance', config.currency.digits] }] };
  const addition = (amountMinor: bigint) => ({
    $inc: { balance: toDecimal(amountMinor, config.currency), version: Long.ONE },
    $currentDate: { posted_at: true as const },
  });
  const ofBranch = (accounts: readonly string[]) => ({
    account_number: { $in: [...accounts] },
    branch: stamp,
  });
  const place = (session: ClientSession | undefined) => ({
    collection,
    branch: config,
    options: literalOption(session),
  });
  const numbersWith = async (condition: Document, limit: number) => {
    const numbers = await collection
      .find({ account_number: condition, branch: stamp })
      .project<{ readonly account_number: string }>({ _id: 0, account_number: 1 })
      .sort({ account_number: 1 })
      .limit(limit)
      .toArray();
    return numbers.map(({ account_number }) => account_number);
  };
  return Object.freeze({
    ...config,
    read: (accounts, session) =>
      collection.find(ofBranch(accounts), literalOption(session)).toArray(),
    find: (accounts, session) => {
      const numbers = config.storage === 'double' ? accounts.flatMap(numberForms) : accounts;
      // All in the first answer; by default only a hundred would be.
      const options = { ...literalOption(session), batchSize: numbers.length + 1 };
      return collection.find({ account_number: { $in: [...numbers] } }, options).toArray();
    },
    hold: (accounts, session) =>
      collection.updateMany(
        ofBranch(accounts),
        { $set: { [heldField]: true } },
        literalOption(session),
      ),
    release: (accounts, session) =>
      collection.updateMany(
        ofBranch(accounts),
        { $unset: { [heldField]: '' } },
        literalOption(session),
      ),
    write: (changes) => writeChanges(collection, config, changes),
    increment: (account, documentId, amountMinor) =>
      incrementOnce(db, config.collection, {
        query: { _id: documentId, ...guarded(account, amountMinor), $expr: exact },
        update: addition(amountMinor),
      }),
    insert: (change) => insertOnce(db, config.collection, newDocument(config, change)),
    add: async (account, amountMinor) => {
      const result = await collection.updateOne(
        guarded(account, amountMinor),
        addition(amountMinor),
      );
      return result.matchedCount;
    },
    hasForeign: async () => {
      const found = await collection.findOne(
        { branch: { $ne: stamp } },
        { projection: { _id: 1 } },
      );
      return found !== null;
    },
    problems: (session) => findProblems(place(session)),
    duplicates: async (session) =>
      (await hasUniqueNumbers(db, config.collection)) ? [] : findDuplicates(place(session)),
    accounts: (session, foreign, filter) =>
      readAccounts(collection, stamp, session, foreign, filter),
    numbersFrom: (begun, limit) => numbersWith(startingWith(begun), limit),
    numbersAmong: (numbers, limit) => numbersWith({ $in: [...numbers] }, limit),
    legacy: createLegacyCollection(collection),
    prepare: (only) => (only ? createIndexes(db, spec) : prepareCollection(db, spec)),
    check: (only) => checkCollection(db, spec, only),
  } satisfies BranchModel);
}

/** The models of all branches, made once; looked up by name, never changed. */
export interface Branches extends Iterable<BranchModel> {
  /** @throws `unknown_branch`, with the nearest name */
  readonly get: (name: string) => BranchModel;
  /** @throws `unknown_branch` */
  readonly currencyOf: (name: string) => Currency;
  /** Number and sum of the accounts of each branch, by its name. */
  readonly totals: (session: ClientSession) => Promise<ReadonlyMap<string, BranchTotal>>;
  /** See `readUniqueBranches`. */
  readonly unique: () => Promise<ReadonlySet<string>>;
}

/** Makes one frozen model per branch. */
export function createBranches(db: Db, config: Config): Branches {
  const models = new Map(config.branches.map((branch) => [branch.name, createBranch(db, branch)]));
  const get = (name: string) =>
    models.get(name) ?? models.get(name.normalize('NFC')) ?? unknownBranch(name, config);
  return Object.freeze({
    get,
    currencyOf: (name: string) => get(name).currency,
    totals: (session: ClientSession) =>
      readTotals(db, config.branches, () => literalOption(session)),
    unique: () => readUniqueBranches(db, config.branches),
    [Symbol.iterator]: () => models.values(),
  });
}

/** Beside an old program, an account number may be stored as a number, of whatever type. */
function numberForms(account: string): readonly (string | Long)[] {
  return /^(?:0|-?[1-9]\d{0,17})$/.test(account) ? [account, Long.fromString(account)] : [account];
}

/** @throws `MongoWriteConcernError` also if the server reports it in an answer that is ok */
async function incrementOnce(
  db: Db,
  collection: string,
  change: { readonly query: Document; readonly update: Document },
): Promise<Document | null> {
  const answer = await db.command({
    findAndModify: collection,
    ...change,
    new: true,
    writeConcern: { w: 'majority' },
  });
  const { writeConcernError } = answer;
  if (writeConcernError) throw new MongoWriteConcernError({ ...answer, ok: 1, writeConcernError });
  return answer['value'] ?? null;
}

/** Like `insertOne`, but not retried by the driver. */
async function insertOnce(db: Db, collection: string, document: AccountDocument): Promise<void> {
  const { writeErrors, writeConcernError } = await db.command({
    insert: collection,
    documents: [{ _id: new ObjectId(), ...document }],
    writeConcern: { w: 'majority' },
  });
  if (writeErrors?.[0]) throw new MongoServerError(writeErrors[0]);
  if (writeConcernError) throw new MongoWriteConcernError({ ok: 1, writeConcernError });
}

function writeChanges(
  collection: Collection,
  branch: BranchConfig,
  changes: readonly AccountChange[],
): Sender<number> {
  const [first] = changes;
  // The driver's bulk code takes milliseconds to load, which a single change can do without.
  if (first && changes.length === 1 && first.versionRead !== 0n) {
    const { filter, update, hint } = updateOf(branch, first);
    return async (session) =>
      (await collection.updateOne(filter, update, { session, hint })).matchedCount;
  }
  const bulk = collection.initializeUnorderedBulkOp();
  for (const change of changes) bulk.raw(writeChange(branch, change));
  return async (session) => {
    const result = await bulk.execute({ session });
    return result.insertedCount + result.matchedCount;
  };
}

function writeChange(branch: BranchConfig, change: AccountChange): AnyBulkWriteOperation {
  if (change.versionRead === 0n) return { insertOne: { document: newDocument(branch, change) } };
  return { updateOne: updateOf(branch, change) };
}

function updateOf(branch: BranchConfig, change: AccountChange) {
  const _id: Document['_id'] = change.documentId;
  return {
    filter: {
      _id,
      account_number: change.account,
      branch: branch.name,
      version: Long.fromBigInt(change.versionRead),
    },
    update: { $set: changedFields(branch, change) },
    // Otherwise the server would try the index on numbers too, for every account.
    hint: { _id: 1 },
  };
}

function changedFields(branch: BranchConfig, change: AccountChange) {
  return {
    balance: toStored(change.balanceMinor, branch),
    version: Long.fromBigInt(change.version),
    status: change.status,
    posted_at: change.postedAt,
    ...(change.profile && toStoredProfile(change.profile)),
  };
}

function newDocument(branch: BranchConfig, change: AccountChange): AccountDocument {
  return {
    account_number: change.account,
    branch: branch.name,
    opened_at: change.openedAt,
    ...changedFields(branch, change),
  };
}

/** With a tally, documents without the branch's stamp are read too: one pass, in one snapshot. */
async function* readAccounts(
  collection: Collection,
  stamp: string,
  session: ClientSession | undefined,
  foreign: Tally | undefined,
  filter: Document = {},
): AsyncIterable<readonly Document[]> {
  const cursor = collection
    .find(foreign ? {} : { ...filter, branch: stamp }, {
      ...literalOption(session),
      batchSize: listBatchSize,
      allowDiskUse: true,
    })
    .sort({ account_number: 1 });
  const isOwn = (document: Document) => {
    if (document['branch'] === stamp) return true;
    const code = document['branch'] == null ? 'unstamped_document' : 'misplaced_document';
    foreign?.add(code, document);
    return false;
  };
  for await (const documents of batchesOf(cursor)) {
    yield foreign ? documents.filter(isOwn) : documents;
  }
}
