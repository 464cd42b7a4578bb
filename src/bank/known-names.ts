import { distance } from 'fastest-levenshtein';
import { oneMistakeAway } from '../core/near-names.ts';
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
 * Account numbers of a branch that another one may have been meant to be: those that differ by case
 * only; else by one typing mistake; else by two at their end. All are looked up in the index.
 *
 * @throws `unknown_branch`
 */
export async function accountNumbersNear(
  bank: Bank,
  branch: string,
  account: string,
): Promise<readonly string[]> {
  const model = bank.branches.get(branch);
  return runWithin(bank.timeoutMs, async () => {
    const near = await model.numbersAmong(oneMistakeAway(account), maxNear);
    const isSame = (other: string) => other.toLowerCase() === account.toLowerCase();
    const sameLetters = near.filter(isSame);
    if (near.length > 0) return sameLetters.length > 0 ? sameLetters : near;
    const begun = [...account].slice(0, -lastCharacters).join('');
    const beside = begun === '' ? [] : await model.numbersFrom(begun, maxBeside);
    return beside.filter((other) => distance(other.toLowerCase(), account.toLowerCase()) <= 2);
  });
}

/** More than are shown, so that it shows if there are more. */
const maxNear = 10;
const maxBeside = 100;
const lastCharacters = 2;

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
