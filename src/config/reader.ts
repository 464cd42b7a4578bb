import type { Stats } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { errnoCode } from '../core/errno.ts';
import { BankctlError } from '../core/errors.ts';
import { readSmallFile, UnusableFile } from '../system/small-file.ts';
import type { Config } from './config.ts';
import { loadConfig } from './parser.ts';
import { refuseUntrusted } from './trust.ts';

/** Far more than any config has. */
const maxBytes = 2 ** 20;

/**
 * The config in a file.
 *
 * @param found whether it was found, not named, so that it has to be checked for trust
 * @throws `config_unreadable`, `config_not_trusted`, `invalid_config`
 */
export async function readConfig(path: string, found: boolean): Promise<Config> {
  return loadConfig(path, await readText(path, found));
}

async function readText(path: string, found: boolean): Promise<string> {
  try {
    const inspect = { inspect: (opened: Stats) => refuseUntrusted(path, opened) };
    return await readSmallFile(path, { maxBytes, ...(found ? inspect : {}) });
  } catch (error) {
    if (error instanceof BankctlError) throw error;
    const unusable = error instanceof UnusableFile ? error : undefined;
    const cause = unusable?.cause ?? error;
    const target = errnoCode(cause) === 'ENOENT' && (await readlink(path).catch(() => undefined));
    throw target
      ? unreadable(path, `is a symbolic link to ${target}, which does not exist`)
      : unreadable(path, unusable?.reason ?? 'cannot be read', cause);
  }
}

function unreadable(path: string, problem: string, cause?: unknown): BankctlError {
  return new BankctlError('config_unreadable', `${path} ${problem}.`, undefined, { cause });
}
