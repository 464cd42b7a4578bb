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
import { BankctlError } from '../core/errors.ts';
import { hostsOf } from '../core/uri.ts';
import { authDatabase, uriOption } from '../core/uri-parts.ts';
import { errnoCode } from '../system/directories.ts';
import { clause, type DatabaseContext, failure, seconds } from './failure.ts';
import { notPermitted } from './not-permitted.ts';
import { causes, electionHint, unreachable } from './unreachable.ts';

export type { DatabaseContext } from './failure.ts';

/** Error codes of the server, from src/mongo/base/error_codes.yml of its source. */
const code = {
  unauthorized: 13,
  authenticationFailed: 18,
  illegalOperation: 20,
  maxTimeExpired: 50,
  notAReplicaSet: 123,
  failedToSatisfyReadPreference: 133,
  mechanismUnavailable: 334,
  interrupted: 11601,
  databaseDifferCase: 13297,
  outOfDiskSpace: 14031,
  atlas: 8000,
} as const;

/** A server that is not, or no longer, the primary, or that is shutting down. */
const noPrimaryCodes: ReadonlySet<unknown> = new Set([
  91, 189, 10058, 10107, 11600, 11602, 13435, 13436,
]);

/**
 * The failure that a user can understand behind an error of the driver, without any password. An
 * error that no user can cause is a bug and comes back as it is.
 */
export function databaseError(error: unknown, context: DatabaseContext): unknown {
  if (error instanceof BankctlError || !(error instanceof Error)) return error;
  if (error instanceof MongoServerSelectionError) return unselected(error, context);
  if (isTimeout(error)) return timedOut(error, context);
  if (isAboutUri(error)) return invalidUri(error, context.uri);
  if (error instanceof MongoCompatibilityError) return incompatible(error, context);
  if (error instanceof MongoServerError) return serverError(error, context);
  if (error instanceof MongoNetworkError) return unreachable(error, context);
  if (error instanceof MongoUnexpectedServerResponseError) return unreachable(error, context);
  return errnoCode(error) !== undefined && !(error instanceof MongoError)
    ? systemError(error, context)
    : error;
}

/** A server that was looked at and cannot be used is no server that is not there. */
function unselected(error: MongoServerSelectionError, context: DatabaseContext): BankctlError {
  const unusable = causes(error).find((cause) => cause instanceof MongoCompatibilityError);
  return unusable ? incompatible(unusable, context) : unreachable(error, context);
}

/** No answer came, or all connections were taken by calls that had none either. */
function isTimeout(error: Error): boolean {
  return (
    error instanceof MongoNetworkTimeoutError ||
    error instanceof MongoOperationTimeoutError ||
    error.name === 'MongoWaitQueueTimeoutError'
  );
}

/**
 * The parser of connection strings has a `MongoParseError` of its own, which is not the driver's. A
 * string can also ask for a mechanism or a compressor whose optional package is not installed.
 */
function isAboutUri(error: Error): boolean {
  return (
    error.name === 'MongoParseError' ||
    error instanceof MongoMissingDependencyError ||
    // Of `loadBalanced=true`, where there is no load balancer.
    (error instanceof MongoCompatibilityError && /load balancing mode/.test(error.message))
  );
}

/** A connection string that the driver does not take; it says why, in terms of its options. */
export function invalidUri(error: unknown, uri: string): unknown {
  if (!(error instanceof Error) || error instanceof BankctlError) return error;
  const reason = clause(error.message, uri);
  return failure('invalid_uri', `The connection string cannot be used: ${reason}.`, error);
}

function serverError(error: MongoServerError, context: DatabaseContext): unknown {
  const inner: unknown = error['originalError'];
  const server = inner instanceof MongoServerError ? inner : error;
  const { message } = server;
  const hosts = hostsOf(context.uri);
  if (isStandalone(server)) {
    return failure(
      'no_transactions',
      `The server at ${hosts} is a standalone, which has no transactions.`,
      error,
    );
  }
  if (server.code === code.authenticationFailed || /\bbad auth\b/i.test(message)) {
    return failure(
      'authentication_failed',
      `The server at ${hosts} refused the user name or the password.`,
      error,
      authHint(context.uri),
    );
  }
  if (server.code === code.unauthorized || server.code === code.atlas) {
    return notPermitted(server, error, context);
  }
  if (server.code === code.outOfDiskSpace || /No space left on device/i.test(message)) {
    return failure(
      'database_failed',
      `The disk of the server at ${hosts} is full.`,
      error,
      'Free some space there, then try again, with the same --id if it writes.',
    );
  }
  if (noPrimaryCodes.has(server.code)) {
    return noPrimary(error, context.uri);
  }
  if (server.code === code.maxTimeExpired) return timedOut(error, context);
  return rarely(server, error, context);
}

