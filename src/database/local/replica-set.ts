import { setTimeout as delay } from 'node:timers/promises';
import { type Db, type Document, MongoClient, MongoServerError } from 'mongodb';
import type { Context } from '../../core/context.ts';
import { elapsedMs } from '../../core/duration.ts';
import { BankctlError } from '../../core/errors.ts';

/** The name of the local database's replica set. */
export const replicaSetName = 'bankctl';

/** What a server that is ready reports about itself. */
interface ReadyServer {
  readonly pid: number;
  readonly version: string;
}

/** Error codes of the server, from src/mongo/base/error_codes.yml of its source. */
const notYetInitialized = 94;
const invalidReplicaSetConfig = 93;
const alreadyInitialized = 23;

/**
 * Makes the only member of the replica set a primary that takes writes: initiates the set if
 * that was never done, and points its configuration at the socket if the data have moved.
 * Repeatable, so that a start that was killed at any moment is finished by the next one.
 *
 * @param socket the path of the server's socket, which is its name in the set
 * @param withinMs how long it may take
 * @throws BankctlError `local_database` if it takes too long, `interrupted`; driver errors
 */
export async function makePrimary(
  uri: string,
  socket: string,
  host: Pick<Context, 'monotonicNs' | 'interrupted'>,
  withinMs: number,
): Promise<ReadyServer> {
  const client = new MongoClient(uri, {
    appName: 'bankctl start',
    serverSelectionTimeoutMS: Math.min(10_000, withinMs),
    connectTimeoutMS: Math.min(10_000, withinMs),
    socketTimeoutMS: withinMs,
    maxPoolSize: 2,
  });
  try {
    const admin = client.db('admin');
    const since = host.monotonicNs();
    while (!(await isPrimary(admin))) {
      if (host.interrupted.aborted) {
        throw new BankctlError('interrupted', 'Stopped while the local database was starting.');
      }
      if (elapsedMs(host, since) > withinMs) {
        const within = `within ${withinMs / 1000} s`;
        const message = `The local database is running but took no writes ${within}.`;
        throw new BankctlError('local_database', message);
      }
      await configure(admin, socket);
      await delay(10);
    }
    const status = await admin.command({ serverStatus: 1, metrics: 0, wiredTiger: 0 });
    return { pid: Number(status['pid']), version: String(status['version']) };
  } finally {
    await client.close();
  }
}

async function isPrimary(admin: Db): Promise<boolean> {
  const hello = await admin.command({ hello: 1 });
  return hello['isWritablePrimary'] === true;
}

async function configure(admin: Db, socket: string): Promise<void> {
  const members = [{ _id: 0, host: socket }];
  const status = await codeOf(() => admin.command({ replSetGetStatus: 1 }));
  if (status === notYetInitialized) {
    const outcome = await codeOf(() =>
      admin.command({ replSetInitiate: { _id: replicaSetName, members } }),
    );
    if (outcome !== undefined && outcome !== alreadyInitialized) {
      throw new BankctlError('local_database', `The local database refused to start (${outcome}).`);
    }
  } else if (status === invalidReplicaSetConfig) {
    const stored = await admin.command({ replSetGetConfig: 1 });
    const config: Document = stored['config'];
    await admin.command({
      replSetReconfig: { ...config, version: Number(config['version']) + 1, members },
      force: true,
    });
  }
}

/** @returns the code of the server's refusal, or undefined if it obeyed */
async function codeOf(work: () => Promise<unknown>): Promise<number | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof MongoServerError && typeof error.code === 'number') return error.code;
    throw error;
  }
}
