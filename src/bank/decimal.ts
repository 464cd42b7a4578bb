import { Decimal128 } from 'mongodb';
import { type Currency, formatAmount } from './money.ts';

/** The stored form of an amount. */
export function toDecimal(minor: bigint, currency: Pick<Currency, 'digits'>): Decimal128 {
  return Decimal128.fromString(formatAmount(minor, currency));
}

/**
 * Reads a stored amount exactly, whatever its exponent (`1E+2` is 100.00).
 *
 * @returns minor units, or undefined where it is no decimal, is NaN or infinite, or has digits
 *   below the currency's minor unit
 */
export function fromDecimal(
  value: unknown,
  currency: Pick<Currency, 'digits'>,
): bigint | undefined {
  if (!(value instanceof Decimal128)) return undefined;
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:E([+-]\d+))?$/.exec(value.toString());
  if (!match) return undefined;
  const fraction = match[3] ?? '';
  const digits = BigInt((match[2] ?? '') + fraction);
  const shift = Number(match[4] ?? 0) - fraction.length + currency.digits;
  const magnitude = shiftDecimal(digits, shift);
  if (magnitude === undefined) return undefined;
  return match[1] === '-' ? -magnitude : magnitude;
}

/** `digits * 10^shift` where that is whole; Decimal128 exponents reach ±6176, balances do not. */
function shiftDecimal(digits: bigint, shift: number): bigint | undefined {
  if (digits === 0n) return 0n;
  if (shift > 40) return undefined;
  if (shift >= 0) return digits * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  return digits % divisor === 0n ? digits / divisor : undefined;
}
