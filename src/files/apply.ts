import type { Bank } from '../bank/bank.ts';
import type { Posting } from '../bank/journal.ts';
import { formatAmount } from '../bank/money.ts';
import { isOutage } from '../bank/outage.ts';
import { mostOperations, type Outcome, type PostOptions, post } from '../bank/post.ts';
import { createMemory } from '../bank/post-memory.ts';
import { createRehearsal } from '../bank/rehearsal.ts';
import { BankctlError } from '../errors.ts';
import { ahead } from './ahead.ts';
import { type Batch, checkRows, type Reading, readBatches } from './batches.ts';
import { LineProblem } from './lines.ts';
import { persist } from './persist.ts';
import type { ResultsFile } from './results.ts';
import { spool } from './spool.ts';

/** How a file is applied. */
export interface ApplyOptions {
  readonly onRefusal: 'continue' | 'stop';
  readonly atomic: boolean;
  readonly dryRun: boolean;
  /** Rows that were refused when the file was run before are tried again. */
  readonly retryRefused: boolean;
}

/** Numbers of rows, in the words of the JSON result. */
export interface ApplyCounts {
  readonly applied: number;
  readonly replayed: number;
  readonly refused: number;
  /** Transactions that were committed. */
  readonly batches: number;
}

/** A refused row, for those who watch. */
export interface RefusedRow {
  readonly line: number;
  readonly error: BankctlError;
}

/** How far it is, for those who watch. */
export interface ApplyProgress {
  readonly phase: 'checking' | 'posting';
  readonly rows: number;
  /** Undefined where it is not known. */
  readonly totalRows: number | undefined;
}

/** What applying takes from its surroundings. */
export interface ApplyHost {
  readonly bank: Bank;
  /** Who asks, as `user@host`. */
  readonly by: string;
  readonly interrupted: AbortSignal;
  /** Monotonic, nanoseconds. */
  readonly monotonicNs: () => bigint;
  readonly results: ResultsFile | undefined;
  readonly progress: (progress: ApplyProgress) => void;
  readonly refused: (row: RefusedRow) => void;
  /** A command line that can be given again to make sure. */
  readonly again: string;
}

/**
 * Applies a file of operations in order, each exactly once, in batches of one transaction each.
 * What can be read twice is checked as a whole first; what cannot, and needs no check of its ids,
 * is applied as it comes.
 *
 * @throws `invalid_row`, `row_without_id` and whatever ends it, each with how many rows are
 *   certainly applied and how to go on
 */
export async function applyFile(
  reading: Reading,
  options: ApplyOptions,
  host: ApplyHost,
): Promise<ApplyCounts> {
  const run = new Run(options, host);
  const { source, batch } = reading;
  const whole = source.repeatable || (batch !== undefined && !options.atomic);
  const ready = whole ? reading : { ...reading, source: await spool(source) };
  try {
    if (ready.source.repeatable) {
      run.totalRows = await checkRows(
        ready,
        options.atomic ? mostOperations : Number.POSITIVE_INFINITY,
        (rows) => {
          run.checkInterrupted();
          host.progress({ phase: 'checking', rows, totalRows: undefined });
        },
      );
    }
    for await (const next of ahead(readBatches(ready, mostOperations), host.interrupted)) {
      if (await run.post(next)) break;
    }
    return run.counts();
  } catch (error) {
    throw run.explain(error, source.name);
  } finally {
    await ready.source.close();
  }
}

/** Where a run is. One a call; only its own file touches it. */
class Run {
  totalRows: number | undefined;
  readonly #options: ApplyOptions;
  readonly #host: ApplyHost;
  #applied = 0;
  #replayed = 0;
  #refused = 0;
  #batches = 0;
  /** Rows under way whose outcome is not known yet. */
  #underWay = 0;
  #expectFresh = false;
  readonly #postOptions: PostOptions;

