import type { Currency } from '../../core/money.ts';

/**
 * Digits after the point. A balance that can be read and loses money by rounding has at most 80 of
 * them, see `readLegacy`.
 */
const scale = 100;

/**
 * The decimal number that a stored balance is shown as, in units of 10^-100: of a double the
 * shortest that stands for it, as every program prints it.
 *
 * @param value a string, or any of the database's numbers
 */
export function exactOf(value: unknown): bigint {
  const text = String(value).trim();
  const match = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text);
  const [, sign, whole = '0', fraction = '', exponent = '0'] = match ?? [];
  const shift = Number(exponent) - fraction.length + scale;
  const coefficient = BigInt(whole + fraction);
  const magnitude =
    shift >= 0 ? coefficient * 10n ** BigInt(shift) : coefficient / 10n ** BigInt(-shift);
  return sign === '-' ? -magnitude : magnitude;
}

/** Minor units in units of 10^-100. */
export function exactOfMinor(minor: bigint, { digits }: Pick<Currency, 'digits'>): bigint {
  return minor * 10n ** BigInt(scale - digits);
}

/** All its digits, and at least as many decimals as the currency has. */
export function formatExact(units: bigint, { digits }: Pick<Currency, 'digits'>): string {
  const sign = units < 0n ? '-' : '';
  const text = (units < 0n ? -units : units).toString().padStart(scale + 1, '0');
  const more = text.slice(-scale + digits).replace(/0+$/, '');
  const fraction = text.slice(-scale, text.length - scale + digits) + more;
  return sign + text.slice(0, -scale) + (fraction === '' ? '' : `.${fraction}`);
}
