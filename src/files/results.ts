import { type FileHandle, open, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { fileError } from '../database/directories.ts';
import { BankctlError } from '../errors.ts';
import { jsonText } from '../text.ts';
import type { Source } from './source.ts';

/** A file of results, one JSON object a line. */
export interface ResultsFile {
  /** Writes lines and waits for the disk, so that memory stays flat. */
  readonly append: (results: readonly unknown[]) => Promise<void>;
  /** Brings what was written safely to the disk, and closes. Repeatable. */
  readonly close: () => Promise<void>;
}

const hint = 'Name a file that can be written behind --results.';

/**
 * Creates the file, or empties it, before anything is posted.
 *
 * @throws `not_writable`, then and while writing; `usage` where it is the file that is read
 */
export async function openResults(path: string, cwd: string, source: Source): Promise<ResultsFile> {
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw fileError(error, 'not_writable', path, hint);
    }
  };
  const place = isAbsolute(path) ? path : join(cwd, path);
  const there = await stat(place).catch(() => undefined);
  if (there && there.ino === source.identity?.ino && there.dev === source.identity.dev) {
    throw new BankctlError(
      'usage',
      `--results ${path} is the file that is read.`,
      'Name another file behind --results.',
    );
  }
  let file: FileHandle | undefined = await guarded(() => open(place, 'w'));
  return Object.freeze({
    append: (results: readonly unknown[]) =>
      guarded(async () => {
        await file?.appendFile(results.map((result) => `${jsonText(result)}\n`).join(''));
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

/** A pipe or a terminal has nothing to be synced. */
async function synced(file: FileHandle): Promise<void> {
  if ((await file.stat()).isFile()) await file.sync();
}
