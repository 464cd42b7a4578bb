import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { MongoServerError } from 'mongodb';
import { describe, expect, inject, test } from 'vitest';
import { BankctlError } from '../../src/core/errors.ts';
import { connect } from '../../src/database/connection.ts';
import { databaseError } from '../../src/database/database-error.ts';
import { run } from '../workspace.ts';
import { mongodWith } from './own-mongod.ts';
import { listening, serverThatSays } from './stand-in-server.ts';

const timeoutMs = 1500;

/** What the user is told who connects there, which must fail. */
async function told(uri: string): Promise<BankctlError> {
  try {
    const client = await connect(uri, { timeoutMs });
    await client.close();
  } catch (error) {
    if (error instanceof BankctlError) return error;
    throw error;
  }
  throw new Error(`It succeeded: ${uri}`);
}

const primary = { isWritablePrimary: true, maxWireVersion: 17, minWireVersion: 0, setName: 'rs0' };

test.each(['', '?directConnection=true'])(
  'a replica set that was never initiated is named as such: "%s"',
  async (query) => {
    const uri = `mongodb://${encodeURIComponent(await mongodWith('--replSet', 'rs0'))}/${query}`;
    const { status, stderr } = await run(['balance', '--timeout', '2s', '--uri', uri], '/', {});
    expect(status).toBe(3);
    expect(stderr).toMatch(/^bankctl: The server at \S+m\.sock has no replica set config/m);
    expect(stderr).toContain('rs.initiate()');
    expect(stderr).not.toContain('standalone');
  },
);

describe('members by names that are out of reach are named', () => {
  test('a name that cannot be looked up', async () => {
    const hosts = ['mongo1.invalid:27017', 'mongo2.invalid:27017'];
    const address = await serverThatSays(() => ({ ...primary, hosts, me: hosts[0] }));
    const error = await told(`mongodb://${address}/`);
    expect(error).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('mongo1.invalid:27017 (the host name is not known)'),
      hint: expect.stringMatching(/DNS.*directConnection=true/),
    });
    expect(error.message).toContain('the replica set rs0');
    expect(error.message).toContain('mongo2.invalid:27017');
  });

  test('an address where nothing answers', async () => {
    const address = await serverThatSays(() => ({
      ...primary,
      hosts: ['127.0.0.1:1'],
      me: '127.0.0.1:1',
    }));
    expect(await told(`mongodb://${address}/`)).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('127.0.0.1:1 (the connection was refused)'),
      hint: expect.stringContaining('reach them by these names'),
    });
  });
});

test('a replica set without a primary is choosing one', async () => {
  const secondary = { ...primary, isWritablePrimary: false, secondary: true };
  const address = await serverThatSays((me) => ({ ...secondary, hosts: [me], me }));
  expect(await told(`mongodb://${address}/`)).toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining('the replica set rs0 has no primary now'),
    hint: expect.stringContaining('with the same --id'),
  });
});

test.each([
  [6, 'requires at least'],
  [0, 'requires at least'],
])('a server of wire version %i is too old', async (maxWireVersion, reason) => {
  const address = await serverThatSays(() => ({ isWritablePrimary: true, maxWireVersion }));
  expect(await told(`mongodb://${address}/`)).toMatchObject({
    code: 'database_failed',
    message: expect.stringContaining(reason),
    hint: 'Use MongoDB 6.0 or later.',
  });
});

describe('a port that is not what it was taken for', () => {
  test('of a web server', async () => {
    const address = await listening(createHttpServer((_, answer) => answer.end('hello')));
    expect(await told(`mongodb://${address}/`)).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('does not answer as MongoDB does'),
      hint: expect.stringMatching(/web server's.*tls=true/),
    });
  });

  test('of a server that wants TLS, or a certificate', async () => {
    const closing = createServer((socket) => socket.on('data', () => socket.end()));
    const address = await listening(closing);
    expect((await told(`mongodb://${address}/`)).hint).toContain('add tls=true');
  });

  test('of a server without TLS', async () => {
    const uri = inject('uri').replace('/?', '/?tls=true&');
    expect(await told(uri)).toMatchObject({
      code: 'unreachable',
      hint: expect.stringContaining('leave tls=true out'),
    });
  });

  test('of a name that mongodb+srv:// cannot be used with', async () => {
    expect(await told('mongodb+srv://nowhere.invalid/')).toMatchObject({
      hint: expect.stringContaining('begin with mongodb://'),
    });
  });
});

