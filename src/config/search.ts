import { lstat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Context } from '../core/context.ts';
import { errnoCode, fileErrorReason } from '../core/errno.ts';
import { BankctlError } from '../core/errors.ts';
import { builtInConfig, type Config } from './config.ts';

/** The names of a config file, in the working directory and in those above it. */
export const configFileNames = [
  'bankctl.config.yaml',
  'bankctl.config.yml',
  'bankctl.config.json',
] as const;

/**
 * The config that applies here: `--config`, else `BANKCTL_CONFIG`, else the nearest file from the
 * working directory up, else the built-in one. One that nobody named is taken only if nobody
 * but the user and root could have put it there.
 *
 * @throws `config_unreadable`, `config_not_trusted`, `invalid_config`
 */
export async function findConfig(
  given: string | undefined,
  context: Pick<Context, 'cwd' | 'env'>,
): Promise<Config> {
  const named = namedConfig(given, context);
  const path = named ?? (await findUpward(context.cwd));
  if (path === undefined) return builtInConfig;
  const { readConfig } = await import('./reader.ts');
  return readConfig(path, named === undefined);
}

/**
 * The path of a config that the user named, whether the file exists or not.
 *
 * @throws `config_unreadable` for an empty path
 */
export function namedConfig(
  given: string | undefined,
  { cwd, env }: Pick<Context, 'cwd' | 'env'>,
): string | undefined {
  const named = given ?? env['BANKCTL_CONFIG'];
  if (named === '') {
    throw new BankctlError('config_unreadable', 'The path of the config file is empty.');
  }
  return named === undefined ? undefined : resolve(cwd, named);
}

async function findUpward(start: string): Promise<string | undefined> {
  for (let directory = start; ; directory = dirname(directory)) {
    const present = await configFilesIn(directory);
    if (present.length > 1) {
      throw new BankctlError(
        'invalid_config',
        `${directory} has ${present.join(' and ')}, but only one can be used.`,
        'Remove one of them, or name the one you mean with --config.',
      );
    }
    if (present[0]) return join(directory, present[0]);
    if (dirname(directory) === directory) return undefined;
  }
}

/**
 * Anything of that name counts, even a dangling link; a directory that cannot be entered has none.
 */
async function configFilesIn(directory: string): Promise<readonly string[]> {
  const found = await Promise.all(
    configFileNames.map(async (name) => ((await exists(join(directory, name))) ? name : undefined)),
  );
  return found.filter((name) => name !== undefined);
}

/** @throws `config_unreadable` if something is there, and nobody can tell what */
async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (hiding.has(errnoCode(error) ?? '')) return false;
    const message = `${path} cannot be read: ${fileErrorReason(error) ?? errnoCode(error)}.`;
    throw new BankctlError('config_unreadable', message, undefined, { cause: error });
  }
}

const hiding: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'ENAMETOOLONG']);
