import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../core/context.ts';
import { errnoCode } from '../core/errno.ts';
import { BankctlError } from '../core/errors.ts';
import { configFileNames, findConfig, namedConfig } from './search.ts';

/**
 * The config file that applies here, written with comments if there is none yet. A file that is
 * already there is never touched.
 *
 * @param given the path of `--config`, where the file is written if it does not exist
 * @param database the database that a new file sets, if it is not the template's
 * @throws `invalid_config`, `config_unreadable` and `config_not_trusted` for an existing file,
 *   or one that would not be trusted once written; `not_writable`
 */
export async function ensureConfigFile(
  given: string | undefined,
  context: Pick<Context, 'cwd' | 'env'>,
  { dryRun, database }: { readonly dryRun: boolean; readonly database: string | undefined },
): Promise<{ readonly path: string; readonly written: boolean }> {
  const named = namedConfig(given, context);
  const path = named ?? join(context.cwd, configFileNames[0]);
  const present = await findExisting(given, context);
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

/** The file that applies, if there is a valid one; a named one may not exist yet. */
async function findExisting(
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
    // Whatever the umask, others must not be able to write it: such a config is not trusted.
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

/** The commented config file that `bankctl init` writes: the built-in config, spelled out. */
export const configTemplate = `# The branches of the bank, and the collection of each.
# Read once at the start of every command, validated, never changed by a program.

# The database that holds the branches and the journal. A URI must name the same one, or none.
database: bank

# ISO 4217. Its minor digits limit every amount: 2 for USD, 0 for JPY, 3 for KWD.
currency: USD

# The collection of applied operations, append-only. false does without it, and so without
# transactions, history and --id: only for a standalone server.
journal: journal

# The time zone of reports, for example Europe/Paris: a bare date is that whole day there.
timezone: UTC

# A deployment to use instead of the local database. A password does not belong in this file:
# put such a URI in BANKCTL_URI, or in a file of its own and name it with --uri-file.
# uri: mongodb://db1.example.net,db2.example.net/?replicaSet=rs0

branches:
  branch1:
    collection: branch1
    # title: Main Street
    # currency: EUR             # if it differs from the bank's
    # minBalance: "-100.00"     # in quotes; "0" if left out
    # storage: double           # while an old program still writes its balances; else decimal
  branch2:
    collection: branch2
`;
