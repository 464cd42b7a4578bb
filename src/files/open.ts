import type { Context } from '../core/context.ts';
import { openResults, type ResultsFile } from './results.ts';
import { keepHeapSmall } from './small-heap.ts';
import { openSource, type Source } from './source.ts';

/** The files of a command line. */
export interface FilePaths {
  /** `-` is the standard input. */
  readonly file: string;
  readonly results: string | undefined;
}

/**
 * Runs work on open files, and closes them however it ends. Results of an earlier run stay until
 * there are new ones: a file that is not there, or a database that does not answer, leaves them.
 *
 * @param before opens what else the work needs
 * @throws `file_unreadable`, `not_writable`, `usage`; whatever `before` and the work say
 */
export async function withFiles<Opened, T>(
  paths: FilePaths,
  context: Pick<Context, 'stdin' | 'cwd' | 'interrupted'>,
  before: () => Promise<Opened>,
  work: (source: Source, results: ResultsFile | undefined, opened: Opened) => Promise<T>,
): Promise<T> {
  keepHeapSmall();
  const source = await openSource(paths.file, context);
  try {
    const opened = await before();
    if (paths.results === undefined) return await work(source, undefined, opened);
    const results = await openResults(paths.results, context, source);
    try {
      const done = await work(source, results, opened);
      // Without any rows, those of an earlier run are gone too.
      await results.append([]);
      await results.close();
      return done;
    } finally {
      await results.close();
    }
  } finally {
    await source.close();
  }
}
