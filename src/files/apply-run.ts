import type { Bank } from '../bank/bank.ts';
import type { Outcome } from '../bank/judge.ts';
import type { Posting } from '../bank/operations/entry.ts';
import type { Operation } from '../bank/operations/operation.ts';
import { OutcomeUnknown, type PostOptions, post } from '../bank/post.ts';
import { createMemory } from '../bank/post-memory.ts';
import { createRehearsal } from '../bank/rehearsal.ts';
import { BankctlError } from '../core/errors.ts';
import { formatAmount } from '../core/money.ts';
import { Unfinished } from '../core/unfinished.ts';
import { isOutage, isTooLarge } from '../database/driver-errors.ts';
import type { Again, Left } from './again.ts';
import type { Batch } from './batches.ts';
import { fileCodes } from './check-file.ts';
import { LineProblem } from './lines.ts';
import { persist } from './persist.ts';
import type { ResultsFile } from './results.ts';

/** How a file is applied. */
export interface ApplyOptions {
  readonly onRefusal: 'continue' | 'stop';
  readonly atomic: boolean;
  readonly dryRun: boolean;
  /** Rows that were refused when the file was run before are tried again. */
  readonly retryRefused: boolean;
  /** The rows are meant a second time, though they were given under another `--batch` name. */
  readonly again: boolean;
  /** The file ends where it should, though its last line has no newline. */
  readonly lastLineComplete: boolean;
}

/** Numbers of rows, in the words of the JSON result. */
export interface ApplyCounts {
  readonly applied: number;
  readonly replayed: number;
  readonly refused: number;
  /** Transactions that were committed. */
  readonly batches: number;
}

/** What became of a file. */
export interface ApplyResult {
  readonly counts: ApplyCounts;
  /** Of the refused rows: those that were refused before, and since when. */
  readonly standing: { readonly rows: number; readonly since: Date | undefined };
  /** Rows that were applied before under the same `--batch` name, and are not in the file. */
  readonly dropped: number;
  readonly interrupted?: Interruption;
}

/** What a file came to that was interrupted in the middle. */
export interface Interruption {
  /** How many rows may or may not be applied. */
  readonly unknown: number;
  /** What is certain and what is not, in whole sentences. */
  readonly certainty: string;
  readonly left: Left;
}

/** A refused row, for those who watch. */
export interface RefusedRow {
  readonly line: number;
  readonly error: BankctlError;
  /** Of an atomic file: refused only since another row was. */
  readonly isVictim: boolean;
}

/** How far it is, for those who watch. */
export interface ApplyProgress {
  readonly phase: 'checking' | 'posting';
  readonly rows: number;
  /** Undefined if it is not known. */
  readonly totalRows: number | undefined;
}

/** What a run takes from its surroundings. */
export interface RunHost {
  readonly bank: Bank;
  /** Who asks, as `user@host`. */
  readonly by: string;
  readonly interrupted: AbortSignal;
  /** Monotonic, nanoseconds. */
  readonly monotonicNs: () => bigint;
  readonly results: ResultsFile | undefined;
  readonly progress: (progress: ApplyProgress) => void;
  readonly refused: (row: RefusedRow) => void;
  readonly again: Again;
}

/** Where a run of a file is. One a call; it counts only rows whose answer has come. */
export class ApplyRun {
  readonly #options: ApplyOptions;
  readonly #host: RunHost;
  readonly #postOptions: PostOptions;
  readonly #counts = { applied: 0, replayed: 0, refused: 0, batches: 0 };
  readonly #standing: { rows: number; since: Date | undefined } = { rows: 0, since: undefined };
  /** Rows whose commit was sent and not answered. */
  readonly #unknown = new Set<Operation>();
  #totalRows: number | undefined;
  #appliedBefore = 0;
  #replayedIds = 0;
  #expectFresh = false;

