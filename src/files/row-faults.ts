import {
  parseAccountNumber,
  parseMemo,
  parseOperationId,
  parseReference,
} from '../bank/operations/names.ts';
import { parseLabels, parseOwner } from '../bank/operations/profile.ts';
import { findBranch } from '../config/branch-lookup.ts';
import type { Config } from '../config/config.ts';
import { currencyDigits } from '../config/currencies.ts';
import { BankctlError } from '../core/errors.ts';
import { isPointedThousand, parseAmount } from '../core/money.ts';
import { quote } from '../core/text.ts';
import { LineProblem, type Row } from './rows.ts';

/** The parsers of the commands, by field, so that more than the first fault of a row is found. */
const parsers: Readonly<Record<string, (text: string, config: Config) => unknown>> = {
  ...{ id: parseOperationId, reverses: parseOperationId, memo: parseMemo },
  ...{ account: parseAccountNumber, owner: parseOwner },
  ...{ labels: parseLabels, add: parseLabels, remove: parseLabels },
  branch: (name, config) => findBranch(config, name),
  from: (text, config) => findBranch(config, parseReference(text).branch),
  to: (text, config) => findBranch(config, parseReference(text).branch),
};

/** What is wrong with the fields of a row, one by one. */
function faultsOf(
  { fields }: Row,
  config: Config,
  amount: string | undefined,
  home: string | undefined,
): readonly BankctlError[] {
  const branch = fields['branch'] ?? fields['from']?.split(':')[0] ?? home;
  const known = config.branches.find(({ name }) => name === branch?.normalize('NFC'));
  const checks = [
    ...Object.entries(fields).map(
      ([name, text]) =>
        () =>
          parsers[name]?.(text, config),
    ),
    // What an amount may be depends on the branch.
    () => known && amount !== undefined && parseAmount(amount, known.currency),
  ];
  return checks.flatMap((check) => {
    try {
      check();
      return [];
    } catch (error) {
      if (error instanceof BankctlError) return error;
      throw error;
    }
  });
}

/**
 * What reading a row threw, as the problem of its line, with all else that is wrong with its
 * fields; anything but a refusal as it is.
 *
 * @param amount the field of the row that is money
 * @param home the branch of rows that name none
 */
export function allFaults(
  error: unknown,
  row: Row,
  config: Config,
  amount: string | undefined,
  home?: string,
): unknown {
  const first = error instanceof LineProblem ? error : undefined;
  const found = error instanceof BankctlError ? [error] : [];
  if (!first && found.length === 0) return error;
  for (const one of faultsOf(row, config, amount, home)) {
    if (!found.some(({ message }) => message === one.message)) found.push(one);
  }
  if (first && found.length === 0) return first;
  const said = found.map((one) => wordsOf(one, amount, row.decimal));
  const sentences = said.map(({ sentence }) => sentence).join('. ');
  const hints = new Set([...(first?.hint ? [first.hint] : []), ...said.map(({ hint }) => hint)]);
  const message = `${first ? `${first.message}, and ` : ''}cannot be used: ${sentences}`;
  return new LineProblem(row.line, message, [...hints].join(' '), first?.code);
}

/** What a parser of the commands refuses, as the problem of a line; anything else as it is. */
export function atLine(line: number, error: unknown, amount: string | undefined): unknown {
  if (!(error instanceof BankctlError)) return error;
  const { sentence, hint } = wordsOf(error, amount, undefined);
  return new LineProblem(line, `cannot be used: ${sentence}`, hint);
}

/** What is said of a refusal, in the decimal sign of the file. */
function wordsOf(error: BankctlError, amount: string | undefined, decimal: Row['decimal']) {
  const sentence = error.message.replace(/\.$/, '');
  const hint = error.code === 'invalid_amount' ? amountHint(amount ?? '') : undefined;
  const isAmount = error.code === 'invalid_amount' || error.code === 'amount_precision';
  // The parser was given the amount with a point.
  const asWritten = (text: string) =>
    isAmount && decimal === 'comma'
      ? text.replace(/(["\d])\.(?=\d)|(\d)\.(?=")/g, '$1$2,').replace('a point', 'a comma')
      : text;
  const isPoint = decimal === 'point' || decimal === 'in doubt';
  const more = isPoint && hint === commaHint ? declareComma : '';
  return { sentence: asWritten(sentence), hint: `${asWritten(hint ?? error.hint)}${more}` };
}

/**
 * To be called with an amount that its parser takes.
 *
 * @throws `invalid_amount` if the file looks like one with a comma before the cents, and the amount
 *   would be a thousand times as much then
 */
export function checkDecimal(amount: string | undefined, decimal: Row['decimal']): void {
  if (decimal !== 'in doubt' || amount === undefined || !isPointedThousand(amount)) return;
  const [few, many] = [amount, amount.replace('.', '')];
  throw new BankctlError(
    'invalid_amount',
    `${quote(amount)} may be ${many}, since the file has semicolons between its columns, or ` +
      `${few}.`,
    `Say --decimal point if it is ${few}; if commas stand before the cents, say --decimal comma ` +
      'and leave out the points.',
  );
}

const commaHint = 'Write a point before the cents, and nothing between thousands.';
const declareComma = ' If all amounts of the file have a comma there, say so: --decimal comma.';

/** Ways of writing an amount that are refused because they could mean something else. */
const spellings: readonly (readonly [spelling: RegExp, hint: string])[] = [
  [/\de[+-]?\d/i, 'Write all its digits; a spreadsheet shortens them in a column of numbers.'],
  [/^\(.*\)$|\d\s*[-\u2212]$|^[\u2010-\u2015\u2212]/, 'Write a negative amount with - before it.'],
  [/\d,\d{1,2}$|\d\.\d{3},/, commaHint],
  [/\d[\s,'\u2019_]\d{3}/, 'Leave out what stands between thousands, spaces too.'],
  [/^\s|\s$/, 'Leave out the spaces around it.'],
];

/** What to do about a refused amount, if it is a common way of writing one. */
function amountHint(amount: string): string | undefined {
  if (namesCurrency(amount)) return 'Leave out the currency: the branch has one.';
  return spellings.find(([spelling]) => spelling.test(amount))?.[1];
}

/** True if there is a currency sign or an ISO 4217 code beside the digits, and no other word. */
function namesCurrency(amount: string): boolean {
  if (!/\d/.test(amount)) return false;
  const words = amount.match(/\p{L}+/gu) ?? [];
  if (words.length === 0) return /\p{Sc}/u.test(amount);
  return words.every((word) => currencyDigits(word.toUpperCase()) !== undefined);
}
