import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { distrust, remember, sha256, wheelMongod } from '../../src/database/mongod/mongod-cache.ts';
import { findMongod } from '../../src/database/mongod/mongod-search.ts';
import { temporaryDirectory, testHost, until } from './host.ts';
import { workerProgram } from './run-worker.ts';

const run = workerProgram();

/** A home with a cache, from which nothing can be downloaded, and a file that tells of a run. */
function planted() {
  const home = temporaryDirectory();
  const cache = join(home, 'cache');
  const bin = join(home, 'bin');
  const ran = join(home, 'ran');
  for (const directory of [cache, bin]) mkdirSync(directory, { mode: 0o700 });
  for (const program of ['sh', 'touch']) symlinkSync(`/bin/${program}`, join(bin, program));
  const env = {
    HOME: home,
    PATH: bin,
    BANKCTL_CACHE_DIR: cache,
    MONGOMS_DOWNLOAD_MIRROR: 'https://127.0.0.1:1',
  };
  /** A mongod that leaves a trace when it is run, for whatever. */
  const plant = (path: string) =>
    writeFileSync(path, `#!/bin/sh\ntouch ${ran}\necho "db version v7.0.0"\n`, { mode: 0o755 });
  return { home, cache, bin, ran, env, plant, cached: join(cache, 'mongod') };
}

const failure = (env: Record<string, string>) => findMongod(testHost(env)).catch((error) => error);

describe('a mongod in the cache is not run', () => {
  const open: readonly [string, (paths: ReturnType<typeof planted>) => void, RegExp][] = [
    ['that bankctl did not put there', () => undefined, /it is not what bankctl put there/],
    [
      'that all can write',
      ({ cached }) => chmodSync(cached, 0o777),
      /mongod can be written by other users \(mode 0777\)/,
    ],
    [
      'in a directory that all can write',
      ({ cache }) => chmodSync(cache, 0o777),
      /cache can be written by other users \(mode 0777\), so bankctl keeps no program/,
    ],
    [
      'below a directory that all can write',
      ({ home }) => chmodSync(home, 0o777),
      /can be written by other users \(mode 0777\), so bankctl keeps no program/,
    ],
    [
      "whose record is another user's",
      ({ cached }) => {
        writeFileSync(`${cached}.json`, '{}');
        // Only root can give a file away; what all can write is no better.
        if (process.getuid?.() === 0) chownSync(`${cached}.json`, 65534, 65534);
        else chmodSync(`${cached}.json`, 0o666);
      },
      /mongod\.json (belongs to another user|can be written)/,
    ],
  ];
  test.each(open)('%s', async (_, make, reason) => {
    const paths = planted();
    paths.plant(paths.cached);
    make(paths);
    const error = await failure(paths.env);
    expect(error).toMatchObject({ code: expect.stringMatching(/^(no_mongod|not_writable)$/) });
    expect(error.message).toMatch(reason);
    expect(existsSync(paths.ran)).toBe(false);
  });

  test('that was changed since it was put there, even within its time and size', async () => {
    const { env, ran, cached, plant } = planted();
    plant(cached);
    await remember(cached);
    expect(await findMongod(testHost(env))).toBe(cached);
    const text = readFileSync(cached, 'utf8');
    writeFileSync(cached, text.replace('7.0.0', '7.0.1'));
    expect((await failure(env)).message).toContain('it is not what bankctl put there');
    expect(existsSync(ran)).toBe(false);
    writeFileSync(cached, text);
    expect(await findMongod(testHost(env))).toBe(cached);
  });
});

test('without a record only the mongod of the wheel is known', async () => {
  const { cached } = planted();
  copyFileSync(await findMongod(testHost()), cached);
  const isTheWheels = (await sha256(cached)) === wheelMongod;
  expect((await distrust(cached)) === undefined).toBe(isTheWheels);
});

test('a mongod that the user keeps in the directory of the cache is not overwritten', async () => {
  const { env, ran, cached, plant } = planted();
  plant(cached);
  const text = readFileSync(cached, 'utf8');
  const error = await failure(env);
  expect(error).toMatchObject({ code: 'not_writable' });
  expect(error.message).toMatch(
    /mongod is neither run nor replaced: it is not what bankctl put th/,
  );
  expect(error.hint).toContain(`BANKCTL_MONGOD=${cached}`);
  expect(readFileSync(cached, 'utf8')).toBe(text);
  expect(existsSync(ran)).toBe(false);
});

