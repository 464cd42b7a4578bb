import type { Document } from 'mongodb';
import { createDigestTable, digestOf } from '../core/digest-table.ts';
import { isLegacyAccount, readLegacy } from './legacy-document.ts';

/** An account number that several documents of a collection have. */
export interface RepeatedNumber {
  /** Canonical, see `readLegacy`. */
  readonly account: string;
  readonly documents: number;
}

type ReadAll = () => AsyncIterable<readonly Document[]>;

/**
 * The account numbers that several documents have, in whatever spelling, in batches. Only the
 * client knows which spellings are one number, so it reads all numbers; once more if any is
 * repeated. Meanwhile it keeps 16 to 32 bytes of each.
 *
 * @param readAll reads the account numbers of all documents, the same ones each time
 */
export async function* findRepeatedNumbers(
  readAll: ReadAll,
): AsyncGenerator<readonly RepeatedNumber[]> {
  const counts = createDigestTable();
  let isRepeated = false;
  for await (const accounts of canonical(readAll)) {
    for (const account of accounts) {
      if (counts.update(...digestOf(account), (count) => count + 1) > 0) isRepeated = true;
    }
  }
  if (!isRepeated) return;
  for await (const accounts of canonical(readAll)) {
    const found = accounts.flatMap((account): RepeatedNumber[] => {
      // From then on it counts as one, so that each is said once.
      const documents = counts.update(...digestOf(account), () => 1);
      return documents > 1 ? [{ account, documents }] : [];
    });
    if (found.length > 0) yield found;
  }
}

/** Numbers are no amounts. */
const currency = { code: '', digits: 0 };

async function* canonical(readAll: ReadAll): AsyncGenerator<readonly string[]> {
  for await (const batch of readAll()) {
    yield batch.flatMap(({ account_number }) => {
      const read = readLegacy({ account_number }, { currency });
      return isLegacyAccount(read) ? [read.account] : [];
    });
  }
}
