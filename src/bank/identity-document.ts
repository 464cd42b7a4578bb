import {
  type ClientSession,
  type Collection,
  type Db,
  type Document,
  MongoError,
  MongoNetworkTimeoutError,
} from 'mongodb';
import { identityCollection } from '../config/config.ts';
import { BankctlError } from '../core/errors.ts';
import { isServerError } from '../database/driver-errors.ts';

/** What a branch owns, as the database knows it. */
export interface OwnedBranch {
  readonly name: string;
  readonly collection: string;
  /** ISO 4217 code. */
  readonly currency: string;
}

/** What a database says about itself: written by its first writing command, read by every one. */
export interface Identity {
  /** A UUID made once; a copy of the database keeps it. */
  readonly databaseId: string;
  readonly journal: string | false;
  readonly branches: readonly OwnedBranch[];
}

/** An identity as it is stored. The branches are an array, so that any name can be stored. */
interface IdentityDocument {
  readonly _id: string;
  readonly database_id: string;
  readonly journal: string | false;
  readonly branches: readonly StoredBranch[];
}

/** A branch as it is stored. */
interface StoredBranch {
  readonly branch: string;
  readonly collection: string;
  readonly currency: string;
}

/** A branch as it is stored, with its fields in this order. */
export function toStoredBranch({ name, collection, currency }: OwnedBranch): StoredBranch {
  return { branch: name, collection, currency };
}

/** The `_id` of the one document. */
export const identityId = 'bank';

/** Only what is needed is read, however large somebody made the document. */
const projection = { database_id: 1, journal: 1, branches: 1 };

/**
 * The identity of a database; undefined if no command has claimed it.
 * @throws `bad_identity`; `not_permitted` if the user may not read it
 */
export async function readIdentity(db: Db, session?: ClientSession): Promise<Identity | undefined> {
  try {
    const document = await identityDocuments(db).findOne(
      { _id: identityId },
      { projection, ...(session && { session }) },
    );
    return document === null ? undefined : parseIdentity(document, db.databaseName);
  } catch (error) {
    throw isServerError(error, 'unauthorized') ? mayNotRead(db, error) : error;
  }
}

/**
 * Like `readIdentity`, but sent once, and believed only if the answer has the time of its
 * operation, which a member of a replica set or a router adds: this saves asking what the server
 * is.
 * @returns undefined if that is not known; `identity` is undefined if no command has claimed it
 * @throws `bad_identity`, `not_permitted`
 */
export async function readIdentityOfSet(
  db: Db,
): Promise<{ readonly identity: Identity | undefined } | undefined> {
  const find = { find: identityCollection, filter: { _id: identityId }, projection, limit: 1 };
  let answer: Document;
  try {
    answer = await db.command({ ...find, singleBatch: true, readConcern: { level: 'majority' } });
  } catch (error) {
    if (isServerError(error, 'unauthorized')) throw mayNotRead(db, error);
    // A query that used up its time is not sent again.
    if (error instanceof MongoNetworkTimeoutError || !(error instanceof MongoError)) throw error;
    return undefined;
  }
  if (answer['operationTime'] === undefined) return undefined;
  const [document] = answer['cursor'].firstBatch;
  return { identity: document && parseIdentity(document, db.databaseName) };
}

function mayNotRead(db: Db, cause: unknown): BankctlError {
  return new BankctlError(
    'not_permitted',
    `The database user may not read the collection ${identityCollection} in ` +
      `${db.databaseName}, which says what belongs to which branch.`,
    'Give the user the role read or readWrite on the database, or find on that collection.',
    { cause },
  );
}

/** The collection that holds the identity. */
export function identityDocuments(db: Db): Collection<IdentityDocument> {
  return db.collection<IdentityDocument>(identityCollection);
}

/** @throws `bad_identity` for what bankctl would not have stored */
export function parseIdentity(document: Document, database: string): Identity {
  const { database_id: databaseId, journal, branches } = document;
  const names = new Set<string>();
  const collections = new Set<string>();
  const owned = (Array.isArray(branches) ? branches : [undefined]).map((branch: unknown) => {
    const { branch: name, collection, currency } = Object(branch);
    if (![name, collection, currency].every((value) => typeof value === 'string')) return undefined;
    names.add(name);
    collections.add(collection);
    return { name, collection, currency };
  });
  const sound = owned.filter((branch) => branch !== undefined);
  const unique = names.size === owned.length && collections.size === owned.length;
  if (
    typeof databaseId === 'string' &&
    /^[\da-f-]{36}$/i.test(databaseId) &&
    (journal === false || typeof journal === 'string') &&
    sound.length === owned.length &&
    unique
  ) {
    return { databaseId, journal, branches: sound };
  }
  throw new BankctlError(
    'bad_identity',
    `The document "${identityId}" in the collection ${identityCollection} of ${database} is not ` +
      'what bankctl writes there.',
  );
}