  constructor(options: ApplyOptions, host: ApplyHost) {
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

  counts(): ApplyCounts {
    return {
      applied: this.#applied,
      replayed: this.#replayed,
      refused: this.#refused,
      batches: this.#batches,
    };
  }

  checkInterrupted(): void {
    if (this.#host.interrupted.aborted) throw new BankctlError('interrupted', 'Interrupted.');
  }

  /** @returns whether it is to stop here, since a row was refused */
  async post(batch: Batch): Promise<boolean> {
    this.checkInterrupted();
    this.#underWay = batch.operations.length;
    const outcomes = await this.#persistently(batch);
    this.#underWay = 0;
    if (outcomes.some(({ applied }) => applied)) this.#batches += 1;
    let replayed = 0;
    for (const [index, outcome] of outcomes.entries()) {
      if (!outcome.applied) this.#refuse(batch.lines[index] ?? 0, outcome.error);
      else if (outcome.replayed) {
        replayed += 1;
      } else this.#applied += 1;
    }
    this.#replayed += replayed;
    this.#expectFresh = replayed === 0 && !this.#options.dryRun;
    await this.#host.results?.append(
      outcomes.map((outcome, index) => toResult(batch.lines[index] ?? 0, outcome, this.#host.bank)),
    );
    const rows = this.#applied + this.#replayed + this.#refused;
    this.#host.progress({ phase: 'posting', rows, totalRows: this.totalRows });
    return this.#options.onRefusal === 'stop' && this.#refused > 0;
  }

  #refuse(line: number, error: BankctlError): void {
    this.#refused += 1;
    this.#host.refused({ line, error });
  }

  /** Thanks to the ids, a batch can be posted again whatever became of it. */
  #persistently({ operations }: Batch): Promise<readonly Outcome[]> {
    const { bank, interrupted, monotonicNs } = this.#host;
    const { timeoutMs } = bank;
    return persist({ timeoutMs, interrupted, monotonicNs }, (again) =>
      post(bank, operations, {
        ...this.#postOptions,
        ...(this.#expectFresh && !again ? { expectFresh: true } : {}),
      }),
    );
  }

  /** The error, with how much is certainly applied, what is open, and what makes sure. */
  explain(error: unknown, file: string): unknown {
    const { interrupted, again } = this.#host;
    if (error instanceof LineProblem) {
      const noId = error.message.startsWith('has no id');
      return new BankctlError(
        noId ? 'row_without_id' : 'invalid_row',
        `${file}, line ${error.line} ${error.message}. ${this.#told()}`,
        error.hint,
      );
    }
    if (interrupted.aborted) {
      return new BankctlError('interrupted', `Interrupted. ${this.#told()}`, again);
    }
    if (error instanceof BankctlError) {
      if (this.#done() === 0 && this.#underWay === 0) return error;
      return new BankctlError(error.code, `${error.message} ${this.#told()}`, again, {
        cause: error,
      });
    }
    if (!isOutage(error)) return error;
    const reason = error instanceof Error ? error.message.replace(/\s*\.?$/, '') : String(error);
    return new BankctlError(
      'unreachable',
      `The database stopped answering (${reason}). ${this.#told()}`,
      again,
      { cause: error },
    );
  }

  #done(): number {
    return this.#applied + this.#replayed + this.#refused;
  }

  #told(): string {
    const certain = this.#applied + this.#replayed;
    const open = this.#options.dryRun ? 0 : this.#underWay;
    if (this.#options.dryRun) return 'It was a dry run: nothing was written.';
    if (certain === 0 && open === 0) return 'Nothing was applied.';
    const which = this.#done() === 0 ? 'first' : 'next';
    const unknown = `whether the ${which} ${open} are applied is not known`;
    if (this.#done() === 0) return `Nothing is certainly applied; ${unknown}.`;
    const refused = this.#refused === 0 ? '' : ` (${this.#refused} of them refused)`;
    const first = `The first ${this.#done()} rows are certainly done${refused}`;
    return open === 0 ? `${first}; nothing behind them is applied.` : `${first}; ${unknown}.`;
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
