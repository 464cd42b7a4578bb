import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Context } from '../core/context.ts';
import { BankctlError } from '../core/errors.ts';
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
 * working directory upward, else the built-in one. One that nobody named is taken only if nobody
 * but the user and root could have put it there.
 *
 * @throws `config_unreadable`, `config_not_trusted`, `invalid_config`
 */
export async function findConfig(
  given: string | undefined,
  context: Pick<Context, 'cwd' | 'env'>,
): Promise<Config> {
  const path = namedConfig(given, context) ?? (await findUpward(context.cwd));
  if (path === undefined) return builtInConfig;
  const text = await readText(path, namedConfig(given, context) === undefined);
  const { loadConfig } = await import('./load.ts');
  return loadConfig(path, text);
}

/**
 * The path of a config that the user named, whether there is one or not.
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
        `${directory} has ${present.join(' and ')}, and only one can hold.`,
        'Remove one of them, or name the one you mean with --config.',
      );
    }
    if (present[0]) return join(directory, present[0]);
    if (dirname(directory) === directory) return undefined;
  }
}

/** Whatever has the name, a dangling link too; a directory that cannot be entered shows nothing. */
async function configFilesIn(directory: string): Promise<readonly string[]> {
  const found = await Promise.all(
    configFileNames.map(async (name) => ((await exists(join(directory, name))) ? name : undefined)),
  );
  return found.filter((name) => name !== undefined);
}

/** @throws `config_unreadable` where something is there, and nobody can tell what */
async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'ENAMETOOLONG'].includes(errnoOf(error) ?? ''))
      return false;
    throw unreadable(path, readProblem(error), error);
  }
}

/** @param found whether it was found without being named, and has to be trusted */
async function readText(path: string, found: boolean): Promise<string> {
  try {
    // Without O_NONBLOCK, a pipe that nobody writes to could not be interrupted.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      const stats = await file.stat();
      if (stats.isDirectory()) throw unreadable(path, 'is a directory, not a config file');
      if (!stats.isFile()) throw unreadable(path, 'is not a regular file');
      if (found) {
        const { refuseUntrusted } = await import('./trust.ts');
        await refuseUntrusted(path, stats);
      }
      return decode(path, await readAll(path, file));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof BankctlError) throw error;
    const dangling = errnoOf(error) === 'ENOENT' && (await danglingLink(path));
    throw dangling || unreadable(path, readProblem(error), error);
  }
}

async function readAll(path: string, file: FileHandle): Promise<Buffer> {
  const bytes = Buffer.alloc(mostBytes + 1);
  let size = 0;
  for (let more = 1; more > 0 && size < bytes.length; size += more) {
    more = (await file.read(bytes, size, bytes.length - size, null)).bytesRead;
  }
  if (size > mostBytes) throw unreadable(path, 'is larger than any config: more than 1 MiB');
  return bytes.subarray(0, size);
}

function decode(path: string, bytes: Buffer): string {
  const mark = bytes.subarray(0, 2).toString('hex');
  if (mark === 'fffe' || mark === 'feff' || bytes.subarray(0, 4).includes(0)) {
    throw unreadable(path, 'is UTF-16 or UTF-32 text, not UTF-8: save it as UTF-8');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw unreadable(path, 'is not UTF-8 text', error);
  }
}

async function danglingLink(path: string): Promise<BankctlError | undefined> {
  const target = await readlink(path).catch(() => undefined);
  if (target === undefined) return undefined;
  return unreadable(path, `is a symbolic link to ${target}, which does not exist`);
}

function unreadable(path: string, problem: string, cause?: unknown): BankctlError {
  return new BankctlError('config_unreadable', `${path} ${problem}.`, undefined, { cause });
}

function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

function readProblem(error: unknown): string {
  switch (errnoOf(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'does not exist';
    case 'ELOOP':
      return 'is a symbolic link that leads back to itself';
    case 'EACCES':
    case 'EPERM':
      return 'may not be read by you';
    case 'ENXIO':
      return 'is not a regular file';
    default:
      return 'cannot be read';
  }
}
