import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtInConfig } from '../../src/config/config.ts';
import { checkNames } from '../../src/doctor/check.ts';
import { leastPrivileges } from '../../src/doctor/role.ts';
import { type GuardedServer, startGuarded } from '../database/guarded-server.ts';
import { temporaryDirectory } from '../database/host.ts';
import { freshEnv } from '../database/local-env.ts';
import { mongodWith } from '../database/own-mongod.ts';
import { serverThatSays } from '../database/stand-in-server.ts';
import { type Ran, run, type Workspace, workspace } from '../workspace.ts';

interface Report {
  readonly ok: boolean;
  readonly checks: readonly {
    readonly check: string;
    readonly state: string;
    readonly detail: string;
    readonly cure: string | null;
    readonly code: string | null;
  }[];
}

function statesOf({ stdout }: Ran): Readonly<Record<string, string>> {
  const { checks }: Report = JSON.parse(stdout);
  expect(checks.map(({ check }) => check).toSorted()).toEqual([...checkNames].sort());
  for (const { state, cure, code } of checks) {
    expect(cure === null).toBe(state === 'ok' || state === 'skipped');
    expect(code === null).toBe(state !== 'problem');
  }
  return Object.fromEntries(checks.map(({ check, state }) => [check, state]));
}

async function examine(bank: Workspace, env = {}, line = 'doctor --json') {
  const before = await bank.everything();
  const ran = await bank.run(line.split(' '), { env });
  if (!line.includes('--fix')) expect(await bank.everything()).toBe(before);
  return { ...ran, states: statesOf(ran) };
}

describe('doctor', () => {
  test('finds nothing wrong with a bank in use, and changes nothing', async () => {
    const bank = await workspace();
    await bank.run(['init']);
    await bank.run(['open', 'branch1', 'A', '--balance', '5']);
    const { states, status, stderr } = await examine(bank);
    expect([status, stderr]).toEqual([0, '']);
    const elsewhere = { local_database: 'skipped', mongod: 'skipped', permissions: 'skipped' };
    const ok = Object.fromEntries(checkNames.map((name) => [name, 'ok']));
    expect(states).toEqual({ ...ok, ...elsewhere });
  });

  test('says how a database gets its bank, and --fix makes what is missing', async () => {
    const bank = await workspace();
    const before = await examine(bank);
    expect([before.status, before.states['identity'], before.states['collections']]).toEqual([
      ...[0, 'warning', 'warning'],
    ]);
    expect(before.stdout).toContain('bankctl init');
    // The server tells of the disk only once the database exists.
    expect(before.states['disk']).toBe('skipped');
    expect((await examine(bank, {}, 'doctor --fix --json')).states['collections']).toBe('ok');
    await bank.db.collection('branch1').dropIndexes();
    await bank.db.command({ collMod: 'journal', validator: {} });
    const { stdout, states } = await examine(bank);
    expect(states['collections']).toBe('warning');
    expect(stdout).toContain('branch1 lacks its index on account_number');
    expect(stdout).toContain('journal lacks its validator');
    expect((await examine(bank, {}, 'doctor --fix --json')).states['collections']).toBe('ok');
    const indexes = await bank.db.collection('branch1').indexes();
    expect(indexes.map(({ name }) => name)).toContain('account_number');
  });

  test('goes on where the config contradicts the bank', async () => {
    const bank = await workspace();
    await bank.run(['init']);
    const path = join(bank.directory, 'bankctl.config.yaml');
    const swapped =
      'branches: { branch1: { collection: branch2 }, branch2: { collection: branch1 } }';
    await writeFile(path, `database: ${bank.db.databaseName}\n${swapped}\n`);
    const { status, states, stdout } = await examine(bank);
    expect([status, states['identity'], states['server']]).toEqual([2, 'problem', 'ok']);
    expect(stdout).toContain('the collection of branch1 is');
    expect((await examine(bank, {}, 'doctor --fix --json')).status).toBe(2);
  });

  test('names a capped collection', async () => {
    const bank = await workspace();
    await bank.db.createCollection('branch1', { capped: true, size: 4096 });
    const { status, states } = await examine(bank);
    expect([status, states['collections']]).toEqual([1, 'problem']);
  });

  test('reports also if nothing works at all', async () => {
    const directory = temporaryDirectory();
    await writeFile(join(directory, 'bankctl.config.yaml'), 'branches: [\n');
    const ran = await run(['doctor', '--json'], directory, { BANKCTL_MONGOD: '/nowhere' });
    const states = statesOf(ran);
    expect(ran.status).toBe(2);
    expect([states['config'], states['local_database'], states['mongod']]).toEqual([
      ...['problem', 'problem', 'problem'],
    ]);
    expect(states['connection']).toBe('skipped');
    expect(ran.stdout).not.toContain('    at ');
  });

  test('says why no server answers', async () => {
    const bank = await workspace();
    const uri = 'mongodb://teller:sesame@127.0.0.1:1/';
    const { status, states, stdout, stderr } = await examine(
      bank,
      { BANKCTL_URI: uri },
      'doctor --json --timeout 1s',
    );
    expect([status, states['connection'], states['server']]).toEqual([3, 'problem', 'skipped']);
    expect(stdout + stderr).not.toContain('sesame');
  });

  test.each([
    ['6.0.5', '5.0', '{setFeatureCompatibilityVersion: "6.0"}'],
    ['8.0.4', '7.0', '{setFeatureCompatibilityVersion: "8.0", confirm: true}'],
  ])('says how MongoDB %s is raised from %s', async (version, older, cure) => {
    const address = await serverThatSays((own) => ({
      ...{ isWritablePrimary: true, setName: 'rs0', hosts: [own], me: own, setVersion: 1 },
      ...{ minWireVersion: 0, maxWireVersion: 17, logicalSessionTimeoutMinutes: 30 },
      ...{ version, versionArray: version.split('.').map(Number) },
      featureCompatibilityVersion: { version: older },
      cursor: { id: 0, ns: 'bank.bankctl', firstBatch: [] },
    }));
    const bank = await workspace();
    const env = { BANKCTL_URI: `mongodb://${address}/?directConnection=true` };
    const { stdout } = await bank.run(['doctor', '--json', '--timeout', '2s'], { env });
    const { checks }: Report = JSON.parse(stdout);
    expect(checks.find(({ check }) => check === 'server')).toMatchObject({
      state: 'warning',
      cure: expect.stringContaining(cure),
    });
  });

  test('explains a standalone and a server that was never initiated', async () => {
    const bank = await workspace();
    for (const [options, code] of [
      [[], 'no_transactions'],
      [['--replSet', 'rs0'], 'not_initiated'],
    ] as const) {
      const socket = encodeURIComponent(await mongodWith(...options));
      const uri = `mongodb://${socket}/?directConnection=true`;
      const { status, stdout } = await examine(bank, { BANKCTL_URI: uri });
      const { checks }: Report = JSON.parse(stdout);
      const problems = checks.filter(({ state }) => state === 'problem');
      expect([status, ...problems.map((one) => one.code)]).toEqual([3, code]);
    }
  });

  test('describes the local database, and creates none', async () => {
    const env = { ...(await freshEnv()), PATH: '' };
    const directory = temporaryDirectory();
    const before = await run(['doctor', '--json'], directory, env);
    expect([before.status, statesOf(before)['local_database']]).toEqual([3, 'warning']);
    await run(['init'], directory, env);
    const after = await run(['doctor', '--json'], directory, env);
    expect(after.status).toBe(0);
    expect(statesOf(after)).toMatchObject({ local_database: 'ok', mongod: 'ok', disk: 'ok' });
    await chmod(env.BANKCTL_DATA_DIR, 0o777);
    const exposed = await run(['doctor', '--json'], directory, env);
    expect([exposed.status, statesOf(exposed)['connection']]).toEqual([3, 'problem']);
    await chmod(env.BANKCTL_DATA_DIR, 0o700);
  });
});