describe('what the server refuses', () => {
  const uri = 'mongodb://teller:hunter2hunter@host/bank?authSource=staff';
  const say = (answer: object, from = uri) =>
    databaseError(new MongoServerError(answer), { uri: from, timeoutMs });
  const refused = (database: string, command: string) => ({
    code: 13,
    message: `not authorized on ${database} to execute command { ${command}, lsid: {} }`,
  });

  test.each([
    ['bank', 'insert: "branch1"', 'insert in bank.branch1', 'readWrite on the database bank'],
    ['bank', 'find: "branch1"', 'find in bank.branch1', 'read on the database bank'],
    ['bank', 'createIndexes: "j"', 'createIndexes in bank.j', 'readWrite on the database bank'],
    ['bank', 'collMod: "branch1"', 'collMod in bank.branch1', 'dbAdmin on the database bank'],
    ['bank', 'dropDatabase: 1', 'dropDatabase in bank', 'dbAdmin on the database bank'],
    [
      'bank',
      'aggregate: 1, pipeline: [ { $changeStream: {} } ]',
      'watch changes ($changeStream) in bank',
      'read on the database bank',
    ],
    [
      'admin',
      'aggregate: 1, pipeline: [ { $currentOp: {} } ]',
      'see the operations under way ($currentOp) in admin',
      'clusterMonitor on the database admin',
    ],
  ])('%s: %s', (database, command, message, role) => {
    expect(say(refused(database, command))).toMatchObject({
      code: 'not_permitted',
      message: `The database user may not ${message}.`,
      hint: `Give the user teller the role ${role}, or another that allows it.`,
    });
  });

  test('of a command that a free cluster of Atlas leaves out', () => {
    const message = '$changeStream is not allowed in this atlas tier';
    expect(say({ code: 8000, message })).toMatchObject({
      code: 'not_permitted',
      message: expect.stringContaining(`does not offer this: ${message}.`),
      hint: 'Free and Flex clusters leave it out; a dedicated cluster has it.',
    });
  });

  test('in the words of Atlas', () => {
    const message = 'user is not allowed to do action [remove] on [bank.branch1]';
    expect(say({ code: 8000, message })).toMatchObject({
      message: 'The database user may not delete in bank.branch1.',
      hint: expect.stringContaining('readWrite on the database bank'),
    });
  });

  test.each([
    [uri, 'staff'],
    ['mongodb://teller:pass@host/bank', 'bank'],
    ['mongodb://teller:pass@host/', 'admin'],
    ['mongodb://teller:pass@host', 'admin'],
    ['mongodb+srv://teller:pass@host/?AUTHSOURCE=x', 'x'],
  ])('%s looks the user up in %s', (from, database) => {
    expect(say({ code: 18, message: 'Authentication failed.' }, from)).toMatchObject({
      code: 'authentication_failed',
      hint: expect.stringMatching(
        /authSource=/i.test(from)
          ? `in the database ${database}\\.$`
          : `in the database ${database}:.*authSource=`,
      ),
    });
  });

  test.each([
    ['mongodb://h/?directConnection=true', 'Leave out directConnection=true'],
    ['mongodb://h/', 'with the same --id'],
    ['mongodb://%2Ftmp%2Fm.sock/?directConnection=true', 'with the same --id'],
  ])('no primary at %s', (from, hint) => {
    expect(say({ code: 10107, message: 'not primary' }, from)).toMatchObject({
      code: 'unreachable',
      hint: expect.stringContaining(hint),
    });
  });

  test('no hint repeats a payment without its id', () => {
    for (const code of [13, 18, 50, 91, 112, 133, 189, 334, 8000, 10107, 11601, 13297, 14031, 1]) {
      const error = say({ code, message: 'no' });
      if (!(error instanceof BankctlError)) throw new Error(`${code} is taken for a bug`);
      if (/repeat|again/i.test(error.hint)) expect(error.hint).toContain('--id');
      expect(`${error.message} ${error.hint}`).not.toMatch(/[Nn]othing was|not applied/);
    }
  });
});
