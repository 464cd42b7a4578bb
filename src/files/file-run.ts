import type { Bank } from '../bank/bank.ts';
import type { Context } from '../core/context.ts';
import { BankctlError } from '../core/errors.ts';
import { UnfinishedOperation } from '../core/unfinished-operation.ts';
import { isOutage, isTooLarge } from '../database/driver-errors.ts';
import { retryThroughOutages } from '../database/outage-retries.ts';
import { stoppedAnswering } from '../database/stopped-answering.ts';
import { limitHeapGrowth } from '../system/heap.ts';
import { checkExpected } from './expectations.ts';
import {
  type CheckedFile,
  type CheckHost,
  checkFile,
  type FileFormat,
  fileCodes,
  type RowRules,
} from './file-check.ts';
import { openResults, type ResultsFile } from './results.ts';
import { readRows } from './row-reader.ts';
import { type FileTraits, LineProblem, type Row } from './rows.ts';
import { copyToFile, earlyReader, type Source } from './source.ts';
import type { Expected } from './totals.ts';

/** How rows are run, whatever kind they are of. */
export interface RunOptions extends FileFormat {
  readonly results: string | undefined;
  readonly dryRun: boolean;
  readonly expected?: Expected;
}

/** How a file is run. */
export interface FileOptions extends RunOptions {
  /** `-` is the standard input. */
  readonly file: string;
  readonly expected: Expected;
}

/**
 * What an interrupted run leaves to be done: all rows, the last rows, or rows without an answer.
 */
export type Left = 'all' | 'rest' | 'unknown';

/** How far a run has got. */
interface FileProgress {
  /** How many were checked; later, how many were posted. */
  readonly rows: number;
  /** Undefined while the file is checked. */
  readonly totalRows: number | undefined;
}

/** What running a file needs from its caller. */
export interface FileHost extends Pick<CheckHost, 'faulty'> {
  readonly context: Pick<Context, 'stdin' | 'cwd' | 'interrupted' | 'monotonicNs' | 'author'>;
  readonly openBank: () => Promise<Bank>;
  /** Called with what is to be said of a file that was found to be correct. */
  readonly traits: (traits: FileTraits) => void;
  readonly progress: (progress: FileProgress) => void;
  /** What to type to finish what is left. */
  readonly rerunHint: (left: Left) => string;
}

/** What has been opened for a run. */
export interface OpenFiles {
  readonly source: Source;
  readonly bank: Bank;
  readonly results: ResultsFile | undefined;
}

/** The counts of a run so far: only rows that have been answered. */
export interface Tally {
  readonly done: number;
  /** Of those: rows for which part of what they ask may be missing. */
  readonly unfinished: number;
  /** What was sent and not answered: it may or may not be applied. */
  readonly unknown: number;
  /** What is certain and what is not, in whole sentences. */
  readonly certainty: string;
}

/** What one command does with the rows of a file; made afresh for each run. */
export interface RowWork<Item> {
  readonly rules: RowRules;
  readonly bounds: BatchBounds;
  /**
   * Called once, when the whole file has been found to be correct.
   *
   * @param source gives its bytes again
   */
  readonly begin: (file: CheckedFile, source: Source) => Promise<void>;
  /**
   * Reads a row of the file in order, as it was checked.
   *
   * @throws `LineProblem` for a row that has changed since
   */
  readonly read: (row: Row) => Item;
  /**
   * Posts a batch; the same one again after an outage.
   *
   * @param meanwhile begins to read the next batch, which is best done while the server is busy
   */
  readonly post: (items: readonly Item[], isRetry: boolean, meanwhile: () => void) => Promise<void>;
  /** Counts what was answered of a batch, which holds whatever ended the rest. */
  readonly count: (items: readonly Item[]) => void;
  /** The lines of `--results` for what was counted last. */
  readonly results: (items: readonly Item[]) => readonly object[];
  readonly tally: () => Tally;
  /** Whether the run is to stop here. */
  readonly isStopped?: () => boolean;
  /** Lets go of what it keeps outside the memory, however the run ended. */
  readonly close?: () => void;
}

/** How large a batch may be. */
export interface BatchBounds {
  readonly rows: number;
  /** Characters of the text of its rows. */
  readonly characters: number;
}

/** Longer rows make smaller batches, so that memory does not grow. */
export const maxBatchCharacters = 4 * 1024 * 1024;

/** The result of a run that was interrupted in the middle. */
export interface Interruption extends Pick<Tally, 'unknown' | 'certainty'> {
  readonly left: Left;
}

/**
 * Runs work on open files, and closes them however it ends. Results of an earlier run stay until
 * there are new ones: a missing file, or a database that does not answer, leaves them in place.
 *
 * @throws `not_writable`, `usage`; whatever opening the source, the bank and the work throw
 */
