import { fieldNames } from '../bank/operations/kind.ts';
import { parseMemo, parseOperationId } from '../bank/operations/names.ts';
import {
  isRowType,
  type Operation,
  type RowType,
  rowKindOf,
  rowTypes,
} from '../bank/operations/operation.ts';
import { findBranch } from '../config/branch-lookup.ts';
import type { Config } from '../config/config.ts';
import { currencyDigits } from '../config/currencies.ts';
import { BankctlError } from '../core/errors.ts';
import { nearest } from '../core/near-names.ts';
import { quote } from '../core/text.ts';
import { type Fields, LineProblem, type Row, type RowShape } from './rows.ts';
import type { Money } from './totals.ts';

/** The rows of `apply`: one operation each, an increment if no type is given. */
export const operationShape: RowShape = Object.freeze({
  noun: 'an operation',
  columns: fieldNames,
  otherNames: { balance: 'amount', account_number: 'account' },
  flags: ['create'],
  names: ['id', 'account', 'reverses'],
  amounts: ['amount'],
  needed: (columns: readonly string[]) => {
    if (columns.includes('type')) return [];
    const [increment, transfer] = [rowKindOf('increment'), rowKindOf('transfer')];
    if (!isTransfer((name) => columns.includes(name))) return increment.fields.needed;
    // A row may still be an increment if the file has the columns for it.
    const isMixed = columns.includes('branch') || columns.includes('account');
    return isMixed ? ['amount'] : transfer.fields.needed;
  },
});

/** The rows of a file that are all of one type, which none of them has to name. */
export function shapeOf(type: RowType | undefined): RowShape {
  if (type === undefined) return operationShape;
  return { ...operationShape, needed: () => rowKindOf(type).fields.needed };
}

/** Only a transfer has two accounts. */
function isTransfer(has: (field: string) => boolean): boolean {
  return has('from') && has('to');
}

/**
 * Reads a row as the command of that name would read its arguments. Pure; needs no database.
 *
 * @param given the type of all rows, if the user says so; otherwise a row without one is a transfer
 *   if it has two accounts, and an increment if not
 * @returns the operation, its id empty if the row has none
 * @throws `LineProblem` with the number of the line, and what was expected
 */
export function toOperation(
  { line, fields, decimal }: Row,
  config: Config,
  given?: RowType,
): Operation {
  const type = operationType(line, fields, given);
  checkFields(line, type, fields, given);
  try {
    const id = fields['id'] === undefined ? '' : parseOperationId(fields['id']);
    const memo = fields['memo'] === undefined ? undefined : parseMemo(fields['memo']);
    // Set on the same object: copying it would take a fifth of the time of reading a file.
    return Object.assign(rowKindOf(type).parse(fields, config), { id, idGiven: true, memo });
  } catch (error) {
    throw atLine(line, error, fields['amount'], decimal);
  }
}

/** What an operation adds to the total of its file: the amount of its row. */
export function amountOf(operation: Operation, config: Config): Money | undefined {
  if (!('amountMinor' in operation)) return undefined;
  const branch = 'from' in operation ? operation.from.branch : operation.branch;
  return { currency: findBranch(config, branch).currency, minor: operation.amountMinor };
}

/**
 * What a parser of the commands refuses, as the problem of a line; anything else as it is.
 *
 * @param decimal how the file writes its amounts, if the user can say so
 */
export function atLine(
  line: number,
  error: unknown,
  amount: string | undefined,
  decimal?: Row['decimal'],
): unknown {
  if (!(error instanceof BankctlError)) return error;
  const sentence = error.message.replace(/\.$/, '');
  const hint = error.code === 'invalid_amount' ? amountHint(amount ?? '') : undefined;
  const isAmount = error.code === 'invalid_amount' || error.code === 'amount_precision';
  // The parser was given the amount with a point.
  const asWritten = (text: string) =>
    isAmount && decimal === 'comma'
      ? text.replace(/(["\d])\.(?=\d)|(\d)\.(?=")/g, '$1$2,').replace('a point', 'a comma')
      : text;
  const more = decimal === 'point' && hint === commaHint ? declareComma : '';
  const said = asWritten(`cannot be used: ${sentence}`);
  return new LineProblem(line, said, `${asWritten(hint ?? error.hint)}${more}`);
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

function operationType(line: number, fields: Fields, given: RowType | undefined): RowType {
  const { type: text } = fields;
  if (text === undefined || text === given) {
    if (given !== undefined) return given;
    return isTransfer((name) => fields[name] !== undefined) ? 'transfer' : 'increment';
  }
  if (given !== undefined) {
    const hint = 'Leave out --type if the rows have types of their own.';
    throw new LineProblem(line, `has the type ${quote(text)}, and --type says ${given}`, hint);
  }
  if (isRowType(text)) return text;
  const meant = nearest(text, rowTypes);
  const guess = meant === undefined ? '' : `; did you mean ${meant}?`;
  throw new LineProblem(line, `has the type ${quote(text)}, not ${rowTypes.join(', ')}${guess}`);
}

function checkFields(
  line: number,
  type: RowType,
  fields: Fields,
  given: RowType | undefined,
): void {
  const isSaid = given !== undefined || fields['type'] !== undefined;
  const hint = isSaid ? undefined : `Without a type it is ${indefinite(type)}. ${sayType}`;
  const { needed, may }: Readonly<Record<'needed' | 'may', readonly string[]>> =
    rowKindOf(type).fields;
  for (const name of needed) {
    if (fields[name] !== undefined) continue;
    throw new LineProblem(line, missingField(type, name, needed), hint);
  }
  for (const name in fields) {
    if (name === 'type' || name === 'id' || name === 'memo') continue;
    if (needed.includes(name) || may.includes(name) || fields[name] === 'false') continue;
    const takes = [...needed, ...may, 'id', 'memo'].join(', ');
    throw new LineProblem(line, `has ${name}, but ${typeNoun(type)} takes ${takes}`, hint);
  }
}

const sayType =
  'If it is something else, say so in the column type, or with --type for the whole file.';

function indefinite(type: RowType): string {
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

function missingField(type: RowType, name: string, needed: readonly string[]): string {
  const why =
    type === 'reverse'
      ? 'a reverse names the operation it takes back'
      : `${typeNoun(type)} needs ${needed.join(', ')}`;
  return `has no value for ${quote(name)}: ${why}`;
}

function typeNoun(type: RowType): string {
  return /^[aeiou]/.test(type) ? `an operation ${type}` : `the operation ${type}`;
}
