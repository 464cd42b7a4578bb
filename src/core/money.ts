import { BankctlError } from './errors.ts';
import { count, quote } from './text.ts';

/**
 * Money is a bigint of minor units (cents for USD) in memory and a Decimal128 in the database.
 * It is never a JavaScript number.
 */
export interface Currency {
  /** ISO 4217 code, such as `USD`. */
  readonly code: string;
  /** Decimal places of the minor unit: 2 for USD, 0 for JPY, 3 for KWD. */
  readonly digits: number;
}

/**
 * The largest amount and balance, in minor units: 24 digits. Ten thousand million balances of
 * that size still add up within the 34 digits in which Decimal128 is exact.
 */
export const maxMinor = 10n ** 24n - 1n;

/** No amount of that many characters is larger than `maxMinor`. */
const maxUsualLength = 24;

/** What `groupDigits` makes, if it cannot be anything else: `1,234` may be 1.234 to some people. */
const grouped = /^[+-]?[1-9]\d{0,2}(?:(?:,\d{3})+\.\d+|(?:,\d{3}){2,})$/;

const plainDecimal = /^[+-]?\d+(?:\.\d+)?$/;

/** `2.500` means 2500 to people who separate the cents with a comma. */
export function isPointedThousand(text: string): boolean {
  return /^[+-]?[1-9]\d{0,2}\.\d{3}$/.test(text);
}

/**
 * Reads an amount as a person types it.
 *
 * @returns minor units of the currency; may be negative or zero
 * @throws `invalid_amount` for anything but plain digits, for more than 24 of them, or for what may
 *   be thousands; `amount_precision` for more decimals than the currency has (trailing zeros are
 *   fine)
 */
export function parseAmount(text: string, currency: Currency): bigint {
  if (!plainDecimal.test(text)) {
    const bare = ungrouped(text);
    const hint = bare === undefined ? undefined : `Type ${bare}.`;
    throw new BankctlError('invalid_amount', `${quote(text)} is not an amount of money.`, hint);
  }
  const point = text.indexOf('.');
  // With the currency's own decimals it can be nothing else.
  const isUsual = point > 0 && text.length === point + 1 + currency.digits;
  if (isUsual && text.length <= maxUsualLength) return BigInt(text.replace('.', ''));
  const whole = text.slice(/^[+-]/.test(text) ? 1 : 0, point < 0 ? undefined : point);
  const fraction = point < 0 ? '' : text.slice(point + 1).replace(/0+$/, '');
  const thousands =
    currency.digits < 3 && isPointedThousand(text)
      ? formatAmount(BigInt(text.replace('.', '')) * 10n ** BigInt(currency.digits), currency)
      : undefined;
  if (fraction.length > currency.digits) {
    throw new BankctlError(
      'amount_precision',
      `${quote(text)} has ${count(fraction.length, 'decimal')}, ` +
        `but ${currency.code} has ${currency.digits === 0 ? 'no decimals' : currency.digits}.`,
      thousands &&
        `Write ${thousands} if that is meant, or else round it to the decimals ` +
          `of ${currency.code}.`,
    );
  }
  const magnitude = BigInt(whole + fraction.padEnd(currency.digits, '0'));
  if (thousands !== undefined) {
    const few = formatAmount(text.startsWith('-') ? -magnitude : magnitude, currency);
    throw new BankctlError(
      'invalid_amount',
      `${quote(text)} may be ${thousands} ${currency.code}, or ${few}.`,
      `Write ${thousands} or ${few}.`,
    );
  }
  if (magnitude > maxMinor) {
    throw new BankctlError(
      'invalid_amount',
      `${quote(text)} is too large for an amount of ${currency.code}.`,
      `The largest amount is ${formatAmount(maxMinor, currency)}.`,
    );
  }
  return text.startsWith('-') ? -magnitude : magnitude;
}

/** A grouped amount as it is to be typed; undefined if it is none. */
function ungrouped(text: string): string | undefined {
  return grouped.test(text) ? text.replaceAll(',', '') : undefined;
}

/** Prints minor units with exactly the currency's decimals: `-12.30`. Inverse of `parseAmount`. */
export function formatAmount(minor: bigint, currency: Pick<Currency, 'digits'>): string {
  const sign = minor < 0n ? '-' : '';
  const digits = (minor < 0n ? -minor : minor).toString().padStart(currency.digits + 1, '0');
  if (currency.digits === 0) return sign + digits;
  return `${sign}${digits.slice(0, -currency.digits)}.${digits.slice(-currency.digits)}`;
}

/** Groups the digits of a formatted amount for people: `-1234567.89` becomes `-1,234,567.89`. */
export function groupDigits(amount: string): string {
  const [, sign = '', whole, fraction = ''] = /^([+-]?)(\d{4,})(\.\d+)?$/.exec(amount) ?? [];
  if (whole === undefined) return amount;
  return `${sign}${whole.replace(/(?<=\d)(?=(?:\d{3})+$)/g, ',')}${fraction}`;
}
