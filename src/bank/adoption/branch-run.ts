import type { Document } from 'mongodb';
import { BankctlError } from '../../core/errors.ts';
import {
  isAboutDocument,
  isConflict,
  isDuplicate,
  isTooLarge,
} from '../../database/driver-errors.ts';
import { type RetryContext, retryThroughOutages } from '../../database/outage-retries.ts';
import { runWithin } from '../deadline.ts';
import { adoptBatch, type Batch, type BatchContext } from './batch.ts';
import type { BranchTally } from './tally.ts';
import type { Verdict } from './verdict.ts';

/** The largest batch; a transaction of this size ends within a fraction of a second. */
const maxBatchSize = 1000;

/** A batch that conflicts takes its time in vain, so sizes fall faster than they rise. */
const shrinkage = 4;
const growth = 1.5;

/** Adopts the documents of one branch, batch by batch, in the order of `_id`. */
export class BranchRun {
  readonly #context: BatchContext;
  readonly #host: RetryContext;
  readonly #nextOperation: () => string;
  #batchSize = maxBatchSize;
  #asksJournal = false;

  constructor(context: BatchContext, host: RetryContext, nextOperation: () => string) {
    this.#context = context;
    this.#host = host;
    this.#nextOperation = nextOperation;
  }

  /**
   * Counts what became of the documents as batches are committed. When the server refuses a batch,
   * or other programs write to its documents meanwhile, smaller ones follow; when they succeed,
   * they grow again.
   *
   * @throws whatever ends it; what was counted by then stands
   */
  async run(tally: BranchTally, progress: (documents: number) => void): Promise<void> {
    let documents = 0;
    for (let after: Document | undefined; ; ) {
      const batch = this.#batchAfter(after);
      try {
        const settled = await this.#adoptOnce(batch);
        const last = settled.at(-1);
        if (!last) return;
        for (const { id, verdict } of settled) tally.add(verdict, id);
        documents += settled.length;
        progress(documents);
        after = { _id: last.id };
        this.#batchSize = Math.min(Math.ceil(this.#batchSize * growth), maxBatchSize);
      } catch (error) {
        const refused = await this.#shrink(error, batch);
        if (!refused) continue;
        const [document] = await this.#context.branch.legacy.page(after, 1, undefined);
        tally.add(refused, document?.['_id']);
        after = document ?? after;
      }
    }
  }

  /** With ids in sequence, which the journal's index takes faster than ids without an order. */
  #batchAfter(after: Document | undefined): Batch {
    const operations: string[] = [];
    const operation = (index: number) => {
      while (operations.length <= index) operations.push(this.#nextOperation());
      return operations[index] ?? '';
    };
    return { after, limit: this.#batchSize, operation };
  }

  /** An attempt that may have been applied is repeated, until the server says whether it was. */
  async #adoptOnce(batch: Batch) {
    const asksJournal = this.#asksJournal;
    let unknown: unknown;
    try {
      return await retryThroughOutages(this.#context.bank.timeoutMs, this.#host, (isRetry) =>
        adoptBatch(this.#context, batch, { isRetry, asksJournal }).catch((error: unknown) => {
          if (codeOf(error) === 'outcome_unknown') unknown ??= error;
          const isLate = codeOf(error) === 'timed_out' && !isRetry;
          throw isLate || isConflict(error) ? new BatchInVain('', { cause: error }) : error;
        }),
      );
    } catch (error) {
      throw unknown ?? error;
    }
  }

  /**
   * Makes batches smaller after a failed one, if that may help.
   *
   * @returns why the only document of the batch is refused; undefined if it is to be tried again
   * @throws the error, if it does not help
   */
  async #shrink(error: unknown, { limit }: Batch): Promise<Verdict | undefined> {
    const isInVain = error instanceof BatchInVain;
    const cause = isInVain ? error.cause : error;
    // The rival may be the transaction of a client that is gone.
    if (isInVain) await this.#context.bank.endAbandoned();
    if (isDuplicate(error) && !this.#asksJournal) this.#asksJournal = true;
    else if (limit === 1) {
      if (isAboutDocument(cause) && !isConflict(cause)) return refusedByServer(cause);
      throw cause;
    } else if (codeOf(cause) === 'timed_out') await this.#checkAnswers(cause);
    else if (!isAboutDocument(cause) && !isTooLarge(cause)) throw cause;
    this.#batchSize = Math.ceil(limit / shrinkage);
    return undefined;
  }

  /** @throws the error of a batch that was late, unless the server has time for smaller ones */
  async #checkAnswers(error: unknown): Promise<void> {
    const { timeoutMs, serverTime } = this.#context.bank;
    try {
      await runWithin(Math.min(timeoutMs, maxAnswerMs), serverTime);
    } catch {
      throw error;
    }
  }
}

/** A server that takes longer than this to tell its time is too slow for any batch. */
const maxAnswerMs = 1_000;

/** A batch that was late, or met others time and again: all of it is not to be tried again. */
class BatchInVain extends Error {}

function codeOf(error: unknown): string | undefined {
  return error instanceof BankctlError ? error.code : undefined;
}

function refusedByServer(error: unknown): Verdict {
  const said = error instanceof Error ? error.message : String(error);
  const reason = `is not taken by the server: ${said}`;
  return { verdict: 'conflict', code: 'refused_by_server', account: undefined, reason };
}
