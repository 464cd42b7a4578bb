import { Decimal128, type Document, Double, Int32 } from 'mongodb';
import type { BranchConfig } from '../config/config.ts';
import { BankctlError } from '../core/errors.ts';
import { type Currency, maxMinor } from '../core/money.ts';
import { quote } from '../core/text.ts';
import { parseAccountNumber } from './operations/names.ts';
import { type Rounded, roundDecimal, roundNumber } from './stored-balance.ts';
import { isLong } from './stored-values.ts';

/** An account as another program left it, as bankctl understands it. */
export interface LegacyAccount {
  /** Canonical: a number as text, without the white space around it. */
  readonly account: string;
  /** In minor units, rounded to the currency's digits, half away from zero. */
  readonly balanceMinor: bigint;
  /** True if rounding lost more than half a unit of the digit after the currency's last. */
  readonly isRounded: boolean;
}

/** Why a document is not an account, or not one whose balance can be known. */
export interface LegacyProblem {
  readonly field: 'account_number' | 'balance';
  /** A clause such as `has the balance "12,50", which is not an amount`. */
  readonly reason: string;
}

/**
 * Reads a document of MongoEngine, Mongoose or a script, whatever the types of its number and its
 * balance. A missing balance is zero, as such programs take it.
 */
export function readLegacy(
  document: Document,
  { currency }: Pick<BranchConfig, 'currency'>,
): LegacyAccount | LegacyProblem {
  const account = readAccountNumber(document['account_number']);
  if (typeof account !== 'string') return account;
  const balance: unknown = document['balance'];
  if (balance == null) return { account, balanceMinor: 0n, isRounded: false };
  const read = readBalance(balance, currency);
  if (read && read.minor <= maxMinor && read.minor >= -maxMinor) {
    return { account, balanceMinor: read.minor, isRounded: !read.isExact };
  }
  return { field: 'balance', reason: `has the balance ${show(balance)}, which is not an amount` };
}

/** True for what could be read. */
export function isLegacyAccount(read: LegacyAccount | LegacyProblem): read is LegacyAccount {
  return 'account' in read;
}

function readAccountNumber(value: unknown): string | LegacyProblem {
  const problem = (reason: string): LegacyProblem => ({ field: 'account_number', reason });
  if (value == null) return problem('has no account number');
  const text = numberText(value);
  if (text === undefined) {
    return problem(`has the account number ${show(value)}, which is not a name`);
  }
  try {
    return parseAccountNumber(text.trim());
  } catch (error) {
    if (!(error instanceof BankctlError)) throw error;
    return problem(`has an account number that cannot be used: ${error.message}`);
  }
}

/** Whole numbers have one spelling; of others it is not known which digits were meant. */
function numberText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const number = value instanceof Double || value instanceof Int32 ? value.valueOf() : value;
  if (typeof number === 'number') return Number.isSafeInteger(number) ? `${number}` : undefined;
  return isLong(value) || typeof value === 'bigint' ? value.toString() : undefined;
}

function readBalance(value: unknown, currency: Currency): Rounded | undefined {
  if (typeof value === 'string') return roundDecimal(value.trim(), currency);
  if (value instanceof Decimal128) return roundDecimal(value.toString(), currency);
  return roundNumber(value, currency);
}

/** A value as a message shows it: whole if it is short, else by its type. */
export function show(value: unknown): string {
  if (typeof value === 'string')
    return quote(value.length > 40 ? `${value.slice(0, 37)}...` : value);
  if (value instanceof Decimal128) return value.toString();
  if (Array.isArray(value)) return 'an array';
  const isNumber = value instanceof Double || value instanceof Int32 || isLong(value);
  if (typeof value === 'object' && !isNumber) {
    return value instanceof Date ? 'a date' : 'an object';
  }
  return String(value);
}
