import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type GuardedServer, startGuarded } from '../database/guarded-server.ts';
import { until } from '../database/host.ts';
import { type RunOptions, run } from '../workspace.ts';

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

/** A replica set with users; each test must leave no database on it. */
let server: GuardedServer;

beforeAll(async () => {
  server = await startGuarded();
  const create = server.root.db('admin');
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

afterAll(() => server.stop());

afterEach(async () => {
  await server.root.db('admin').command({ configureFailPoint: 'failCommand', mode: 'off' });
  for (const name of await leftBehind()) await server.root.db(name).dropDatabase();
});

async function leftBehind(): Promise<readonly string[]> {
  const { databases } = await server.root.db('admin').admin().listDatabases({ nameOnly: true });
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
  return run(argv, server.directory, { PATH: '' }, options);
}

test.each(modes.flatMap((mode) => ['least', 'builtin'].map((user) => [user, mode] as const)))(
  'the roles of %s are enough for %s, and nothing is left',
  async (user, mode) => {
    const { stderr, status } = await stress(server.uriOf(`${user}:pw@`), mode);
    expect(stderr).not.toContain('bankctl: ');
    // A bounded exploration is undecided.
    expect(status).toBe(mode.endsWith('0') && mode.includes('preemptions') ? 5 : 0);
    expect(await leftBehind()).toEqual([]);
  },
  60_000,
);

test.each(modes)('who may not drop it is refused before there is a database: %s', async (mode) => {
  const { stderr, status } = await stress(server.uriOf('writer:pw@'), mode);
  expect(stderr).toContain('writer may not dropDatabase in a database that stress makes up.');
  expect(stderr).toContain('readWriteAnyDatabase and dbAdminAnyDatabase');
  expect(stderr).not.toMatch(/\n {4}at /);
  expect(status).toBe(3);
  expect(await leftBehind()).toEqual([]);
});

test.each(modes)(
  'a drop that is refused all the same is told, with what to type: %s',
  async (mode) => {
    await server.root.db('admin').command({
      configureFailPoint: 'failCommand',
      mode: 'alwaysOn',
      data: { failCommands: ['dropDatabase'], errorCode: 13 },
    });
    const { stderr, status } = await stress(server.uriOf('least:pw@'), mode);
    const [name = 'none'] = await leftBehind();
    expect(stderr).toContain(`The database ${name} is left behind: the user may not drop it.`);
    expect(stderr).toContain(`db.getSiblingDB("${name}").dropDatabase()`);
    expect(status).toBe(3);
  },
  60_000,
);

test.each(modes)('a URI that names a database is refused, and it ends: %s', async (mode) => {
  const { stderr, status } = await stress(server.uriOf('least:pw@', 'bank'), mode);
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
    const running = stress(server.uriOf('least:pw@'), mode, { interrupted: controller.signal });
    await until(async () => (await leftBehind()).length > 0);
    controller.abort();
    expect((await running).status).toBe(130);
    expect(await leftBehind()).toEqual([]);
  },
  60_000,
);
