import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { findMongod } from '../../src/database/mongod/mongod-search.ts';
import { testHost, until } from '../database/host.ts';
import { type RunOptions, run } from '../workspace.ts';

/** A replica set with users; each test must leave no database on it. */
const directory = mkdtempSync(join(tmpdir(), 'bankctl-test-'));
const socket = join(directory, 'm.sock');
const uriOf = (user: string, database = '') =>
  `mongodb://${user}${encodeURIComponent(socket)}/${database}` +
  '?directConnection=true&authSource=admin';

/** As docs/stress.md has it: the least that a user of stress --uri needs. */
const leastActions = [
  'createCollection',
  'createIndex',
  'dropDatabase',
  'find',
  'insert',
  'listCollections',
  'update',
];

let mongod: ChildProcess;
let root: MongoClient;

beforeAll(async () => {
  const key = join(directory, 'key');
  writeFileSync(key, 'a'.repeat(64), { mode: 0o600 });
  mongod = spawn(
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
  root = await MongoClient.connect(uriOf('root:pw@'));
  const create = root.db('admin');
  const resource = { db: '', collection: '' };
  await create.command({
    createRole: 'least',
    privileges: [{ resource, actions: leastActions }],
    roles: [],
  });
  for (const [user, ...roles] of [
    ['least', 'least'],
    ['builtin', 'readWriteAnyDatabase', 'dbAdminAnyDatabase'],
    ['writer', 'readWriteAnyDatabase'],
  ]) {
    await create.command({ createUser: user, pwd: 'pw', roles });
  }
}, 60_000);

afterAll(async () => {
  await root.close();
  mongod.kill();
  await once(mongod, 'exit');
  rmSync(directory, { recursive: true });
});

afterEach(async () => {
  await root.db('admin').command({ configureFailPoint: 'failCommand', mode: 'off' });
  for (const name of await leftBehind()) await root.db(name).dropDatabase();
});

async function leftBehind(): Promise<readonly string[]> {
  const { databases } = await root.db('admin').admin().listDatabases({ nameOnly: true });
  return databases.map(({ name }) => name).filter((name) => name.startsWith('bankctl_stress'));
}

const modes = [
  '--ops 60 --workers 4',
  '--exhaustive',
  '--model ledger --ops 150',
  '--model ledger --exhaustive --preemptions 0',
];

function stress(uri: string, mode: string, options: RunOptions = {}) {
  const argv = ['stress', ...mode.split(' '), '--uri', uri];
  return run(argv, directory, { PATH: '' }, options);
}

test.each(modes.flatMap((mode) => ['least', 'builtin'].map((user) => [user, mode] as const)))(
  'the roles of %s are enough for %s, and nothing is left',
  async (user, mode) => {
    const { stderr, status } = await stress(uriOf(`${user}:pw@`), mode);
    expect(stderr).not.toContain('bankctl: ');
    // A bounded exploration is undecided.
    expect(status).toBe(mode.endsWith('0') && mode.includes('preemptions') ? 5 : 0);
    expect(await leftBehind()).toEqual([]);
  },
  60_000,
);

test.each(modes)('who may not drop it is refused before there is a database: %s', async (mode) => {
  const { stderr, status } = await stress(uriOf('writer:pw@'), mode);
  expect(stderr).toContain('writer may not dropDatabase in a database that stress makes up.');
  expect(stderr).toContain('readWriteAnyDatabase and dbAdminAnyDatabase');
  expect(stderr).not.toMatch(/\n {4}at /);
  expect(status).toBe(3);
  expect(await leftBehind()).toEqual([]);
});

test.each(modes)(
  'a drop that is refused all the same is told, with what to type: %s',
  async (mode) => {
    await root.db('admin').command({
      configureFailPoint: 'failCommand',
      mode: 'alwaysOn',
      data: { failCommands: ['dropDatabase'], errorCode: 13 },
    });
    const { stderr, status } = await stress(uriOf('least:pw@'), mode);
    const [name = 'none'] = await leftBehind();
    expect(stderr).toContain(`The database ${name} is left behind: the user may not drop it.`);
    expect(stderr).toContain(`db.getSiblingDB("${name}").dropDatabase()`);
    expect(status).toBe(3);
  },
  60_000,
);

test.each(modes)('a URI that names a database is refused, and it ends: %s', async (mode) => {
  const { stderr, status } = await stress(uriOf('least:pw@', 'bank'), mode);
  expect(stderr).toContain('The URI names the database bank, which stress did not make.');
  expect(status).toBe(1);
});

test.each([
  '--duration 30s',
  '--exhaustive --workers 3 --points all --preemptions 6',
  '--model ledger --duration 30s',
  '--model ledger --exhaustive --workers 3',
])(
  'Ctrl-C drops the database: %s',
  async (mode) => {
    const controller = new AbortController();
    const running = stress(uriOf('least:pw@'), mode, { interrupted: controller.signal });
    await until(async () => (await leftBehind()).length > 0);
    controller.abort();
    expect((await running).status).toBe(130);
    expect(await leftBehind()).toEqual([]);
  },
  60_000,
);
