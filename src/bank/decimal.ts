import { Decimal128 } from 'mongodb';
import { type Currency, maxMinor } from '../core/money.ts';

/** Added to an exponent when it is stored. */
const exponentBias = 6176;

/**
 * The stored form of an amount, with as many decimals as the currency has. Built byte by byte,
 * which takes a fraction of the time of parsing text. A short array stays in the heap until someone
 * asks for its buffer. Source: IEEE 754-2008 decimal128, binary integer encoding: sign, 14 bits of
 * exponent, 113 bits of coefficient; little-endian in BSON.
 * @throws `RangeError` for more than 96 bits, far beyond `maxMinor`
 */
export function toDecimal(minor: bigint, { digits }: Pick<Currency, 'digits'>): Decimal128 {
  const magnitude = minor < 0n ? -minor : minor;
  const exponent = exponentBias - digits;
  const bytes = new Uint8Array(16);
  if (magnitude < 1n << 48n) {
    const number = Number(magnitude);
    putWord(bytes, 0, number % 2 ** 32);
    putWord(bytes, 4, Math.floor(number / 2 ** 32));
  } else {
    if (magnitude >> 96n !== 0n) throw new RangeError(`${minor} cannot be stored as an amount`);
    for (let at = 0; at < 12; at += 4) {
      putWord(bytes, at, Number(BigInt.asUintN(32, magnitude >> BigInt(at * 8))));
    }
  }
  bytes[14] = (exponent << 1) & 0xff;
  bytes[15] = (exponent >> 7) | (minor < 0n ? 0x80 : 0);
  return new Decimal128(bytes);
}

function putWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value & 0xff;
  bytes[at + 1] = (value >>> 8) & 0xff;
  bytes[at + 2] = (value >>> 16) & 0xff;
  bytes[at + 3] = value >>> 24;
}

/**
 * Reads a stored amount exactly, whatever its exponent (`1E+2` is 100.00).
 * @returns minor units; undefined for anything but a finite decimal without digits below the minor
 *   unit
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

/**
 * Like `fromDecimal`, but also undefined beyond ±`maxMinor`, which only a sum of many accounts may
 * exceed.
 */
export function balanceFromDecimal(
  value: unknown,
  currency: Pick<Currency, 'digits'>,
): bigint | undefined {
  const minor = fromDecimal(value, currency);
  if (minor === undefined || minor > maxMinor || minor < -maxMinor) return undefined;
  return minor;
}

/** An amount with the currency's own exponent and at most 48 bits; undefined for any other. */
function plainMinor(bytes: Uint8Array, { digits }: Pick<Currency, 'digits'>): bigint | undefined {
  const exponent = exponentBias - digits;
  const [b0 = 0, b1 = 0, b2 = 0, b3 = 0, b4 = 0, b5 = 0, ...high] = bytes;
  const [b6, b7, b8, b9, b10, b11, b12, b13, b14, b15 = 0] = high;
  if ((b6 || b7 || b8 || b9 || b10 || b11 || b12 || b13) !== 0) return undefined;
  if (b14 !== ((exponent << 1) & 0xff) || (b15 & 0x7f) !== exponent >> 7) return undefined;
  const low = b0 + b1 * 2 ** 8 + b2 * 2 ** 16 + b3 * 2 ** 24;
  const magnitude = BigInt(low + (b4 + b5 * 2 ** 8) * 2 ** 32);
  return b15 >= 0x80 ? -magnitude : magnitude;
}

/**
 * `digits * 10^shift` if that is a whole number; Decimal128 exponents reach ±6176, those of
 * balances do not.
 */
function shiftDecimal(digits: bigint, shift: number): bigint | undefined {
  if (digits === 0n) return 0n;
  if (shift > 40) return undefined;
  if (shift >= 0) return digits * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  return digits % divisor === 0n ? digits / divisor : undefined;
}
