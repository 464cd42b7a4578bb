import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ensureLocal, localStatus, stopLocal } from '../../src/database/local/local-database.ts';
import { localPaths } from '../../src/database/local/local-paths.ts';
import { answers } from '../../src/database/local/local-state.ts';
import { temporaryDirectory, testHost, until } from './host.ts';
import { freshEnv, type LocalEnv, parameter, pidsOf, writeOne } from './local-env.ts';
import { workerProgram } from './run-worker.ts';

const run = workerProgram();

describe('the life of the local database', () => {
  test('starts, serves, is found again, stops, and keeps its data', async () => {
    const env = await freshEnv();
    const host = testHost(env);
    const paths = localPaths(env);
    expect(await localStatus(host)).toMatchObject({ running: false, dataDir: paths.dataDir });
    expect(existsSync(paths.dataDir)).toBe(false);

    const first = await ensureLocal(host);
    expect(first).toMatchObject({ started: true, uri: paths.uri });
    expect(await writeOne(first.uri)).toBe(1);
    expect(statSync(paths.dataDir).mode & 0o777).toBe(0o700);
    expect(await parameter(first.uri, 'transactionLifetimeLimitSeconds')).toBe(20);
    expect(listeners(pidsOf(env)[0])).toEqual({ unix: [paths.socket], tcp: [] });
    expect(await ensureLocal(host)).toMatchObject({ started: false });
    expect(await localStatus(host)).toMatchObject({
      running: true,
      pid: pidsOf(env)[0],
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      uptimeSeconds: expect.any(Number),
    });

    expect(await stopLocal(host)).toBe(true);
    expect(await stopLocal(host)).toBe(false);
    expect(pidsOf(env)).toEqual([]);
    expect(await localStatus(host)).toMatchObject({ running: false });
    expect(await writeOne((await ensureLocal(host)).uri)).toBe(2);
  });

  test('eight first uses at once start one server, which holds no pipe of theirs', async () => {
    const env = await freshEnv();
    // `ended` waits for the end of the pipe, which a server that had inherited it would keep open.
    const workers = Array.from({ length: 8 }, () => run(env, 'ensure').ended);
    const answersOf = (await Promise.all(workers)).map((printed) => JSON.stringify(printed.at(-1)));
    expect(answersOf.sort()).toEqual([...Array(7).fill('{"started":false}'), '{"started":true}']);
    expect(pidsOf(env)).toHaveLength(1);
  });
});

/** The sockets on which a process waits for connections. */
function listeners(pid = 0): { readonly unix: readonly string[]; readonly tcp: readonly string[] } {
  const table = (name: string) =>
    readFileSync(`/proc/${pid}/net/${name}`, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/));
  const descriptors = readdirSync(`/proc/${pid}/fd`, { withFileTypes: true });
  const own = new Set(descriptors.map(({ parentPath, name }) => target(join(parentPath, name))));
  const isOwn = (inode = '') => own.has(`socket:[${inode}]`);
  // See proc_pid_net(5): the flag 0x10000 marks a Unix socket that listens.
  const unix = table('unix').filter(
    ([, , , flags, , , inode]) => flags === '00010000' && isOwn(inode),
  );
  const tcp = [...table('tcp'), ...table('tcp6')].filter((fields) => isOwn(fields[9]));
  return { unix: unix.map((fields) => fields[7] ?? ''), tcp: tcp.map(([, local]) => local ?? '') };
}

function target(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}

test.each(['x'.repeat(150), 'a,b', 'white space', 'colon:1', 'ünïcode'])(
  'a data directory named %s has a short name for its socket',
  (name) => {
    const { socket, uri, socketFile } = localPaths({ BANKCTL_DATA_DIR: `/data/${name}` });
    expect(socketFile).toBe(`/data/${name}/mongod.sock`);
    expect(socket).toMatch(/^\/tmp\/bankctl-\w+\/[0-9a-f]{20}\/mongod\.sock$/);
    expect(decodeURIComponent(uri)).toContain(socket);
  },
);

test('the short name is in XDG_RUNTIME_DIR, if nobody else can enter that', () => {
  const runtime = mkdtempSync('/tmp/bankctl-test-');
  onTestFinished(() => rmSync(runtime, { recursive: true }));
  const short = (XDG_RUNTIME_DIR: string) =>
    localPaths({ BANKCTL_DATA_DIR: '/data/a b', XDG_RUNTIME_DIR }).shortName?.directory;
  expect(short(runtime)).toBe(join(runtime, 'bankctl'));
  const other = short('');
  expect(other).toMatch(/^\/tmp\/bankctl-\d+$/);
  for (const unusable of [join(runtime, 'missing'), `${runtime}/${'x'.repeat(100)}`, 'relative'])
    expect(short(unusable)).toBe(other);
  chmodSync(runtime, 0o755);
  expect(short(runtime)).toBe(other);
});

test('has one place, by whichever name its directory is reached, before it is there', () => {
  const base = temporaryDirectory();
  const below = (name: string) =>
    localPaths({ BANKCTL_DATA_DIR: join(base, name, 'a', 'x'.repeat(120)) });
  mkdirSync(join(base, 'real'));
  symlinkSync('real', join(base, 'link'));
  expect({ ...below('link'), namedDir: '' }).toEqual({ ...below('real'), namedDir: '' });
  expect(below('real').dataDir).toContain('/real/a/x');
  expect(localPaths({ BANKCTL_DATA_DIR: '/' }).dataDir).toBe('/');
});

