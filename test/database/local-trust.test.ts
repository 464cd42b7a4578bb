import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ensureLocal, localStatus, stopLocal } from '../../src/database/local/local-database.ts';
import { localPaths } from '../../src/database/local/local-paths.ts';
import { temporaryDirectory, testHost, until } from './host.ts';
import { freshEnv, pidsOf, writeOne } from './local-env.ts';

/** A user who is not us; only root can give files away. */
const nobody = 65534;
const isRoot = process.getuid?.() === 0;

const failure = (work: () => Promise<unknown>) =>
  work().then(
    () => 'it did not fail',
    (error: unknown) => error,
  );

describe('a data directory that others can enter', () => {
  test.each([
    ['to read', 0o755, /^If it is for bankctl alone, chmod 700 .*; else set BANKCTL_DATA_DIR/],
    ['as all enter /tmp', 0o1777, /^Set BANKCTL_DATA_DIR/],
    ['without the sticky bit', 0o777, /^If it is for bankctl alone/],
  ])('%s is refused, by start and by stop, and left as it is', async (_, mode, hint) => {
    const dataDir = temporaryDirectory();
    if (mode === 0o1777) writeFileSync(join(dataDir, 'of somebody else'), '');
    chmodSync(dataDir, mode);
    const host = testHost({ ...process.env, BANKCTL_DATA_DIR: dataDir });
    for (const work of [() => ensureLocal(host), () => stopLocal(host)]) {
      expect(await failure(work)).toMatchObject({
        code: 'local_database',
        message: expect.stringMatching(/is open to other users \(mode \d+\), so bankctl keeps/),
        hint: expect.stringMatching(hint),
      });
    }
    expect(await localStatus(host)).toMatchObject({ running: false });
    expect(statSync(dataDir).mode & 0o7777).toBe(mode);
    expect(existsSync(join(dataDir, 'data'))).toBe(false);
  });

  test('or replace, since one above it is open, is refused', async () => {
    const base = temporaryDirectory();
    mkdirSync(join(base, 'open', 'mine'), { recursive: true, mode: 0o700 });
    chmodSync(join(base, 'open'), 0o777);
    const env = { ...process.env, BANKCTL_DATA_DIR: join(base, 'open', 'mine') };
    expect(await failure(() => ensureLocal(testHost(env)))).toMatchObject({
      message: expect.stringContaining(`${join(base, 'open')} can be written by other users`),
    });
  });

  test("of another user, or named by another user's link, is refused", async () => {
    const base = temporaryDirectory();
    mkdirSync(join(base, 'mine'), { mode: 0o700 });
    mkdirSync(join(base, 'theirs'), { mode: 0o700 });
    symlinkSync('mine', join(base, 'link'));
    // Without root, nothing can be given away: then what everybody can write stands for it.
    if (isRoot) {
      chownSync(join(base, 'theirs'), nobody, nobody);
      lchownSync(join(base, 'link'), nobody, nobody);
    } else {
      chmodSync(join(base, 'theirs'), 0o777);
      chmodSync(base, 0o777);
    }
    for (const name of ['theirs', 'link']) {
      const env = { ...process.env, BANKCTL_DATA_DIR: join(base, name) };
      expect(await failure(() => ensureLocal(testHost(env)))).toMatchObject({
        code: 'local_database',
        message: expect.stringMatching(/another user|other users/),
      });
    }
    expect(existsSync(join(base, 'mine', 'data'))).toBe(false);
  });
});

