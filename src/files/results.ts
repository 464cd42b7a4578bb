import { constants } from 'node:fs';
import { type FileHandle, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { fileError } from '../core/errno.ts';
import { BankctlError } from '../core/errors.ts';
import { jsonText } from '../core/text.ts';
import { openToWrite } from '../system/pipe.ts';
import type { FileIdentity, Source } from './source.ts';

/** A file of results, one JSON object a line. */
export interface ResultsFile {
  /** Writes lines and waits for the disk, so that memory stays flat. */
  readonly append: (results: readonly unknown[]) => Promise<void>;
  /** Brings what was written safely to the disk, and closes. Repeatable. */
  readonly close: () => Promise<void>;
}

const hint = 'Name a file that can be written after --results.';

/**
 * Opens the file before anything is posted, so that it is known to be writable. What is in it is
 * kept until the first results are there.
 *
 * @throws `not_writable`, then and while writing; `usage` if it is the file that is read;
 *   `interrupted` while nobody reads a named pipe
 */
export async function openResults(
  path: string,
  { cwd, interrupted }: { readonly cwd: string; readonly interrupted: AbortSignal },
  source: Source,
): Promise<ResultsFile> {
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw fileError(error, 'not_writable', path, hint);
    }
  };
  const place = isAbsolute(path) ? path : join(cwd, path);
  // A named pipe is opened only when somebody reads it, so it is looked at before.
  refuseIfRead(await stat(place).catch(() => undefined), path, source);
  const { O_WRONLY, O_CREAT } = constants;
  let file: FileHandle | undefined = await guarded(() =>
    openToWrite(place, O_WRONLY | O_CREAT, interrupted),
  );
  try {
    refuseIfRead(await file.stat(), path, source);
  } catch (error) {
    await file.close();
    throw error;
  }
  let emptied = false;
  return Object.freeze({
    append: (results: readonly unknown[]) =>
      guarded(async () => {
        if (!file) return;
        if (!emptied) await empty(file);
        emptied = true;
        await file.appendFile(results.map((result) => `${jsonText(result)}\n`).join(''));
      }),
    close: async () => {
      const closing = file;
      file = undefined;
      if (!closing) return;
      await guarded(async () => {
        try {
          await synced(closing);
        } finally {
          await closing.close();
        }
      });
    },
  });
}

function refuseIfRead(found: FileIdentity | undefined, path: string, { identity }: Source): void {
  if (!found || !identity || found.ino !== identity.ino || found.dev !== identity.dev) return;
  throw new BankctlError(
    'usage',
    `--results ${path} is the file that is read.`,
    'Name another file after --results.',
  );
}

async function empty(file: FileHandle): Promise<void> {
  if ((await file.stat()).isFile()) await file.truncate();
}

/** A pipe or a terminal has nothing to be synced. */
async function synced(file: FileHandle): Promise<void> {
  if ((await file.stat()).isFile()) await file.sync();
}
