import type { Bank } from './bank.ts';
import { runWithin } from './deadline.ts';
import { journalOf } from './history.ts';

/**
 * Account numbers of a branch that begin with a text, in order, looked up in the index.
 *
 * @param limit how many at most
 * @throws `unknown_branch`
 */
export function accountNumbersFrom(
  bank: Bank,
  branch: string,
  begun: string,
  limit: number,
): Promise<readonly string[]> {
  const model = bank.branches.get(branch);
  return runWithin(bank.timeoutMs, () => model.numbersFrom(begun, limit));
}

/**
 * Ids of operations that begin with a text, in order, looked up in the index; of all of them the
 * newest ones, newest first.
 *
 * @param limit how many at most
 * @throws `journal_disabled`
 */
export function operationIdsFrom(
  bank: Bank,
  begun: string,
  limit: number,
): Promise<readonly string[]> {
  const journal = journalOf(bank);
  return runWithin(bank.timeoutMs, () =>
    begun === '' ? journal.newestIds(limit) : journal.idsFrom(begun, limit),
  );
}