describe('what was planted in a data directory while it was open', () => {
  const plants: readonly [string, string, (path: string, victim: string) => void, RegExp][] = [
    ['a link for the log', 'mongod.log', (path, victim) => symlinkSync(victim, path), /symbolic/],
    ['a link for the old log', 'mongod.log.1', (path, to) => symlinkSync(to, path), /symbolic/],
    ['a link for the output', 'launch.log', (path, to) => symlinkSync(to, path), /symbolic/],
    ['a hard link for the log', 'mongod.log', (path, to) => linkSync(to, path), /hard link/],
    ['a link for the state', 'state.json', (path, to) => symlinkSync(to, path), /symbolic/],
    ['a link for the lock', 'lock', (path, victim) => symlinkSync(victim, path), /symbolic/],
    ['a pipe for the lock', 'lock', pipe, /a pipe/],
    ['a pipe for the log', 'mongod.log', pipe, /a pipe/],
    ['a pipe for the state', 'state.json', pipe, /a pipe/],
    ['a pipe for the socket', 'mongod.sock', pipe, /a pipe/],
    ["a pipe for mongod's lock", 'data/mongod.lock', pipe, /a pipe/],
    ['a link for the data', 'data', (path, victim) => symlinkSync(victim, path), /symbolic/],
  ];
  test.each(plants)('%s is refused by name at once, and left', async (_, name, plant, reason) => {
    const base = temporaryDirectory();
    const env = await bareEnv(join(base, 'data'));
    const victim = join(base, 'victim');
    writeFileSync(victim, 'precious');
    mkdirSync(join(env.BANKCTL_DATA_DIR, name, '..'), { recursive: true, mode: 0o700 });
    const path = join(env.BANKCTL_DATA_DIR, name);
    plant(path, victim);
    const error = await failure(() => ensureLocal(testHost(env)));
    expect(error).toMatchObject({
      code: expect.stringMatching(/^(local_database|not_writable)$/),
      message: expect.stringMatching(reason),
      hint: expect.stringMatching(/remove it/i),
    });
    expect(error).toMatchObject({ message: expect.stringContaining(path) });
    expect(readFileSync(victim, 'utf8')).toBe('precious');
    expect(await localStatus(testHost(env))).toMatchObject({ running: false });
  });

  function pipe(path: string): void {
    execFileSync('mkfifo', [path]);
  }

  test('a link for a draft is replaced, not followed', async () => {
    const env = await freshEnv();
    const victim = join(temporaryDirectory(), 'victim');
    writeFileSync(victim, 'precious');
    mkdirSync(env.BANKCTL_DATA_DIR, { mode: 0o700 });
    symlinkSync(victim, `${localPaths(env).stateFile}.new`);
    expect(await writeOne((await ensureLocal(testHost(env))).uri)).toBe(1);
    expect(readFileSync(victim, 'utf8')).toBe('precious');
  });

  /** Its directory has nothing that could be stopped after the test. */
  async function bareEnv(dataDir: string) {
    const { BANKCTL_MONGOD, PATH } = await freshEnv();
    return { PATH, BANKCTL_MONGOD, BANKCTL_DATA_DIR: dataDir };
  }
});

test('a short name that leads elsewhere is renewed; an open one is refused', async () => {
  const env = await freshEnv(join(temporaryDirectory(), 'a b'));
  const runtime = temporaryDirectory();
  const host = testHost({ ...env, XDG_RUNTIME_DIR: runtime });
  const { shortName } = localPaths(host.env);
  const { directory, link } = shortName ?? { directory: '', link: '' };
  expect(directory).toBe(join(runtime, 'bankctl'));
  mkdirSync(directory, { mode: 0o700 });
  const elsewhere = temporaryDirectory();
  symlinkSync(elsewhere, link);
  // A server in the place that the link leads to must not be written into.
  const theirs = createServer();
  await new Promise<void>((resolve) => theirs.listen(join(elsewhere, 'mongod.sock'), resolve));
  onTestFinished(() => new Promise<void>((resolve) => theirs.close(() => resolve())));
  writeFileSync(join(elsewhere, 'state.json'), '{}');
  expect(await writeOne((await ensureLocal(host)).uri)).toBe(1);
  chmodSync(directory, 0o777);
  expect(await failure(() => ensureLocal(host))).toMatchObject({
    code: 'local_database',
    message: expect.stringContaining(`${directory} is open to other users (mode 0777)`),
  });
  chmodSync(directory, 0o700);
});

