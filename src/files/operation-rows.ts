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
import { nearest } from '../core/near-names.ts';
import { quote } from '../core/text.ts';
import { allFaults, checkDecimal } from './row-faults.ts';
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
export function toOperation(row: Row, config: Config, given?: RowType): Operation {
  const { line, fields, decimal } = row;
  try {
    const type = operationType(line, fields, given);
    checkFields(line, type, fields, given);
    const id = fields['id'] === undefined ? '' : parseOperationId(fields['id']);
    const memo = fields['memo'] === undefined ? undefined : parseMemo(fields['memo']);
    const change = rowKindOf(type).parse(fields, config);
    checkDecimal(fields['amount'], decimal);
    // Set on the same object: copying it would take a fifth of the time of reading a file.
    return Object.assign(change, { id, idGiven: true, memo });
  } catch (error) {
    throw allFaults(error, row, config, fields['amount']);
  }
}

/** What an operation adds to the total of its file: the amount of its row. */
export function amountOf(operation: Operation, config: Config): Money | undefined {
  if (!('amountMinor' in operation)) return undefined;
  const branch = 'from' in operation ? operation.from.branch : operation.branch;
  return { currency: findBranch(config, branch).currency, minor: operation.amountMinor };
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
  const problem = (message: string) => {
    const hint = isSaid ? undefined : `Without a type it is ${indefinite(type)}. ${sayType}`;
    return new LineProblem(line, message, hint);
  };
  const { needed, may }: Readonly<Record<'needed' | 'may', readonly string[]>> =
    rowKindOf(type).fields;
  for (const name of needed) {
    if (fields[name] !== undefined) continue;
    throw problem(missingField(type, name, needed));
  }
  for (const name in fields) {
    if (name === 'type' || name === 'id' || name === 'memo') continue;
    if (needed.includes(name) || may.includes(name) || fields[name] === 'false') continue;
    const takes = [...needed, ...may, 'id', 'memo'].join(', ');
    throw problem(`has ${name}, but ${typeNoun(type)} takes ${takes}`);
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
