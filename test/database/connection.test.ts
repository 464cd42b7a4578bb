import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MongoClient, MongoServerError } from 'mongodb';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { BankctlError } from '../../src/core/errors.ts';
import { connect } from '../../src/database/connection.ts';
import { databaseError } from '../../src/database/database-error.ts';
import { answers } from '../../src/database/local/local-state.ts';
import { findMongod } from '../../src/database/mongod/mongod-search.ts';
import { startThrowaway, type Throwaway } from '../../src/database/throwaway-server.ts';
import { run } from '../workspace.ts';
import { testHost, until } from './host.ts';
import { listening } from './stand-in-server.ts';

const timeoutMs = 1000;

/** For servers that answer, though it may be late: the machine may be busy. */
const patientMs = 20_000;

/** What the user is told when this is done there; the work must fail. */
async function told(
  uri: string,
  work: (client: MongoClient) => Promise<unknown>,
  timeoutMs = patientMs,
) {
  try {
    const client = await connect(uri, { timeoutMs });
    try {
      await work(client);
    } finally {
      await client.close();
    }
  } catch (error) {
    const told = databaseError(error, { uri, timeoutMs });
    if (!(told instanceof BankctlError)) throw error;
    expect(`${told.message} ${told.hint}`).not.toMatch(/secret/i);
    return told;
  }
  throw new Error(`It succeeded: ${uri}`);
}

const nothing = () => Promise.resolve();

test.concurrent.each([
  [
    'mongodb://me:secret1@127.0.0.1:1/',
    'unreachable',
    '127.0.0.1:1 within 1 s: the connection was refused',
  ],
  [
    'mongodb://me:secret1@nowhere.invalid/',
    'unreachable',
    'nowhere.invalid within 1 s: the host name is not known',
  ],
  ['mongodb+srv://me:secret1@nowhere.invalid/', 'unreachable', 'no usable DNS record'],
  [
    'mongodb://me:secret1@%2Fnowhere%2Fm.sock/',
    'unreachable',
    '/nowhere/m.sock within 1 s: there is no such socket',
  ],
  ['mongodb://me:sec@ret1@host/', 'invalid_uri', '%40'],
  ['mongodb://me:secret1@host/?foo=bar', 'invalid_uri', 'option foo is not supported'],
  ['mongodb://me:secret1@host/?directConnection=perhaps', 'invalid_uri', 'directConnection'],
  ['mongodb://me:secret1@host/?authMechanism=nonsense', 'invalid_uri', 'authMechanism'],
  ['mongodb://me:secret1@host/?minPoolSize=50', 'invalid_uri', 'pool minimum size'],
  ['mongodb://me:secret1@host/?authMechanism=MONGODB-AWS', 'invalid_uri', 'AWS SDK'],
  ['mongodb://me:secret1@host:1/?tls=true&tlsCAFile=/nowhere', 'invalid_uri', '/nowhere'],
])('%s is %s', async (uri, code, message) => {
  expect(await told(uri, nothing, timeoutMs)).toMatchObject({
    code,
    message: expect.stringContaining(message),
  });
});

test('a server that accepts and is silent is given up in time', async () => {
  const server = createServer(() => undefined);
  const address = await listening(server);
  const started = performance.now();
  expect(await told(`mongodb://${address}/`, nothing, timeoutMs)).toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining('within 1 s'),
  });
  expect(performance.now() - started).toBeLessThan(3 * timeoutMs);
});

test('Ctrl-C while connecting', async () => {
  const controller = new AbortController();
  const connecting = connect('mongodb://127.0.0.1:1/', {
    timeoutMs: 60_000,
    interrupted: controller.signal,
  });
  setImmediate(() => controller.abort());
  await expect(connecting).rejects.toMatchObject({ code: 'interrupted' });
});

test("an error that is no user's fault comes back as it is", () => {
  for (const error of [new TypeError('x is not a function'), 'text', undefined]) {
    expect(databaseError(error, { uri: 'mongodb://host/', timeoutMs })).toBe(error);
  }
});

