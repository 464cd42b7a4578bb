import {
  MongoError,
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
  MongoWriteConcernError,
} from 'mongodb';
import { errnoCode } from '../core/errno.ts';
import { BankctlError } from '../core/errors.ts';

/** Codes that the server answers with, from src/mongo/base/error_codes.yml of its source. */
const codes = {
  unauthorized: 13,
  namespaceNotFound: 26,
  indexNotFound: 27,
  namespaceExists: 48,
  writeConflict: 112,
  documentValidationFailure: 121,
  commandNotSupportedOnView: 166,
  snapshotTooOld: 239,
  snapshotUnavailable: 246,
  noSuchTransaction: 251,
  operationNotSupportedInTransaction: 263,
  changeStreamHistoryLost: 286,
  transactionTooLargeForCache: 388,
  bsonObjectTooLarge: 10_334,
  duplicateKey: 11_000,
  backgroundOperationInProgress: 12_587,
} as const;

/** True if the server answered with one of these codes. */
export function isServerError(
  error: unknown,
  ...names: readonly (keyof typeof codes)[]
): error is MongoServerError {
  return error instanceof MongoServerError && names.some((name) => codes[name] === error.code);
}

/**
 * True for a failure that may be over in a moment: the server restarts, another primary is chosen,
 * the connection is lost, an answer is late. The operation may or may not have happened.
 *
 * Source: driver specifications, "Retryable Writes" and "Server Discovery and Monitoring".
 */
export function isOutage(error: unknown): boolean {
  if (error instanceof BankctlError) {
    return error.code === 'outcome_unknown' || error.code === 'timed_out';
  }
  const cause = bulkWriteCause(error);
  return (
    cause instanceof MongoNetworkError ||
    cause instanceof MongoServerSelectionError ||
    (cause instanceof MongoError && outageLabels.some((label) => cause.hasErrorLabel(label))) ||
    (cause instanceof Error && lostConnections.has(cause.name)) ||
    isCutSocket(cause)
  );
}

/**
 * What ended a bulk write. The driver wraps it in an error of the server's kind, also where it is a
 * connection that was lost.
 */
export function bulkWriteCause(error: unknown): unknown {
  const cause: unknown = error instanceof MongoServerError ? error.errorResponse : undefined;
  return cause instanceof Error ? cause : error;
}

/** The last one also marks a bulk write that lost its connection since another call failed. */
const outageLabels = [
  'TransientTransactionError',
  'RetryableWriteError',
  'ResetPool',
  'PoolRequestedRetry',
] as const;

/** Names of the errors of a client that lost its connections. */
const lostConnections: ReadonlySet<string> = new Set([
  'MongoPoolClearedError',
  'MongoPoolClosedError',
  'MongoWaitQueueTimeoutError',
]);

/** True if a change stream can be resumed where it left off. */
export function isResumable(error: unknown): boolean {
  if (!(error instanceof MongoError)) return isCutSocket(error);
  if (!(error instanceof MongoServerError) || interrupted.has(error.code)) return true;
  return error.hasErrorLabel('ResumableChangeStreamError');
}

/** The driver lets through what a socket says that breaks while it is written to. */
function isCutSocket(error: unknown): boolean {
  return !(error instanceof MongoError) && cutSockets.has(errnoCode(error));
}

const cutSockets: ReadonlySet<unknown> = new Set(['EPIPE', 'ECONNRESET']);

/** True if another transaction changed the same document first. */
export function isConflict(error: unknown): boolean {
  return isServerError(error, 'writeConflict');
}

/** True if a unique index refused a document. */
export function isDuplicate(error: unknown): boolean {
  return isServerError(error, 'duplicateKey');
}

/** True if a transaction does not fit in the cache of the server: a smaller one may. */
export function isTooLarge(error: unknown): boolean {
  return isServerError(error, 'transactionTooLargeForCache');
}

/**
 * True for what a transaction meets on a capped collection, among others: it can be neither
 * written nor read there, and the latter looks as if it passed.
 */
export function mayBeCapped(error: unknown): boolean {
  return isServerError(error, 'operationNotSupportedInTransaction', 'snapshotUnavailable');
}

/** True if one document of many may be what the server refused. */
export function isAboutDocument(error: unknown): error is MongoServerError {
  return isServerError(
    error,
    'writeConflict',
    'transactionTooLargeForCache',
    'documentValidationFailure',
    'duplicateKey',
    'bsonObjectTooLarge',
  );
}

/** Codes of a server that is stopping, or is no longer the primary: what it did is not known. */
const interrupted: ReadonlySet<unknown> = new Set([
  91, 189, 10_107, 11_600, 11_601, 11_602, 13_435, 13_436,
]);

/**
 * The server itself said that a write did not take effect, if it was sent once. An error of the
 * write concern says that it did, on one server at least.
 */
export function isDefinite(error: unknown): boolean {
  return (
    error instanceof MongoServerError &&
    bulkWriteCause(error) instanceof MongoServerError &&
    !hasWriteConcernError(error) &&
    !error.hasErrorLabel('UnknownTransactionCommitResult') &&
    !error.hasErrorLabel('RetryableWriteError') &&
    !interrupted.has(error.code)
  );
}

/**
 * The server has no such transaction: it was not committed, and cannot be any more. With an error
 * of the write concern that may yet be rolled back.
 *
 * Source: driver specifications, "Transactions", on retries of commitTransaction.
 */
export function isNoSuchTransaction(error: unknown): boolean {
  return isServerError(error, 'noSuchTransaction') && !hasWriteConcernError(error);
}

function hasWriteConcernError(error: MongoServerError): boolean {
  return error instanceof MongoWriteConcernError || 'writeConcernError' in error.errorResponse;
}

/** True if the driver says that the whole transaction may be run again. */
export function isTransient(error: unknown): boolean {
  return error instanceof MongoError && error.hasErrorLabel('TransientTransactionError');
}
