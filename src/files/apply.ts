import { createHash, type Hash } from 'node:crypto';
import type { Bank } from '../bank/bank.ts';
import type { Outcome } from '../bank/judge.ts';
import type { Operation, RowType } from '../bank/operations/operation.ts';
import { OutcomeUnknown } from '../bank/outcome-unknown.ts';
import { maxOperations, type PostOptions, post } from '../bank/post.ts';
import { createMemory } from '../bank/post-memory.ts';
import { createRehearsal, type Rehearsal } from '../bank/rehearsal.ts';
import type { Config } from '../config/config.ts';
import { BankctlError } from '../core/errors.ts';
import { toResult } from './applied-result.ts';
import { createRequestSum, digestOfFile, recordBatch } from './batch-record.ts';
import type { CheckedFile, RowRules } from './file-check.ts';
import {
  type BatchBounds,
  type FileHost,
  type FileOptions,
  type Interruption,
  maxBatchCharacters,
  type OpenFiles,
  type RowWork,
  type RunOptions,
  runFile,
  type Tally,
  withFiles,
} from './file-run.ts';
import { assignIds, missingIdProblem } from './operation-ids.ts';
import { amountOf, shapeOf, toOperation } from './operation-rows.ts';
import { createPossibleIds, readNumbered } from './repeated-rows.ts';
import { createReversedRows } from './reversed-rows.ts';
import type { Row, RowShape } from './rows.ts';
import { openSource, type Source } from './source.ts';
import { createTotals, type Money, type Totals } from './totals.ts';

/** How rows are applied. */
interface PostingOptions extends RunOptions {
  readonly onRefusal: 'continue' | 'stop';
  readonly atomic: boolean;
  /** Rows that were refused when the file was run before are tried again. */
  readonly retryRefused: boolean;
}

/** How a file is applied. */
export interface ApplyOptions extends PostingOptions, FileOptions {
  readonly expected: FileOptions['expected'];
  /** The name that ids derive from if rows have none. */
  readonly batch: string | undefined;
  /** The type of all rows, if none of them has to name it. */
  readonly type: RowType | undefined;
  /**
   * The rows are meant to be applied, though they were given under another `--batch` name, or
   * operations of that name stand that are in no row.
   */
  readonly again: boolean;
}

/** What became of a file. */
export interface ApplyResult {
  /** Numbers of rows, and of committed transactions, named as in the JSON result. */
  readonly counts: Readonly<Record<'applied' | 'replayed' | 'refused' | 'batches', number>>;
  /** Of the refused rows: those that were refused before, and since when. */
  readonly standing: { readonly rows: number; readonly since: Date | undefined };
  /** Of the replayed rows: those reversed since by anything but a row of the file. */
  readonly reversed: number;
  /** Operations that stand under the same `--batch` name, and are in no row of the file. */
  readonly dropped: number;
  readonly interrupted: Interruption | undefined;
  /** Of the amounts of all rows, and of those applied, refused and replayed, by currency. */
  readonly totals: readonly Money[];
  readonly appliedTotals: readonly Money[];
  readonly refusedTotals: readonly Money[];
  readonly replayedTotals: readonly Money[];
}

/** A refused row, as reported while the file runs. */
export interface RefusedRow {
  readonly line: number;
  readonly operation: Operation;
  readonly error: BankctlError;
  /** Whether its id derives from the `--batch` name. */
  readonly isDerived: boolean;
  /** An earlier run refused it, and it was not tried again. */
  readonly stands: boolean;
  /** Of an atomic file: refused only because another row was. */
  readonly isVictim: boolean;
}

/** What applying rows needs from its caller. */
export interface ApplyHost extends FileHost {
  readonly refused: (row: RefusedRow) => void;
}

/**
 * The maximum size in bytes of a file that is one transaction: more did not fit in the 256 MB cache
 * of the local database, and the server refuses what does not fit.
 *
 * Source: MongoDB server, error 388, `transactionTooLargeForCacheThreshold`.
 */
