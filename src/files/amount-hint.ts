import { currencyDigits } from '../config/currencies.ts';

/** Ways of writing an amount that are refused since they could mean something else. */
const spellings: readonly (readonly [spelling: RegExp, hint: string])[] = [
  [/\de[+-]?\d/i, 'Write all its digits; a spreadsheet shortens them in a column of numbers.'],
  [/^\(.*\)$|\d\s*[-\u2212]$|^[\u2010-\u2015\u2212]/, 'Write a negative amount with - before it.'],
  [/\d,\d{1,2}$|\d\.\d{3},/, 'Write a point before the cents, and nothing between thousands.'],
  [/\d[\s,'\u2019_]\d{3}/, 'Leave out what stands between thousands, spaces too.'],
  [/^\s|\s$/, 'Leave out the spaces around it.'],
];

/** What to do about an amount that was refused, if it is a usual spelling of one. */
export function amountHint(amount: string): string | undefined {
  if (namesCurrency(amount)) return 'Leave out the currency: the branch has one.';
  return spellings.find(([spelling]) => spelling.test(amount))?.[1];
}

/** Beside digits there stands a sign of money or an ISO 4217 code, and no other word. */
function namesCurrency(amount: string): boolean {
  if (!/\d/.test(amount)) return false;
  const words = amount.match(/\p{L}+/gu) ?? [];
  if (words.length === 0) return /\p{Sc}/u.test(amount);
  return words.every((word) => currencyDigits(word.toUpperCase()) !== undefined);
}
