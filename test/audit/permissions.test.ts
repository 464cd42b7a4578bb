import { afterAll, beforeAll, expect, test } from 'vitest';
import { type GuardedServer, startGuarded } from '../database/guarded-server.ts';
import { run } from '../workspace.ts';

let server: GuardedServer;

/** May find in those collections only. */
function finding(...collections: readonly string[]) {
  return collections.map((collection) => ({
    resource: { db: 'bank', collection },
    actions: ['find', 'listIndexes'],
  }));
}

const list = { resource: { db: 'bank', collection: '' }, actions: ['listCollections'] };

beforeAll(async () => {
  server = await startGuarded();
  const { root } = server;
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
  for (const branch of ['branch1', 'branch2']) {
    const ran = await as('root', ['open', branch, 'A', '--balance', '5']);
    expect(ran.status).toBe(0);
  }
}, 60_000);

afterAll(() => server.stop());

function as(user: string, argv: readonly string[]) {
  return run(argv, '/', { BANKCTL_URI: server.uriOf(`${user}:pw@`, 'bank') });
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