const maxAtomicBytes = 8 * 1024 * 1024;

/**
 * Applies a file of operations in order, each exactly once, in batches of one transaction each.
 *
 * @returns what became of the rows, even if it was interrupted after the first of them
 * @throws `invalid_row`, `row_without_id`, `row_repeated`, `line_cut`, `file_repeated`,
 *   `too_many_operations`, with nothing posted; whatever ends it later, with how many rows are
 *   certainly applied and how to continue
 */
export function applyFile(
  config: Config,
  options: ApplyOptions,
  host: ApplyHost,
): Promise<ApplyResult> {
  const rows = fileRows(config, options, host.context);
  return applyRows(rows, options, host, () => openSource(options.file, host.context));
}

/** Rows that are operations, wherever they come from. */
export interface OperationRows {
  readonly config: Config;
  readonly shape: RowShape;
  /** Reads a row as an operation, its id empty if it will be given one. @throws `LineProblem` */
  readonly read: (row: Row) => Operation;
  /** What a row adds to the totals. */
  readonly amountOf: (row: Row, operation: Operation) => Money | undefined;
  /** Called with each operation that has no id, when it is checked. @throws `LineProblem` */
  readonly withoutId: (operation: Operation, row: Row) => void;
  /** Is given the bytes of the file while it is checked. */
  readonly digest?: Hash | undefined;
  /** Gives an operation its id. */
  readonly identify: (operation: Operation, line: number) => Operation;
  /**
   * Called when all rows are correct.
   *
   * @param source gives the rows again
   * @returns how many operations of the file's name are in no row of it
   */
  readonly begin: (bank: Bank, source: Source, file: CheckedFile) => Promise<number>;
}

/** As `applyFile`, for the rows of any source. */
export function applyRows(
  rows: OperationRows,
  options: PostingOptions,
  host: ApplyHost,
  open: () => Promise<Source>,
): Promise<ApplyResult> {
  return withFiles(options, host, open, async (files) => {
    const work = new ApplyWork(files, rows, options, host);
    const interrupted = await runFile(files, options, host, work);
    return { ...work.result(), interrupted };
  });
}

/** The rows of a file, with ids that derive from its `--batch` name. */
function fileRows(
  config: Config,
  options: ApplyOptions,
  { author: by, interrupted }: FileHost['context'],
): OperationRows {
  const { type, batch, dryRun, again } = options;
  const withoutIds = createRequestSum();
  const possibleIds = createPossibleIds();
  const bytes = createHash('sha256');
  const shape = shapeOf(type);
  const read = (row: Row) => toOperation(row, config, type);
  return {
    ...{ config, shape, read, digest: batch === undefined ? undefined : bytes },
    amountOf: (_row, operation) => amountOf(operation, config),
    withoutId: (operation, { line, leftOut = [] }) => {
      if (batch === undefined) throw missingIdProblem(line);
      withoutIds.add(operation);
      possibleIds.add(line, operation, leftOut);
    },
    identify: assignIds(batch),
    begin: async (bank, source, { rows, totals }) => {
      if (batch === undefined) return 0;
      const digest = withoutIds.digest();
      const reread = () => readNumbered(source, options, { shape, read }, { batch, interrupted });
      const content = digestOfFile(bytes, totals);
      const shared = { batch, digest, rows, by, dryRun, again, content };
      const given = { ...shared, possibleIds, read: reread };
      return recordBatch(bank, given, source.name);
    },
  };
}

/** A row as an operation. */
interface OperationRow {
  readonly line: number;
  readonly operation: Operation;
  readonly amount: Money | undefined;
  /** Whether its id derives from the `--batch` name. */
  readonly isDerived: boolean;
}

