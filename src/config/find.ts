import type { Stats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Context } from '../context.ts';
import { BankctlError } from '../errors.ts';
import { builtInConfig, type Config } from './config.ts';

/** The names under which a config file is found, in any directory from here upward. */
export const configFileNames = [
  'bankctl.config.yaml',
  'bankctl.config.yml',
  'bankctl.config.json',
] as const;

const mostBytes = 2 ** 20;

/**
 * The config that holds here: `--config`, else `BANKCTL_CONFIG`, else the nearest file from the
 * working directory upward, else the built-in one.
 *
 * @throws `config_unreadable`, `invalid_config`
 */
export async function findConfig(
  given: string | undefined,
  { cwd, env }: Pick<Context, 'cwd' | 'env'>,
): Promise<Config> {
  const named = given ?? env['BANKCTL_CONFIG'];
  if (named === '') {
    throw new BankctlError('config_unreadable', 'The path of the config file is empty.');
  }
  const path = named === undefined ? await findUpward(cwd) : resolve(cwd, named);
  if (path === undefined) return builtInConfig;
  const { loadConfig } = await import('./load.ts');
  return loadConfig(path, await readText(path));
}

async function findUpward(start: string): Promise<string | undefined> {
  for (let directory = start; ; directory = dirname(directory)) {
    const present = await configFilesIn(directory);
    if (present.length > 1) {
      throw new BankctlError(
        'invalid_config',
        `${directory} has ${present.join(' and ')}, and only one can hold.`,
        'Remove one of them, or name the one you mean with --config.',
      );
    }
    if (present[0]) return join(directory, present[0]);
    if (dirname(directory) === directory) return undefined;
  }
}

/** A directory that cannot be listed has nothing that could be read. */
async function configFilesIn(directory: string): Promise<readonly string[]> {
  const found = await Promise.all(
    configFileNames.map(async (name) => ((await exists(join(directory, name))) ? name : undefined)),
  );
  return found.filter((name) => name !== undefined);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}

async function readText(path: string): Promise<string> {
  try {
    const { size } = await regularFile(path);
    if (size > mostBytes) throw new RangeError('it is too large');
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (error) {
    throw new BankctlError('config_unreadable', `${path} ${readProblem(error)}.`, undefined, {
      cause: error,
    });
  }
}

/** What is no file may never end, and waiting for it could not be interrupted. */
async function regularFile(path: string): Promise<Stats> {
  const found = await stat(path);
  if (found.isFile() || found.isDirectory()) return found;
  throw new TypeError('it is no regular file');
}

function readProblem(error: unknown): string {
  if (error instanceof RangeError) return 'is larger than any config: more than 1 MiB';
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'does not exist';
    case 'EISDIR':
      return 'is a directory, not a config file';
    case 'EACCES':
    case 'EPERM':
      return 'may not be read by you';
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'is not UTF-8 text';
    default:
      return error instanceof TypeError && code === undefined
        ? 'is not a regular file'
        : 'cannot be read';
  }
}