test('a file that was copied to another place is hashed once more, and then known', async () => {
  const { cached, plant } = planted();
  plant(cached);
  await remember(cached);
  const record = readFileSync(`${cached}.json`, 'utf8');
  chmodSync(cached, 0o700);
  expect(await distrust(cached)).toBeUndefined();
  const again = readFileSync(`${cached}.json`, 'utf8');
  expect(again).not.toBe(record);
  expect(await distrust(cached)).toBeUndefined();
  expect(readFileSync(`${cached}.json`, 'utf8')).toBe(again);
});

test('a mongod on PATH in a directory that all can write is passed over by name', async () => {
  const { env, bin, home, ran, plant } = planted();
  const open = join(home, 'open');
  mkdirSync(open);
  chmodSync(open, 0o777);
  plant(join(open, 'mongod'));
  const path = `${open}:relative::${bin}`;
  expect((await failure({ ...env, PATH: path })).message).toContain(
    `${join(open, 'mongod')}: ${open} can be written by other users (mode 0777)`,
  );
  expect(existsSync(ran)).toBe(false);
  plant(join(bin, 'mongod'));
  const warned: string[] = [];
  const host = { ...testHost({ ...env, PATH: path }), warn: (line: string) => warned.push(line) };
  expect(await findMongod(host)).toBe(join(bin, 'mongod'));
  expect(warned).toEqual([
    `${join(open, 'mongod')} is not run: ${open} can be written by other users (mode 0777).`,
  ]);
});

describe('nothing in the working directory is run', () => {
  /** A directory with what the libraries and installers would look for. */
  function trap() {
    const paths = planted();
    const { home, plant, ran } = paths;
    const directory = join(home, 'work', 'below');
    mkdirSync(directory, { recursive: true });
    plant(join(directory, 'evil'));
    const config = { systemBinary: './evil', downloadDir: './found', version: '7.0.0' };
    const text = JSON.stringify({ name: 'trap', config: { mongodbMemoryServer: config } });
    writeFileSync(join(directory, 'package.json'), text);
    for (const place of [
      'mongodb-binaries',
      'found',
      'node_modules/.cache/mongodb-memory-server',
    ]) {
      mkdirSync(join(directory, place), { recursive: true });
      for (const name of ['mongod-x64-ubuntu-8.2.6', 'mongod-x64-ubuntu-7.0.0', '7.0.0'])
        plant(join(directory, place, name));
    }
    const python = `open(${JSON.stringify(ran)}, 'w')\n`;
    for (const name of ['pip.py', 'sitecustomize.py', 'usercustomize.py', 'json.py'])
      writeFileSync(join(directory, name), python);
    return { ...paths, directory };
  }

  test('by the downloads, with the Python of this machine', async () => {
    const { env, bin, ran, directory, cache } = trap();
    const worker = run(
      {
        ...env,
        PATH: `:.:${bin}:/usr/bin:/bin`,
        WORKER_DIRECTORY: directory,
        PYTHONPATH: '',
        PYTHONSTARTUP: 'pip.py',
        PIP_NO_INDEX: '1',
      },
      'find',
    );
    expect((await worker.ended).at(-1)).toEqual({ code: 'no_mongod' });
    expect(existsSync(ran)).toBe(false);
    expect(existsSync(join(cache, 'mongod'))).toBe(false);
  });

  test.each(['0', '1'])('by a throwaway server with %s replicas', async (replicas) => {
    const { env, ran, home, directory } = trap();
    const good = await findMongod(testHost());
    const worker = run(
      {
        ...env,
        TMPDIR: home,
        WORKER_DIRECTORY: directory,
        BANKCTL_MONGOD: good,
        MONGOMS_SYSTEM_BINARY: join(directory, 'evil'),
      },
      'throwaway',
      replicas,
    );
    await until(() => JSON.stringify(worker.printed).includes('pids'));
    worker.child.kill('SIGINT');
    expect((await worker.ended).at(-1)).toBe('stopped');
    expect(existsSync(ran)).toBe(false);
  });

  test('by a throwaway server, where the package.json there is broken', async () => {
    const { env, home, directory } = trap();
    writeFileSync(join(directory, 'package.json'), '{ broken');
    const BANKCTL_MONGOD = await findMongod(testHost());
    const extra = { TMPDIR: home, WORKER_DIRECTORY: directory, BANKCTL_MONGOD };
    const worker = run({ ...env, ...extra }, 'throwaway', '0');
    await until(() => JSON.stringify(worker.printed).includes('pids'));
    worker.child.kill('SIGINT');
    expect((await worker.ended).at(-1)).toBe('stopped');
  });
});