class ApplyWork implements RowWork<OperationRow> {
  readonly rules: RowRules;
  readonly bounds: BatchBounds;
  readonly #files: OpenFiles;
  readonly #rows: OperationRows;
  readonly #options: PostingOptions;
  readonly #host: ApplyHost;
  readonly #postOptions: PostOptions;
  readonly #counts = { applied: 0, replayed: 0, refused: 0, batches: 0 };
  readonly #standing: { rows: number; since: Date | undefined } = { rows: 0, since: undefined };
  /** Operations whose commit was sent and not answered. */
  readonly #unknown = new Set<Operation>();
  /** Of the batch that is being posted, in order. */
  #outcomes: Outcome[] = [];
  #totals: Totals = createTotals();
  readonly #appliedTotals = createTotals();
  readonly #refusedTotals = createTotals();
  readonly #replayedTotals = createTotals();
  readonly #reversed = createReversedRows();
  #hasReversals = false;
  #rehearsal: Rehearsal | undefined;
  #dropped = 0;
  #expectFresh = false;

  constructor(files: OpenFiles, rows: OperationRows, options: PostingOptions, host: ApplyHost) {
    const { atomic, dryRun } = options;
    const { shape, config, digest } = rows;
    this.#files = files;
    this.#rows = rows;
    this.#options = options;
    this.#host = host;
    this.rules = { shape, config, digest, check: (row) => this.#check(row) };
    // All rows of an atomic file go into one transaction, or none do.
    const unlimited = { rows: Number.POSITIVE_INFINITY, characters: Number.POSITIVE_INFINITY };
    this.bounds = atomic ? unlimited : { rows: maxOperations, characters: maxBatchCharacters };
    this.#postOptions = {
      by: host.context.author,
      dryRun,
      atomic,
      stopAtRefusal: options.onRefusal === 'stop',
      refusals: { stand: !options.retryRefused },
      memory: createMemory(),
    };
  }

  #check(row: Row): ReturnType<RowRules['check']> {
    const operation = this.#rows.read(row);
    const { id } = operation;
    if (id === '') this.#rows.withoutId(operation, row);
    if (operation.type === 'reverse') this.#hasReversals = true;
    return { id, amount: this.#rows.amountOf(row, operation) };
  }

