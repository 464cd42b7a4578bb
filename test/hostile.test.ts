import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { workspace } from './workspace.ts';

const program = join(import.meta.dirname, '..', 'bin', 'bankctl.js');

interface Ended {
  readonly status: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program from a shell, whose script may make its surroundings odd before. */
async function shell(script: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const bank = await workspace();
  const options = {
    cwd: bank.directory,
    env: { PATH: process.env['PATH'], HOME: bank.directory, ...env, PROGRAM: program },
  };
  return new Promise((resolve) => {
    execFile('sh', ['-c', script], options, (error, stdout, stderr) =>
      resolve({ status: error ? error.code : 0, stdout, stderr }),
    );
  });
}

describe('in a working directory that was deleted', () => {
  const bankctl = 'mkdir gone; cd gone; rmdir ../gone; node "$PROGRAM"';

  test.each([
    ['branches', 'BANKCTL_DATA_DIR', 3],
    ['open branch1 A', 'BANKCTL_DATA_DIR', 3],
    ['db path', 'BANKCTL_DATA_DIR', 3],
    ['stress --ops 2', 'BANKCTL_MONGOD', 3],
    ['stress --ops 2', 'BANKCTL_CACHE_DIR', 1],
  ])('%s with a relative %s says that it is gone', async (line, variable, status) => {
    const others = { BANKCTL_MONGOD: '', MONGOMS_SYSTEM_BINARY: '' };
    const { stderr, ...ended } = await shell(`${bankctl} ${line}`, { ...others, [variable]: 'a' });
    expect(stderr).toContain(`${variable}=a is a path from the working directory, which was del`);
    expect(stderr).not.toMatch(/\n +at /);
    expect(ended.status).toBe(status);
  });

  test('init writes no config into another directory', async () => {
    const { stderr, status } = await shell(`rm bankctl.config.yaml; ${bankctl} init`);
    expect(stderr).toContain('gone (deleted)/bankctl.config.yaml cannot be written');
    expect(status).toBe(1);
    expect(existsSync('/bankctl.config.yaml')).toBe(false);
  });
});

test('a bug on the way to the database is told as what it is', async () => {
  const bank = await workspace();
  // No command line of a real process has a null byte.
  const { stderr } = await bank.run(['open', 'branch1', 'A', '--uri-file', 'a\0b']);
  expect(stderr).toContain('without null bytes');
  expect(stderr).toContain('This is a bug in bankctl');
});
