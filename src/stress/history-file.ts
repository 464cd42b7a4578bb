import { type FileHandle, open } from 'node:fs/promises';
import { fileError } from '../database/directories.ts';
import type { HistoryBatch } from './history-batches.ts';
import type { HistoryLine } from './history-lines.ts';

/** A history on its way to a file. */
export interface HistoryFile {
  /** Writes one event as it is. */
  readonly append: (event: unknown) => Promise<void>;
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
 * @throws `not_writable`, then and while writing
 */
export async function openHistory(path: string): Promise<HistoryFile> {
  const hint = 'Name a file that can be written behind --history.';
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw fileError(error, 'not_writable', path, hint);
    }
  };
  const file = await guarded(() => open(path, 'w'));
  const queue = createQueue(file);
  return Object.freeze({
    append: (event: unknown) => guarded(() => queue(`${JSON.stringify(event)}\n`)),
    merge: (sources: number) => {
      const due = createMerge(sources);
      return (source: number, batch: HistoryBatch) => {
        const text = due(source, batch);
        return text === '' ? Promise.resolve() : guarded(() => queue(text));
      };
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

/** Merges batches; gives back the text that is due. */
function createMerge(sources: number): (source: number, batch: HistoryBatch) => string {
  const waiting: HistoryLine[][] = Array.from({ length: sources }, () => []);
  const upToNs: number[] = Array.from({ length: sources }, () => 0);
  return (source, { lines, upToNs: reached }) => {
    waiting[source]?.push(...lines);
    upToNs[source] = reached;
    const settledNs = Math.min(...upToNs);
    const due = waiting.flatMap((queue) => {
      const later = queue.findIndex(({ atNs }) => atNs >= settledNs);
      return queue.splice(0, later < 0 ? queue.length : later);
    });
    due.sort((left, right) => left.atNs - right.atNs);
    return due.map(({ text }) => `${text}\n`).join('');
  };
}
