import { constants } from 'node:fs';
import { stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { fileError } from '../core/errno.ts';
import { BankctlError } from '../core/errors.ts';
import { jsonText } from '../core/text.ts';
import { openToWrite } from '../system/pipe.ts';
import type { FileIdentity, Source } from './source.ts';

/** A file of results, one JSON object per line. */
export interface ResultsFile {
  /** Writes lines and waits for the disk, so that memory does not grow. */
  readonly append: (results: readonly unknown[]) => Promise<void>;
  /** Brings what was written safely to the disk, and closes. Repeatable. */
  readonly close: () => Promise<void>;
}

/**
 * Opens the file before anything is posted, so that it is known to be writable. Its content is kept
 * until there are first results.
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
      const hint = 'Name a file that can be written after --results.';
      throw fileError(error, 'not_writable', path, hint);
    }
  };
  const place = isAbsolute(path) ? path : join(cwd, path);
  // Opening a named pipe waits until somebody reads it, so it is checked first.
  refuseIfRead(await stat(place).catch(() => undefined), path, source);
  const { O_WRONLY, O_CREAT } = constants;
  const file = await guarded(() => openToWrite(place, O_WRONLY | O_CREAT, interrupted));
  const stats = await file.stat();
  try {
    refuseIfRead(stats, path, source);
  } catch (error) {
    await file.close();
    throw error;
  }
  // A pipe or a terminal can be neither emptied nor synced.
  const isFile = stats.isFile();
  let isEmptied = false;
  let closing: Promise<void> | undefined;
  return Object.freeze({
    append: (results: readonly unknown[]) =>
      guarded(async () => {
        if (isFile && !isEmptied) await file.truncate();
        isEmptied = true;
        await file.appendFile(results.map((result) => `${jsonText(result)}\n`).join(''));
      }),
    close: () => {
      closing ??= guarded(async () => {
        try {
          if (isFile) await file.sync();
        } finally {
          await file.close();
        }
      });
      return closing;
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