describe('a process is taken for the server', () => {
  const args = (env: { BANKCTL_DATA_DIR: string }) => [
    ...['--replSet', 'bankctl', '--dbpath', join(env.BANKCTL_DATA_DIR, 'data')],
    '--',
  ];

  test('neither for its arguments nor for the files that it has open', async () => {
    const env = await freshEnv();
    await ensureLocal(testHost(env));
    const { dbPath } = localPaths(env);
    const innocent = [
      spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)', '--', ...args(env)]),
      spawn('sleep', ['600'], { stdio: [openSync(join(dbPath, 'mongod.lock'), 'r'), 'pipe'] }),
    ];
    onTestFinished(() => {
      for (const child of innocent) child.kill('SIGKILL');
    });
    await Promise.all(innocent.map((child) => once(child, 'spawn')));
    expect(await stopLocal(testHost(env))).toBe(true);
    expect(await stopLocal(testHost(env))).toBe(false);
    expect(innocent.map(({ exitCode, signalCode }) => exitCode ?? signalCode)).toEqual([
      null,
      null,
    ]);
  });

  test('not where it belongs to somebody else, whose command line hinders nobody', async () => {
    const env = await freshEnv();
    await ensureLocal(testHost(env));
    const program = join(temporaryDirectory(), 'mongod');
    execFileSync('cp', [process.execPath, program]);
    const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
    if (isRoot) chmodSync(join(program, '..'), 0o755);
    // Without root there is one user only, and the program's name makes the difference.
    const child = isRoot
      ? spawn('setpriv', [
          ...asNobody,
          program,
          '-e',
          'setInterval(() => 0, 1000)',
          '--',
          ...args(env),
        ])
      : spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)', '--', ...args(env)]);
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    await until(() => pidsOf(env).length === 2);
    expect(await stopLocal(testHost(env))).toBe(true);
    expect(child.exitCode ?? child.signalCode).toBe(null);
  });

  test('also after its data were moved while it ran', async () => {
    const env = await freshEnv();
    await ensureLocal(testHost(env));
    const moved = `${env.BANKCTL_DATA_DIR}-moved`;
    renameSync(env.BANKCTL_DATA_DIR, moved);
    // A server that cannot open its own files by their old names ends by itself, sooner or later.
    symlinkSync(moved, env.BANKCTL_DATA_DIR);
    expect(await stopLocal(testHost({ ...env, BANKCTL_DATA_DIR: moved }))).toBe(true);
    expect(pidsOf(env)).toEqual([]);
  });

  test('not where bankctl did not start it, though it uses the data', async () => {
    const env = await freshEnv();
    await ensureLocal(testHost(env));
    await stopLocal(testHost(env));
    const { dbPath, dataDir } = localPaths(env);
    const socket = join(dataDir, 'by-hand.sock');
    const child = spawn(env.BANKCTL_MONGOD, ['--dbpath', dbPath, '--bind_ip', socket], {
      stdio: 'ignore',
    });
    const ended = once(child, 'exit');
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await ended;
    });
    await until(() => existsSync(socket));
    for (const work of [() => ensureLocal(testHost(env)), () => stopLocal(testHost(env))]) {
      expect(await failure(work)).toMatchObject({
        code: 'local_database',
        message: expect.stringContaining(`Process ${child.pid}, which bankctl did not start,`),
      });
    }
    expect(child.exitCode).toBe(null);
  });
});

describe('nothing takes longer than --timeout', () => {
  const hasty = (env: Readonly<Record<string, string | undefined>>) => ({
    ...testHost(env),
    timeoutMs: 700,
  });

  test('where a lock names a living process that is no bankctl', async () => {
    const env = await freshEnv();
    const { dataDir, lockFile } = localPaths(env);
    mkdirSync(dataDir, { mode: 0o700 });
    const planted = await ownLock(join(temporaryDirectory(), 'lock'));
    writeFileSync(lockFile, planted);
    expect(await failure(() => ensureLocal(hasty(env)))).toMatchObject({
      code: 'timed_out',
      message: `Process ${process.pid} holds ${lockFile}, and did not release it within 0.7 s.`,
    });
    rmSync(lockFile);
  });

  test('where the server is suspended: start, and stop', async () => {
    const env = await freshEnv();
    await ensureLocal(testHost(env));
    const [pid = 0] = pidsOf(env);
    process.kill(pid, 'SIGSTOP');
    onTestFinished(() => {
      process.kill(pid, 'SIGCONT');
    });
    rmSync(localPaths(env).stateFile);
    const since = performance.now();
    for (const work of [() => ensureLocal(hasty(env)), () => stopLocal(hasty(env))]) {
      expect(await failure(work)).toMatchObject({
        code: 'local_database',
        message: expect.stringMatching(`The local database, process ${pid}, is suspended and`),
        hint: expect.stringContaining(`kill -CONT ${pid}`),
      });
    }
    expect(performance.now() - since).toBeLessThan(15_000);
  });

  /** What a lock of this process says. */
  async function ownLock(path: string): Promise<string> {
    const { withLock } = await import('../../src/system/lock.ts');
    return withLock(path, testHost(), async () => readFileSync(path, 'utf8'));
  }
});
