import {
  type Collection,
  type CreateCollectionOptions,
  type Db,
  Decimal128,
  type Document,
  type IndexDescription,
} from 'mongodb';
import type { BranchConfig } from '../config/config.ts';
import { BankctlError } from '../core/errors.ts';
import { maxMinor } from '../core/money.ts';
import { quote } from '../core/text.ts';
import { isDuplicate, isServerError } from '../database/driver-errors.ts';
import { endAbandoned } from './abandoned-transactions.ts';
import { toDecimal } from './decimal.ts';
import { auditHint, takeOver } from './next-step.ts';
import { statusTypes } from './operations/operation.ts';
import { maxBalanceMinor } from './stored-balance.ts';

const stampedFields = ['account_number', 'balance', 'branch', 'version', 'status', 'opened_at'];

/**
 * Lets the server itself refuse a document stamped for another branch, or one whose balance is not
 * a finite decimal. Beside an old program it refuses only what would do harm: a balance that is no
 * number, or too large, and a document with a stamp that is not complete.
 * Source: MongoDB manual, "Specify JSON Schema Validation".
 */
function branchValidator({ name, currency, storage }: BranchConfig): Document {
  const account_number = { bsonType: 'string', minLength: 1 };
  const branch = { enum: [name] };
  const others = {
    version: { bsonType: 'long', minimum: 1 },
    status: { enum: ['open', 'frozen', 'closed'] },
    opened_at: { bsonType: 'date' },
    posted_at: { bsonType: 'date' },
  };
  if (storage === 'decimal') {
    const bounds = {
      minimum: toDecimal(-maxMinor, currency),
      maximum: toDecimal(maxMinor, currency),
    };
    // Validators are compared as texts, so the order of their keys must not change.
    const balance = { bsonType: 'decimal', ...bounds };
    const properties = { account_number, balance, branch, ...others };
    return { $jsonSchema: { bsonType: 'object', required: stampedFields, properties } };
  }
  // Exclusive, since the largest balance itself is no double.
  const endMinor = maxBalanceMinor({ currency, storage }) + 1n;
  const bounds = {
    minimum: toDecimal(-endMinor, currency),
    exclusiveMinimum: true,
    maximum: toDecimal(endMinor, currency),
    exclusiveMaximum: true,
  };
  return {
    $jsonSchema: {
      bsonType: 'object',
      properties: { balance: { bsonType: 'number', ...bounds }, branch },
      dependencies: {
        branch: { required: stampedFields, properties: { account_number, ...others } },
      },
    },
  };
}

const postings: Document = {
  bsonType: 'array',
  minItems: 1,
  items: {
    bsonType: 'object',
    required: ['branch', 'account_number', 'amount', 'balance_after', 'version'],
    properties: {
      branch: { bsonType: 'string' },
      account_number: { bsonType: 'string' },
      amount: { bsonType: 'decimal' },
      balance_after: { bsonType: 'decimal' },
      version: { bsonType: 'long', minimum: 1 },
    },
  },
};

/**
 * Applied operations have postings, refused ones a reason, and none has both. Applied ones written
 * by older versions may have a list of refusals.
 */
const journalValidator: Document = Object.freeze({
  $jsonSchema: {
    bsonType: 'object',
    required: ['_id', 'type', 'at', 'by', 'request'],
    properties: {
      _id: { bsonType: 'string', minLength: 1 },
      type: { bsonType: 'string' },
      at: { bsonType: 'date' },
      seq: { bsonType: 'int', minimum: 0 },
      was: { bsonType: 'object' },
    },
    oneOf: [
      {
        required: ['postings'],
        properties: { postings, refused: { bsonType: 'array' } },
      },
      {
        required: ['refused', 'asked'],
        properties: {
          refused: {
            bsonType: 'object',
            required: ['code', 'message'],
            properties: { code: { bsonType: 'string' }, message: { bsonType: 'string' } },
          },
          asked: { bsonType: 'object' },
        },
        not: { anyOf: [{ required: ['postings'] }, { required: ['reverses'] }] },
      },
    ],
  },
});

/** The order of application, except for documents that share both, see `sortByApplication`. */
export const applicationOrder = Object.freeze({ at: 1, seq: 1 } as const);