  constructor(options: ApplyOptions, host: RunHost) {
    this.#options = options;
    this.#host = host;
    this.#postOptions = {
      by: host.by,
      dryRun: options.dryRun,
      atomic: options.atomic,
      stopAtRefusal: options.onRefusal === 'stop',
      refusals: { stand: !options.retryRefused },
      memory: createMemory(),
      ...(options.dryRun ? { rehearsal: createRehearsal() } : {}),
    };
  }

  /**
   * The file was found right.
   *
   * @param appliedBefore rows of other files with the same `--batch` name
   */
  begin(totalRows: number, appliedBefore: number): void {
    this.#totalRows = totalRows;
    this.#appliedBefore = appliedBefore;
  }

  result(): ApplyResult {
    const dropped = Math.max(this.#appliedBefore - this.#replayedIds, 0);
    const whole = this.#done() === this.#totalRows;
    const standing = { ...this.#standing };
    return { counts: { ...this.#counts }, standing, dropped: whole ? dropped : 0 };
  }

  /** @returns whether it is to stop here, since a row was refused */
  async post({ operations, lines }: Batch): Promise<boolean> {
    const outcomes: Outcome[] = [];
    let failure: { readonly error: unknown } | undefined;
    try {
      await this.#persistently(operations, outcomes);
    } catch (error) {
      failure = { error };
    }
    // What was answered stands, whatever ended the rest.
    const replayedBefore = this.#counts.replayed;
    for (const [index, outcome] of outcomes.entries()) this.#count(outcome, lines[index] ?? 0);
    this.#expectFresh = this.#counts.replayed === replayedBefore && !this.#options.dryRun;
    await this.#host.results?.append(
      outcomes.map((outcome, index) => toResult(lines[index] ?? 0, outcome, this.#host.bank)),
    );
    this.#host.progress({ phase: 'posting', rows: this.#done(), totalRows: this.#totalRows });
    if (failure) throw failure.error;
    return this.#options.onRefusal === 'stop' && this.#counts.refused > 0;
  }

  /** Thanks to the ids, operations can be posted again whatever became of them. */
  #persistently(operations: readonly Operation[], outcomes: Outcome[]): Promise<unknown> {
    const { bank, interrupted, monotonicNs } = this.#host;
    const patience = { timeoutMs: bank.timeoutMs, interrupted, monotonicNs };
    return persist(patience, async (again) => {
      try {
        await post(bank, operations.slice(outcomes.length), {
          ...this.#postOptions,
          ...(this.#expectFresh && !again ? { expectFresh: true } : {}),
          settled: (some) => {
            outcomes.push(...some);
            if (some.some(({ applied }) => applied)) this.#counts.batches += 1;
            if (this.#unknown.size === 0) return;
            for (const { operation } of some) this.#unknown.delete(operation);
          },
        });
      } catch (error) {
        if (error instanceof OutcomeUnknown) {
          for (const operation of error.operations) this.#unknown.add(operation);
        }
        throw error;
      }
    });
  }

  #count(outcome: Outcome, line: number): void {
    if (!outcome.applied) {
      this.#counts.refused += 1;
      const { error, standing, because } = outcome;
      if (standing) this.#stays(standing);
      this.#host.refused({ line, error, isVictim: because !== undefined });
    } else if (outcome.replayed) {
      this.#counts.replayed += 1;
      if (outcome.operation.request !== undefined) this.#replayedIds += 1;
    } else this.#counts.applied += 1;
  }

  #stays(since: Date): void {
    const earlier = this.#standing.since;
    this.#standing.rows += 1;
    if (!earlier || since.getTime() < earlier.getTime()) this.#standing.since = since;
  }

  /**
   * What the run came to, if it was interrupted.
   *
   * @throws what ended it otherwise, with how much is certainly applied and what makes sure
   */
  ended(error: unknown, file: string): ApplyResult {
    const { interrupted } = this.#host;
    const again = this.#host.again(this.#left());
    if (interrupted.aborted) {
      if (this.#done() === this.#totalRows) return this.result();
      if (this.#done() === 0 && this.#unknown.size === 0) {
        throw new BankctlError('interrupted', `Interrupted. ${this.#certainty()}`, again);
      }
      const certainty = this.#certainty();
      const interruption = { unknown: this.#unknown.size, certainty, left: this.#left() };
      return { ...this.result(), interrupted: interruption };
    }
    if (error instanceof LineProblem) {
      // It was right when it was checked.
      const changed = `${file} was changed while it was applied: line ${error.line}`;
      const message = `${changed} ${error.message}. ${this.#certainty()}`;
      throw new BankctlError(error.code, message, error.hint);
    }
    if (error instanceof BankctlError) throw this.#withCertainty(error);
    if (isTooLarge(error)) {
      const message = `The cache of the server does not hold ${file} as one transaction.`;
      throw new BankctlError('too_many_operations', `${message} ${this.#certainty()}`);
    }
    if (!isOutage(error)) throw this.#unfinished(error);
    const reason = error instanceof Error ? error.message.replace(/\s*\.?$/, '') : String(error);
    const message = `The database stopped answering (${reason}). ${this.#certainty()}`;
    throw new BankctlError('unreachable', message, again, { cause: error });
  }

  /** What the server says in the middle, such as that the user lost a role. */
  #unfinished(error: unknown): unknown {
    if (this.#done() === 0 && this.#unknown.size === 0) return error;
    return new Unfinished(this.#certainty(), this.#host.again(this.#left()), error);
  }

  #withCertainty(error: BankctlError): BankctlError {
    if (this.#done() > 0 || this.#unknown.size > 0) {
      const message = `${error.message} ${this.#certainty()}`;
      return new BankctlError(error.code, message, this.#host.again(this.#left()), {
        cause: error,
      });
    }
    const isOfFile = fileCodes.has(error.code);
    if (!isOfFile) return error;
    return new BankctlError(error.code, `${error.message} ${this.#certainty()}`, error.hint);
  }

  #done(): number {
    const { applied, replayed, refused } = this.#counts;
    return applied + replayed + refused;
  }

  #left(): Left {
    if (this.#unknown.size > 0) return 'unknown';
    return this.#done() === 0 ? 'all' : 'rest';
  }

  /** How much is certainly applied, and what is open. */
  #certainty(): string {
    if (this.#options.dryRun) return 'It was a dry run: nothing was written.';
    const [done, unknown] = [this.#done(), this.#unknown.size];
    if (done === 0 && unknown === 0) return 'Nothing was applied by this run.';
    const { refused } = this.#counts;
    const but = refused === 0 ? '' : ` (${refused} of them refused)`;
    const rows = (number: number) => (number === 1 ? 'row' : `${number} rows`);
    const are = done === 1 ? 'is' : 'are';
    const first = done === 0 ? '' : `The first ${rows(done)} ${are} certainly done${but}; `;
    return unknown === 0
      ? `${first}nothing after them was applied by this run.`
      : `${first}the ${done === 0 ? 'first' : 'next'} ${rows(unknown)} may or may not be applied.`;
  }
}

/** One line of `--results`. */
function toResult(line: number, outcome: Outcome, bank: Bank): object {
  const { id } = outcome.operation;
  if (!outcome.applied) {
    const { code, message } = outcome.error;
    return { line, id, outcome: 'refused', code, message };
  }
  return {
    line,
    id,
    outcome: outcome.replayed ? 'replayed' : 'applied',
    postings: outcome.entry.postings.map((posting) => toPosting(posting, bank)),
  };
}

function toPosting({ branch, account, ...posting }: Posting, bank: Bank): object {
  const { currency } = bank.branches.get(branch);
  return {
    branch,
    account,
    amount: formatAmount(posting.amountMinor, currency),
    balance: formatAmount(posting.balanceAfterMinor, currency),
    version: Number(posting.version),
  };
}