test('serves by two names, and from sessions that differ in their short names', async () => {
  const base = temporaryDirectory();
  const env = await freshEnv(join(base, 'x,'.repeat(50)));
  const runtime = mkdtempSync('/tmp/bankctl-test-');
  onTestFinished(() => {
    rmSync(localPaths(env).shortName?.link ?? '');
    rmSync(runtime, { recursive: true, force: true });
  });
  const session = { ...env, XDG_RUNTIME_DIR: runtime };
  expect(await writeOne((await ensureLocal(testHost(session))).uri)).toBe(1);
  const [pid] = pidsOf(env);
  expect(await writeOne((await ensureLocal(testHost(env))).uri)).toBe(2);
  symlinkSync(env.BANKCTL_DATA_DIR, join(base, 'link'));
  const linked = testHost({ ...env, BANKCTL_DATA_DIR: join(base, 'link') });
  expect(await ensureLocal(linked)).toMatchObject({ started: false });
  // As at the end of that session; another server start must not depend on it.
  rmSync(runtime, { recursive: true });
  expect(await localStatus(testHost(env))).toMatchObject({ running: true, pid });
  expect(await stopLocal(linked)).toBe(true);
  expect(await writeOne((await ensureLocal(testHost(env))).uri)).toBe(3);
});

test('stop says of a suspended server what it is and what to do, and heeds Ctrl-C', async () => {
  const env = await freshEnv();
  const host = testHost(env);
  await ensureLocal(host);
  const [pid = 0] = pidsOf(env);
  process.kill(pid, 'SIGSTOP');
  onTestFinished(() => {
    process.kill(pid, 'SIGCONT');
  });
  await expect(stopLocal(testHost(env))).rejects.toMatchObject({
    code: 'local_database',
    message: `The local database, process ${pid}, is suspended and cannot end.`,
    hint: expect.stringContaining(`kill -CONT ${pid}`),
  });
  const { stateFile } = localPaths(env);
  writeFileSync(stateFile, '{}');
  const stopping = expect(stopLocal(host)).rejects.toMatchObject({
    code: 'interrupted',
    message: `Stopped while process ${pid} was ending.`,
  });
  await until(() => !existsSync(stateFile));
  host.abort();
  await stopping;
});

test('a log that has grown large is put aside while the server runs', async () => {
  const env = await freshEnv();
  await ensureLocal(testHost(env));
  const { logFile } = localPaths(env);
  truncateSync(logFile, 40 * 1024 * 1024);
  expect(await ensureLocal(testHost(env))).toMatchObject({ started: false });
  expect(statSync(`${logFile}.1`).size).toBeGreaterThan(32 * 1024 * 1024);
  await until(() => existsSync(logFile) && statSync(logFile).size > 0);
  expect(statSync(logFile).size).toBeLessThan(1024 * 1024);
});

describe('Ctrl-C', () => {
  test.each([
    ['when the server is launched', (env: LocalEnv) => pidsOf(env).length > 0],
    ['when it answers', (env) => answers(localPaths(env).socket)],
  ])('%s leaves no server and no lock', async (_, reached) => {
    const env = await freshEnv();
    const worker = run(env, 'ensure');
    await until(() => reached(env));
    worker.child.kill('SIGINT');
    const last = (await worker.ended).at(-1);
    // A start that was all but done may end well; then its server is there, ready.
    if (JSON.stringify(last) === '{"started":true}') {
      expect(await localStatus(testHost(env))).toMatchObject({ running: true });
    } else {
      expect(last).toEqual({ code: 'interrupted' });
      expect(pidsOf(env)).toEqual([]);
    }
    expect(existsSync(localPaths(env).lockFile)).toBe(false);
  });

  test('while waiting for another bankctl ends the waiting', async () => {
    const env = await freshEnv();
    mkdirSync(env.BANKCTL_DATA_DIR, { recursive: true, mode: 0o700 });
    const holder = run(env, 'hold', localPaths(env).lockFile);
    await until(() => holder.printed.includes('held'));
    const host = testHost(env);
    const waiting = ensureLocal(host);
    await until(() => host.events.some(({ label }) => label.startsWith('Waiting for process')));
    host.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'interrupted' });
    holder.child.kill('SIGINT');
    expect((await holder.ended).at(-1)).toBe('released');
  });
});

test('a listener that is not ready is not taken for the database', async () => {
  const env = await freshEnv();
  const { socket, stateFile, dataDir } = localPaths(env);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  expect(await answers(socket)).toBe(true);
  expect(await localStatus(testHost(env))).toMatchObject({ running: false });
  writeFileSync(stateFile, '{}');
  expect(await localStatus(testHost(env))).toMatchObject({ running: true });
  chmodSync(dataDir, 0o755);
  expect(await localStatus(testHost(env))).toMatchObject({ running: false });
  chmodSync(dataDir, 0o700);
  await new Promise((resolve) => server.close(resolve));
});
