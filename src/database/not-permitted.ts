import type { MongoServerError } from 'mongodb';
import type { BankctlError } from '../core/errors.ts';
import { hostsOf } from '../core/uri.ts';
import { userOf } from '../core/uri-parts.ts';
import { clause, type DatabaseContext, failure } from './failure.ts';

/** The built-in role that allows each command; `read` allows the others that bankctl sends. */
const roleOf: ReadonlyMap<string, string> = new Map([
  ...['insert', 'update', 'delete', 'findAndModify', 'create', 'createIndexes', 'drop'].map(
    (command) => [command, 'readWrite'] as const,
  ),
  ...['collMod', 'dropDatabase', 'validate', 'dbStats', 'collStats'].map(
    (command) => [command, 'dbAdmin'] as const,
  ),
  ...['replSetGetStatus', 'replSetGetConfig', 'serverStatus', 'hostInfo'].map(
    (command) => [command, 'clusterMonitor'] as const,
  ),
]);

/** Roles that are granted on the database admin, whatever they are for. */
const rolesOnAdmin: ReadonlySet<string> = new Set(['clusterMonitor']);

interface Refused {
  readonly command: string;
  readonly database: string;
  readonly collection: string | undefined;
}

/** What the server would not let the user do: the command, where, and the role that allows it. */
export function notPermitted(
  server: MongoServerError,
  error: Error,
  { uri }: DatabaseContext,
): BankctlError {
  const { message } = server;
  if (/requires authentication/i.test(message)) {
    return failure(
      'authentication_failed',
      `The server at ${hostsOf(uri)} asks for a user name and a password.`,
      error,
      'Put them in the connection string in BANKCTL_URI or in the file of --uri-file.',
    );
  }
  const refused = refusedCommand(message);
  if (!refused) {
    const reason = clause(message, uri);
    return failure('not_permitted', `The database user may not do this: ${reason}.`, error);
  }
  const { command, database, collection } = refused;
  const where = collection === undefined ? database : `${database}.${collection}`;
  const user = userOf(uri);
  const who = user === undefined ? 'the user' : `the user ${user}`;
  const role = neededRole(command, message);
  const on = rolesOnAdmin.has(role) ? 'admin' : database;
  return failure(
    'not_permitted',
    `The database user may not ${verb(command, message)} in ${where}.`,
    error,
    `Give ${who} the role ${role} on the database ${on}, or another that allows it.`,
  );
}

/** A server says `not authorized on D to execute command { C: "X"`, Atlas `action [A] on [D.X]`. */
function refusedCommand(message: string): Refused | undefined {
  const [, database, command, collection] =
    /not authorized on (\S+) to execute command \{ (\w+): (?:"([^"]*)")?/.exec(message) ?? [];
  if (database !== undefined && command !== undefined) return { command, database, collection };
  const [, action, namespace] =
    /not allowed to do action \[(\w+)\] on \[([^\]]+)\]/.exec(message) ?? [];
  if (action === undefined || namespace === undefined) return undefined;
  const [first = '', ...rest] = namespace.split('.');
  return {
    command: commandOfAction.get(action) ?? action,
    database: first,
    collection: rest.length === 0 || rest[0] === '' ? undefined : rest.join('.'),
  };
}

/** Where Atlas has another name for what a command does. */
const commandOfAction: ReadonlyMap<string, string> = new Map([
  ['remove', 'delete'],
  ['createCollection', 'create'],
  ['createIndex', 'createIndexes'],
  ['dropCollection', 'drop'],
]);

function neededRole(command: string, message: string): string {
  if (/\$currentOp\b/.test(message)) return 'clusterMonitor';
  return roleOf.get(command) ?? 'read';
}

function verb(command: string, message: string): string {
  if (/\$currentOp\b/.test(message)) return 'see the operations under way ($currentOp)';
  return /\$changeStream\b/.test(message) ? 'watch changes ($changeStream)' : command;
}