/** A direct connection stays with a server that is no primary, however long one waits. */
function noPrimary(error: Error, uri: string): BankctlError {
  const hosts = hostsOf(uri);
  const local = hosts.startsWith('/');
  if (local || uriOption(uri, 'directConnection') !== 'true') {
    return failure(
      'unreachable',
      `The server at ${hosts} is not taking writes now.`,
      error,
      electionHint,
    );
  }
  return failure(
    'unreachable',
    `The server at ${hosts} is not the primary of its replica set now.`,
    error,
    'Leave out directConnection=true, so that the primary is found, or name the primary.',
  );
}

/** What few will ever see; whatever the server says, it is never a bug of bankctl's to report. */
function rarely(server: MongoServerError, error: Error, { uri }: DatabaseContext): BankctlError {
  const hosts = hostsOf(uri);
  const reason = clause(server.message, uri);
  switch (server.code) {
    case code.mechanismUnavailable:
      return failure(
        'authentication_failed',
        `The server at ${hosts} does not offer that way of authentication: ${reason}.`,
        error,
        'Correct authMechanism in the connection string, or leave it out.',
      );
    case code.databaseDifferCase:
      return failure(
        'database_failed',
        `The server at ${hosts} has that database in other capitals: ${reason}.`,
        error,
        'Write the name of the database in the config as the server has it.',
      );
    case code.interrupted:
      return failure(
        'database_failed',
        `Somebody ended the operation on the server at ${hosts}, with killOp.`,
        error,
        'Repeat the command, with the same --id if it writes.',
      );
    case code.failedToSatisfyReadPreference:
      return failure(
        'unreachable',
        `The servers at ${hosts} have no primary now.`,
        error,
        electionHint,
      );
    default: {
      const name = [server.codeName, server.code].filter((part) => part !== undefined).join(' ');
      return failure(
        'database_failed',
        `The server at ${hosts} answered: ${reason}${name === '' ? '' : ` (${name})`}.`,
        error,
        'See the log of that server, or bankctl db status for the local one.',
      );
    }
  }
}

/** Transactions and reads of a snapshot fail in ways of their own where there is no replica set. */
function isStandalone(error: MongoServerError): boolean {
  if (error.code === code.notAReplicaSet) return true;
  return (
    error.code === code.illegalOperation &&
    /Transaction numbers are only allowed|requires? a replica set|non-replica set/i.test(
      error.message,
    )
  );
}

function timedOut(error: Error, { uri, timeoutMs }: DatabaseContext): BankctlError {
  return failure(
    'unreachable',
    `The server at ${hostsOf(uri)} did not answer within ${seconds(timeoutMs)}.`,
    error,
  );
}

function incompatible(error: Error, { uri }: DatabaseContext): BankctlError {
  const reason = clause(error.message, uri);
  return failure(
    'database_failed',
    `The server at ${hostsOf(uri)} is of a version that bankctl cannot use: ${reason}.`,
    error,
    'Use MongoDB 5.0 or later.',
  );
}

/** A file that the connection string names, or a name that the resolver does not know. */
function systemError(error: Error, context: DatabaseContext): BankctlError {
  if ('path' in error && typeof error.path === 'string') {
    return failure(
      'invalid_uri',
      `The connection string names ${error.path}, which cannot be read (${errnoCode(error)}).`,
      error,
      'Correct the path in the connection string.',
    );
  }
  return unreachable(error, context);
}

/** A user that was made in another database than where it is looked up is not found. */
function authHint(uri: string): string {
  const looked = `Check both; the user was looked up in the database ${authDatabase(uri)}`;
  return uriOption(uri, 'authSource') === undefined
    ? `${looked}: if it was made in another one, add authSource=DATABASE to the connection string.`
    : `${looked}.`;
}
