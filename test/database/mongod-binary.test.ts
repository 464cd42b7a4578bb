import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { remember } from '../../src/database/mongod/mongod-cache.ts';
import { findMongod } from '../../src/database/mongod/mongod-search.ts';
import { temporaryDirectory, testHost, until } from './host.ts';
import { workerProgram } from './run-worker.ts';

const run = workerProgram();

/** A machine with nothing on PATH but what the shell needs, an empty cache, and no network. */
function bareEnv(extra: Record<string, string> = {}) {
  const home = temporaryDirectory();
  const bin = join(home, 'bin');
  mkdirSync(bin);
  for (const program of ['sh', 'cp', 'sleep', 'touch'])
    symlinkSync(`/bin/${program}`, join(bin, program));
  const cache = join(home, '.cache', 'bankctl');
  // The port is closed: the download is refused at once, as it is behind a firewall.
  const env = { HOME: home, PATH: bin, MONGOMS_DOWNLOAD_MIRROR: 'https://127.0.0.1:1', ...extra };
  return { env, bin, cache, home };
}

const script = (path: string, text: string) =>
  writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
const fakeMongod = (path: string, version = '7.0.0') =>
  script(path, `echo "db version v${version}"`);
const failure = (env: Record<string, string>) => findMongod(testHost(env)).catch((error) => error);

describe('a variable', () => {
  test.each(['BANKCTL_MONGOD', 'MONGOMS_SYSTEM_BINARY'])('%s wins over PATH', async (variable) => {
    const { bin, home, env } = bareEnv();
    fakeMongod(join(bin, 'mongod'));
    fakeMongod(join(home, 'mine'));
    const path = join(home, 'mine');
    expect(await findMongod(testHost({ ...env, [variable]: path }))).toBe(path);
  });

  const unusable: readonly (readonly [string, (path: string) => void, string])[] = [
    ['nothing', () => undefined, 'no such file'],
    ['a directory', (path) => mkdirSync(path), 'not a file'],
    ['a file that may not be run', (path) => writeFileSync(path, ''), 'not executable'],
    [
      'a program that fails',
      (path) => script(path, 'echo "no libcrypto" >&2; exit 127'),
      'no libcrypto',
    ],
    ['another program', (path) => script(path, 'echo hello'), 'like a mongod'],
    ['an old mongod', (path) => fakeMongod(path, '4.0.28'), '4.0.28'],
  ];
  test.each(unusable)('that names %s is an error, not passed over', async (_, make, reason) => {
    const { bin, home, env } = bareEnv();
    fakeMongod(join(bin, 'mongod'));
    make(join(home, 'mine'));
    expect(await failure({ ...env, BANKCTL_MONGOD: join(home, 'mine') })).toMatchObject({
      code: 'no_mongod',
      message: expect.stringMatching(new RegExp(`^BANKCTL_MONGOD names .*${reason}`)),
      hint: expect.stringContaining('unset it'),
    });
  });

  test('that is empty counts as not set', async () => {
    const { bin, env } = bareEnv();
    fakeMongod(join(bin, 'mongod'));
    expect(await findMongod(testHost({ ...env, BANKCTL_MONGOD: '' }))).toBe(join(bin, 'mongod'));
  });
});

test('the cache comes after PATH, and is not asked for its version', async () => {
  const { bin, cache, env } = bareEnv();
  mkdirSync(cache, { recursive: true });
  const ran = join(cache, 'ran');
  script(join(cache, 'mongod'), `touch ${ran}`);
  await remember(join(cache, 'mongod'));
  expect(await findMongod(testHost(env))).toBe(join(cache, 'mongod'));
  expect(existsSync(ran)).toBe(false);
  fakeMongod(join(bin, 'mongod'));
  expect(await findMongod(testHost(env))).toBe(join(bin, 'mongod'));
});

test('where nothing works, one error lists what was tried', async () => {
  const { bin, env, cache } = bareEnv();
  script(join(bin, 'mongod'), 'exit 3');
  const started = performance.now();
  const error = await failure(env);
  expect(error).toMatchObject({
    code: 'no_mongod',
    hint: expect.stringContaining('BANKCTL_MONGOD'),
  });
  for (const tried of [join(bin, 'mongod'), 'ECONNREFUSED', 'Python package', 'no pip and no uv']) {
    expect(error.message).toContain(tried);
  }
  expect(performance.now() - started).toBeLessThan(10_000);
  expect(readdirSync(cache)).toEqual([]);
});

