import { Decimal128, type Document, Double, Int32, Long } from 'mongodb';
import type { BranchConfig } from '../config/config.ts';
import { BankctlError } from '../core/errors.ts';
import { type Currency, maxMinor } from '../core/money.ts';
import { quote } from '../core/text.ts';
import { parseAccountNumber } from './operations/names.ts';
import { type ReadNumber, readNumber } from './stored-balance.ts';

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
  return Long.isLong(value) || typeof value === 'bigint' ? value.toString() : undefined;
}

function readBalance(value: unknown, currency: Currency): ReadNumber | undefined {
  if (typeof value === 'string') return readDecimal(value.trim(), currency);
  if (value instanceof Decimal128) return readDecimal(value.toString(), currency);
  return readNumber(value, currency);
}

/** Larger exponents are of no amount. */
const maxShift = 60;

function readDecimal(text: string, { digits }: Currency): ReadNumber | undefined {
  const match = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/.exec(text);
  if (!match || text.length > 80) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const coefficient = BigInt(whole + fraction);
  // In units of the digit after the currency's last, of which half a unit may be lost.
  const shift = Number(exponent) - fraction.length + digits + 1;
  if (coefficient !== 0n && shift > maxShift) return undefined;
  const [above, below] = shift >= 0 ? [10n ** BigInt(shift), 1n] : [1n, 10n ** BigInt(-shift)];
  const minor = (coefficient * above + 5n * below) / (10n * below);
  const lost = coefficient * above - minor * 10n * below;
  const isExact = 2n * (lost < 0n ? -lost : lost) <= below;
  return { minor: sign === '-' ? -minor : minor, isExact };
}

/** A value as a message shows it: whole if it is short, else by its type. */
function show(value: unknown): string {
  if (typeof value === 'string')
    return quote(value.length > 40 ? `${value.slice(0, 37)}...` : value);
  if (value instanceof Decimal128) return value.toString();
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && !(value instanceof Double) && !Long.isLong(value)) {
    return value instanceof Date ? 'a date' : 'an object';
  }
  return String(value);
}