/** What a collection must look like. */
export interface CollectionSpec {
  readonly collection: string;
  /** The branch that owns it; undefined for the journal. */
  readonly branch?: string;
  readonly validator: Document;
  readonly indexes: readonly IndexDescription[];
  /** Names of indexes made by older versions, each replaced by one of `indexes`. */
  readonly outdated: readonly string[];
}

/** A branch's collection: its unique index refuses a second account with the same number. */
export function branchSpec(branch: BranchConfig): CollectionSpec {
  return {
    collection: branch.collection,
    branch: branch.name,
    validator: branchValidator(branch),
    indexes: [{ key: { account_number: 1 }, name: 'account_number', unique: true }],
    outdated: [],
  };
}

/**
 * The journal: its unique indexes refuse a second posting of one version of an account, and a
 * second reversal of one operation. Refused operations have no postings, which an index that is not
 * sparse would treat as duplicates.
 */
export function journalSpec(collection: string): CollectionSpec {
  return {
    collection,
    validator: journalValidator,
    indexes: [
      {
        key: { 'postings.branch': 1, 'postings.account_number': 1, 'postings.version': 1 },
        name: 'postings',
        unique: true,
        sparse: true,
      },
      {
        key: { reverses: 1 },
        name: 'reverses',
        unique: true,
        partialFilterExpression: { reverses: { $exists: true } },
      },
      { key: applicationOrder, name: 'at_seq' },
      // No increment and no transfer has an entry in these, so they cost next to nothing.
      {
        key: { 'postings.branch': 1, 'postings.account_number': 1 },
        name: 'status',
        partialFilterExpression: { type: { $in: [...statusTypes] } },
      },
      {
        key: applicationOrder,
        name: 'refused',
        partialFilterExpression: { refused: { $exists: true } },
      },
    ],
    outdated: ['posting', 'order'],
  };
}

/** A part of a check: whether a collection is capped, or how it was created in all. */
export type PartialCheck = 'capped' | 'options';

/**
 * Checks for what `prepareCollection` would refuse, or for a part of it; changes nothing.
 */
export async function checkCollection(
  db: Db,
  spec: CollectionSpec,
  only: PartialCheck | undefined,
): Promise<void> {
  const found = await check(db, spec, only);
  if (only || found === 'missing' || spec.branch === undefined) return;
  const present = await indexNames(db.collection(spec.collection));
  if (!isIndexed(spec, present)) await checkNumbers(db, spec);
}

/**
 * Creates what is missing: the collection, its validator, its indexes. Repeatable, even by many
 * callers at once. An outdated index is dropped only after its replacement is there.
 * @throws `foreign_documents`, `capped_collection`, `collated_collection`, `duplicate_account`;
 *   `config_mismatch` for a view
 */
export async function prepareCollection(db: Db, spec: CollectionSpec): Promise<void> {
  const found = await check(db, spec);
  const collection = db.collection(spec.collection);
  const present = found === 'missing' ? [] : await indexNames(collection);
  const isOutdated = found === 'other_validator';
  // Changes of a collection wait for open transactions, also those of clients that are gone.
  if (isOutdated || (found === 'prepared' && !isIndexed(spec, present)))
    await endAbandoned(db.client);
  if (found === 'missing')
    await createCollection(db, spec.collection, { validator: spec.validator });
  else if (isOutdated) await setValidator(db, spec);
  await createIndexes(db, spec);
  for (const name of present) {
    if (spec.outdated.includes(name)) await dropIndex(collection, name);
  }
}

/** Creates the indexes of a collection. @throws `duplicate_account` */
export async function createIndexes(db: Db, spec: CollectionSpec): Promise<void> {
  try {
    await db.collection(spec.collection).createIndexes([...spec.indexes]);
  } catch (error) {
    if (isDuplicate(error) && spec.branch !== undefined) await checkNumbers(db, spec);
    throw error;
  }
}

/** Others may drop it at the same time. */
async function dropIndex(collection: Collection, name: string): Promise<void> {
  try {
    await collection.dropIndex(name);
  } catch (error) {
    if (!isServerError(error, 'indexNotFound')) throw error;
  }
}

/**
 * @throws `foreign_documents`, `capped_collection`, `collated_collection`; `config_mismatch` for a
 *   view
 */
