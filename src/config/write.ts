import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../core/context.ts';
import { errnoCode } from '../core/errno.ts';
import { BankctlError } from '../core/errors.ts';
import { configFileNames, findConfig, namedConfig } from './find.ts';
import { configTemplate } from './template.ts';

/**
 * The config file that holds here, written with comments where there is none yet. A file that is
 * there is never touched.
 *
 * @param given the path of `--config`, where the file is written if it does not exist
 * @param database what the written file sets, where it is not the template's
 * @throws `invalid_config`, `config_unreadable` and `config_not_trusted` for a file that is there,
 *   or would not be taken once it is; `not_writable`
 */
export async function ensureConfigFile(
  given: string | undefined,
  context: Pick<Context, 'cwd' | 'env'>,
  { dryRun, database }: { readonly dryRun: boolean; readonly database: string | undefined },
): Promise<{ readonly path: string; readonly written: boolean }> {
  const named = namedConfig(given, context);
  const path = named ?? join(context.cwd, configFileNames[0]);
  const present = await existing(given, context);
  if (present !== undefined) return { path: present, written: false };
  if (named === undefined) {
    const { refuseUntrustedDirectory } = await import('./trust.ts');
    await refuseUntrustedDirectory(context.cwd, path);
  }
  const text = database === undefined ? configTemplate : withDatabase(database);
  if (!dryRun) await writeNew(path, text);
  return { path, written: true };
}

function withDatabase(name: string): string {
  return configTemplate.replace(/^database: .*$/m, () => `database: ${JSON.stringify(name)}`);
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
    if (error instanceof BankctlError && errnoCode(error.cause) === 'ENOENT') return undefined;
    throw error;
  }
}

async function writeNew(path: string, text: string): Promise<void> {
  try {
    // Whatever the umask, others must not be able to write it: such a config is not taken.
    const file = await open(path, 'wx', 0o644);
    try {
      await file.writeFile(text);
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
