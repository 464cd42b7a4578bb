import {
  MongoCompatibilityError,
  MongoError,
  MongoMissingDependencyError,
  MongoNetworkError,
  MongoNetworkTimeoutError,
  MongoOperationTimeoutError,
  MongoServerError,
  MongoServerSelectionError,
  MongoUnexpectedServerResponseError,
} from 'mongodb';
import { errnoCode } from '../core/errno.ts';
import { BankctlError } from '../core/errors.ts';
import { hostsOf, uriOptions } from '../core/uri.ts';
import { causes, explainUnreachable } from './connection-failure.ts';
import { bulkWriteCause } from './driver-errors.ts';
import { clause, type DatabaseContext, type Explanation } from './explanation.ts';
import { explainServerError } from './server-failure.ts';

/**
 * Turns an error of the driver into one that a user can understand, without any password. An
 * error that no user can cause is a bug and is returned unchanged.
 */
export function databaseError(error: unknown, context: DatabaseContext): unknown {
  if (error instanceof BankctlError || !(error instanceof Error)) return error;
  const cause = bulkWriteCause(error);
  const explanation = explain(cause instanceof Error ? cause : error, context);
  return explanation === undefined ? error : toBankctlError(explanation, error);
}

function toBankctlError([code, message, hint]: Explanation, cause: Error): BankctlError {
  return new BankctlError(code, message, hint, { cause });
}

function explain(error: Error, context: DatabaseContext): Explanation | undefined {
  const { uri, timeoutMs } = context;
  if (error instanceof MongoServerSelectionError) {
    // A server that answered but cannot be used is not a missing one.
    const unusable = causes(error).find((cause) => cause instanceof MongoCompatibilityError);
    return unusable ? explainIncompatible(unusable, uri) : explainUnreachable(error, context);
  }
  if (isTimeout(error)) return explainNoAnswer(uri, timeoutMs);
  if (isAboutUri(error)) return unusableUri(error, uri);
  if (error instanceof MongoCompatibilityError) return explainIncompatible(error, uri);
  if (error instanceof MongoServerError) {
    const inner: unknown = error['originalError'];
    const server = inner instanceof MongoServerError ? inner : error;
    const maxTimeExpired = 50;
    return server.code === maxTimeExpired
      ? explainNoAnswer(uri, timeoutMs)
      : explainServerError(server, uri);
  }
  if (error instanceof MongoNetworkError || error instanceof MongoUnexpectedServerResponseError) {
    return explainUnreachable(error, context);
  }
  if (error instanceof MongoError || errnoCode(error) === undefined) return undefined;
  // A file that the connection string names, or a name that the resolver does not know.
  return 'path' in error && typeof error.path === 'string'
    ? [
        'invalid_uri',
        `The connection string names ${error.path}, which cannot be read (${errnoCode(error)}).`,
        'Correct the path in the connection string.',
      ]
    : explainUnreachable(error, context);
}

/** No answer came, or all connections were busy with calls that had no answer either. */
function isTimeout(error: Error): boolean {
  return (
    error instanceof MongoNetworkTimeoutError ||
    error instanceof MongoOperationTimeoutError ||
    error.name === 'MongoWaitQueueTimeoutError'
  );
}

function explainNoAnswer(uri: string, timeoutMs: number): Explanation {
  const message = `The server at ${hostsOf(uri)} did not answer within ${timeoutMs / 1000} s.`;
  return ['unreachable', message];
}

/**
 * The parser of connection strings has a `MongoParseError` of its own, which is not the driver's. A
 * string can also ask for a mechanism or a compressor whose optional package is not installed.
 */
function isAboutUri(error: Error): boolean {
  return (
    error.name === 'MongoParseError' ||
    error instanceof MongoMissingDependencyError ||
    // For `loadBalanced=true` without a load balancer.
    (error instanceof MongoCompatibilityError && /load balancing mode/.test(error.message))
  );
}

/**
 * A connection string that the driver rejects; it says why, in terms of its options. It
 * quotes their values, which are left out, since people type anything there.
 */
export function invalidUri(error: unknown, uri: string): unknown {
  if (!(error instanceof Error) || error instanceof BankctlError) return error;
  const values = uriOptions(uri)
    .flatMap(({ text, value }) => [value, text.replace(/^[^=]*=/, '')])
    .filter(({ length }) => length >= minSecretLength);
  const message = values.reduce((shown, value) => shown.replaceAll(value, '***'), error.message);
  return toBankctlError(unusableUri({ message }, uri), error);
}

const minSecretLength = 4;

function unusableUri({ message }: Pick<Error, 'message'>, uri: string): Explanation {
  return ['invalid_uri', `The connection string cannot be used: ${clause(message, uri)}.`];
}

function explainIncompatible({ message }: Error, uri: string): Explanation {
  const reason = clause(message, uri);
  return [
    'database_failed',
    `The server at ${hostsOf(uri)} is of a version that bankctl cannot use: ${reason}.`,
    'Use MongoDB 6.0 or later.',
  ];
}
