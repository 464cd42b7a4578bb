import { maxOperations } from '../bank/post.ts';
import { createMemory } from '../bank/post-memory.ts';
import { createRehearsal } from '../bank/rehearsal.ts';
import { BankctlError } from '../core/errors.ts';
import { count } from '../core/text.ts';
import { Unfinished } from '../core/unfinished.ts';
import { isOutage } from '../database/driver-errors.ts';
import { type AccountRow, accountShape, type Target, toAccount } from './account-rows.ts';
import type { Again, Left } from './again.ts';
import { ahead } from './ahead.ts';
import type { Interruption } from './apply-run.ts';
import { type CheckHost, checkFile, fileCodes, type RowRules } from './check-file.ts';
import {
  type Answers,
  type ImportedRow,
  importRows,
  openedRows,
  type RowPosting,
} from './import-rows.ts';
import { LineProblem } from './lines.ts';
import { persist } from './persist.ts';
import { type LeftOut, type RowFormat, readRows } from './rows.ts';
import type { Source } from './source.ts';
import { spool } from './spool.ts';
import { isWholeField } from './whole-field.ts';

/** Numbers of rows, in the words of the JSON result; the last four add up to the first. */
export interface ImportCounts {
  readonly read: number;
  /** Opened now. */
  readonly created: number;
  /** There already, with the same balance and status. */
  readonly duplicate: number;
  /** There already, with another balance or status; left as it is. */
  readonly conflict: number;
  /** Not an account that can be opened. */
  readonly rejected: number;
}

/** What became of a file. */
export interface ImportResult {
  readonly counts: ImportCounts;
  readonly interrupted?: Interruption;
}

/** How a file is imported. */
export interface ImportOptions {
  readonly format: RowFormat | undefined;
  readonly dryRun: boolean;
  /** The file ends where it should, though its last line has no newline. */
  readonly lastLineComplete: boolean;
}

/** What importing takes from its surroundings. */
export interface ImportHost extends CheckHost, Pick<RowPosting, 'bank' | 'by'> {
  /** Monotonic, nanoseconds. */
  readonly monotonicNs: () => bigint;
  /** Called with each batch of rows, in order. */
  readonly imported: (rows: readonly ImportedRow[]) => void;
  /** Called with what was left out of a file that was found right. */
  readonly leftOut: (leftOut: LeftOut) => void;
  readonly again: Again;
}

/** A row may need two operations, opening and freezing. */
const rowsAtOnce = Math.floor(maxOperations / 2);

/**
 * Opens the accounts of a file, with their balances and statuses, by operations like any other.
 * The file is checked as a whole before anything is posted. Each row is accounted for. Repeated,
 * it finds what it did as duplicates, and completes what was interrupted.
 *
 * @returns what became of the rows, also if it was interrupted after the first of them
 * @throws `file_unreadable`, `file_empty`, `file_format`, `invalid_row`, `line_cut`, with nothing
 *   imported; whatever ends it later, with how much is done
 */
export async function importFile(
  source: Source,
  target: Target,
  { format, dryRun, lastLineComplete }: ImportOptions,
  host: ImportHost,
): Promise<ImportResult> {
  const run = new ImportRun(host, dryRun);
  let ready = source;
  try {
    if (!source.repeatable) ready = await spool(source, host.interrupted);
    const rules = { ...rulesOf(target), lastLineComplete };
    const checked = await checkFile(ready, format, rules, host);
    run.totalRows = checked.rows;
    host.leftOut(checked.leftOut);
    for await (const rows of ahead(batches(ready, format, target), host.interrupted)) {
      await run.post(rows);
    }
    return run.result();
  } catch (error) {
    return run.ended(error, source.name);
  } finally {
    await ready.close();
  }
}

function rulesOf(target: Target): Omit<RowRules, 'lastLineComplete'> {
  return {
    shape: accountShape,
    check: (row) => {
      toAccount(row, target);
      return '';
    },
    isWhole: ({ fields }, field) => isWholeField(field, fields, target.config, target.branch),
  };
}

async function* batches(
  source: Source,
  format: RowFormat | undefined,
  target: Target,
): AsyncIterable<readonly AccountRow[]> {
  let waiting: AccountRow[] = [];
  for await (const { rows } of readRows(source, format, accountShape)) {
    for (const row of rows) {
      if (row instanceof LineProblem) throw row;
      waiting.push(toAccount(row, target));
      if (waiting.length < rowsAtOnce) continue;
      yield waiting;
      waiting = [];
    }
  }
  if (waiting.length > 0) yield waiting;
}