  async begin(file: CheckedFile, source: Source): Promise<void> {
    const { rows, bytes, totals } = file;
    if (this.#options.atomic) checkAtomic(this.#files.source.name, rows, bytes);
    this.#dropped = await this.#rows.begin(this.#files.bank, source, file);
    this.#totals = totals;
    if (!this.#options.dryRun) return;
    // No two rows have one id, or the file would have been refused.
    this.#rehearsal = createRehearsal({ areUnrelated: !this.#hasReversals });
  }

  close(): void {
    this.#rehearsal?.close();
  }

  read(row: Row): OperationRow {
    const { line } = row;
    const read = this.#rows.read(row);
    const amount = this.#rows.amountOf(row, read);
    const isDerived = read.id === '';
    return { line, operation: this.#rows.identify(read, line), amount, isDerived };
  }

  /** Thanks to their ids, operations can be posted again whatever became of them. */
  async post(
    rows: readonly OperationRow[],
    isRetry: boolean,
    meanwhile: () => void,
  ): Promise<void> {
    if (!isRetry) this.#outcomes = [];
    const outcomes = this.#outcomes;
    const { bank } = this.#files;
    const left = rows.slice(outcomes.length).map(({ operation }) => operation);
    try {
      if (left.length > 0)
        await post(bank, left, {
          ...this.#postOptions,
          meanwhile,
          ...(this.#rehearsal ? { rehearsal: this.#rehearsal } : {}),
          ...(this.#expectFresh && !isRetry ? { expectFresh: true } : {}),
          onSettled: (some) => {
            outcomes.push(...some);
            if (some.some((it) => it.applied && !it.replayed)) this.#counts.batches += 1;
            if (this.#unknown.size === 0) return;
            for (const { operation } of some) this.#unknown.delete(operation);
          },
        });
      await this.#reversed.find(bank, outcomes);
    } catch (error) {
      if (error instanceof OutcomeUnknown) {
        for (const operation of error.operations) this.#unknown.add(operation);
      }
      throw error;
    }
  }

  count(rows: readonly OperationRow[]): void {
    const replayedBefore = this.#counts.replayed;
    for (const [index, outcome] of this.#outcomes.entries()) {
      const row = rows[index];
      if (!row) continue;
      this.#countOne(outcome, row);
      this.#reversed.take(outcome);
    }
    this.#expectFresh = this.#counts.replayed === replayedBefore && !this.#options.dryRun;
  }

  results(rows: readonly OperationRow[]): readonly object[] {
    const { bank } = this.#files;
    return this.#outcomes.map((outcome, index) => {
      const by = this.#reversed.reversedBy(outcome.operation.id);
      const result = toResult(rows[index]?.line ?? 0, outcome, bank);
      return by === undefined ? result : { ...result, reversed_by: by };
    });
  }

  #countOne(outcome: Outcome, { line, operation, amount, isDerived }: OperationRow): void {
    if (!outcome.applied) {
      this.#counts.refused += 1;
      this.#refusedTotals.add(amount);
      const { error, standing: since, because } = outcome;
      if (since) {
        const earlier = this.#standing.since;
        this.#standing.rows += 1;
        if (!earlier || since.getTime() < earlier.getTime()) this.#standing.since = since;
      }
      const [isVictim, stands] = [because !== undefined, since !== undefined];
      this.#host.refused({ line, operation, error, isDerived, stands, isVictim });
    } else if (outcome.replayed) {
      this.#counts.replayed += 1;
      this.#replayedTotals.add(amount);
    } else {
      this.#counts.applied += 1;
      this.#appliedTotals.add(amount);
    }
  }

  isStopped(): boolean {
    return this.#options.onRefusal === 'stop' && this.#counts.refused > 0;
  }

  tally(): Tally {
    const unknown = this.#unknown.size;
    return { done: this.#done(), unfinished: 0, unknown, certainty: this.#certainty() };
  }

  result(): Omit<ApplyResult, 'interrupted'> {
    return {
      ...{ counts: this.#counts, standing: this.#standing, dropped: this.#dropped },
      reversed: this.#reversed.count(),
      ...{ totals: this.#totals.sums(), appliedTotals: this.#appliedTotals.sums() },
      refusedTotals: this.#refusedTotals.sums(),
      replayedTotals: this.#replayedTotals.sums(),
    };
  }

  #done(): number {
    const { applied, replayed, refused } = this.#counts;
    return applied + replayed + refused;
  }

  #certainty(): string {
    if (this.#options.dryRun) return 'It was a dry run: nothing was written.';
    const [done, unknown] = [this.#done(), this.#unknown.size];
    if (done === 0 && unknown === 0) return 'Nothing was applied by this run.';
    const { refused } = this.#counts;
    const but = refused === 0 ? '' : ` (${refused} of them refused)`;
    const rows = (number: number) => (number === 1 ? 'row' : `${number} rows`);
    const are = done === 1 ? 'is' : 'are';
    const first = done === 0 ? '' : `The first ${rows(done)} ${are} certainly done${but}; `;
    if (unknown === 0) return `${first}nothing after them was applied by this run.`;
    const next = done === 0 ? 'The first' : `${first}the next`;
    return `${next} ${rows(unknown)} may or may not be applied.`;
  }
}

/** @throws `too_many_operations` if the file is more than one transaction holds */
function checkAtomic(file: string, rows: number, bytes: number): void {
  if (rows <= maxOperations && bytes <= maxAtomicBytes) return;
  const [has, max] =
    rows > maxOperations
      ? [`${rows} rows`, `${maxOperations} rows`]
      : [`${bytes} bytes`, `${maxAtomicBytes} bytes`];
  throw new BankctlError(
    'too_many_operations',
    `${file} has ${has}, and --atomic takes at most ${max}: they are one transaction. ` +
      'Nothing was applied by this run.',
  );
}
