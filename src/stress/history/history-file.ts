import type { FileHandle } from 'node:fs/promises';
import { fileError } from '../../core/errno.ts';
import { openToWrite } from '../../system/pipe.ts';
import type { HistoryLine } from './history-lines.ts';
import { type HistoryBatch, mergeLines } from './line-batches.ts';

/** A history on its way to a file. */
export interface HistoryFile {
  /** Writes one event as it is. */
  readonly append: (event: unknown) => Promise<void>;
  /** Writes lines in the order given. */
  readonly write: (lines: readonly Pick<HistoryLine, 'text'>[]) => Promise<void>;
  /**
   * Takes the batches of so many sources and writes their lines in order of time. A line waits
   * until no source can come with an earlier one.
   *
   * @returns resolved when the batch's share of the work is done, so that a source can be held
   */
  readonly merge: (sources: number) => (source: number, batch: HistoryBatch) => Promise<void>;
  readonly close: () => Promise<void>;
}

/**
 * Creates the file, or empties it.
 *
 * @param options `append` leaves what is there, and goes on behind it
 * @throws `not_writable`, then and while writing; `interrupted` while nobody reads a named pipe
 */
export async function openHistory(
  path: string,
  interrupted: AbortSignal,
  { append = false }: { readonly append?: boolean } = {},
): Promise<HistoryFile> {
  const hint = 'Name a file that can be written behind --history.';
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw fileError(error, 'not_writable', path, hint);
    }
  };
  const file = await guarded(() => openToWrite(path, append ? 'a' : 'w', interrupted));
  const queue = createQueue(file);
  const write = (lines: readonly Pick<HistoryLine, 'text'>[]) => {
    if (lines.length === 0) return Promise.resolve();
    return guarded(() => queue(lines.map(({ text }) => `${text}\n`).join('')));
  };
  return Object.freeze({
    append: (event: unknown) => guarded(() => queue(`${JSON.stringify(event)}\n`)),
    write,
    merge: (sources: number) => {
      const due = mergeLines(sources);
      return (source: number, batch: HistoryBatch) => write(due(source, batch));
    },
    close: () => guarded(() => file.close()),
  });
}

/** Writes to a file handle must not overlap; each waits for the one before. */
function createQueue(file: FileHandle): (text: string) => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return (text) => {
    last = last.then(() => file.appendFile(text));
    return last;
  };
}
