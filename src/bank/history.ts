import { BankctlError } from '../core/errors.ts';
import { formatAmount } from '../core/money.ts';
import type { JournalRange } from './account-postings.ts';
import { findAccount } from './balances.ts';
import type { Bank } from './bank.ts';
import { runWithin } from './deadline.ts';
import type { Journal } from './journal.ts';
import { type AppliedDocument, fromJournalDocument } from './journal-document.ts';
import type { AccountReference } from './operations/names.ts';
import { type ShownProfile, showProfile } from './operations/profile.ts';

/** A posting of an account, as in the JSON result. */
export interface HistoryRow extends Partial<ShownProfile> {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly operation: string;
  readonly type: string;
  /** The other accounts of the operation, as `BRANCH:ACCOUNT`; null if there is none. */
  readonly counterparty: string | null;
  readonly amount: string;
  readonly balance: string;
  readonly currency: string;
  readonly version: number;
  readonly memo: string | null;
  readonly by: string;
  readonly reverses: string | null;
  readonly branch: string;
  readonly account: string;
}

/** The journal of a bank. @throws `journal_disabled` */
export function journalOf(bank: Bank): Journal {
  if (bank.journal) return bank.journal;
  throw new BankctlError('journal_disabled', 'A bank with journal: false keeps no history.');
}

/**
 * The postings of an account, oldest first, in batches, even if its document is gone or cannot be
 * read.
 * @param reportProblem called after the postings with what is wrong with the document
 * @throws `account_not_found` and the like if there are no postings either; `journal_disabled`
 */
export async function* accountHistory(
  bank: Bank,
  reference: AccountReference,
  range: JournalRange,
  reportProblem: (error: BankctlError) => void,
): AsyncIterable<readonly HistoryRow[]> {
  const journal = journalOf(bank);
  const branch = bank.branches.get(reference.branch);
  const state = await runWithin(bank.timeoutMs, () => findAccount(branch, reference.account));
  const near = state instanceof BankctlError ? undefined : state.version;
  let any = false;
  for await (const documents of journal.ofAccount(reference, { ...range, near })) {
    any ||= documents.length > 0;
    yield documents.flatMap((document) => rowsOf(bank, document, reference));
  }
  if (!(state instanceof BankctlError)) return;
  if (!any) throw state;
  reportProblem(state);
}

/** The config may lack the branches of the operation's other postings. */
function rowsOf(
  bank: Bank,
  document: AppliedDocument,
  { branch, account }: AccountReference,
): HistoryRow[] {
  const { currency } = bank.branches.get(branch);
  const postings = document.postings.filter(
    (posting) => posting.branch === branch && posting.account_number === account,
  );
  const entry = fromJournalDocument({ ...document, postings }, bank.branches.currencyOf);
  const others = document.postings
    .filter((posting) => !postings.includes(posting))
    .map((posting) => `${posting.branch}:${posting.account_number}`);
  return entry.postings.map((posting) => ({
    at: entry.at.toISOString(),
    operation: entry.id,
    type: entry.type,
    counterparty: others.length === 0 ? null : [...new Set(others)].join(', '),
    amount: formatAmount(posting.amountMinor, currency),
    balance: formatAmount(posting.balanceAfterMinor, currency),
    currency: currency.code,
    version: Number(posting.version),
    memo: entry.memo ?? null,
    by: entry.by,
    reverses: entry.reverses ?? null,
    ...{ branch, account },
    ...(posting.profile && showProfile(posting.profile)),
  }));
}

/** The balance after an account's newest posting before a time; undefined if there is none. */
export async function balanceAtEnd(
  bank: Bank,
  reference: AccountReference,
  until: Date | undefined,
): Promise<string | undefined> {
  for await (const documents of journalOf(bank).ofAccount(reference, { until, limit: 1 })) {
    return documents.flatMap((document) => rowsOf(bank, document, reference)).at(-1)?.balance;
  }
  return undefined;
}
