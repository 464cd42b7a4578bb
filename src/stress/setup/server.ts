import type { Document, MongoClient } from 'mongodb';
import { endAbandoned } from '../../bank/abandoned-transactions.ts';
import type { Context } from '../../core/context.ts';
import { BankctlError } from '../../core/errors.ts';
import { connect } from '../../database/connection.ts';
import { databaseError } from '../../database/database-error.ts';
import { isServerError } from '../../database/driver-errors.ts';
import type { BinaryHost } from '../../database/mongod/mongod-binary.ts';
import type { Throwaway, ThrowawayOptions } from '../../database/throwaway-server.ts';

/** The server of a run: a throwaway one, or the one that the user named. */
export interface StressServer {
  readonly uri: string;
  /** For everything but the load: it is not monitored. */
  readonly client: MongoClient;
  /** Of its mongod, as `6.0.5`. */
  readonly version: string;
  /** Undefined for a server that the user named. */
  readonly throwaway: Throwaway | undefined;
  /** Closes the client, and stops what was started. */
  readonly end: () => Promise<void>;
}

/** Which server a run is made on. */
interface ServerOptions extends ThrowawayOptions {
  /** A deployment to use instead of a throwaway one. */
  readonly uri: string | undefined;
  /** Maximum for each call to the database, milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Opens the server of a run. Without a URI it is a throwaway one, gone after `end`: a standalone
 * unless `replicas` says otherwise.
 *
 * @throws `not_ours` for a URI that names a database, `not_permitted`, `interrupted`, and what
 *   finding a mongod or connecting can fail with
 */
export async function openStressServer(
  { uri, timeoutMs, replicas = 0 }: ServerOptions,
  host: BinaryHost,
): Promise<StressServer> {
  const throwaway = uri === undefined ? await startServer(replicas, host) : undefined;
  const address = uri ?? throwaway?.uri ?? '';
  let client: MongoClient | undefined;
  const end = async () => {
    await client?.close();
    await throwaway?.stop();
  };
  try {
    client = await connect(address, { timeoutMs, interrupted: host.interrupted });
    if (!throwaway) {
      refuseNamedDatabase(client);
      await refuseUnpermitted(client);
    }
    const version = throwaway?.version ?? (await versionOf(client));
    return { uri: address, client, version, throwaway, end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function startServer(replicas: ThrowawayOptions['replicas'], host: BinaryHost) {
  const { startThrowaway } = await import('../../database/throwaway-server.ts');
  return startThrowaway(host, { replicas });
}

async function versionOf(client: MongoClient): Promise<string> {
  const { version } = await client.db('admin').command({ buildInfo: 1 });
  return String(version);
}

/**
 * Runs work on the server of a run, which is closed afterwards, whatever happens.
 *
 * @throws as `openStressServer`, `LeftBehind`; what the work throws, as an error of bankctl
 */
export async function withStressServer<Result>(
  options: ServerOptions,
  host: BinaryHost,
  work: (server: StressServer) => Promise<Result>,
): Promise<Result> {
  const server = await openStressServer(options, host);
  try {
    return await work(server);
  } catch (error) {
    if (error instanceof LeftBehind) throw error;
    if (host.interrupted.aborted) throw new BankctlError('interrupted', 'Stopped by you.');
    const { timeoutMs } = options;
    throw explainPermission(databaseError(error, { uri: server.uri, timeoutMs }));
  } finally {
    await server.end();
  }
}

/**
 * A fresh name for a throwaway database, different for every run.
 *
 * @param suffix what the database is for
 */
export function throwawayName(host: Pick<Context, 'freshId'>, suffix: string): string {
  return `bankctl_stress_${host.freshId().replaceAll('-', '').slice(0, 12)}_${suffix}`;
}

/**
 * Refuses a connection string that names a database: stress writes only to one that it creates
 * itself. `admin` is accepted, since users are looked up there.
 *
 * @throws `not_ours`
 */
function refuseNamedDatabase(client: MongoClient): void {
  const { dbName } = client.options;
  if (dbName === 'test' || dbName === 'admin') return;
  throw new BankctlError(
    'not_ours',
    `The URI names the database ${dbName}, which stress did not make.`,
  );
}

/** What stress does in a database whose name it makes up. */
const neededActions = [
  'createCollection',
  'createIndex',
  'dropDatabase',
  'find',
  'insert',
  'listCollections',
  'update',
] as const;

const rolesHint =
  'Give the user the roles readWriteAnyDatabase and dbAdminAnyDatabase, or the smaller one of ' +
  'docs/stress.md; or leave out --uri.';

/**
 * Refuses a user who may not do in a made-up database what a run does there, dropping it
 * included, before anything is written.
 *
 * @throws `not_permitted`, naming what the user may not do
 *
 * Source: MongoDB manual, "connectionStatus", "Resource Document".
 */
async function refuseUnpermitted(client: MongoClient): Promise<void> {
  const { authInfo } = await client
    .db('admin')
    .command({ connectionStatus: 1, showPrivileges: true });
  const users: readonly Document[] = authInfo?.authenticatedUsers ?? [];
  const privileges: readonly Document[] = authInfo?.authenticatedUserPrivileges ?? [];
  const [user] = users;
  if (!user) return;
  const granted = new Set(privileges.filter(isForAnyDatabase).flatMap(({ actions }) => actions));
  const lacking = neededActions.filter((action) => !granted.has(action));
  if (lacking.length === 0) return;
  throw new BankctlError(
    'not_permitted',
    `The database user ${user['user']} may not ${lacking.join(', ')} in a database that stress ` +
      'makes up.',
    rolesHint,
  );
}

function isForAnyDatabase({ resource }: Document): boolean {
  return resource?.anyResource === true || (resource?.db === '' && resource?.collection === '');
}

/**
 * Tells a user who turns out not to be permitted something what stress needs; any other error is
 * returned unchanged.
 */
export function explainPermission(error: unknown): unknown {
  if (!(error instanceof BankctlError) || error.code !== 'not_permitted') return error;
  if (error instanceof LeftBehind) return error;
  return new BankctlError('not_permitted', error.message, rolesHint, { cause: error });
}

/** The collection that marks a database as made by stress. */
const claim = 'bankctl_stress';

/**
 * Makes a database, and marks it as made by stress, so that whatever it holds later is ours.
 *
 * @throws `not_ours` if one of that name exists; driver errors
 */
export async function claimDatabase(client: MongoClient, name: string): Promise<void> {
  const db = client.db(name);
  const taken = () => new BankctlError('not_ours', `The database ${name} already exists.`);
  if (await db.listCollections({}, { nameOnly: true }).hasNext()) throw taken();
  try {
    await db.createCollection(claim);
  } catch (error) {
    // Somebody else has just claimed it.
    if (isServerError(error, 'namespaceExists')) throw taken();
    throw error;
  }
}

/** A database of ours could not be dropped. */
class LeftBehind extends BankctlError {}

/**
 * Drops a database that was claimed, including transactions that lost their clients: those would
 * delay the drop for a minute.
 *
 * @param failure what ended the run, if anything did
 * @throws `LeftBehind`, which names the database and says how to drop it
 */
export async function dropClaimed(
  client: MongoClient,
  name: string,
  failure?: unknown,
): Promise<void> {
  try {
    await endAbandoned(client);
    await client.db(name).dropDatabase();
  } catch (error) {
    const refused = isServerError(error, 'unauthorized');
    const reason = refused ? 'the user may not drop it' : 'the server did not do it';
    const before = failure instanceof Error ? `${failure.message} ` : '';
    const code = refused ? 'not_permitted' : 'database_failed';
    throw new LeftBehind(
      failure instanceof BankctlError ? failure.code : code,
      `${before}The database ${name} is left behind: ${reason}.`,
      `Drop it: mongosh URI --eval 'db.getSiblingDB("${name}").dropDatabase()'`,
      { cause: failure ?? error },
    );
  }
}

/**
 * Runs work in a database that is made for it and dropped afterwards, whatever happens. On a
 * throwaway server it disappears with the server, which may be down at the end.
 *
 * @throws `not_ours`, `LeftBehind`; what the work throws
 */
export async function withThrowawayDatabase<Result>(
  { client, throwaway }: Pick<StressServer, 'client' | 'throwaway'>,
  { name, keep }: { readonly name: string; readonly keep: boolean },
  work: () => Promise<Result>,
): Promise<Result> {
  const stays = keep || throwaway !== undefined;
  await claimDatabase(client, name);
  let result: Result;
  try {
    result = await work();
  } catch (error) {
    if (!stays) await dropClaimed(client, name, error);
    throw error;
  }
  if (!stays) await dropClaimed(client, name);
  return result;
}
