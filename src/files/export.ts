import { accountsIn } from '../bank/balances.ts';
import type { Bank } from '../bank/bank.ts';
import { fromJournalDocument } from '../bank/journal-document.ts';
import { takeOver } from '../bank/next-step.ts';
import type { Entry } from '../bank/operations/entry.ts';
import { rowOf } from '../bank/operations/operation.ts';
import { labelsText } from '../bank/operations/profile.ts';
import type { Tally } from '../bank/survey.ts';
import { BankctlError } from '../core/errors.ts';
import { quote } from '../core/text.ts';
import type { accountColumns } from './account-rows.ts';

/** An exported account, as `import` reads it. */
export type ExportedAccount = Readonly<
  Record<Exclude<(typeof accountColumns)[number], 'owner' | 'labels'>, string>
> & { readonly owner?: string; readonly labels?: string };

/** An exported operation, as `apply` reads it; a field that it does not have is absent. */
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
        yield accounts.flatMap(({ account, balance, status, profile }) => {
          if (balance === null) {
            const whose = `The balance of ${name}:${account ?? '?'}`;
            throw new BankctlError(
              'bad_balance',
              `${whose} is not an exact amount of ${currency}.`,
              takeOver(name),
            );
          }
          if (account === null || status === null) return [];
          const { owner, labels } = profile;
          return {
            ...{ branch: name, account, balance, currency, status },
            ...(owner === null ? {} : { owner }),
            ...(labels.length === 0 ? {} : { labels: labelsText(labels) }),
          };
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
 * @throws `journal_disabled`, `bad_balance`; `not_exportable` for an operation that no row can ask
 *   for
 */
export async function* exportOperations(bank: Bank): AsyncIterable<readonly ExportedOperation[]> {
  const { journal } = bank;
  if (!journal) {
    throw new BankctlError('journal_disabled', 'Without a journal no operations are kept.');
  }
  const session = bank.startSession({ snapshot: true });
  try {
    for await (const documents of journal.all(session)) {
      yield documents.map((document) =>
        toRow(fromJournalDocument(document, bank.branches.currencyOf), bank),
      );
    }
  } finally {
    await session.endSession();
  }
}

function toRow(entry: Entry, bank: Bank): ExportedOperation {
  const row = rowOf(entry, bank.branches.currencyOf);
  if (row) return row;
  throw new BankctlError(
    'not_exportable',
    `The operation ${quote(entry.id)} is of type ${entry.type}, which no row can ask for.`,
  );
}
