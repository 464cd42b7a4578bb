import { BankctlError } from '../core/errors.ts';
import { type Currency, parseAmount } from '../core/money.ts';
import { nearest } from '../core/near-names.ts';
import { quote } from '../core/text.ts';
import type { Bank } from './bank.ts';
import { idsOfBatch } from './batch-files.ts';
import { runWithin } from './deadline.ts';
import { journalOf } from './history.ts';
import { type AppliedDocument, fromJournalDocument } from './journal-document.ts';
import { rowOf } from './operations/operation.ts';

/** An applied operation that a row of a named file asked for. */
export interface BatchOperation {
  readonly id: string;
  readonly isReversed: boolean;
  /**
   * What its row added to the total of the file; undefined if that cannot be read, or the operation
   * is reversed.
   */
  readonly amount: { readonly currency: Currency; readonly minor: bigint } | undefined;
}

/**
 * The applied operations whose ids derive from the `--batch` name of a file, newest first, from one
 * snapshot; which of them are reversed is newer. In batches, so that memory does not grow.
 *
 * @throws `operation_not_found` if there are none; `journal_disabled`
 */
export async function* batchOperations(
  bank: Bank,
  batch: string,
): AsyncIterable<readonly BatchOperation[]> {
  const journal = journalOf(bank);
  const session = bank.startSession({ snapshot: true });
  const filter = { _id: idsOfBatch(batch), postings: { $exists: true } };
  let any = false;
  try {
    for await (const documents of journal.selectNewestFirst(filter, session)) {
      any = true;
      const ids = documents.map(({ _id }) => _id);
      const reversals = await runWithin(bank.timeoutMs, () => journal.findReversals(ids));
      const reversed = new Set(reversals.map(({ reverses }) => reverses));
      yield documents.map((document) => {
        const isReversed = reversed.has(document._id);
        return {
          id: document._id,
          isReversed,
          amount: isReversed ? undefined : amountOf(bank, document),
        };
      });
    }
  } finally {
    await session.endSession();
  }
  if (!any) throw await notFound(bank, batch);
}

/** What another program changed is refused when it is posted, with what is wrong with it. */
function amountOf(bank: Bank, document: AppliedDocument): BatchOperation['amount'] {
  const { currencyOf } = bank.branches;
  try {
    const entry = fromJournalDocument(document, currencyOf);
    const [posting] = entry.postings;
    const amount = rowOf(entry, currencyOf)?.['amount'];
    if (!posting || typeof amount !== 'string') return undefined;
    const currency = currencyOf(posting.branch);
    return { currency, minor: parseAmount(amount, currency) };
  } catch (error) {
    if (error instanceof BankctlError) return undefined;
    throw error;
  }
}

async function notFound(bank: Bank, batch: string): Promise<BankctlError> {
  const names = (await bank.batchFiles?.names()) ?? [];
  const meant = nearest(batch, names);
  return new BankctlError(
    'operation_not_found',
    `No operation was applied with --batch ${quote(batch)}.`,
    meant === undefined
      ? 'It is about rows without ids of their own; reverse others one by one, by their ids.'
      : `Did you mean --batch ${quote(meant)}?`,
  );
}