describe('the least role', () => {
  let server: GuardedServer;

  beforeAll(async () => {
    server = await startGuarded();
  }, 60_000);

  afterAll(() => server.stop());

  /** Makes a user with these privileges. @returns how to run a command line as that user */
  async function userWith(privileges: readonly unknown[], name: string) {
    const { directory, root, uriOf } = server;
    const roles = [{ role: name, db: 'bank' }];
    await root.db('bank').command({ createRole: name, privileges, roles: [] });
    await root.db('admin').command({ createUser: name, pwd: 'pw', roles });
    const env = { BANKCTL_URI: uriOf(`${name}:pw@`), HOME: directory, PATH: '' };
    return (line: string) => run(line.split(' '), directory, env);
  }

  const lines = [
    'init',
    'open branch1 A --balance 10 --id one',
    'open branch1 B',
    'increment branch1 A 5 --id two',
    'transfer branch1:A branch1:B 3',
    'reverse two',
    'freeze branch1 A',
    'unfreeze branch1 A',
    'show one',
    'history branch1 A',
    'operations',
    'accounts --status frozen',
    'balance',
    'balance branch1',
    'balance branch1 A --at 2020-01-01',
    'branches',
    'export',
    'export --operations',
    'import branch2 accounts.csv',
    'apply rows.csv --batch rows',
    'apply rows.csv --batch rows --retry-refused',
    'doctor --json',
  ];

  test('is enough for every command', async () => {
    const { directory } = server;
    await writeFile(join(directory, 'accounts.csv'), 'account,balance\nC,5\n');
    await writeFile(join(directory, 'rows.csv'), 'branch,account,amount\nbranch1,NOBODY,5\n');
    const { stdout } = await run(['doctor', '--role'], directory, { PATH: '' });
    const { privileges } = JSON.parse(stdout);
    const as = await userWith(privileges, 'teller');
    for (const line of lines) {
      const { stderr, stdout: shown } = await as(line);
      expect(`${line}: ${stderr}`).not.toMatch(/may not|not_permitted|not authorized/);
      if (line.startsWith('doctor')) expect(shown).toContain('teller@admin may do all');
    }
  }, 60_000);

  test('is checked action by action', async () => {
    const all = leastPrivileges({ ...builtInConfig });
    const less = all.map(({ resource, actions }) => ({
      resource,
      actions:
        resource.collection === 'journal' ? actions.filter((it) => it !== 'insert') : actions,
    }));
    const as = await userWith(less, 'clerk');
    const { checks }: Report = JSON.parse((await as('doctor --json')).stdout);
    expect(checks.find(({ check }) => check === 'permissions')).toMatchObject({
      state: 'warning',
      detail: 'clerk@admin lacks insert on journal.',
    });
    const open = await as('open branch1 Z');
    expect(open.status).toBe(3);
  });

  test('a user who may do nothing is told so, and the password is shown to nobody', async () => {
    const as = await userWith([], 'nobody');
    const { status, stdout, stderr } = await as('doctor --json');
    expect(status).toBeLessThan(4);
    expect(JSON.parse(stdout).checks).toHaveLength(checkNames.length);
    expect(stdout + stderr).not.toContain(':pw@');
  });
});
