import { type Db, Decimal128, type Document, type IndexDescription } from 'mongodb';
import type { BranchConfig } from '../config/config.ts';
import { BankctlError } from '../errors.ts';
import { toDecimal } from './decimal.ts';
import { maxMinor } from './money.ts';

/**
 * The rule by which the server itself refuses a document stamped for another branch, or one
 * whose balance is not a finite decimal.
 *
 * Source: MongoDB manual, "Specify JSON Schema Validation".
 */
export function branchValidator(branch: BranchConfig): Document {
  return {
    $jsonSchema: {
      bsonType: 'object',
      required: ['account_number', 'balance', 'branch', 'version', 'status', 'opened_at'],
      properties: {
        account_number: { bsonType: 'string', minLength: 1 },
        balance: {
          bsonType: 'decimal',
          minimum: toDecimal(-maxMinor, branch.currency),
          maximum: toDecimal(maxMinor, branch.currency),
        },
        branch: { enum: [branch.name] },
        version: { bsonType: 'long', minimum: 1 },
        status: { enum: ['open', 'frozen', 'closed'] },
        opened_at: { bsonType: 'date' },
        posted_at: { bsonType: 'date' },
      },
    },
  };
}

/** The rule for the documents of the journal. */
export const journalValidator: Document = Object.freeze({
  $jsonSchema: {
    bsonType: 'object',
    required: ['_id', 'type', 'at', 'by', 'request', 'postings'],
    properties: {
      _id: { bsonType: 'string', minLength: 1 },
      type: { bsonType: 'string' },
      at: { bsonType: 'date' },
      postings: {
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
      },
    },
  },
});

interface Wanted {
  readonly collection: string;
  readonly validator: Document;
  /** All of them unique. */
  readonly indexes: readonly IndexDescription[];
}

/** Creates what is missing of a branch's collection. Repeatable, also by many at once. */
export function prepareBranch(db: Db, branch: BranchConfig): Promise<void> {
  return prepare(db, {
    collection: branch.collection,
    validator: branchValidator(branch),
    indexes: [{ key: { account_number: 1 }, name: 'account_number', unique: true }],
  });
}

/**
 * Creates what is missing of the journal. Its unique indexes make the server refuse a second
 * posting of one version of an account, and a second reversal of one operation.
 */
export function prepareJournal(db: Db, collection: string): Promise<void> {
  return prepare(db, {
    collection,
    validator: journalValidator,
    indexes: [
      {
        key: { 'postings.branch': 1, 'postings.account_number': 1, 'postings.version': 1 },
        name: 'posting',
        unique: true,
      },
      {
        key: { reverses: 1 },
        name: 'reverses',
        unique: true,
        partialFilterExpression: { reverses: { $exists: true } },
      },
    ],
  });
}

async function prepare(db: Db, wanted: Wanted): Promise<void> {
  const [existing] = await db
    .listCollections({ name: wanted.collection }, { nameOnly: false })
    .toArray();
  if (!existing) {
    await createCollection(db, wanted);
  } else if (!sameValidator(existing['options']?.['validator'], wanted.validator)) {
    await setValidator(db, wanted);
  }
  await db.collection(wanted.collection).createIndexes([...wanted.indexes]);
}

async function createCollection(db: Db, wanted: Wanted): Promise<void> {
  try {
    await db.createCollection(wanted.collection, { validator: wanted.validator });
  } catch (error) {
    // Someone else was faster: NamespaceExists.
    if (!(error instanceof Error && 'code' in error && error.code === 48)) throw error;
  }
}

/**
 * A strict validator on documents that break it would stop every program that still writes
 * them, so a collection with such documents is left as it is.
 */
async function setValidator(db: Db, wanted: Wanted): Promise<void> {
  const breaking = await db
    .collection(wanted.collection)
    .findOne({ $nor: [wanted.validator] }, { projection: { account_number: 1 } });
  if (breaking) {
    throw new BankctlError(
      'foreign_documents',
      `The collection ${wanted.collection} holds documents that bankctl did not write, ` +
        `such as the one with _id ${String(breaking._id)}.`,
    );
  }
  await db.command({
    collMod: wanted.collection,
    validator: wanted.validator,
    validationLevel: 'strict',
    validationAction: 'error',
  });
}

/** Compares by text; the server gives a validator back as it was set. */
function sameValidator(present: unknown, wanted: Document): boolean {
  return JSON.stringify(present, plainNumbers) === JSON.stringify(wanted, plainNumbers);
}

function plainNumbers(_key: string, value: unknown): unknown {
  if (value instanceof Decimal128) return value.toString();
  return typeof value === 'bigint' ? Number(value) : value;
}
