import type { MongoServerError } from 'mongodb';
import { authDatabase, hostsOf, uriOption, userOf } from '../core/uri.ts';
import { clause, type Explanation, electionHint } from './explanation.ts';

/** The parts of a message about an error of the server. */
interface Answer {
  /** `The server at HOSTS`. */
  readonly at: string;
  readonly hosts: string;
  readonly uri: string;
  readonly message: string;
  /** The message as a clause, without any password. */
  readonly reason: string;
}

interface ServerFailure {
  readonly when: (server: MongoServerError) => boolean;
  readonly say: (answer: Answer) => Explanation;
}

/** By code, from src/mongo/base/error_codes.yml of the server's source. */
function isCode(...codes: readonly number[]): ServerFailure['when'] {
  return ({ code }) => codes.some((one) => one === code);
}

/** What servers refuse, in words; the first that matches applies. */
const serverFailures: readonly ServerFailure[] = [
  {
    // Transactions and reads of a snapshot fail in ways of their own without a replica set.
    when: ({ code, message }) =>
      code === 123 ||
      (code === 20 &&
        /Transaction numbers are only allowed|requires? a replica set|non-replica set/i.test(
          message,
        )),
    say: ({ at }) => ['no_transactions', `${at} is a standalone, which has no transactions.`],
  },
  {
    when: ({ code, message }) => code === 18 || /\bbad auth\b/i.test(message),
    say: ({ at, uri }) => [
      'authentication_failed',
      `${at} refused the user name or the password.`,
      authHint(uri),
    ],
  },
  {
    when: ({ code, message }) => code === 8000 && /not allowed in this atlas tier/i.test(message),
    say: ({ at, reason }) => [
      'not_permitted',
      `${at} does not offer this: ${reason}.`,
      'Free and Flex clusters leave it out; a dedicated cluster has it.',
    ],
  },
  {
    // Unauthorized, and what Atlas says instead.
    when: isCode(13, 8000),
    say: (answer) =>
      /requires authentication/i.test(answer.message)
        ? [
            'authentication_failed',
            `${answer.at} requires a user name and a password.`,
            'Put them in the connection string in BANKCTL_URI or in the file of --uri-file.',
          ]
        : notPermitted(answer),
  },
  {
    when: ({ code, message }) => code === 14031 || /No space left on device/i.test(message),
    say: ({ hosts }) => [
      'database_failed',
      `The disk of the server at ${hosts} is full.`,
      'Free some space there, then try again, with the same --id if it writes.',
    ],
  },
  {
    // It is not the primary, or no longer is, or is shutting down.
    when: isCode(91, 189, 10058, 10107, 11600, 11602, 13435, 13436),
    say: ({ at, hosts, uri }) =>
      // A direct connection never leaves a server that is not the primary, however long one waits.
      hosts.startsWith('/') || uriOption(uri, 'directConnection') !== 'true'
        ? ['unreachable', `${at} is not taking writes now.`, electionHint]
        : [
            'unreachable',
            `${at} is not the primary of its replica set now.`,
            'Leave out directConnection=true, so that the primary is found, or name the primary.',
          ],
  },
  {
    when: isCode(334),
    say: ({ at, reason }) => [
      'authentication_failed',
      `${at} does not offer that authentication method: ${reason}.`,
      'Correct authMechanism in the connection string, or leave it out.',
    ],
  },
  {
    when: isCode(13297),
    say: ({ at, reason }) => [
      'database_failed',
      `${at} has that database with different capitals: ${reason}.`,
      'Write the name of the database in the config as the server has it.',
    ],
  },
  {
    when: isCode(11601),
    say: ({ hosts }) => [
      'database_failed',
      `Somebody ended the operation on the server at ${hosts}, with killOp.`,
      'Repeat the command, with the same --id if it writes.',
    ],
  },
  {
    // SnapshotTooOld, and SnapshotUnavailable of a collection that was made or changed meanwhile.
    when: isCode(239, 246),
    say: ({ at }) => [
      'snapshot_too_old',
      `${at} no longer has the data of the moment at which reading began.`,
    ],
  },
  {
    when: isCode(133),
    say: ({ hosts }) => [
      'unreachable',
      `The servers at ${hosts} have no primary now.`,
      electionHint,
    ],
  },
];