export async function withFiles<T>(
  { results: path }: RunOptions,
  { context, openBank }: FileHost,
  open: () => Promise<Source>,
  work: (files: OpenFiles) => Promise<T>,
): Promise<T> {
  limitHeapGrowth();
  const source = await open();
  let results: ResultsFile | undefined;
  try {
    const bank = await openBank();
    if (path !== undefined) results = await openResults(path, context, source);
    const done = await work({ source, bank, results });
    // If there were no rows, the results of an earlier run are removed too.
    await results?.append([]);
    await results?.close();
    return done;
  } finally {
    try {
      await results?.close();
    } finally {
      await source.close();
    }
  }
}

/**
 * Checks a file as a whole, then posts its rows in batches. A source that can't be read twice is
 * copied first.
 *
 * @returns what is certain, if it was interrupted after the first of the rows
 * @throws faults of the file, with nothing posted; whatever ends it later, with what is certain and
 *   how to continue
 */
export async function runFile<Item>(
  { source, bank, results }: OpenFiles,
  options: RunOptions,
  { context, faulty, traits, progress, rerunHint }: FileHost,
  work: RowWork<Item>,
): Promise<Interruption | undefined> {
  const { interrupted } = context;
  let ready = source;
  let totalRows: number | undefined;
  try {
    if (!source.repeatable) ready = await copyToFile(source, interrupted);
    const file = await checkFile(ready, options, work.rules, {
      interrupted,
      faulty,
      results,
      checked: (rows) => progress({ rows, totalRows }),
    });
    traits(file.traits);
    if (options.expected) checkExpected(source.name, file, options.expected);
    await work.begin(file, ready);
    totalRows = file.rows;
    const { begin, next } = earlyReader(readBatches(ready, options, work), interrupted);
    for (let items = await next(); items !== undefined; items = await next()) {
      const batch = items;
      let failure: { readonly error: unknown } | undefined;
      try {
        await retryThroughOutages(bank.timeoutMs, context, (isRetry) =>
          work.post(batch, isRetry, begin),
        );
      } catch (error) {
        failure = { error };
      }
      work.count(batch);
      await results?.append(work.results(batch));
      progress({ rows: work.tally().done, totalRows });
      if (failure) throw failure.error;
      if (work.isStopped?.()) break;
    }
    return undefined;
  } catch (error) {
    const tally = work.tally();
    const left = leftToDo(tally);
    if (!interrupted.aborted) throw describeFailure(error, source.name, tally, rerunHint(left));
    if (tally.done === totalRows && tally.unfinished === 0) return undefined;
    const { unknown, certainty } = tally;
    if (left !== 'all') return { unknown, certainty, left };
    throw new BankctlError('interrupted', `Interrupted. ${certainty}`, rerunHint(left));
  } finally {
    work.close?.();
    await ready.close();
  }
}

function leftToDo({ done, unknown }: Tally): Left {
  if (unknown > 0) return 'unknown';
  return done === 0 ? 'all' : 'rest';
}

/** The same file gives the same batches every time. */
async function* readBatches<Item>(
  source: Source,
  layout: RunOptions,
  work: RowWork<Item>,
): AsyncIterable<readonly Item[]> {
  const { rules, bounds } = work;
  let items: Item[] = [];
  let characters = 0;
  for await (const { rows } of readRows(source, layout, rules.shape)) {
    for (const row of rows) {
      if (row instanceof LineProblem) throw row;
      items.push(work.read(row));
      characters += row.length;
      if (items.length < bounds.rows && characters < bounds.characters) continue;
      yield items;
      [items, characters] = [[], 0];
    }
  }
  if (items.length > 0) yield items;
}

/** What ended a run, with what is certain and what to type next. */
function describeFailure(error: unknown, file: string, tally: Tally, rerun: string): unknown {
  const { certainty } = tally;
  const isUntouched = leftToDo(tally) === 'all';
  if (error instanceof LineProblem) {
    // It was correct when it was checked.
    const changed = `${file} was changed while it was read: line ${error.line} ${error.message}`;
    return new BankctlError(error.code, `${changed}. ${certainty}`, error.hint);
  }
  if (error instanceof BankctlError) {
    if (isUntouched && !fileCodes.has(error.code)) return error;
    const goOn = error.code === 'not_writable' ? `${error.hint} ${rerun}` : rerun;
    const hint = isUntouched ? error.hint : goOn;
    return new BankctlError(error.code, `${error.message} ${certainty}`, hint, { cause: error });
  }
  if (isTooLarge(error)) {
    const message = `The cache of the server does not hold ${file} as one transaction.`;
    return new BankctlError('too_many_operations', `${message} ${certainty}`);
  }
  if (!isOutage(error))
    return isUntouched ? error : new UnfinishedOperation(certainty, rerun, error);
  return stoppedAnswering(error, certainty, rerun);
}
