import { BankctlError } from '../core/errors.ts';
import type { Bank } from './bank.ts';
import type { Outcome } from './judge.ts';
import type { Operation } from './operations/operation.ts';
import { maxOperations, type PostOptions, post } from './post.ts';

/** Gathers what concurrent callers ask for into batches: group commit. */
export interface Ledger {
  /**
   * Posts one operation together with whatever else is waiting.
   * @throws as `post`, about this operation
   */
  readonly post: (operation: Operation) => Promise<Outcome>;
}

interface Waiting {
  readonly operation: Operation;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A batch is what has gathered while the previous one was under way, so nobody waits for a timer: a
 * lone operation goes at once, and under load batches grow up to `maxOperations`. Only one batch is
 * under way, which keeps the order of operations on an account and keeps batches of one process
 * from conflicting.
 */
export function openLedger(bank: Bank, options: PostOptions): Ledger {
  const waiting: Waiting[] = [];
  let running = false;
  const drain = async () => {
    running = true;
    while (waiting.length > 0) await postTogether(waiting.splice(0, maxOperations));
    running = false;
  };
  const postTogether = async (batch: readonly Waiting[]) => {
    // Two callers may wait for the same operation object.
    const open = new Set(batch);
    const onSettled = (outcomes: readonly Outcome[]) => {
      const byOperation = new Map(outcomes.map((outcome) => [outcome.operation, outcome]));
      for (const waiter of open) {
        const outcome = byOperation.get(waiter.operation);
        if (outcome && open.delete(waiter)) waiter.resolve(outcome);
      }
    };
    const operations = batch.map(({ operation }) => operation);
    let failure: unknown = new Error('a posted operation has no outcome');
    try {
      await post(bank, operations, { ...options, onSettled, manyCallers: true });
    } catch (error) {
      failure = error;
    }
    for (const { operation, reject } of open) reject(errorOf(operation, failure));
  };
  return Object.freeze({
    post: (operation: Operation) =>
      new Promise<Outcome>((resolve, reject) => {
        waiting.push({ operation, resolve, reject });
        if (!running) void drain();
      }),
  });
}

/** If the outcome of a batch is unknown, so is that of each operation in it. */
function errorOf(operation: Operation, error: unknown): unknown {
  if (!(error instanceof BankctlError) || error.code !== 'outcome_unknown') return error;
  return new BankctlError(
    'outcome_unknown',
    `The operation ${operation.id} may or may not be applied: the answer never came.`,
    undefined,
    { cause: error },
  );
}
