import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { withLock } from '../../src/system/lock.ts';
import { testHost } from '../database/host.ts';

const execute = promisify(execFile);

const requirements = join(import.meta.dirname, 'requirements.txt');
const ownCache = join(import.meta.dirname, '../../node_modules/.cache/bankctl-legacy');

const cure =
  'The legacy programs of test/legacy need python3 3.9 or later with its venv and pip (on ' +
  'Debian: apt-get install python3-venv), and the package index that pip is configured to use.';

/**
 * Finds the Python with the packages that the legacy programs run on, and makes it first if it is
 * not there. Several tests may ask at once; one that was killed leaves nothing half-made.
 *
 * @throws Error if it cannot be made, with what to do about it
 */
export async function legacyPython({ cache = ownCache, env = process.env } = {}): Promise<string> {
  const wanted = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex');
  const environment = join(cache, wanted.slice(0, 16));
  const python = join(environment, 'bin/python');
  await mkdir(cache, { recursive: true });
  await withLock(join(cache, 'lock'), testHost(), async () => {
    if (!existsSync(python)) await makeEnvironment(environment, env);
  });
  return python;
}

/** Made under another name, so that an environment is whole or not there. */
async function makeEnvironment(environment: string, env: NodeJS.ProcessEnv): Promise<void> {
  const unfinished = `${environment}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  try {
    await execute('python3', ['-m', 'venv', unfinished], { env });
    const install = ['-m', 'pip', 'install', '--quiet', '--requirement', requirements];
    await execute(join(unfinished, 'bin/python'), install, { env });
  } catch (cause) {
    throw new Error(`${cure}\n${cause instanceof Error ? cause.message : cause}`, { cause });
  }
  await rename(unfinished, environment);
}
