import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { MongoMemoryServer } from 'mongodb-memory-server';
import { checkMongod } from '../../src/database/mongod/mongod-binary.ts';
import { findMongod } from '../../src/database/mongod/mongod-search.ts';

/** A server whose commands can be made to fail, with its data in memory if possible. */
export interface FaultyServer {
  readonly uri: string;
  readonly port: number;
  readonly directory: string;
  readonly stop: () => Promise<void>;
}

/** Starts a replica set of one with fail points. */
export async function startFaultyServer(): Promise<FaultyServer> {
  const { signal } = new AbortController();
  const systemBinary = await findMongod({
    env: process.env,
    nowMs: Date.now,
    monotonicNs: process.hrtime.bigint,
    interrupted: signal,
    progress: () => undefined,
  });
  const check = await checkMongod(systemBinary, signal);
  if ('reason' in check) throw new Error(`${systemBinary} cannot be used: ${check.reason}`);
  const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const directory = mkdtempSync(join(base, 'bankctl-model-'));
  const dbPath = join(directory, 'data');
  await mkdir(dbPath);
  const server = new MongoMemoryServer({
    binary: { systemBinary, version: check.version },
    spawn: { detached: true },
    instance: {
      dbPath,
      storageEngine: 'wiredTiger',
      launchTimeout: 60_000,
      replSet: 'model',
      args: [
        ...['--setParameter', 'enableTestCommands=1', '--nounixsocket', '--quiet'],
        ...['--setParameter', 'diagnosticDataCollectionEnabled=false'],
        ...['--wiredTigerCacheSizeGB', '0.25', '--oplogSize', '64'],
      ],
    },
  });
  await server.start();
  const port = server.instanceInfo?.port ?? 0;
  const uri = `mongodb://127.0.0.1:${port}/?directConnection=true`;
  await initiate(uri, port);
  return {
    uri,
    port,
    directory,
    stop: async () => {
      const child = server.instanceInfo?.instance.mongodProcess;
      const ended = child === undefined ? undefined : once(child, 'close');
      child?.kill('SIGKILL');
      await ended;
      await server.stop({ doCleanup: false, force: false });
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Does not wait for the journal: no power fails here, and waiting would take most of the time. */
async function initiate(uri: string, port: number): Promise<void> {
  const client = await MongoClient.connect(uri);
  const admin = client.db('admin');
  await admin.command({
    replSetInitiate: {
      _id: 'model',
      writeConcernMajorityJournalDefault: false,
      members: [{ _id: 0, host: `127.0.0.1:${port}` }],
    },
  });
  while (!(await admin.command({ hello: 1 }))['isWritablePrimary']) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await client.close();
}
