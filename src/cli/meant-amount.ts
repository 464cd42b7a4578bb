import type { Currency } from '../core/money.ts';

/** What a person may have meant as an amount: digits, with a sign, separators and a currency. */
const amountLike =
  /^[-+\u2212\u2013\u2014]?(?:[$€£¥]|[A-Za-z]{3})?\s?\d[\d.,'\u2019\s]*(?:[$€£¥]|[A-Za-z]{3})?$/;

/** Whether a word looks like an amount of money, in any country's spelling. */
export function isAmountLike(text: string): boolean {
  return amountLike.test(text);
}

const symbols: Readonly<Record<string, string>> = { $: 'USD', '€': 'EUR', '£': 'GBP', '¥': 'JPY' };

/**
 * An amount as bankctl reads it: `1.234,50` and `$1,234.50` are both 1234.50. What could be two
 * amounts, as `1,234` could, stays as it is; so does one with another currency.
 */
export function plainAmount(text: string, currency?: Currency): string {
  const bare = text.replace(/^[\u2212\u2013\u2014]/, '-');
  const [, sign = '', before = '', digits = '', after = ''] =
    /^([-+]?)(\D*?)\s?([\d.,'\u2019\s]*\d)\s?(\D*)$/.exec(bare) ?? [];
  const isKnown = (mark: string) => mark === '' || currencyCode(mark) === currency?.code;
  if (digits === '' || !isKnown(before) || !isKnown(after)) return bare;
  const plain = plainDigits(digits);
  return currency?.digits === 0 && plain.includes('.') ? bare : sign + plain;
}

/** The code of the currency that a word would be, if it is one. */
export function currencyCode(word: string): string {
  return symbols[word] ?? word.toUpperCase();
}

/** Whether a word stands for a currency of ISO 4217. */
export function isCurrency(word: string): boolean {
  return Intl.supportedValuesOf('currency').includes(currencyCode(word));
}

function plainDigits(text: string): string {
  const digits = text.replace(/['\u2019\s]/g, '');
  if (/^\d{1,3}(?:,\d{3})+\.\d+$/.test(digits)) return digits.replaceAll(',', '');
  if (/^\d{1,3}(?:\.\d{3})+,\d+$/.test(digits)) {
    return digits.replaceAll('.', '').replace(',', '.');
  }
  return /^\d+,\d{1,2}$/.test(digits) ? digits.replace(',', '.') : digits;
}
