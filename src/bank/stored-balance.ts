import { Decimal128, Double, Int32 } from 'mongodb';
import type { BranchConfig } from '../config/config.ts';
import { type Currency, formatAmount, maxMinor } from '../core/money.ts';
import { balanceFromDecimal, toDecimal } from './decimal.ts';
import { isLong } from './stored-values.ts';

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
 * decimals that programs left there, and takes a sum of doubles for what it is meant to be. The
 * server's equivalent is `isBalance`.
 * @returns minor units; undefined if it is no balance that the branch can have
 */
export function fromStored(value: unknown, { currency, storage }: Storage): bigint | undefined {
  if (storage === 'decimal') return balanceFromDecimal(value, currency);
  const read =
    value instanceof Decimal128
      ? roundDecimal(value.toString(), currency)
      : roundNumber(value, currency);
  return read?.isExact && isWithin(read.minor) ? read.minor : undefined;
}

function isWithin(minor: bigint): boolean {
  return minor <= maxDoubleMinor && minor >= -maxDoubleMinor;
}

/** A number that need not be an exact amount, as money. */
export interface Rounded {
  /** Minor units, rounded half away from zero. */
  readonly minor: bigint;
  /** True if rounding lost no more than half a unit of the digit after the currency's last. */
  readonly isExact: boolean;
}

type Digits = Pick<Currency, 'digits'>;

/** Half a unit of the digit after the currency's last: `0.0005` for USD. */
export function toleranceOf({ digits }: Digits): string {
  return `5E-${digits + 2}`;
}

/**
 * Rounds a stored number to the currency's digits: sums of doubles such as 7044.999999999999 are
 * meant as 7045.00. What a double loses is measured as doubles are subtracted, on any machine.
 * @returns undefined for anything but a finite double, an int or a long; or beyond 1e21
 */
export function roundNumber(value: unknown, currency: Digits): Rounded | undefined {
  const { digits } = currency;
  if (isLong(value) || typeof value === 'bigint') {
    return { minor: BigInt(value.toString()) * 10n ** BigInt(digits), isExact: true };
  }
  const number = value instanceof Double || value instanceof Int32 ? Number(value.value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number) || Math.abs(number) >= 1e21) {
    return undefined;
  }
  const rounded = number.toFixed(digits);
  const lost = Math.abs(number - Number(rounded));
  const isExact = lost <= Number(toleranceOf(currency));
  if (lost === 0) return { minor: BigInt(rounded.replace('.', '')), isExact };
  // By the digits that programs show: 1.005 is 1.01, though the double is a trifle less.
  const shown = roundDecimal(String(number), currency);
  return shown && { minor: shown.minor, isExact };
}

/** Larger exponents are of no amount. */
const maxShift = 60;

/**
 * Rounds the text of a decimal number to the currency's digits.
 * @returns undefined for anything else, and for numbers far beyond any amount
 */
export function roundDecimal(text: string, { digits }: Digits): Rounded | undefined {
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
