import { statfs } from 'node:fs/promises';
import { type Document, type MongoClient, MongoServerError } from 'mongodb';
import { BankctlError } from '../core/errors.ts';
import { count } from '../core/text.ts';
import { type Check, type CheckName, ok, problem, skipped, warning } from './check.ts';

/** What is known about where the database is. */
export interface Deployment {
  readonly client: MongoClient;
  readonly database: string;
  readonly timeoutMs: number;
  readonly nowMs: () => number;
  /** The data directory of the local database; undefined for one elsewhere. */
  readonly dataDir: string | undefined;
  /** An error of the driver in words. */
  readonly explain: (error: unknown) => BankctlError;
}

/** Snapshot sessions, which every consistent report needs, came with it. */
const minVersion = '6.0';

/** Clocks that differ by more make people wonder about times. */
const maxClockMs = 60_000;

/** Less than this is not enough for long. */
const minFreeBytes = 2 ** 30;

/** Checks the server itself, whatever bank it holds. */
export async function checkServer(deployment: Deployment): Promise<readonly Check[]> {
  const { client, database } = deployment;
  const db = client.db(database);
  const hello = await db.command({ hello: 1 });
  const first = [await attempt('server', deployment, () => version(deployment)), replicaSet(hello)];
  // Such a server answers nothing else, and its answers would hide the reason.
  if (isUninitiated(first)) return [...first, clock(hello, deployment.nowMs())];
  return [
    ...first,
    await attempt('majority', deployment, () => majority(deployment, hello)),
    clock(hello, deployment.nowMs()),
    await attempt('disk', deployment, () => disk(deployment)),
  ];
}

/** Whether a check found that the server's replica set was never initiated. */
export function isUninitiated(checks: readonly Check[]): boolean {
  return checks.some(({ code }) => code === 'not_initiated');
}

/** A check; whatever it throws is its problem, except that it was not permitted to look. */
export async function attempt(
  check: CheckName,
  { explain }: Pick<Deployment, 'explain'>,
  look: () => Promise<Check>,
): Promise<Check> {
  try {
    return await look();
  } catch (error) {
    const explained = explain(error);
    if (explained.code !== 'not_permitted') return problem(check, explained);
    return skipped(check, 'The database user may not look at this.');
  }
}

async function version({ client, database }: Deployment): Promise<Check> {
  const { version: text, versionArray } = await client.db(database).command({ buildInfo: 1 });
  const [major = 0] = versionArray ?? [];
  if (major < Number.parseInt(minVersion, 10)) {
    return problem(
      'server',
      new BankctlError(
        'database_failed',
        `The server is MongoDB ${text}, but bankctl needs ${minVersion} or later.`,
        'Upgrade the server.',
      ),
    );
  }
  const compatibility = await featureVersion(client);
  if (compatibility === undefined || Number.parseInt(compatibility, 10) === major) {
    return ok('server', `MongoDB ${text}.`);
  }
  return warning(
    'server',
    `MongoDB ${text} with the feature compatibility version ${compatibility}.`,
    'When no older server is left, raise it in mongosh: ' +
      `db.adminCommand({setFeatureCompatibilityVersion: "${major}.0"${confirmed(major)}}).`,
  );
}

/** Source: MongoDB manual, "setFeatureCompatibilityVersion", changed in version 7.0. */
function confirmed(major: number): string {
  return major >= 7 ? ', confirm: true' : '';
}

/** Undefined for a user who may not ask. */
async function featureVersion(client: MongoClient): Promise<string | undefined> {
  try {
    const answer = await client
      .db('admin')
      .command({ getParameter: 1, featureCompatibilityVersion: 1 });
    return answer['featureCompatibilityVersion']?.version;
  } catch (error) {
    if (error instanceof MongoServerError) return undefined;
    throw error;
  }
}

function replicaSet({ setName, hosts, msg, isreplicaset }: Document): Check {
  if (msg === 'isdbgrid') return ok('replica_set', 'A router of a sharded cluster.');
  if (typeof setName === 'string') {
    const members = Array.isArray(hosts) ? hosts.length : 1;
    return ok(
      'replica_set',
      `The replica set ${setName}, of ${count(members, 'member')} with data.`,
    );
  }
  return problem(
    'replica_set',
    isreplicaset === true
      ? new BankctlError('not_initiated', 'rs.initiate() was never run on the server.')
      : new BankctlError('no_transactions', 'The server is a standalone: no transactions.'),
  );
}

/**
 * What the server did last must become known to a majority; so would a write. Nothing is written.
 *
 * Source: MongoDB manual, "Causal Consistency and Read and Write Concerns".
 */
async function majority({ client, database, timeoutMs }: Deployment, hello: Document) {
  const { operationTime } = hello;
  if (!operationTime) return skipped('majority', 'A standalone has no majority.');
  try {
    await client.db(database).command({
      find: 'bankctl',
      limit: 1,
      readConcern: { level: 'majority', afterClusterTime: operationTime },
      maxTimeMS: timeoutMs,
    });
    return ok('majority', 'A majority of the members confirms what is written.');
  } catch (error) {
    if (!(error instanceof MongoServerError) || error.code !== 50) throw error;
    return problem(
      'majority',
      new BankctlError(
        'timed_out',
        `No majority of the members confirmed anything within ${timeoutMs} ms.`,
        'See with rs.status() which members are down or lag behind.',
      ),
    );
  }
}

function clock({ localTime }: Document, nowMs: number): Check {
  if (!(localTime instanceof Date)) return skipped('clock', 'The server does not tell the time.');
  const differenceMs = localTime.getTime() - nowMs;
  if (Math.abs(differenceMs) <= maxClockMs) {
    return ok('clock', 'The clocks of the server and of this machine agree.');
  }
  const seconds = Math.round(Math.abs(differenceMs) / 1000);
  const side = differenceMs > 0 ? 'ahead of' : 'behind';
  return warning(
    'clock',
    `The server's clock is ${seconds} s ${side} this machine's.`,
    'Set the wrong one, with NTP: postings have the time of the server.',
  );
}

async function disk({ client, database, dataDir }: Deployment): Promise<Check> {
  const free = dataDir === undefined ? await freeOnServer(client, database) : await freeAt(dataDir);
  if (free === undefined) return skipped('disk', 'The server does not tell how much is free.');
  const shown = `${(free / 2 ** 30).toFixed(1)} GiB`;
  return free >= minFreeBytes
    ? ok('disk', `${shown} are free where the data is.`)
    : warning('disk', `Only ${shown} are free where the data is.`, 'Make room there.');
}

async function freeOnServer(client: MongoClient, database: string): Promise<number | undefined> {
  const { fsTotalSize, fsUsedSize } = await client.db(database).command({ dbStats: 1 });
  // Both are 0 as long as the database does not exist.
  return typeof fsTotalSize === 'number' && typeof fsUsedSize === 'number' && fsTotalSize > 0
    ? fsTotalSize - fsUsedSize
    : undefined;
}

async function freeAt(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}
