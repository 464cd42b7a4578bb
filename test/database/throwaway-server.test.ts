import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { type MongoClient, MongoServerError } from 'mongodb';
import { describe, expect, onTestFinished, test } from 'vitest';
import { connect } from '../../src/database/connection.ts';
import { portOf, startThrowaway } from '../../src/database/throwaway-server.ts';
import { findServers } from '../../src/system/processes.ts';
import { temporaryDirectory, testHost, until } from './host.ts';
import { workerProgram } from './run-worker.ts';

const run = workerProgram();

const host = () => testHost({ ...process.env, TMPDIR: temporaryDirectory() });

async function client(uri: string): Promise<MongoClient> {
  const opened = await connect(uri, { timeoutMs: 10_000 });
  onTestFinished(() => opened.close());
  return opened;
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('startThrowaway', () => {
  test('a standalone has no transactions, and is gone after stop', async () => {
    const server = await startThrowaway(host(), { replicas: 0 });
    const opened = await client(server.uri);
    await opened.db('a').collection('b').insertOne({});
    const snapshot = opened.db('a').collection('b').find({}, { readConcern: 'snapshot' }).toArray();
    await expect(snapshot).rejects.toBeInstanceOf(MongoServerError);
    const [pid = 0] = server.pids();
    expect(alive(pid)).toBe(true);
    await server.stop();
    await server.stop();
    expect(alive(pid)).toBe(false);
  });

  test('three replicas elect another primary when theirs is killed, which can return', async () => {
    const server = await startThrowaway(host(), { replicas: 3 });
    onTestFinished(() => server.stop());
    expect(server.pids()).toHaveLength(3);
    const opened = await client(server.uri);
    const things = opened.db('a').collection('b');
    await things.insertOne({});
    const hello = () => opened.db('admin').command({ hello: 1 });
    const { me } = await hello();
    const primary = server.members.find(({ port }) => String(me).endsWith(`:${port}`));
    await primary?.kill();
    await until(() =>
      things.insertOne({}).then(
        () => true,
        () => false,
      ),
    );
    expect(await hello()).not.toMatchObject({ me });
    expect(primary?.pid()).toBeUndefined();

    await primary?.restart();
    const returned = await client(`mongodb://127.0.0.1:${primary?.port}/?directConnection=true`);
    const local = { readPreference: 'primaryPreferred', readConcern: 'local' } as const;
    const read = () => returned.db('a').collection('b').find({}, local).toArray();
    // While it catches up, it answers nobody.
    await until(async () => (await read().catch(() => [])).length >= 2);
  });

  test('what another user left in the temporary directory is not removed', async () => {
    const temporary = temporaryDirectory();
    const precious = join(temporaryDirectory(), 'precious');
    const dead = Buffer.from('{"pid":1,"started":"1","space":"old/1"}').toString('base64url');
    mkdirSync(join(precious, 'by', dead), { recursive: true });
    const link = join(temporary, 'bankctl-stress-link');
    symlinkSync(precious, link);
    const theirs = join(temporary, 'bankctl-stress-theirs');
    cpSync(precious, theirs, { recursive: true });
    // Only root can give it away; to anybody else it is an abandoned one of his own.
    if (process.getuid?.() === 0) chownSync(theirs, 65534, 65534);
    const server = await startThrowaway(testHost({ ...process.env, TMPDIR: temporary }), {
      replicas: 0,
    });
    await server.stop();
    expect(readdirSync(link)).toEqual(['by']);
    expect(existsSync(theirs)).toBe(process.getuid?.() === 0);
  });

  test('an unusable mongod is refused before anything is started', async () => {
    const unusable = testHost({ BANKCTL_MONGOD: '/nowhere/mongod' });
    await expect(startThrowaway(unusable)).rejects.toMatchObject({ code: 'no_mongod' });
  });
});

test('the port of a server is none that is usual, or given to whoever asks for any', () => {
  const [lowest] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split('\t');
  const usual = 27_017;
  const ports = Array.from({ length: 1000 }, (_, nth) => portOf(`/tmp/bankctl-${nth}`, nth % 3));
  expect(Math.min(...ports)).toBeGreaterThan(1023);
  expect(Math.max(...ports)).toBeLessThan(Math.min(Number(lowest), usual));
  expect(new Set(ports).size).toBeGreaterThan(900);
});

describe('a process with a throwaway server', () => {
  test.each([
    ['SIGINT', '1'],
    ['SIGKILL', '0'],
  ] as const)(
    'ended by %s leaves no server and no data (replicas %s)',
    async (signal, replicas) => {
      const temporary = temporaryDirectory();
      const env = { ...process.env, TMPDIR: temporary };
      const worker = run(env, 'throwaway', replicas);
      await until(() => JSON.stringify(worker.printed).includes('pids'));
      const { pids } = JSON.parse(JSON.stringify(worker.printed.at(-1)));
      const server = findServers(['--bind_ip', '127.0.0.1']).filter(({ pid }) =>
        pids.includes(pid),
      );
      expect(server).toHaveLength(1);
      worker.child.kill(signal);
      await worker.ended;
      // The watcher of mongodb-memory-server looks every two seconds.
      await until(() => server.every(({ pid }) => !alive(pid)));
      if (signal === 'SIGKILL') {
        // What it left is removed by the next one.
        const next = await startThrowaway(testHost(env), { replicas: 0 });
        expect(
          readdirSync(temporary).filter((name) => name.startsWith('bankctl-stress-')),
        ).toHaveLength(1);
        await next.stop();
      } else {
        expect(worker.printed.at(-1)).toBe('stopped');
      }
      expect(readdirSync(temporary)).toEqual([]);
    },
  );
});
