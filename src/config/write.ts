import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Context } from '../context.ts';
import { BankctlError } from '../errors.ts';
import { configFileNames, findConfig } from './find.ts';
import { configTemplate } from './template.ts';

/**
 * The config file that holds here, written with comments where there is none yet. A file that is
 * there is never touched.
 *
 * @param given the path of `--config`, where the file is written if it does not exist
 * @throws `invalid_config` and `config_unreadable` for a file that is there; `not_writable`
 */
export async function ensureConfigFile(
  given: string | undefined,
  context: Pick<Context, 'cwd' | 'env'>,
  dryRun: boolean,
): Promise<{ readonly path: string; readonly written: boolean }> {
  const path = resolve(context.cwd, given ?? context.env['BANKCTL_CONFIG'] ?? configFileNames[0]);
  const present = await existing(given, context);
  if (present !== undefined) return { path: present, written: false };
  if (!dryRun) await writeNew(path);
  return { path, written: true };
}

/** The file that holds, if there is one and it is valid; a named one may be yet to be written. */
async function existing(
  given: string | undefined,
  context: Pick<Context, 'cwd' | 'env'>,
): Promise<string | undefined> {
  try {
    const { source } = await findConfig(given, context);
    return source;
  } catch (error) {
    const cause = error instanceof BankctlError ? error.cause : undefined;
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function writeNew(path: string): Promise<void> {
  try {
    const file = await open(path, 'wx');
    try {
      await file.writeFile(configTemplate);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BankctlError('not_writable', `${path} cannot be written: ${reason}.`, undefined, {
      cause: error,
    });
  }
}
