import type { Bank } from '../bank/bank.ts';
import { runWithin } from '../bank/deadline.ts';
import type { Outcome } from '../bank/judge.ts';
import { createDigestTable, digestOf } from '../core/digest-table.ts';

/**
 * Which rows that were applied before have been reversed since: nothing is added for them, though
 * what they did is gone. A reversal that is a row of the same file is what the file asks for.
 */
interface ReversedRows {
  /** Looks for reversals of the operations that were applied before. */
  readonly find: (bank: Bank, outcomes: readonly Outcome[]) => Promise<void>;
  /** Counts an outcome; to be called in the order of the file. */
  readonly take: (outcome: Outcome) => void;
  /** The id of what reversed an operation of those looked at last. */
  readonly reversedBy: (operation: string) => string | undefined;
  readonly count: () => number;
}

/** How far a reversal is known: it reversed a row, and it is itself a row. */
const [foreign, own] = [1, 2];

/** Makes a count of nothing. */
export function createReversedRows(): ReversedRows {
  const reversals = createDigestTable();
  const mark = (id: string, state: number) => reversals.update(...digestOf(id), () => state);
  const markOf = (id: string) => reversals.get(...digestOf(id));
  let latest: ReadonlyMap<string, string> = new Map();
  let rows = 0;
  return Object.freeze({
    find: async ({ journal, timeoutMs }: Bank, outcomes: readonly Outcome[]) => {
      const ids = outcomes.flatMap((it) => (it.applied && it.replayed ? [it.operation.id] : []));
      latest = new Map();
      if (ids.length === 0 || !journal) return;
      const found = await runWithin(timeoutMs, () => journal.findReversals(ids));
      latest = new Map(found.map(({ _id, reverses = '' }) => [reverses, _id]));
    },
    take: ({ applied, operation: { id, type } }: Outcome) => {
      const by = latest.get(id);
      if (by !== undefined) {
        mark(by, foreign);
        rows += 1;
      }
      if (!applied || type !== 'reverse' || markOf(id) !== foreign) return;
      mark(id, own);
      rows -= 1;
    },
    reversedBy: (operation: string) => latest.get(operation),
    count: () => rows,
  });
}
