import { constants } from 'node:fs';
import { copyFile, type FileHandle, link, open, rm, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { errnoCode, fileError } from '../../core/errno.ts';
import { BankctlError } from '../../core/errors.ts';

/** A plan that is being written: until it is complete, nothing has its name. */
export interface PlanFile {
  /** Writes all of it, gives it its name, and closes. */
  readonly write: (pieces: Iterable<string>) => Promise<void>;
  /** Removes what was written unless it is complete. Repeatable. */
  readonly close: () => Promise<void>;
}

/** What is written at once, characters. */
const pieceLength = 256 * 1024;

/**
 * Opens a file for a plan before the audit begins, so that it is known to be writable. It never
 * replaces a file: a plan may have been reviewed, and its ids make a second run of it safe. Only
 * its owner may read it, since it names accounts and balances.
 *
 * @throws `not_writable`, then and while writing
 */
export async function openPlanFile(
  path: string,
  { cwd, freshId }: { readonly cwd: string; readonly freshId: () => string },
): Promise<PlanFile> {
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (errnoCode(error) === 'EEXIST') throw exists(path);
      throw fileError(error, 'not_writable', path, 'Name a file that can be written after --plan.');
    }
  };
  const place = isAbsolute(path) ? path : join(cwd, path);
  if (await stat(place).catch(() => undefined)) throw exists(path);
  const draft = join(dirname(place), `.bankctl-plan.${freshId()}`);
  const file = await guarded(() => open(draft, 'wx', 0o600));
  const close = async () => {
    await file.close();
    await rm(draft, { force: true });
  };
  let closing: Promise<void> | undefined;
  return Object.freeze({
    write: (pieces: Iterable<string>) =>
      guarded(async () => {
        await writeAll(file, pieces);
        await file.sync();
        await nameIt(draft, place);
      }),
    close: () => {
      closing ??= guarded(close);
      return closing;
    },
  });
}

/** Unlike a renaming, this fails if a file of that name has come up meanwhile. */
async function nameIt(draft: string, place: string): Promise<void> {
  try {
    await link(draft, place);
  } catch (error) {
    // Some file systems have no hard links.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errnoCode(error) ?? '')) throw error;
    await copyFile(draft, place, constants.COPYFILE_EXCL);
  }
}

async function writeAll(file: FileHandle, pieces: Iterable<string>): Promise<void> {
  let text = '';
  for (const piece of pieces) {
    text += piece;
    if (text.length < pieceLength) continue;
    await file.appendFile(text);
    text = '';
  }
  await file.appendFile(text);
}

function exists(path: string): BankctlError {
  return new BankctlError(
    'not_writable',
    `${path} exists already, and a plan never replaces a file.`,
    'Name a new file after --plan, or remove that one if its plan is no longer needed.',
  );
}
