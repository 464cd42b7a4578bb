import type { Document } from 'mongodb';
import { BankctlError } from '../errors.ts';
import { type AccountBalance, type BankBalance, sumUp } from './balances.ts';
import type { Bank } from './bank.ts';
import { within } from './bound.ts';
import { fromDecimal } from './decimal.ts';
import { journalOf } from './history.ts';
import { formatAmount } from './money.ts';
import type { AccountReference } from './operation.ts';

/**
 * A time that no posting can have yet. Where the server's clock was set back there are postings
 * ahead of it, and the time up to the newest of them is past all the same.
 *
 * @throws `time_out_of_range` for a time in the future
 */
async function checkPast(bank: Bank, at: Date): Promise<void> {
  const now = await bank.serverTime();
  if (at <= now) return;
  const newest = await within(bank.timeoutMs, () => journalOf(bank).newestAt());
  if (newest === undefined || at > newest) {
    throw outOfRange(`${at.toISOString()} is in the future: it is ${now.toISOString()} now.`);
  }
}

function outOfRange(message: string): BankctlError {
  return new BankctlError('time_out_of_range', message);
}

/**
 * All branches as they were: what the journal had posted by that time, from one snapshot.
 *
 * @throws `time_out_of_range`, `journal_disabled`
 */
export async function bankBalanceAt(bank: Bank, at: Date): Promise<BankBalance> {
  const journal = journalOf(bank);
  await checkPast(bank, at);
  const rows = await within(bank.timeoutMs, () => journal.totalsAt(at));
  if (rows.length === 0) throw outOfRange(`Nothing was posted by ${at.toISOString()}.`);
  const byBranch = new Map(rows.map((row) => [row['_id'], row]));
  return sumUp(
    [...bank.branches].map((branch) => {
      const row = byBranch.get(branch.name);
      const minor = row ? fromDecimal(row['total'], branch.currency) : 0n;
      if (minor === undefined) throw new Error(`the journal of ${branch.name} does not add up`);
      return { branch, accounts: Number(row?.['accounts'] ?? 0), minor };
    }),
  );
}

/**
 * The accounts of a branch as they were, in order of their number, in batches.
 *
 * @throws `time_out_of_range`, `journal_disabled`
 */
export async function* accountBalancesAt(
  bank: Bank,
  name: string,
  at: Date,
): AsyncIterable<readonly AccountBalance[]> {
  const journal = journalOf(bank);
  const { currency } = bank.branches.get(name);
  await checkPast(bank, at);
  let any = false;
  for await (const documents of journal.accountsAt(at, { branch: name })) {
    any = true;
    yield documents.map((document) => ({
      account: document['_id'].account_number,
      balance: formatAmount(fromDecimal(document['last'].balance, currency) ?? 0n, currency),
      status: statusOf(document),
    }));
  }
  if (!any) throw outOfRange(`Nothing was posted in ${name} by ${at.toISOString()}.`);
}

/**
 * One account as it was.
 *
 * @throws `time_out_of_range` also where the account had no posting yet; `journal_disabled`
 */
export async function accountBalanceAt(bank: Bank, reference: AccountReference, at: Date) {
  const journal = journalOf(bank);
  const { name, currency } = bank.branches.get(reference.branch);
  await checkPast(bank, at);
  for await (const [document] of journal.accountsAt(at, reference)) {
    if (!document) continue;
    return {
      branch: name,
      account: reference.account,
      currency: currency.code,
      balance: formatAmount(fromDecimal(document['last'].balance, currency) ?? 0n, currency),
      version: Number(document['last'].version),
      status: statusOf(document),
    };
  }
  throw outOfRange(`${name}:${reference.account} had no posting by ${at.toISOString()}.`);
}

/** The newest change of status says what the status was. */
function statusOf(document: Document): string {
  const type: unknown = document['changed']?.type;
  if (type === 'freeze') return 'frozen';
  return type === 'close' ? 'closed' : 'open';
}
