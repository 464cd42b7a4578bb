import { currencyDigits } from '../config/currencies.ts';
import { BankctlError } from '../core/errors.ts';
import { parseAmount } from '../core/money.ts';
import { count, shellWord } from '../core/text.ts';
import {
  type Expected,
  type ExpectedTotal,
  formatMoney,
  type Money,
  type Totals,
} from './totals.ts';

/**
 * Compares a file with what its giver says of it.
 *
 * @throws `totals_differ`, with both figures of each difference; `usage` for a total in no currency
 *   or in one of several, or with too many decimals; `invalid_amount`
 */
export function checkExpected(
  file: string,
  found: { readonly rows: number; readonly totals: Totals },
  expected: Expected,
): void {
  const { rows } = expected;
  const differences = [
    ...(rows === undefined || rows === found.rows
      ? []
      : [`it has ${count(found.rows, 'row')}, but --expect-rows says ${rows}`]),
    ...totalDifferences(file, found.totals.sums(), expected.totals),
  ];
  if (differences.length === 0) return;
  throw new BankctlError('totals_differ', `${file} is not as expected: ${differences.join('; ')}.`);
}

function totalDifferences(
  file: string,
  sums: readonly Money[],
  expected: readonly ExpectedTotal[],
): readonly string[] {
  if (expected.length === 0) return [];
  if (sums.length === 0) {
    return expected
      .filter(({ amount }) => /[1-9]/.test(amount))
      .map(({ amount, code }) => {
        const total = [amount, code].filter((part) => part !== undefined).join(' ');
        return `it has no amounts, but --expect-total says ${total}`;
      });
  }
  const wanted = expected.map((total) => toMoney(file, total, sums));
  const codes = new Set(wanted.map(({ currency }) => currency.code));
  return [
    ...wanted.flatMap(({ currency, minor }) => {
      const sum = sums.find((it) => it.currency.code === currency.code)?.minor ?? 0n;
      if (sum === minor) return [];
      const [is, says] = [sum, minor].map((it) => formatMoney({ currency, minor: it }));
      return [`it adds up to ${is}, but --expect-total says ${says}`];
    }),
    ...sums
      .filter(({ currency }) => !codes.has(currency.code))
      .map((sum) => `it has ${formatMoney(sum)} too, and no --expect-total is about that currency`),
  ];
}

/** A total without a currency is of the only one that the file has. */
function toMoney(file: string, { amount, code }: ExpectedTotal, sums: readonly Money[]): Money {
  const codes = sums.map(({ currency }) => currency.code);
  if (code === undefined && codes.length > 1) {
    const total = shellWord(`${amount} ${codes[0]}`);
    throw new BankctlError(
      'usage',
      `${file} has amounts in ${codes.join(' and ')}, and --expect-total ${amount} names neither.`,
      `Give a total for each, such as --expect-total ${total}.`,
    );
  }
  const of = code ?? codes[0] ?? '';
  const digits = currencyDigits(of);
  if (digits !== undefined) {
    const currency = { code: of, digits };
    try {
      return { currency, minor: parseAmount(amount, currency) };
    } catch (error) {
      if (!(error instanceof BankctlError) || error.code !== 'amount_precision') throw error;
      throw new BankctlError('usage', `--expect-total: ${error.message}`, error.hint);
    }
  }
  throw new BankctlError(
    'usage',
    `--expect-total '${amount} ${of}' names no currency of ISO 4217.`,
    "Write it as --expect-total '1190.00 USD'.",
  );
}
