import { chmodSync, lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { useCompileCache } from '../src/system/compile-cache.ts';

async function home(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'bankctl-test-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

/** The directories that Node.js would be given. */
function used(env: Readonly<Record<string, string>>): readonly string[] {
  const directories: string[] = [];
  useCompileCache(env, (directory: string) => directories.push(directory));
  return directories;
}

test('compiled code is kept in a directory that only the user can enter', async () => {
  const directory = await home();
  const compiled = join(directory, '.cache/bankctl/compiled');
  expect(used({ HOME: directory })).toEqual([compiled]);
  expect(lstatSync(compiled).mode & 0o777).toBe(0o700);
  expect(used({ HOME: directory })).toEqual([compiled]);
  const elsewhere = join(directory, 'elsewhere');
  expect(used({ HOME: directory, BANKCTL_CACHE_DIR: elsewhere })).toEqual([
    join(elsewhere, 'compiled'),
  ]);
});

test.each<[string, (cache: string) => void]>([
  ['others can enter it', (cache) => chmodSync(join(cache, 'compiled'), 0o755)],
  ['others can write in the directory above it', (cache) => chmodSync(cache, 0o777)],
  [
    'it is a link',
    (cache) => {
      mkdirSync(join(cache, 'other'), { mode: 0o700 });
      symlinkSync('other', join(cache, 'compiled'));
    },
  ],
  ['it is a file', (cache) => writeFileSync(join(cache, 'compiled'), '')],
])('none is kept if %s', async (reason, spoil) => {
  const directory = await home();
  const cache = join(directory, 'cache');
  mkdirSync(cache, { mode: 0o700 });
  if (!/^it is/.test(reason)) mkdirSync(join(cache, 'compiled'), { mode: 0o700 });
  spoil(cache);
  expect(used({ BANKCTL_CACHE_DIR: cache })).toEqual([]);
});

test.each([
  [{}],
  [{ HOME: 'relative' }],
  [{ BANKCTL_CACHE_DIR: '/proc/none' }],
  [{ BANKCTL_CACHE_DIR: '/dev/null' }],
])('without a place for it nothing is said: %j', (env) => {
  expect(used(env)).toEqual([]);
});

test.each([['NODE_DISABLE_COMPILE_CACHE'], ['NODE_COMPILE_CACHE']])(
  '%s is left to Node.js',
  async (name) => {
    const directory = await home();
    expect(used({ HOME: directory, [name]: '1' })).toEqual([]);
    expect(readdirSync(directory)).toEqual([]);
  },
);

test('a failure, and a Node.js without it, cost only time', async () => {
  const HOME = await home();
  const fail = () => {
    throw new Error('no');
  };
  expect(() => useCompileCache({ HOME }, fail)).not.toThrow();
  expect(() => useCompileCache({ HOME }, undefined)).not.toThrow();
});