test('a machine that the wheel is not for is told so', async () => {
  const { env } = bareEnv();
  const host = { ...testHost(env), platform: { os: 'linux', arch: 'arm64' } };
  await expect(findMongod(host)).rejects.toMatchObject({
    message: expect.stringContaining('only for x86-64 Linux, and this is arm64 linux'),
  });
});

describe('the wheel', () => {
  /** An installer that delivers this file as the wheel. */
  const fakePip = (path: string, wheel: string) =>
    script(path, `for a; do [ "$p" = --dest ] && d=$a; p=$a; done; cp ${wheel} "$d/fiftyone.whl"`);

  test.each(['pip', 'pip3', 'python3', 'uv'])(
    'with a wrong hash is refused, from %s',
    async (name) => {
      const { bin, env, home, cache } = bareEnv();
      writeFileSync(join(home, 'wheel'), 'not the wheel');
      fakePip(join(bin, name), join(home, 'wheel'));
      const error = await failure(env);
      expect(error).toMatchObject({ code: 'no_mongod' });
      expect(error.message).toMatch(/not the expected one, its sha256 is [0-9a-f]{64}/);
      expect(readdirSync(cache)).toEqual([]);
    },
  );

  test('is reported as not to be had, with what the installer says', async () => {
    const { bin, env } = bareEnv();
    script(join(bin, 'pip3'), 'echo "ERROR: No matching distribution" >&2; exit 1');
    expect((await failure(env)).message).toContain('pip3: ERROR: No matching distribution');
  });

  test('Ctrl-C in the download ends the installer and removes what there is', async () => {
    const { bin, env, home, cache } = bareEnv();
    const begun = join(home, 'begun');
    script(join(bin, 'pip3'), `touch ${begun}; sleep 600`);
    const host = testHost(env);
    const finding = findMongod(host);
    await until(() => existsSync(begun));
    host.abort();
    await expect(finding).rejects.toMatchObject({ code: 'interrupted' });
    expect(readdirSync(cache)).toEqual([]);
  });
});

test('one downloads; others wait for it and take what it got', async () => {
  const { bin, env, home } = bareEnv();
  const count = join(home, 'count');
  mkdirSync(count);
  const cached = join(home, '.cache', 'bankctl', 'mongod');
  const ready = `until [ -e ${cached} ]; do sleep 0.01; done`;
  script(join(bin, 'pip3'), `touch ${count}/$$; ${ready}; exit 1`);
  fakeMongod(join(home, 'mongod'));
  const workers = Array.from({ length: 4 }, () => run(env, 'find').ended);
  await until(() => readdirSync(count).length > 0);
  // What the first one would have put there.
  await remember(join(home, 'mongod'));
  renameSync(join(home, 'mongod.json'), `${cached}.json`);
  renameSync(join(home, 'mongod'), cached);
  const found = (await Promise.all(workers)).map((printed) => printed.at(-1));
  expect(readdirSync(count)).toHaveLength(1);
  // The one whose download failed may still see what appeared meanwhile.
  expect(found.filter((path) => path === cached).length).toBeGreaterThanOrEqual(3);
});

test.each([
  [
    'a file in its place',
    (home: string) => {
      const path = join(home, 'file');
      writeFileSync(path, '');
      return path;
    },
  ],
  ['a read-only file system', () => '/sys/bankctl'],
])('a cache that cannot be written, for %s, is an error that names it', async (_, make) => {
  const { env, home } = bareEnv();
  const directory = make(home);
  expect(await failure({ ...env, BANKCTL_CACHE_DIR: directory })).toMatchObject({
    code: 'not_writable',
    message: expect.stringContaining(directory),
    hint: expect.stringContaining('BANKCTL_CACHE_DIR'),
  });
});

test('without HOME the cure is named', async () => {
  expect(await failure({})).toMatchObject({
    code: 'not_writable',
    hint: 'Set HOME, or set BANKCTL_CACHE_DIR to a directory.',
  });
});

test('what a killed download left is removed by the next, and nothing else', async () => {
  const { env, cache } = bareEnv();
  mkdirSync(join(cache, '.bankctl-mongod-old'), { recursive: true });
  mkdirSync(join(cache, 'fetch-mine'));
  await failure(env);
  expect(readdirSync(cache)).toEqual(['fetch-mine']);
  rmSync(cache, { recursive: true });
});