async function check(
  db: Db,
  spec: CollectionSpec,
  only?: PartialCheck,
): Promise<'missing' | 'prepared' | 'other_validator'> {
  const [existing] = await db
    .listCollections({ name: spec.collection }, { nameOnly: false })
    .toArray();
  if (!existing) return 'missing';
  if (existing['type'] === 'view') throw isView(spec);
  const { capped, collation, validator } = existing['options'] ?? {};
  if (capped === true) throw cappedCollection(spec.collection);
  if (only === 'capped') return 'prepared';
  if (collation) throw collatedCollection(spec.collection, collation);
  if (only) return 'prepared';
  if (isSameValidator(validator, spec.validator)) return 'prepared';
  await checkDocuments(db, spec);
  return 'other_validator';
}

/** @throws `duplicate_account`, which a collection without its unique index may hold */
async function checkNumbers(db: Db, { collection, branch }: CollectionSpec): Promise<void> {
  const [twice] = await db
    .collection(collection)
    .aggregate(
      [
        { $group: { _id: '$account_number', count: { $sum: 1 }, ids: { $push: '$_id' } } },
        { $match: { count: { $gt: 1 } } },
        { $limit: 1 },
      ],
      { allowDiskUse: true },
    )
    .toArray();
  if (!twice) return;
  const [first, second] = twice['ids'];
  throw new BankctlError(
    'duplicate_account',
    `The collection ${collection} has two documents of ${quote(String(twice['_id']))}, with _id ` +
      `${String(first)} and ${String(second)}; nothing was written.`,
    branch && `${auditHint(branch)}; keep one document of each number.`,
  );
}

async function indexNames(collection: Collection): Promise<readonly string[]> {
  return (await collection.indexes()).map(({ name }) => name ?? '');
}

function isIndexed({ indexes }: CollectionSpec, present: readonly string[]): boolean {
  return indexes.every(({ name }) => name !== undefined && present.includes(name));
}

/** A capped collection drops its oldest documents to make room: money would silently vanish. */
function cappedCollection(name: string): BankctlError {
  return new BankctlError(
    'capped_collection',
    `The collection ${name} is capped: it drops its oldest documents when it is full.`,
  );
}

/** A view cannot be written. */
function isView({ collection, branch }: CollectionSpec): BankctlError {
  return new BankctlError(
    'config_mismatch',
    `The collection ${collection} of ${branch ?? 'the journal'} is a view.`,
    'Name the collection behind it in the config.',
  );
}

/**
 * The error for a collection that was created with a collation, which cannot be changed: to its
 * indexes, different numbers may be the same, such as `acc` and `ACC`.
 */
export function collatedCollection(name: string, { locale, strength }: Document): BankctlError {
  return new BankctlError(
    'collated_collection',
    `The collection ${name} compares text by a collation (locale ${String(locale)}, strength ` +
      `${String(strength)}), for which different account numbers may be the same.`,
  );
}

/** Creates a collection unless it is there. */
export async function createCollection(
  db: Db,
  name: string,
  options: CreateCollectionOptions = {},
): Promise<void> {
  try {
    await db.createCollection(name, options);
  } catch (error) {
    // Someone else created it first.
    if (!isServerError(error, 'namespaceExists')) throw error;
  }
}

/**
 * A strict validator would stop every program that still writes documents that break it, so a
 * collection with such documents is left as it is.
 */
async function checkDocuments(db: Db, spec: CollectionSpec): Promise<void> {
  const breaking = await db
    .collection(spec.collection)
    .findOne({ $nor: [spec.validator] }, { projection: { account_number: 1 } });
  if (breaking) {
    throw new BankctlError(
      'foreign_documents',
      `The collection ${spec.collection} holds documents that bankctl did not write, ` +
        `such as the one with _id ${String(breaking._id)}.`,
      spec.branch === undefined ? otherJournal : takeOver(spec.branch),
    );
  }
}

const otherJournal =
  "If another program's, give the journal another name with journal: NAME in the config; if " +
  "bankctl's, restore them from a backup.";

async function setValidator(db: Db, spec: CollectionSpec): Promise<void> {
  await db.command({
    collMod: spec.collection,
    validator: spec.validator,
    validationLevel: 'strict',
    validationAction: 'error',
  });
}

/** Compares by text; the server returns a validator as it was set. */
export function isSameValidator(present: unknown, spec: Document): boolean {
  return JSON.stringify(present, plainNumbers) === JSON.stringify(spec, plainNumbers);
}

function plainNumbers(_key: string, value: unknown): unknown {
  if (value instanceof Decimal128) return value.toString();
  return typeof value === 'bigint' ? Number(value) : value;
}
