import type { FileHandle } from 'node:fs/promises';
import { fileError } from '../../core/errno.ts';
import { openToWrite } from '../../system/pipe.ts';

/** A history on its way to a file. */
export interface HistoryFile {
  /** Writes one event as it is. */
  readonly append: (event: unknown) => Promise<void>;
  /** Writes lines in the order given. */
  readonly write: (lines: readonly { readonly text: string }[]) => Promise<void>;
  readonly close: () => Promise<void>;
}

/**
 * Creates the file, or empties it.
 *
 * @throws `not_writable`, then and while writing; `interrupted` while nobody reads a named pipe
 */
export async function openHistory(path: string, interrupted: AbortSignal): Promise<HistoryFile> {
  const hint = 'Name a file that can be written after --history.';
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw fileError(error, 'not_writable', path, hint);
    }
  };
  const file = await guarded(() => openToWrite(path, 'w', interrupted));
  const queue = createQueue(file);
  const write = (lines: readonly { readonly text: string }[]) => {
    if (lines.length === 0) return Promise.resolve();
    return guarded(() => queue(lines.map(({ text }) => `${text}\n`).join('')));
  };
  return Object.freeze({
    append: (event: unknown) => write([{ text: JSON.stringify(event) }]),
    write,
    close: () => guarded(() => file.close()),
  });
}

/** Writes must not overlap: what arrives while one is under way goes into the next. */
function createQueue(file: FileHandle): (text: string) => Promise<void> {
  let pending: string[] = [];
  let last: Promise<void> = Promise.resolve();
  return (text) => {
    pending.push(text);
    if (pending.length > 1) return last;
    last = last.then(() => {
      const all = pending.join('');
      pending = [];
      return file.appendFile(all);
    });
    return last;
  };
}
