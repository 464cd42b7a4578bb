import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findMongod } from '../../src/database/mongod/mongod-search.ts';
import { testHost, until } from '../database/host.ts';
import { run } from '../workspace.ts';

const directory = mkdtempSync(join(tmpdir(), 'bankctl-test-'));
const socket = join(directory, 'm.sock');
const uriOf = (user: string) =>
  `mongodb://${user}${encodeURIComponent(socket)}/bank?directConnection=true&authSource=admin`;

let mongod: ChildProcess;

/** May find in those collections only. */
function finding(...collections: readonly string[]) {
  return collections.map((collection) => ({
    resource: { db: 'bank', collection },
    actions: ['find', 'listIndexes'],
  }));
}

const list = { resource: { db: 'bank', collection: '' }, actions: ['listCollections'] };

beforeAll(async () => {
  const key = join(directory, 'key');
  writeFileSync(key, 'a'.repeat(64), { mode: 0o600 });
  mongod = spawn(
    await findMongod(testHost()),
    ['--replSet', 'rs0', '--keyFile', key, '--nounixsocket', '--bind_ip', socket].concat([
      ...['--dbpath', directory, '--quiet'],
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
  for (const [role, privileges] of [
    ['without-branch2', [...finding('bankctl', 'branch1', 'journal', 'stray'), list]],
    ['without-journal', [...finding('bankctl', 'branch1', 'branch2', 'stray'), list]],
    ['without-stray', [...finding('bankctl', 'branch1', 'branch2', 'journal'), list]],
    ['without-list', finding('bankctl', 'branch1', 'branch2', 'journal', 'stray')],
  ] as const) {
    await root.db('admin').command({ createRole: role, privileges, roles: [] });
    await root.db('admin').command({ createUser: role, pwd: 'pw', roles: [role] });
  }
  const roles = [{ role: 'read', db: 'bank' }];
  await root.db('admin').command({ createUser: 'reader', pwd: 'pw', roles });
  await root.db('bank').collection('stray').insertOne({ no: 'account' });
  await root.close();
  for (const branch of ['branch1', 'branch2']) {
    const ran = await as('root', ['open', branch, 'A', '--balance', '5']);
    expect(ran.status).toBe(0);
  }
}, 60_000);

afterAll(async () => {
  mongod.kill();
  await once(mongod, 'exit');
  rmSync(directory, { recursive: true });
});

function as(user: string, argv: readonly string[]) {
  return run(argv, '/', { BANKCTL_URI: uriOf(`${user}:pw@`) });
}

test('the role read on the database is enough', async () => {
  const { status, stdout } = await as('reader', ['audit']);
  expect([status, stdout]).toEqual([0, expect.stringContaining('Nothing is wrong.')]);
});

test.each([
  ['without-branch2', { branch: 'branch2', collection: 'branch2' }],
  ['without-journal', { collection: 'journal' }],
  ['without-stray', { collection: 'stray' }],
  ['without-list', {}],
])('%s, that is said, and the status is 5', async (user, part) => {
  const { status, stdout } = await as(user, ['audit', '--json']);
  const { findings, unread } = JSON.parse(stdout);
  expect(findings).toEqual([]);
  expect(unread).toContainEqual({ ...part, reason: expect.stringMatching(/permission/) });
  expect(status).toBe(5);
  const piped = await as(user, ['audit']);
  expect(piped.stdout).toContain('Nothing wrong was found in what could be read.');
  const lines = await as(user, ['audit', '-o', 'csv', '-q']);
  expect([lines.status, lines.stderr]).toEqual([5, expect.stringContaining('permission')]);
});
