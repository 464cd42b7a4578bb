import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type Document, MongoClient, type Timestamp } from 'mongodb';
import { onTestFinished } from 'vitest';
import { answers } from '../../src/database/local/local-state.ts';
import { findMongod } from '../../src/database/mongod/mongod-search.ts';
import { temporaryDirectory, testHost, until } from '../database/host.ts';

/** A server whose oplog holds one megabyte. */
export interface RollingServer {
  readonly uri: string;
  readonly client: MongoClient;
  /** Writes elsewhere until the oplog has forgotten all that was written before. */
  readonly roll: () => Promise<void>;
}

/**
 * Starts a single-node replica set with an oplog of one megabyte. It is started twice: the server
 * sets up the removal of old entries when it finds an oplog at its start.
 */
export async function startRollingServer(): Promise<RollingServer> {
  const directory = temporaryDirectory();
  const socket = join(directory, 'm.sock');
  const program = await findMongod(testHost());
  const place = ['--nounixsocket', '--bind_ip', socket, '--dbpath', directory];
  // Entries are kept until a checkpoint has what they say: one each second.
  const options = ['--replSet', 'rs0', '--oplogSize', '1', '--syncdelay', '1'];
  const start = async (): Promise<ChildProcess> => {
    const mongod = spawn(program, [...place, ...options], { stdio: 'ignore' });
    onTestFinished(async () => {
      mongod.kill('SIGKILL');
      await until(() => mongod.signalCode !== null || mongod.exitCode !== null);
    });
    await until(() => answers(socket));
    return mongod;
  };
  const uri = `mongodb://${encodeURIComponent(socket)}/?directConnection=true`;
  const first = await start();
  const setup = await MongoClient.connect(uri);
  const config = { _id: 'rs0', members: [{ _id: 0, host: socket }] };
  await setup.db('admin').command({ replSetInitiate: config });
  await until(() => isPrimary(setup));
  await setup.close();
  const ended = once(first, 'close');
  first.kill('SIGTERM');
  await ended;
  await start();
  const client = await MongoClient.connect(uri);
  onTestFinished(() => client.close());
  await until(() => isPrimary(client));
  return { uri, client, roll: () => roll(client) };
}

async function isPrimary(client: MongoClient): Promise<boolean> {
  return (await client.db('admin').command({ hello: 1 }))['isWritablePrimary'] === true;
}

async function roll(client: MongoClient): Promise<void> {
  const oplog = client.db('local').collection<Document & { readonly ts: Timestamp }>('oplog.rs');
  const end = async (direction: 1 | -1) => {
    const [entry] = await oplog.find().sort({ $natural: direction }).limit(1).toArray();
    return entry?.ts.toBigInt() ?? 0n;
  };
  const last = await end(-1);
  const filler = client.db('filler').collection('filler');
  const text = 'x'.repeat(1_000_000);
  await until(async () => {
    await filler.insertOne({ text });
    return (await end(1)) > last;
  });
}
