import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { crc32 } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { cacheDirectory, compiledProgram } from '../src/system/compile-cache.ts';

async function home(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'bankctl-test-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

/** What is kept, by the name of the file; its first line is what it is about. */
interface KeptFile {
  readonly path: string;
  readonly about: string;
  readonly bytes: Buffer;
}

/** A program of two files, in a folder with a space, and a cache of its own. */
async function program() {
  const directory = await home();
  const folder = join(directory, 'a program');
  mkdirSync(folder);
  const source = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const other = (value: number) => source('other.cjs', `exports.value = () => ${value};`);
  source(
    'main.cjs',
    "const { join } = require('node:path'); exports.value = () => require('./other.cjs').value();" +
      "exports.place = join(__dirname, 'main.cjs') === __filename;",
  );
  other(1);
  const env = { HOME: directory };
  const compiled = join(directory, '.cache/bankctl/compiled');
  const start = (word?: string) =>
    compiledProgram(folder, createRequire(import.meta.url), env, word);
  const run = (word?: string) => {
    const { load, keep } = start(word);
    const main = Object(load('main.cjs'));
    const value: unknown = main.value();
    keep();
    return [value, main.place];
  };
  const kept = (): readonly KeptFile[] =>
    readdirSync(compiled)
      .sort()
      .map((name) => {
        const path = join(compiled, name);
        const bytes = readFileSync(path);
        return { path, about: bytes.toString('latin1', 0, bytes.indexOf('\n')), bytes };
      });
  return { directory, folder, env, compiled, source, other, start, run, kept };
}

test('compiled code is kept in a directory that only the user can enter', async () => {
  const directory = await home();
  const compiled = join(directory, '.cache/bankctl/compiled');
  expect(cacheDirectory({ HOME: directory })).toBe(compiled);
  expect(lstatSync(compiled).mode & 0o777).toBe(0o700);
  expect(cacheDirectory({ HOME: directory })).toBe(compiled);
  const elsewhere = join(directory, 'elsewhere');
  expect(cacheDirectory({ HOME: directory, BANKCTL_CACHE_DIR: elsewhere })).toBe(
    join(elsewhere, 'compiled'),
  );
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
  expect(cacheDirectory({ BANKCTL_CACHE_DIR: cache })).toBeUndefined();
});

test.each([
  [{}],
  [{ HOME: 'relative' }],
  [{ BANKCTL_CACHE_DIR: '/proc/none' }],
  [{ BANKCTL_CACHE_DIR: '/dev/null' }],
])('without a place for it nothing is said: %j', (env) => {
  expect(cacheDirectory(env)).toBeUndefined();
});

test.each([['NODE_DISABLE_COMPILE_CACHE'], ['NODE_COMPILE_CACHE']])(
  '%s: Node.js loads the files itself',
  async (name) => {
    const { directory, folder, env } = await program();
    const require = createRequire(import.meta.url);
    const { load, keep } = compiledProgram(folder, require, { ...env, [name]: '1' }, 'balance');
    expect(Object(load('main.cjs')).value()).toBe(1);
    keep();
    expect(Object.keys(require.cache)).toContain(join(folder, 'main.cjs'));
    expect(readdirSync(directory)).toEqual(['a program']);
  },
);

test('a file is kept once, for its owner only, and run from what was kept', async () => {
  const { run, kept } = await program();
  expect(run('balance')).toEqual([1, true]);
  const first = kept();
  expect(first.map(({ path }) => path.replace(/.*-/, ''))).toEqual(['main.cjs', 'other.cjs']);
  for (const { path, about } of first) {
    expect(lstatSync(path).mode & 0o777).toBe(0o600);
    expect(about).toMatch(/^[0-9a-f]{8} [0-9a-f]{8} \d+ balance$/);
    chmodSync(path, 0o400);
  }
  expect(run('balance')).toEqual([1, true]);
  // Nothing was written again.
  for (const { path } of first) expect(lstatSync(path).mode & 0o777).toBe(0o400);
  expect(kept()).toEqual(first);
});

test('the first command of another word adds to it; an option is no word', async () => {
  const { run, kept } = await program();
  run('balance');
  expect(kept().map(({ about }) => about.split(' ')[3])).toEqual(['balance', 'balance']);
  run('history');
  run('--uri=mongodb://user:secret@host');
  const words = ['balance,history,', 'balance,history,'];
  expect(kept().map(({ about }) => about.split(' ')[3])).toEqual(words);
  for (const { bytes } of kept()) expect(bytes.includes('secret')).toBe(false);
  const before = kept();
  for (const word of ['history', 'balance', '--json']) run(word);
  expect(kept()).toEqual(before);
});

test('a file that changed is compiled again, also if it is as long as before', async () => {
  const { run, other } = await program();
  expect(run('balance')[0]).toBe(1);
  other(2);
  expect(run('balance')[0]).toBe(2);
  expect(run('balance')[0]).toBe(2);
});

test.each<[string, (bytes: Buffer) => Buffer]>([
  ['one bit differs in the code', (bytes) => flipped(bytes, bytes.length - 9)],
  ['one bit differs in the sum', (bytes) => flipped(bytes, 3)],
  ['one bit differs in what it is about', (bytes) => flipped(bytes, 20)],
  ['it is cut off', (bytes) => bytes.subarray(0, bytes.length >> 1)],
  ['it is zeros', (bytes) => Buffer.alloc(bytes.length)],
  ['it is empty', () => Buffer.alloc(0)],
])('damage is mended: %s', async (_, damage) => {
  const { run, kept } = await program();
  run('balance');
  const before = kept();
  for (const { path, bytes } of before) writeFileSync(path, damage(bytes));
  expect(run('balance')).toEqual([1, true]);
  expect(kept().map(({ about }) => about.slice(9))).toEqual(
    before.map(({ about }) => about.slice(9)),
  );
  for (const { about, bytes } of kept()) {
    expect(Number.parseInt(about.slice(0, 8), 16)).toBe(crc32(bytes.subarray(9)));
  }
});

function flipped(bytes: Buffer, at: number): Buffer {
  return Buffer.from(bytes.map((byte, index) => (index === at ? byte ^ 1 : byte)));
}

test('a link where it is kept is not followed', async () => {
  const { directory, run, kept } = await program();
  run('balance');
  const [main] = kept();
  const path = main?.path ?? '';
  const elsewhere = join(directory, 'elsewhere');
  writeFileSync(elsewhere, 'as it was');
  rmSync(path);
  symlinkSync(elsewhere, path);
  expect(run('balance')).toEqual([1, true]);
  expect(lstatSync(path).isFile()).toBe(true);
  expect(readFileSync(elsewhere, 'utf8')).toBe('as it was');
});

test('what the program no longer has is removed, and what others keep is not', async () => {
  const { run, kept, compiled } = await program();
  run('balance');
  const prefix = kept()[0]?.path.replace(/main\.cjs$/, '') ?? '';
  for (const name of ['gone.cjs', 'main.cjs.4711']) writeFileSync(`${prefix}${name}`, '');
  writeFileSync(join(compiled, 'v1.0.0-x64-00000000-gone.cjs'), '');
  run('history');
  const names = kept().map(({ path }) => path.replace(/.*-/, ''));
  expect(names.sort()).toEqual(['gone.cjs', 'main.cjs', 'other.cjs']);
});

test('with other flags than at the start nothing is kept', async () => {
  const { start, kept, run } = await program();
  run('balance');
  const before = kept();
  const { load, keep } = start('apply');
  load('main.cjs');
  onTestFinished(() => setFlagsFromString('--heap-growing-percent=0'));
  setFlagsFromString('--heap-growing-percent=30');
  expect(Object(load('other.cjs')).value()).toBe(1);
  keep();
  expect(kept()).toEqual(before);
});

test('what cannot be kept costs only time', async () => {
  const { start, compiled } = await program();
  const { load, keep } = start('balance');
  expect(Object(load('main.cjs')).value()).toBe(1);
  rmSync(compiled, { recursive: true });
  expect(keep).not.toThrow();
});

test('a stack trace has the places of the file, whether it was kept or not', async () => {
  const { source, start } = await program();
  source('main.cjs', 'exports.fail = () => {\n  throw new Error("no"); };');
  for (const _ of ['compiled', 'kept']) {
    const { load, keep } = start('balance');
    expect(failure(Object(load('main.cjs')).fail)).toMatch(/a program\/main\.cjs:2:9\)/);
    keep();
  }
  source('main.cjs', 'exports.fail = () => { throw new Error("no"); };');
  for (const _ of ['compiled', 'kept']) {
    const { load, keep } = start('balance');
    expect(failure(Object(load('main.cjs')).fail)).toMatch(/a program\/main\.cjs:1:30\)/);
    keep();
  }
});

function failure(work: () => void): string {
  try {
    work();
    return '';
  } catch (error) {
    return error instanceof Error ? `${error.stack}` : '';
  }
}
