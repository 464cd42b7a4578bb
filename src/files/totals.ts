import { BankctlError } from '../core/errors.ts';
import { type Currency, formatAmount } from '../core/money.ts';
import { quote } from '../core/text.ts';

/** An amount of money. */
export interface Money {
  readonly currency: Currency;
  readonly minor: bigint;
}

/** Sums of amounts, one for each currency that occurs. */
export interface Totals {
  readonly add: (money: Money | undefined) => void;
  /** By currency code, in order. */
  readonly sums: () => readonly Money[];
}

/** Makes sums of nothing. */
export function createTotals(): Totals {
  const sums = new Map<string, { readonly currency: Currency; minor: bigint }>();
  return Object.freeze({
    add: (money: Money | undefined) => {
      if (!money) return;
      const { currency, minor } = money;
      const sum = sums.get(currency.code);
      if (sum) sum.minor += minor;
      else sums.set(currency.code, { currency, minor });
    },
    sums: () => [...sums].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, sum]) => sum),
  });
}

/** `1190.00 USD`. */
export function formatMoney({ currency, minor }: Money): string {
  return `${formatAmount(minor, currency)} ${currency.code}`;
}

/** A sum that the giver of a file states. */
export interface ExpectedTotal {
  /** A plain decimal. */
  readonly amount: string;
  /** Undefined if the file has only one currency. */
  readonly code: string | undefined;
}

/** What the giver of a file says of the whole of it. */
export interface Expected {
  readonly rows: number | undefined;
  /** Of all currencies in the file; empty if nothing is said of them. */
  readonly totals: readonly ExpectedTotal[];
}

/**
 * Reads `1190.00` or `1190.00 USD`; the decimals are checked when the currency is known.
 *
 * @throws `invalid_amount`
 */
export function parseExpectedTotal(text: string): ExpectedTotal {
  const [, amount, code] = /^([+-]?\d{1,24}(?:\.\d{1,9})?)(?:\s*([A-Za-z]{3}))?$/.exec(text) ?? [];
  if (amount !== undefined) return { amount, code: code?.toUpperCase() };
  throw new BankctlError(
    'invalid_amount',
    `--expect-total ${quote(text)} is not an amount of money.`,
    "Write it as --expect-total 1190.00, or with its currency: '1190.00 USD'.",
  );
}
