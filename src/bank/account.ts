import type { Decimal128, Document, Long } from 'mongodb';
import { BankctlError } from '../errors.ts';
import { isPrintable, quote } from '../text.ts';
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
 * The canonical form of an account number: Unicode NFC, so that a composed and a decomposed
 * spelling are one account. It is always compared as a literal string.
 *
 * @throws `invalid_account`
 */
export function parseAccountNumber(text: string): string {
  const number = text.normalize('NFC');
  const problem = accountNumberProblem(number);
  if (problem) {
    throw new BankctlError('invalid_account', `The account number ${quote(text)} ${problem}.`);
  }
  return number;
}

function accountNumberProblem(number: string): string | undefined {
  if (number === '') return 'is empty';
  if (!isPrintable(number)) return 'has a character that cannot be printed';
  if (number !== number.trim()) return 'begins or ends with a space';
  const length = [...number].length;
  return length > 64 ? `has ${length} characters, but 64 are the most` : undefined;
}

/**
 * An operation id as given with `--id`, in Unicode NFC.
 *
 * @throws `invalid_operation_id`
 */
export function parseOperationId(text: string): string {
  const id = text.normalize('NFC');
  if (id === '' || !isPrintable(id) || id !== id.trim() || [...id].length > 128) {
    throw new BankctlError(
      'invalid_operation_id',
      `The operation id ${quote(text)} is not 1 to 128 printable characters.`,
    );
  }
  return id;
}

/**
 * The text of `--memo`, in Unicode NFC.
 *
 * @throws `invalid_memo`
 */
export function parseMemo(text: string): string {
  const memo = text.normalize('NFC');
  if (memo === '' || !isPrintable(memo) || [...memo].length > 500) {
    throw new BankctlError('invalid_memo', `The memo ${quote(text)} is not 1 to 500 printable characters.`);
  }
  return memo;
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
