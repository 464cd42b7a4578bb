import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { onTestFinished } from 'vitest';
import { stopLocal } from '../../src/database/local/local-database.ts';
import { localPaths } from '../../src/database/local/local-paths.ts';
import { findMongod } from '../../src/database/mongod/mongod-search.ts';
import { findServers, signalProcess } from '../../src/system/processes.ts';
import { temporaryDirectory, testHost } from './host.ts';

/** A data directory of its own, whose server is stopped after the test. */
export async function freshEnv(dataDir = join(temporaryDirectory(), 'data')) {
  const env = {
    PATH: process.env['PATH'],
    BANKCTL_MONGOD: await findMongod(testHost()),
    BANKCTL_DATA_DIR: dataDir,
  };
  onTestFinished(async () => {
    await stopLocal(testHost(env));
  });
  return env;
}

/** The environment that `freshEnv` makes. */
export type LocalEnv = Awaited<ReturnType<typeof freshEnv>>;

/** The processes of any user whose command line names its data. */
export const pidsOf = (env: LocalEnv) => pidsWith('--dbpath', localPaths(env).dbPath);

/** Sends a signal to the servers of its data; returns how many were seen. Some may be gone. */
export function sendAll(env: LocalEnv, signal: 'SIGTERM' | 'SIGKILL'): number {
  const servers = findServers(['--dbpath', localPaths(env).dbPath]);
  for (const server of servers) signalProcess(server, signal);
  return servers.length;
}

function pidsWith(...args: readonly string[]): readonly number[] {
  const lines = execFileSync('ps', ['-axww', '-o', 'pid=,command='], { encoding: 'utf8' });
  return lines.split('\n').flatMap((line) => {
    const isIt = `${line} `.includes(` ${args.join(' ')} `);
    return isIt ? [Number.parseInt(line, 10)] : [];
  });
}

/** Writes a document with majority and counts all; proves a writable primary and kept data. */
export async function writeOne(uri: string): Promise<number> {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 3000 });
  try {
    const session = client.startSession();
    const things = client.db('test').collection('things');
    await session.withTransaction(() => things.insertOne({}, { session }));
    await session.endSession();
    return await things.countDocuments();
  } finally {
    await client.close();
  }
}

/** The value of a server parameter. */
export async function parameter(uri: string, name: string): Promise<unknown> {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 3000 });
  try {
    return (await client.db('admin').command({ getParameter: 1, [name]: 1 }))[name];
  } finally {
    await client.close();
  }
}