/** Where an import is. One a call; it counts only rows whose answer has come. */
class ImportRun {
  totalRows: number | undefined;
  readonly #host: ImportHost;
  readonly #posting: RowPosting;
  readonly #counts = { read: 0, created: 0, duplicate: 0, conflict: 0, rejected: 0 };
  #unknown = 0;
  /** Rows whose account was opened, and may not be frozen or closed yet. */
  #unfinished = 0;

  constructor(host: ImportHost, dryRun: boolean) {
    this.#host = host;
    const { bank, by } = host;
    const rehearsal = dryRun ? createRehearsal() : undefined;
    this.#posting = { bank, by, memory: createMemory(), rehearsal };
  }

  async post(rows: readonly AccountRow[]): Promise<void> {
    const { bank, interrupted, monotonicNs } = this.#host;
    const patience = { timeoutMs: bank.timeoutMs, interrupted, monotonicNs };
    const answers: Answers = { applied: new Set(), unknown: new Set() };
    let imported: readonly ImportedRow[];
    try {
      imported = await persist(patience, () => importRows(rows, this.#posting, answers));
    } catch (error) {
      this.#unknown = answers.unknown.size;
      const opened = openedRows(rows, answers);
      this.#unfinished = opened.filter(({ reason }) => reason !== undefined).length;
      await this.#count(opened);
      throw error;
    }
    await this.#count(imported);
  }

  async #count(rows: readonly ImportedRow[]): Promise<void> {
    for (const { outcome } of rows) {
      this.#counts.read += 1;
      this.#counts[outcome] += 1;
    }
    this.#host.imported(rows);
    await this.#host.results?.append(rows);
  }

  result(): ImportResult {
    return { counts: { ...this.#counts } };
  }

  /**
   * What the run came to, if it was interrupted.
   *
   * @throws what ended it otherwise, with how much is done and what makes sure
   */
  ended(error: unknown, file: string): ImportResult {
    const { interrupted } = this.#host;
    const left = this.#left();
    const again = this.#host.again(left);
    const certainty = this.#certainty();
    const untouched = this.#counts.read === 0 && this.#unknown === 0;
    if (interrupted.aborted) {
      const whole = this.#counts.read === this.totalRows && this.#unfinished === 0;
      if (whole) return this.result();
      if (!untouched) {
        return { ...this.result(), interrupted: { unknown: this.#unknown, certainty, left } };
      }
      throw new BankctlError('interrupted', `Interrupted. ${certainty}`, again);
    }
    if (error instanceof LineProblem) {
      // It was right when it was checked.
      const message = `${file} was changed while it was read: line ${error.line} ${error.message}`;
      throw new BankctlError(error.code, `${message}. ${certainty}`, error.hint);
    }
    if (error instanceof BankctlError) {
      if (untouched && !fileCodes.has(error.code)) throw error;
      const hint = untouched ? error.hint : again;
      throw new BankctlError(error.code, `${error.message} ${certainty}`, hint, { cause: error });
    }
    if (!isOutage(error)) throw untouched ? error : new Unfinished(certainty, again, error);
    const reason = error instanceof Error ? error.message.replace(/\s*\.?$/, '') : String(error);
    const message = `The database stopped answering (${reason}). ${certainty}`;
    throw new BankctlError('unreachable', message, again, { cause: error });
  }

  #left(): Left {
    if (this.#unknown > 0) return 'unknown';
    return this.#counts.read === 0 ? 'all' : 'rest';
  }

  #certainty(): string {
    const { read, created } = this.#counts;
    if (this.#posting.rehearsal) return 'It was a dry run: nothing was written.';
    if (read === 0 && this.#unknown === 0) return 'Nothing was imported by this run.';
    const left = this.#unfinished;
    const but = left === 0 ? '' : `, ${left} of which may not be frozen or closed yet`;
    const rows = `${count(read - left, 'row')} ${read - left === 1 ? 'is' : 'are'} certainly done`;
    const accounts = `${count(created, 'account')} ${created === 1 ? 'was' : 'were'} created`;
    const done = `${rows}: ${accounts}${but}`;
    return this.#unknown === 0
      ? `${done}.`
      : `${done}; ${count(this.#unknown, 'more operation')} may or may not be applied.`;
  }
}
