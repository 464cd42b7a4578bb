import type { Decimal128, Document, Long } from 'mongodb';
import { fromDecimal } from './decimal.ts';
import type { Currency } from './money.ts';
import type { AccountState } from './rules.ts';

/** What may be done with an account: all, nothing for now, nothing for good. */
export type AccountStatus = 'open' | 'frozen' | 'closed';

/** An account as it is stored, one document of its branch's collection. */
export interface AccountDocument {
  readonly account_number: string;
  readonly balance: Decimal128;
  /** The stamp: the branch that this document belongs to. Every filter repeats it. */
  readonly branch: string;
  /** Counts the postings of the account: 1, 2, 3, … without gaps. */
  readonly version: Long;
  readonly status: AccountStatus;
  readonly opened_at: Date;
  /** When the newest posting was made; the next one is never earlier. */
  readonly posted_at: Date;
}

/**
 * An account as the rules need it, from its document.
 *
 * @returns `bad_balance` where the balance is not an exact amount of the currency
 */
export function readAccount(document: Document, currency: Currency): AccountState | 'bad_balance' {
  const balanceMinor = fromDecimal(document['balance'], currency);
  if (balanceMinor === undefined) return 'bad_balance';
  const openedAt: Date = document['opened_at'];
  return {
    version: BigInt(String(document['version'])),
    balanceMinor,
    status: document['status'],
    openedAt,
    postedAt: document['posted_at'] ?? openedAt,
  };
}
