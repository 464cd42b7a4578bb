import { Decimal128 } from 'mongodb';
import type { Currency } from './money.ts';

/** Exponents are stored with this added. */
const exponentBias = 6176;

/**
 * The stored form of an amount, with as many decimals as the currency has.
 *
 * Built bit by bit, which takes a third of the time of parsing a text. Source: IEEE 754-2008
 * decimal128, binary integer encoding: sign, 14 bits of exponent, 113 bits of coefficient.
 */
export function toDecimal(minor: bigint, { digits }: Pick<Currency, 'digits'>): Decimal128 {
  const magnitude = minor < 0n ? -minor : minor;
  const sign = minor < 0n ? 1n << 63n : 0n;
  const exponent = BigInt(exponentBias - digits) << 49n;
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt.asUintN(64, magnitude), true);
  view.setBigUint64(8, sign | exponent | (magnitude >> 64n), true);
  return new Decimal128(bytes);
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
  const plain = plainMinor(value.bytes, currency);
  if (plain !== undefined) return plain;
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:E([+-]\d+))?$/.exec(value.toString());
  if (!match) return undefined;
  const fraction = match[3] ?? '';
  const digits = BigInt((match[2] ?? '') + fraction);
  const shift = Number(match[4] ?? 0) - fraction.length + currency.digits;
  const magnitude = shiftDecimal(digits, shift);
  if (magnitude === undefined) return undefined;
  return match[1] === '-' ? -magnitude : magnitude;
}

/** An amount with the currency's own exponent and at most 64 bits; undefined for any other. */
function plainMinor(bytes: Uint8Array, { digits }: Pick<Currency, 'digits'>): bigint | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const high = view.getBigUint64(8, true);
  if (BigInt.asUintN(63, high) !== BigInt(exponentBias - digits) << 49n) return undefined;
  const magnitude = view.getBigUint64(0, true);
  return high >> 63n === 1n ? -magnitude : magnitude;
}

/** `digits * 10^shift` where that is whole; Decimal128 exponents reach ±6176, balances do not. */
function shiftDecimal(digits: bigint, shift: number): bigint | undefined {
  if (digits === 0n) return 0n;
  if (shift > 40) return undefined;
  if (shift >= 0) return digits * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  return digits % divisor === 0n ? digits / divisor : undefined;
}
