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
import { BankctlError } from '../errors.ts';
import { errnoCode } from './directories.ts';
import { hostsOf, passwordOf, redact } from './uri.ts';

/** What a message about a failure names. */
export interface DatabaseContext {
  readonly uri: string;
  readonly timeoutMs: number;
}

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
  if (error instanceof MongoServerSelectionError) return unreachable(error, context);
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
    );
  }
  if (server.code === code.unauthorized || server.code === code.atlas) {
    return notPermitted(server, error, context);
  }
  if (server.code === code.outOfDiskSpace || /No space left on device/i.test(message)) {
    return failure('database_failed', `The disk of the server at ${hosts} is full.`, error, [
      'Free some space there, then repeat the command.',
    ]);
  }
  if (noPrimaryCodes.has(server.code)) {
    return failure('unreachable', `The server at ${hosts} is not taking writes now.`, error, [
      'Repeat the command in a moment; its replica set is choosing a primary.',
    ]);
  }
  if (server.code === code.maxTimeExpired) return timedOut(error, context);
  return rarely(server, error, context);
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
        ['Correct authMechanism in the connection string, or leave it out.'],
      );
    case code.databaseDifferCase:
      return failure(
        'database_failed',
        `The server at ${hosts} has that database in other capitals: ${reason}.`,
        error,
        ['Write the name of the database in the config as the server has it.'],
      );
    case code.interrupted:
      return failure(
        'database_failed',
        `Somebody ended the operation on the server at ${hosts}, with killOp.`,
        error,
        ['Repeat the command, with the same --id if it writes.'],
      );
    case code.failedToSatisfyReadPreference:
      return failure('unreachable', `The servers at ${hosts} have no primary now.`, error, [
        'Repeat the command in a moment; the replica set is choosing a primary.',
      ]);
    default: {
      const name = [server.codeName, server.code].filter((part) => part !== undefined).join(' ');
      return failure(
        'database_failed',
        `The server at ${hosts} answered: ${reason}${name === '' ? '' : ` (${name})`}.`,
        error,
        ['See the log of that server, or bankctl db status for the local one.'],
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

function notPermitted(
  server: MongoServerError,
  error: Error,
  { uri }: DatabaseContext,
): BankctlError {
  if (/requires authentication/i.test(server.message)) {
    return failure(
      'authentication_failed',
      `The server at ${hostsOf(uri)} asks for a user name and a password.`,
      error,
      ['Put them in the connection string in BANKCTL_URI or in the file of --uri-file.'],
    );
  }
  const [, database, verb, object] =
    /not authorized on (\S+) to execute command \{ (\w+): (?:"([^"]*)")?/.exec(server.message) ??
    [];
  if (database === undefined || verb === undefined) {
    const reason = clause(server.message, uri);
    return failure('not_permitted', `The database user may not do this: ${reason}.`, error);
  }
  const where = object === undefined ? database : `${database}.${object}`;
  return failure('not_permitted', `The database user may not ${verb} in ${where}.`, error);
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
    ['Use MongoDB 5.0 or later.'],
  );
}

/** A file that the connection string names, or a name that the resolver does not know. */
function systemError(error: Error, context: DatabaseContext): BankctlError {
  if ('path' in error && typeof error.path === 'string') {
    return failure(
      'invalid_uri',
      `The connection string names ${error.path}, which cannot be read (${errnoCode(error)}).`,
      error,
      ['Correct the path in the connection string.'],
    );
  }
  return unreachable(error, context);
}

function unreachable(error: Error, context: DatabaseContext): BankctlError {
  const hosts = hostsOf(context.uri);
  const reason =
    causes(error)
      .map((cause) => networkReason(cause))
      .find((found) => found !== undefined) ?? replicaSetReason(error);
  const within = `within ${seconds(context.timeoutMs)}`;
  const why = reason === undefined ? '' : `: ${reason.text}`;
  const message =
    error instanceof MongoServerSelectionError
      ? `No database answers at ${hosts} ${within}${why}.`
      : `The connection to the database at ${hosts} failed${why}.`;
  return failure('unreachable', redactAll(message, context.uri), error, reason?.hint);
}

interface NetworkReason {
  readonly text: string;
  readonly hint?: readonly [string];
}

const tlsHint = [
  'Check tls, tlsCAFile and tlsCertificateKeyFile in the connection string.',
] as const;
const nameHint = ['Check the spelling of the host, and that this machine can look it up.'] as const;

const networkReasons: readonly {
  readonly pattern: RegExp;
  readonly text: string;
  readonly hint?: readonly [string];
}[] = [
  {
    pattern: /self[- ]signed|unable to (?:get|verify)|UNABLE_TO_|issuer certificate/i,
    text: 'its TLS certificate is not signed by an authority that this machine trusts',
    hint: tlsHint,
  },
  {
    pattern: /certificate has expired|CERT_HAS_EXPIRED/i,
    text: 'its TLS certificate has expired',
    hint: tlsHint,
  },
  {
    pattern: /ALTNAME|does not match certificate/i,
    text: 'its TLS certificate is for another host name',
    hint: tlsHint,
  },
  {
    pattern: /EPROTO|SSL routines|wrong version number|packet length too long|TLS|tlsv1|SSL alert/i,
    text: 'the TLS handshake failed',
    hint: tlsHint,
  },
  {
    pattern: /querySrv|queryTxt|No addresses found at host|does not share hostname/i,
    text: 'its mongodb+srv:// name has no usable DNS record',
    hint: nameHint,
  },
  {
    pattern: /ENOTFOUND|EAI_AGAIN|getaddrinfo/,
    text: 'the host name is not known',
    hint: nameHint,
  },
  { pattern: /ECONNREFUSED/, text: 'the connection was refused' },
  { pattern: /EHOSTUNREACH|ENETUNREACH/, text: 'there is no route to the host' },
  { pattern: /ECONNRESET|EPIPE|socket hang up/, text: 'the connection was cut' },
  { pattern: /ENOENT/, text: 'there is no such socket' },
  { pattern: /EACCES/, text: 'the socket may not be opened by you' },
];

function networkReason(error: Error): NetworkReason | undefined {
  const text = `${errnoCode(error) ?? ''} ${error.message}`;
  return networkReasons.find(({ pattern }) => pattern.test(text));
}

/** Servers answered, but none of them is the one to talk to. */
function replicaSetReason(error: Error): NetworkReason | undefined {
  if (!(error instanceof MongoServerSelectionError)) return undefined;
  const topology = error.reason;
  if (topology?.setName && topology.servers.size === 0) {
    return {
      text: `no server there belongs to the replica set ${topology.setName}`,
      hint: ['Correct replicaSet in the connection string.'],
    };
  }
  return topology?.type === 'ReplicaSetNoPrimary' && topology.setName
    ? { text: `the replica set ${topology.setName} has no primary` }
    : undefined;
}

/** The error and what it came from, the innermost first; the driver nests what happened. */
function causes(error: Error): Error[] {
  const found: Error[] = [];
  const visit = (value: unknown): void => {
    if (!(value instanceof Error) || found.includes(value)) return;
    found.unshift(value);
    visit(value.cause);
    if (value instanceof MongoServerSelectionError) {
      for (const server of value.reason?.servers.values() ?? []) visit(server.error);
    }
  };
  visit(error);
  return found;
}

function failure(
  errorCode: ConstructorParameters<typeof BankctlError>[0],
  message: string,
  cause: Error,
  hint?: readonly [string],
): BankctlError {
  return new BankctlError(errorCode, message, hint?.[0], { cause });
}

/** A driver's message as the end of our sentence, without any password. */
function clause(message: string, uri: string): string {
  return redactAll(message, uri).replace(/\s+/g, ' ').trim().replace(/\.$/, '').slice(0, 300);
}

/** A driver may quote a part of the connection string, so the password itself is sought too. */
function redactAll(text: string, uri: string): string {
  const password = passwordOf(uri);
  const shown = redact(text);
  if (password === undefined || password.length < 4) return shown;
  return shown.replaceAll(password, '***').replaceAll(decodedOr(password), '***');
}

function decodedOr(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function seconds(ms: number): string {
  return `${ms / 1000} s`;
}
