import { type Decimal128, Double, Int32, Long } from 'mongodb';
import type { BranchConfig } from '../config/config.ts';
import { type Currency, formatAmount, maxMinor } from '../core/money.ts';
import { balanceFromDecimal, toDecimal } from './decimal.ts';

/** How a branch stores its balances. */
export type Storage = Pick<BranchConfig, 'currency' | 'storage'>;

/**
 * A double gives back every decimal number of 15 significant digits, so up to here it holds every
 * minor unit.
 * Source: C11, 5.2.4.2.2, DBL_DIG.
 */
const maxDoubleMinor = 10n ** 15n - 1n;

/** The largest balance of either sign that the branch can hold exactly, in minor units. */
export function maxBalanceMinor({ storage }: Storage): bigint {
  return storage === 'double' ? maxDoubleMinor : maxMinor;
}

/** The stored form of a balance, which is within `maxBalanceMinor`. */
export function toStored(minor: bigint, { currency, storage }: Storage): Decimal128 | Double {
  return storage === 'double'
    ? new Double(Number(formatAmount(minor, currency)))
    : toDecimal(minor, currency);
}

/**
 * Reads a balance as it is stored in the branch. A branch of doubles also reads the integers and
 * decimals that programs left there.
 * @returns minor units; undefined if it is no balance that the branch can have
 */
export function fromStored(value: unknown, { currency, storage }: Storage): bigint | undefined {
  const decimal = balanceFromDecimal(value, currency);
  if (storage === 'decimal') return decimal;
  if (decimal !== undefined) return isWithin(decimal) ? decimal : undefined;
  const read = readNumber(value, currency);
  return read?.isExact && isWithin(read.minor) ? read.minor : undefined;
}

function isWithin(minor: bigint): boolean {
  return minor <= maxDoubleMinor && minor >= -maxDoubleMinor;
}

/** A binary number as an amount of money. */
export interface ReadNumber {
  /** Minor units, rounded half away from zero. */
  readonly minor: bigint;
  /** True if rounding lost no more than half a unit of the digit after the currency's last. */
  readonly isExact: boolean;
}

/**
 * Rounds a stored number to the currency's digits: sums of doubles such as 7044.999999999999 are
 * meant as 7045.00.
 * @returns undefined for anything but a finite double, an int or a long; or beyond 1e21
 */
export function readNumber(value: unknown, { digits }: Pick<Currency, 'digits'>) {
  if (Long.isLong(value) || typeof value === 'bigint') {
    const minor = BigInt(value.toString()) * 10n ** BigInt(digits);
    return { minor, isExact: true } satisfies ReadNumber;
  }
  const number = value instanceof Double || value instanceof Int32 ? Number(value.value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number) || Math.abs(number) >= 1e21) {
    return undefined;
  }
  const rounded = number.toFixed(digits);
  const minor = BigInt(rounded.replace('.', ''));
  if (Number(rounded) === number) return { minor, isExact: true } satisfies ReadNumber;
  // Exact: the decimal expansion of a double that is no integer has at most 1074 digits, of which
  // those after the hundredth cannot matter here.
  const scale = 100 - digits;
  const exact = BigInt(number.toFixed(100).replace('.', ''));
  const lost = exact - minor * 10n ** BigInt(scale);
  const limit = 5n * 10n ** BigInt(scale - 2);
  return { minor, isExact: lost <= limit && lost >= -limit } satisfies ReadNumber;
}
