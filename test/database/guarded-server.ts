import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { findMongod } from '../../src/database/mongod/mongod-search.ts';
import { testHost, until } from './host.ts';

/** A replica set that asks for a name and a password. */
export interface GuardedServer {
  readonly directory: string;
  /** @param user as `name:password@`, or nothing */
  readonly uriOf: (user: string, database?: string) => string;
  /** May do everything. */
  readonly root: MongoClient;
  readonly stop: () => Promise<void>;
}

/** Starts one, with a directory of its own. */
export async function startGuarded(): Promise<GuardedServer> {
  const directory = mkdtempSync(join(tmpdir(), 'bankctl-test-'));
  const socket = join(directory, 'm.sock');
  const uriOf = (user: string, database = '') =>
    `mongodb://${user}${encodeURIComponent(socket)}/${database}` +
    '?directConnection=true&authSource=admin';
  const key = join(directory, 'key');
  writeFileSync(key, 'a'.repeat(64), { mode: 0o600 });
  const mongod = spawn(
    await findMongod(testHost()),
    ['--replSet', 'rs0', '--keyFile', key, '--nounixsocket', '--bind_ip', socket].concat([
      ...['--dbpath', directory, '--quiet', '--setParameter', 'enableTestCommands=1'],
    ]),
    { stdio: 'ignore' },
  );
  const bare = new MongoClient(uriOf('').replace('&authSource=admin', ''));
  const admin = bare.db('admin');
  await until(() => admin.command({ ping: 1 }).then(Boolean, () => false));
  const members = [{ _id: 0, host: socket }];
  await admin.command({ replSetInitiate: { _id: 'rs0', members } });
  await until(async () => (await admin.command({ hello: 1 }))['isWritablePrimary'] === true);
  await admin.command({ createUser: 'root', pwd: 'pw', roles: ['root'] });
  await bare.close();
  const root = await MongoClient.connect(uriOf('root:pw@'));
  const stop = async () => {
    await root.close();
    mongod.kill();
    await once(mongod, 'exit');
    rmSync(directory, { recursive: true });
  };
  return { directory, uriOf, root, stop };
}
