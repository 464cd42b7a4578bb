import { BankctlError } from '../errors.ts';
import { quote } from '../text.ts';
import { accountBalance } from './balances.ts';
import type { Bank } from './bank.ts';
import { within } from './bound.ts';
import {
  type Entry,
  fromJournalDocument,
  isApplied,
  type Journal,
  type JournalRange,
} from './journal.ts';
import { formatAmount } from './money.ts';
import type { AccountReference } from './operation.ts';

/** A posting of an account, in the words of the JSON result. */
export interface HistoryRow {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly operation: string;
  readonly type: string;
  readonly amount: string;
  readonly balance: string;
  readonly version: number;
  readonly memo: string | null;
}

/** The journal of a bank. @throws `journal_disabled` */
export function journalOf(bank: Bank): Journal {
  if (bank.journal) return bank.journal;
  throw new BankctlError('journal_disabled', 'A bank with journal: false keeps no history.');
}

/**
 * The journal document of an operation, amounts as strings.
 *
 * @throws `operation_not_found`, `journal_disabled`
 */
export async function findOperation(bank: Bank, id: string) {
  const journal = journalOf(bank);
  const [[document], [reversal]] = await within(bank.timeoutMs, () =>
    Promise.all([journal.find([id]), journal.findReversals([id])]),
  );
  if (!document || !isApplied(document)) {
    throw new BankctlError(
      'operation_not_found',
      `The journal has no operation ${quote(id)}: it never arrived.`,
      'Repeat the command with that --id: it is applied once.',
    );
  }
  return {
    _id: document._id,
    type: document.type,
    at: document.at.toISOString(),
    memo: document.memo ?? null,
    by: document.by,
    reverses: document.reverses ?? null,
    reversed_by: reversal?._id ?? null,
    request: document.request,
    postings: document.postings.map((posting) => ({
      branch: posting.branch,
      account_number: posting.account_number,
      amount: posting.amount.toString(),
      balance_after: posting.balance_after.toString(),
      version: Number(posting.version),
    })),
  };
}

/**
 * The postings of an account, oldest first, in batches.
 *
 * @throws `account_not_found`, `journal_disabled`
 */
export async function* accountHistory(
  bank: Bank,
  reference: AccountReference,
  range: JournalRange,
): AsyncIterable<readonly HistoryRow[]> {
  const journal = journalOf(bank);
  await accountBalance(bank, reference.branch, reference.account);
  for await (const documents of journal.ofAccount(reference, range)) {
    yield documents
      .map((document) => fromJournalDocument(document, bank.branches))
      .flatMap((entry) => rowsOf(bank, entry, reference));
  }
}

function rowsOf(bank: Bank, entry: Entry, { branch, account }: AccountReference): HistoryRow[] {
  const { currency } = bank.branches.get(branch);
  return entry.postings
    .filter((posting) => posting.branch === branch && posting.account === account)
    .map((posting) => ({
      at: entry.at.toISOString(),
      operation: entry.id,
      type: entry.type,
      amount: formatAmount(posting.amountMinor, currency),
      balance: formatAmount(posting.balanceAfterMinor, currency),
      version: Number(posting.version),
      memo: entry.memo ?? null,
    }));
}