/** Whatever a server answers, it is never reported as a bug in bankctl. */
export function explainServerError(server: MongoServerError, uri: string): Explanation {
  const hosts = hostsOf(uri);
  const { message } = server;
  const answer = {
    at: `The server at ${hosts}`,
    hosts,
    uri,
    message,
    reason: clause(message, uri),
  };
  const known = serverFailures.find(({ when }) => when(server));
  if (known !== undefined) return known.say(answer);
  const name = [server.codeName, server.code].filter((part) => part !== undefined).join(' ');
  return [
    'database_failed',
    `${answer.at} answered: ${answer.reason}${name === '' ? '' : ` (${name})`}.`,
    'See the log of that server, or bankctl db status for the local one.',
  ];
}

/** A user is not found if it was created in a database other than the one searched. */
function authHint(uri: string): string {
  const looked = `Check both; the user was looked up in the database ${authDatabase(uri)}`;
  return uriOption(uri, 'authSource') === undefined
    ? `${looked}: if it was created in another, add authSource=DATABASE to the connection string.`
    : `${looked}.`;
}

/** The built-in role that allows each command; `read` allows the others that bankctl sends. */
const roleOf: ReadonlyMap<string, string> = new Map(
  Object.entries({
    readWrite: 'insert update delete findAndModify create createIndexes drop',
    dbAdmin: 'collMod dropDatabase validate dbStats collStats',
    clusterMonitor: 'replSetGetStatus replSetGetConfig serverStatus hostInfo',
  }).flatMap(([role, commands]) => commands.split(' ').map((command) => [command, role] as const)),
);

/** What the server did not let the user do: the command, where, and the role that allows it. */
function notPermitted({ message, reason, uri }: Answer): Explanation {
  const refused = refusedCommand(message);
  if (!refused) return ['not_permitted', `The database user may not do this: ${reason}.`];
  const { command, database, where } = refused;
  const user = userOf(uri);
  const who = user === undefined ? 'the user' : `the user ${user}`;
  const seesOperations = /\$currentOp\b/.test(message);
  const role = seesOperations ? 'clusterMonitor' : (roleOf.get(command) ?? 'read');
  // This role is always granted on the database admin.
  const on = role === 'clusterMonitor' ? 'admin' : database;
  const watches = /\$changeStream\b/.test(message) ? 'watch changes ($changeStream)' : command;
  const verb = seesOperations ? 'see the operations under way ($currentOp)' : watches;
  return [
    'not_permitted',
    `The database user may not ${verb} in ${where}.`,
    `Give ${who} the role ${role} on the database ${on}, or another that allows it.`,
  ];
}

interface Refused {
  readonly command: string;
  readonly database: string;
  readonly where: string;
}

/** A server says `not authorized on D to execute command { C: "X"`, Atlas `action [A] on [D.X]`. */
function refusedCommand(message: string): Refused | undefined {
  const [, database, command, collection] =
    /not authorized on (\S+) to execute command \{ (\w+): (?:"([^"]*)")?/.exec(message) ?? [];
  if (database !== undefined && command !== undefined) {
    const where = collection === undefined ? database : `${database}.${collection}`;
    return { command, database, where };
  }
  const [, action, namespace] =
    /not allowed to do action \[(\w+)\] on \[([^\]]+)\]/.exec(message) ?? [];
  if (action === undefined || namespace === undefined) return undefined;
  const [first = ''] = namespace.split('.');
  const where = namespace === `${first}.` ? first : namespace;
  return { command: commandOfAction.get(action) ?? action, database: first, where };
}

/** The names that Atlas uses for what a command does, if they differ. */
const commandOfAction: ReadonlyMap<string, string> = new Map([
  ['remove', 'delete'],
  ['createCollection', 'create'],
  ['createIndex', 'createIndexes'],
  ['dropCollection', 'drop'],
]);
