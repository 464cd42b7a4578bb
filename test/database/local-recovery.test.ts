import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ensureLocal, stopLocal } from '../../src/database/local/local-database.ts';
import { localPaths } from '../../src/database/local/local-paths.ts';
import { answers } from '../../src/database/local/local-state.ts';
import { temporaryDirectory, testHost, until } from './host.ts';
import { freshEnv, type LocalEnv, pidsOf, sendAll, writeOne } from './local-env.ts';
import { workerProgram } from './run-worker.ts';

const run = workerProgram();

describe('recovers from', () => {
  test('the server ended by SIGKILL, and by SIGTERM', async () => {
    const env = await freshEnv();
    const host = testHost(env);
    await writeOne((await ensureLocal(host)).uri);
    for (const [index, signal] of (['SIGKILL', 'SIGTERM'] as const).entries()) {
      sendAll(env, signal);
      // Its memory goes first, its socket a moment later.
      await until(async () => !(await answers(localPaths(env).socket)));
      const again = await ensureLocal(host);
      expect(again.started).toBe(true);
      expect(await writeOne(again.uri)).toBe(index + 2);
    }
  });

  test('a state file or a socket that is gone, and a socket that somebody else left', async () => {
    const env = await freshEnv();
    const host = testHost(env);
    const { socket, stateFile } = localPaths(env);
    await writeOne((await ensureLocal(host)).uri);
    const before = pidsOf(env);
    rmSync(stateFile);
    expect(await ensureLocal(host)).toMatchObject({ started: false });
    expect(pidsOf(env)).toEqual(before);
    expect(existsSync(stateFile)).toBe(true);

    rmSync(socket);
    expect(await writeOne((await ensureLocal(host)).uri)).toBe(2);
    expect(pidsOf(env)).toHaveLength(1);
    expect(pidsOf(env)).not.toEqual(before);

    await stopLocal(host);
    writeFileSync(socket, 'not a socket');
    expect(await writeOne((await ensureLocal(host)).uri)).toBe(3);
  });

  test.each([
    ['before the server runs', (env: LocalEnv) => pidsOf(env).length > 0],
    ['before the replica set is made', (env) => answers(localPaths(env).socket)],
  ])('a bankctl that was killed while it started it, %s', async (_, reached) => {
    const env = await freshEnv();
    const worker = run(env, 'ensure');
    await until(() => reached(env));
    worker.child.kill('SIGKILL');
    await worker.ended;
    expect(await writeOne((await ensureLocal(testHost(env))).uri)).toBe(1);
    expect(pidsOf(env)).toHaveLength(1);
  });

  test.each([
    ['when it is launched', (env: LocalEnv) => pidsOf(env).length > 0],
    ['when it answers', (env) => answers(localPaths(env).socket)],
    ['when its set is being made', (env) => logHas(env, '"replSetInitiate')],
    ['when it has become primary', (env) => logHas(env, '"newState":"PRIMARY"')],
  ])('a first server that was killed with the bankctl that started it, %s', async (_, reached) => {
    const env = await freshEnv();
    const worker = run(env, 'ensure');
    await until(() => reached(env));
    worker.child.kill('SIGKILL');
    // Again and again, since a launcher that is seen may have forked the server when it is ended.
    await until(() => sendAll(env, 'SIGKILL') === 0);
    await worker.ended;
    expect(await writeOne((await ensureLocal(testHost(env))).uri)).toBe(1);
    expect(pidsOf(env)).toHaveLength(1);
  });

  function logHas(env: LocalEnv, text: string): boolean {
    const { logFile } = localPaths(env);
    return existsSync(logFile) && readFileSync(logFile, 'utf8').includes(text);
  }

  test('data that were moved', async () => {
    const env = await freshEnv();
    await writeOne((await ensureLocal(testHost(env))).uri);
    await stopLocal(testHost(env));
    const moved = await freshEnv(`${env.BANKCTL_DATA_DIR}-moved`);
    renameSync(env.BANKCTL_DATA_DIR, moved.BANKCTL_DATA_DIR);
    expect(await writeOne((await ensureLocal(testHost(moved))).uri)).toBe(2);
  });
});

describe('refuses', () => {
  test('a data directory that is a file, or cannot be made', async () => {
    const file = join(temporaryDirectory(), 'file');
    writeFileSync(file, '');
    for (const dataDir of [file, join(file, 'below'), '/proc/bankctl', '/sys/bankctl']) {
      const error = await ensureLocal(testHost({ BANKCTL_DATA_DIR: dataDir })).catch((e) => e);
      expect(error).toMatchObject({
        code: 'local_database',
        message: expect.stringContaining(dataDir),
        hint: expect.stringContaining('BANKCTL_DATA_DIR'),
      });
    }
  });

  test('an environment without HOME, naming the cure', async () => {
    await expect(ensureLocal(testHost({}))).rejects.toMatchObject({
      code: 'local_database',
      hint: 'Set HOME, or set BANKCTL_DATA_DIR to a directory.',
    });
  });

  test('data that this mongod cannot read, saying so from its log', async () => {
    const env = await freshEnv();
    const { dbPath } = localPaths(env);
    mkdirSync(dbPath, { recursive: true, mode: 0o700 });
    writeFileSync(join(dbPath, 'WiredTiger'), 'WiredTiger\nWiredTiger 99.0.0: (January 1, 2099)\n');
    writeFileSync(join(dbPath, 'WiredTiger.turtle'), 'nonsense');
    const error = await ensureLocal(testHost(env)).catch((e) => e);
    expect(error).toMatchObject({ code: 'local_database' });
    expect(error.message).toContain(env.BANKCTL_DATA_DIR);
    expect(error.hint).toContain('mongod.log');
    expect(pidsOf(env)).toEqual([]);
  });

  test('a mongod that does not know our options', async () => {
    const env = await freshEnv();
    const fake = join(temporaryDirectory(), 'mongod');
    writeFileSync(
      fake,
      '#!/bin/sh\nif [ "$1" = --version ]; then echo "db version v7.0.0"; exit; fi\n' +
        'echo "Error parsing command line: unrecognised option"; exit 2\n',
      { mode: 0o755 },
    );
    await expect(ensureLocal(testHost({ ...env, BANKCTL_MONGOD: fake }))).rejects.toMatchObject({
      code: 'local_database',
      message: expect.stringContaining('unrecognised option'),
    });
  });
});
