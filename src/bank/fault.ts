import { MongoServerError } from 'mongodb';
import { BankctlError, Status } from '../core/errors.ts';
import { isConflict } from './transaction.ts';

const duplicateKey = 11_000;
const documentFailedValidation = 121;
const objectTooLarge = 10_334;
const transactionTooLarge = 388;
const operationNotSupportedInTransaction = 263;
const snapshotUnavailable = 246;

/** True where a unique index refused a document. */
export function isDuplicate(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === duplicateKey;
}

/**
 * True for what a transaction meets on a capped collection, among others: it can be neither
 * written nor read there, and the latter looks as if it passed.
 */
export function mayBeCapped(error: unknown): boolean {
  return (
    error instanceof MongoServerError &&
    (error.code === operationNotSupportedInTransaction || error.code === snapshotUnavailable)
  );
}

/** True if a transaction does not fit in the cache of the server: a smaller one may. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === transactionTooLarge;
}

/** What a journal document can have, which one operation names by its id, or reverses. */
const ofJournal: ReadonlySet<string> = new Set(['unknown_branch', 'bad_document', 'bad_balance']);

/**
 * True for an error that may be due to one operation of a batch, and not to the server or the
 * network. Where each operation has a caller of its own, so are those that keep one from being
 * judged at all, such as a branch that the config does not have.
 */
export function isFaultOfOne(
  error: unknown,
  ofManyCallers: boolean,
): error is MongoServerError | BankctlError {
  if (error instanceof BankctlError) {
    const { code, status } = error;
    if (code === 'config_mismatch' || code === 'bad_identity') return false;
    if (ofJournal.has(code)) return true;
    return ofManyCallers && (status === Status.refused || status === Status.usage);
  }
  return (
    error instanceof MongoServerError &&
    (isConflict(error) ||
      isTooLarge(error) ||
      [documentFailedValidation, duplicateKey, objectTooLarge].includes(Number(error.code)))
  );
}
