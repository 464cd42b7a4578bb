import type { Fields } from '../bank/operations/kind.ts';
import { parseMemo, parseOperationId } from '../bank/operations/names.ts';
import { type RowType, rowKindOf } from '../bank/operations/operation.ts';
import type { Config } from '../config/config.ts';
import { BankctlError } from '../core/errors.ts';
import { quote } from '../core/text.ts';
import type { OptionSpec, Typed } from './command.ts';

/** The options that every command which changes accounts takes. */
export const writingOptions: readonly OptionSpec[] = [
  { flags: '--id <ID>', summary: 'operation id; one id is applied only once, ever' },
  { flags: '--memo <TEXT>', summary: 'a note that the journal keeps' },
  { flags: '--dry-run', summary: 'say what would happen, and write nothing' },
];

/** The values of `writingOptions`. */
export interface WritingInput {
  readonly id: string | undefined;
  readonly memo: string | undefined;
  readonly dryRun: boolean;
}

/** @throws `invalid_operation_id`, `invalid_memo` */
export function parseWriting(typed: Typed): WritingInput {
  const id = textOption(typed, 'id');
  const memo = textOption(typed, 'memo');
  return {
    id: id === undefined ? undefined : parseOperationId(id),
    memo: memo === undefined ? undefined : parseMemo(memo),
    dryRun: typed.options['dryRun'] === true,
  };
}

/**
 * The change that a command asks for, parsed from its arguments as fields.
 *
 * @throws the errors of the parsers, all of status 2 except `amount_precision`
 */
export function parsePosting<T extends RowType>(
  type: T,
  fields: Fields,
  typed: Typed,
  config: Config,
) {
  return { ...rowKindOf(type).parse(fields, config), ...parseWriting(typed) };
}

/** The value of an option that takes one. */
export function textOption(typed: Typed, name: string): string | undefined {
  const value = typed.options[name];
  return typeof value === 'string' ? value : undefined;
}

/** The field that an option with a value gives, a list with commas; none if it is not given. */
export function givenOption(typed: Typed, name: string, field = name): Fields {
  const list = textOptions(typed, name);
  const text = list.length > 0 ? list.join() : textOption(typed, name);
  return text === undefined ? {} : { [field]: text };
}

/** The values of an option that may be given several times, in order. */
export function textOptions(typed: Typed, name: string): readonly string[] {
  const values = typed.options[name];
  return Array.isArray(values) ? values : [];
}

/**
 * The path of a file that an option names, to be written.
 *
 * @throws `usage` for no name, and for `-`, which would not be the standard output
 */
export function newFileOption(typed: Typed, name: string): string | undefined {
  const path = textOption(typed, name);
  if (path !== '' && path !== '-') return path;
  throw new BankctlError(
    'usage',
    path === '' ? `--${name} names no file.` : `--${name} writes to a file, and - is none.`,
    `Name a file after --${name}.`,
  );
}

/**
 * The value of an option that takes a whole number.
 *
 * @throws `usage` if it is not one, or is outside the bounds
 */
export function wholeNumberOption(
  typed: Typed,
  name: string,
  bounds: { readonly min: number; readonly max: number },
): number | undefined {
  const text = textOption(typed, name);
  if (text === undefined) return undefined;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= bounds.min && value <= bounds.max) return value;
  const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new BankctlError(
    'usage',
    `--${flag} ${quote(text)} is not a whole number from ${bounds.min} to ${bounds.max}.`,
    `Give a number from ${bounds.min} to ${bounds.max}.`,
  );
}

/** A positional argument that the command line is sure to have. */
export function argument(typed: Typed, index: number): string {
  return typed.args[index] ?? '';
}
