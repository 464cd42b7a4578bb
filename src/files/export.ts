import { accountsIn } from '../bank/balances.ts';
import type { Bank } from '../bank/bank.ts';
import { type Entry, fromJournalDocument } from '../bank/journal.ts';
import { referenceKey } from '../bank/operation.ts';
import type { Tally } from '../bank/survey.ts';
import { BankctlError } from '../core/errors.ts';
import { formatAmount } from '../core/money.ts';
import { quote } from '../core/text.ts';
import type { accountColumns } from './account-rows.ts';

/** An exported account, as `import` reads it. */
type ExportedAccount = Readonly<Record<(typeof accountColumns)[number], string>>;

/** An exported operation, as `apply` reads it; a field that it has not is not there. */
type ExportedOperation = Readonly<Record<string, string | boolean>>;

/**
 * The accounts of some branches, by branch and number, in batches, from one snapshot.
 *
 * @param tallyOf counts what is wrong with documents of a branch: those of others, without a
 *   number, or without a status are left out
 * @throws `bad_balance`
 */
export async function* exportAccounts(
  bank: Bank,
  names: readonly string[],
  tallyOf: (branch: string) => Tally,
): AsyncIterable<readonly ExportedAccount[]> {
  const session = bank.startSession({ snapshot: bank.journal !== undefined });
  try {
    for (const name of names) {
      const branch = bank.branches.get(name);
      const currency = branch.currency.code;
      for await (const accounts of accountsIn(branch, session, tallyOf(name))) {
        yield accounts.flatMap(({ account, balance, status }) => {
          if (balance === null) {
            const whose = `The balance of ${name}:${account ?? '?'}`;
            throw new BankctlError(
              'bad_balance',
              `${whose} is not an exact amount of ${currency}.`,
            );
          }
          if (account === null || status === null) return [];
          return { branch: name, account, balance, currency, status };
        });
      }
    }
  } finally {
    await session.endSession();
  }
}

/**
 * All operations of the journal in the order in which they were applied, in batches, from one
 * snapshot. Applied to an empty database they give the same balances, versions and statuses.
 *
 * @throws `journal_disabled`, `bad_balance`; `not_exportable` for one that no row can ask for
 */
export async function* exportOperations(bank: Bank): AsyncIterable<readonly ExportedOperation[]> {
  const { journal } = bank;
  if (!journal) {
    throw new BankctlError('journal_disabled', 'Without a journal no operations are kept.');
  }
  const session = bank.startSession({ snapshot: true });
  try {
    for await (const documents of journal.all(session)) {
      yield documents.map((document) => toRow(fromJournalDocument(document, bank.branches), bank));
    }
  } finally {
    await session.endSession();
  }
}

function toRow(entry: Entry, bank: Bank): ExportedOperation {
  const { id, type, memo } = entry;
  const [first, second] = entry.postings;
  if (!first) throw new Error('a journal document has no posting');
  const amount = formatAmount(first.amountMinor, bank.branches.get(first.branch).currency);
  const { branch, account } = first;
  const shared = { type, id, ...(memo === undefined ? {} : { memo }) };
  switch (type) {
    case 'open':
      return { ...shared, branch, account, amount };
    case 'increment':
      return {
        ...shared,
        branch,
        account,
        amount,
        ...(first.version === 1n ? { create: true } : {}),
      };
    case 'transfer':
      return {
        ...shared,
        from: referenceKey(first),
        to: second ? referenceKey(second) : '',
        amount: amount.replace(/^-/, ''),
      };
    case 'reverse':
      return { ...shared, reverses: entry.reverses ?? '' };
    case 'freeze':
    case 'unfreeze':
    case 'close':
      return { ...shared, branch, account };
    default:
      throw new BankctlError(
        'not_exportable',
        `The operation ${quote(id)} is of type ${type}, which no row can ask for.`,
      );
  }
}
