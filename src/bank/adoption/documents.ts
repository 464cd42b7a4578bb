import type { Document } from 'mongodb';
import { createDigestTable, digestOf } from '../../core/digest-table.ts';
import { type RetryContext, retryThroughOutages } from '../../database/outage-retries.ts';
import type { Bank } from '../bank.ts';
import type { BranchModel } from '../branch.ts';
import type { LegacyCollection } from '../legacy-collection.ts';
import { accountOf, type IsDuplicate } from './verdict.ts';

/** How many documents one call reads. */
const pageSize = 1000;

/**
 * All documents of a branch's collection in the order of `_id`, each once, page by page. Not from
 * one snapshot, which the server keeps for five minutes only: each page is as recent as can be, and
 * what is written is judged again in its transaction.
 *
 * @param read a page, or the numbers of one
 */
export async function* pagesOf(
  bank: Pick<Bank, 'timeoutMs'>,
  read: LegacyCollection['page'],
  context: RetryContext,
): AsyncIterable<readonly Document[]> {
  const pageAfter = (after: Document | undefined) => {
    const reading = retryThroughOutages(bank.timeoutMs, context, () =>
      read(after, pageSize, undefined),
    );
    // Awaited below, when the page before it has been dealt with.
    reading.catch(() => undefined);
    return reading;
  };
  for (let page = await pageAfter(undefined); page.length > 0; ) {
    const next = pageAfter(page.at(-1));
    yield page;
    page = await next;
  }
}

/**
 * Reads all account numbers of a branch's collection. Meanwhile it keeps 16 to 32 bytes of each,
 * afterwards only those of duplicates. Two different numbers among a million are mistaken for one
 * with a chance of 3 in a hundred million, and then both are left alone.
 */
export async function findRepeatedNumbers(
  bank: Pick<Bank, 'timeoutMs'>,
  branch: BranchModel,
  host: RetryContext & { readonly progress: (documents: number) => void },
): Promise<IsDuplicate> {
  const seen = createDigestTable();
  const several = createDigestTable();
  let documents = 0;
  for await (const page of pagesOf(bank, branch.legacy.numbers, host)) {
    for (const document of page) {
      const account = accountOf(document, branch);
      if (account === undefined) continue;
      const digest = digestOf(account);
      if (seen.update(...digest, () => 1) > 0) several.update(...digest, () => 1);
    }
    documents += page.length;
    host.progress(documents);
  }
  return several.size() === 0 ? () => false : (account) => several.get(...digestOf(account)) > 0;
}