describe('what a server answers is never taken for a bug', () => {
  const uri = 'mongodb://me:secret1@host/';
  test.each([
    [{ code: 133, message: 'Could not find host' }, 'unreachable', 'have no primary now'],
    [
      { code: 9999999, codeName: 'Odd', message: `no, ${uri} is odd.` },
      'database_failed',
      'The server at host answered: no, mongodb://me:***@host/ is odd (Odd 9999999).',
    ],
    [{ message: 'said secret1' }, 'database_failed', 'The server at host answered: said ***.'],
  ])('%j', (answer, code, message) => {
    expect(databaseError(new MongoServerError(answer), { uri, timeoutMs })).toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  test('nor is a write concern that it cannot satisfy', async () => {
    const work = (client: MongoClient) =>
      client.db('test_concern').dropDatabase({ writeConcern: { w: 3 } });
    expect(await told(inject('uri'), work)).toMatchObject({
      code: 'database_failed',
      message: expect.stringMatching(/answered: Not enough data-bearing nodes \(.* 100\)\.$/),
    });
  });
});

describe('on a standalone', () => {
  let server: Throwaway;
  beforeAll(async () => {
    server = await startThrowaway(testHost(), { replicas: 0 });
  });
  afterAll(() => server.stop());

  const things = (client: MongoClient) => client.db('a').collection('b');
  test.each([
    [
      'a transaction',
      (client: MongoClient) =>
        client.withSession((session) =>
          session.withTransaction(() => things(client).insertOne({}, { session })),
        ),
    ],
    [
      'a snapshot',
      (client: MongoClient) => things(client).find({}, { readConcern: 'snapshot' }).toArray(),
    ],
  ])('%s has one sentence and the cure', async (_, work) => {
    expect(await told(server.uri, work)).toMatchObject({
      code: 'no_transactions',
      message: expect.stringMatching(
        /^The server at 127\.0\.0\.1:\d+ is a standalone, which has no/,
      ),
    });
  });

  test.each([
    [
      'an unknown command',
      (client: MongoClient) => client.db('a').command({ nonsense: 1 }),
      /answered: no such command: 'nonsense' \(CommandNotFound 59\)\.$/,
    ],
    [
      'a database with different capitals',
      async (client: MongoClient) => {
        await things(client).insertOne({});
        await client.db('A').collection('b').insertOne({});
      },
      /^The server at \S+ has that database with different capitals: .*\[a\]/,
    ],
    [
      'an operation ended by killOp',
      async (client: MongoClient) => {
        await things(client).insertOne({});
        await Promise.all([
          things(client).find({ $where: 'sleep(60000) || true' }).toArray(),
          killSlow(client),
        ]);
      },
      /^Somebody ended the operation on the server/,
    ],
  ])('%s is one sentence', async (_, work, message) => {
    expect(await told(server.uri, work)).toMatchObject({
      code: 'database_failed',
      message: expect.stringMatching(message),
    });
  });

  async function killSlow(client: MongoClient): Promise<void> {
    const admin = client.db('admin');
    const slow = [{ $currentOp: {} }, { $match: { ns: 'a.b', op: 'query' } }];
    await until(async () => {
      const [found] = await admin.aggregate(slow, { readConcern: 'local' }).toArray();
      if (found !== undefined) await admin.command({ killOp: 1, op: found['opid'] });
      return found !== undefined;
    });
  }

  test.concurrent.each([
    ['?tls=true', 'in the TLS handshake, as a server without TLS does'],
    ['?replicaSet=other', 'unreachable|no server there belongs to the replica set other'],
  ])('%s is reported', async (query, reason) => {
    expect(await told(server.uri + query, nothing, timeoutMs)).toMatchObject({
      code: 'unreachable',
      message: expect.stringMatching(reason),
    });
  });
});

describe('where users have passwords', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bankctl-test-'));
  const socket = join(directory, 'm.sock');
  const uri = (user: string) => `mongodb://${user}${encodeURIComponent(socket)}/`;
  let mongod: ChildProcess;
  beforeAll(async () => {
    const program = await findMongod(testHost());
    const args = [
      '--auth',
      '--nounixsocket',
      '--bind_ip',
      socket,
      '--dbpath',
      directory,
      '--quiet',
    ];
    mongod = spawn(program, args, { stdio: 'ignore' });
    await until(() => answers(socket));
    const client = await connect(uri(''), { timeoutMs: 10_000 });
    const create = (user: string, pwd: string, role: object) =>
      client.db('admin').command({ createUser: user, pwd, roles: [role] });
    await create('root', 'secret-root', { role: 'root', db: 'admin' });
    await client.close();
    const root = await connect(uri('root:secret-root@'), { timeoutMs: 10_000 });
    const reader = {
      createUser: 'reader',
      pwd: 'secret-reader',
      roles: [{ role: 'read', db: 'a' }],
    };
    await root.db('admin').command(reader);
    const resource = { db: 'a', collection: 'c1' };
    await root.db('a').command({
      createRole: 'narrow',
      privileges: [{ resource, actions: ['find', 'insert', 'update'] }],
      roles: [],
    });
    await root.db('a').command({ createUser: 'narrow', pwd: 'secret-narrow', roles: ['narrow'] });
    await root.close();
  });
  afterAll(async () => {
    mongod.kill('SIGKILL');
    await until(() => mongod.signalCode !== null);
    rmSync(directory, { recursive: true, force: true });
  });

  const cases: readonly (readonly [
    string,
    (c: MongoClient) => Promise<unknown>,
    string,
    string,
  ])[] = [
    [
      'reader:secret-wrong@',
      nothing,
      'authentication_failed',
      'refused the user name or the password',
    ],
    ['nobody:secret-x@', nothing, 'authentication_failed', 'refused the user name or the password'],
    [
      '',
      (c) => c.db('a').collection('b').insertOne({}),
      'authentication_failed',
      'requires a user name',
    ],
    [
      'reader:secret-reader@',
      (c) => c.db('a').collection('b').insertOne({}),
      'not_permitted',
      'may not insert in a.b',
    ],
    [
      'reader:secret-reader@',
      (c) => c.db('c').collection('b').findOne(),
      'not_permitted',
      'may not find in c.b',
    ],
    [
      'reader:secret-reader@',
      (c) => c.db('a').createCollection('d'),
      'not_permitted',
      'may not create in a.d',
    ],
    [
      'reader:secret-reader@',
      (c) => c.db('c').listCollections().toArray(),
      'not_permitted',
      'may not listCollections in c',
    ],
  ];
  test.each(cases)('as "%s" (%#)', async (user, work, code, message) => {
    expect(await told(uri(user), work)).toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  test('by a mechanism that is not enabled', async () => {
    expect(
      await told(`${uri('reader:secret-reader@')}?authMechanism=PLAIN`, nothing),
    ).toMatchObject({
      code: 'authentication_failed',
      message: expect.stringContaining('does not offer that authentication method'),
    });
  });

  test.each([
    ['reader:secret-wrong@', '', 'looked up in the database admin: if'],
    ['reader:secret-reader@', 'a', 'looked up in the database a: if'],
    ['narrow:secret-narrow@', '', 'add authSource=DATABASE'],
  ])('a refused user %s of /%s has a hint at authSource', async (user, path, hint) => {
    const error = await told(uri(user) + path, nothing);
    expect(error).toMatchObject({ code: 'authentication_failed' });
    expect(error.hint).toContain(hint);
  });

  test('no hint at authSource where there is one', async () => {
    const { hint } = await told(`${uri('reader:secret-x@')}?%61uthsource=admin`, nothing);
    expect(hint).not.toContain('authSource');
  });

  test('a user who may not read the identity learns what is missing', async () => {
    const config = join(directory, 'narrow.yaml');
    writeFileSync(config, 'database: a\njournal: false\nbranches: { b: { collection: c1 } }');
    const argv = ['balance', '--config', config];
    const ran = await run(argv, directory, { BANKCTL_URI: `${uri('narrow:secret-narrow@')}a` });
    expect(ran).toMatchObject({ status: 3, stdout: '' });
    expect(ran.stderr).toMatch(/may not read the collection bankctl in a,.*\n.*find on that/);
  });

  test.each(['', '--exhaustive'])('stress %s says what its user lacks', async (mode) => {
    const argv = ['stress', '--uri', uri('reader:secret-reader@'), ...mode.split(' ')];
    const ran = await run(argv.filter(Boolean), directory, {});
    expect(ran).toMatchObject({ status: 3, stdout: '' });
    expect(ran.stderr).toMatch(
      /The database user reader may not createCollection, .*listCollections/,
    );
    expect(ran.stderr).toMatch(
      /Give the user the roles readWriteAnyDatabase .* or leave out --uri\./,
    );
    expect(ran.stderr).not.toContain('secret-reader');
  });
});
