import { BankctlError } from '../core/errors.ts';
import { quote } from '../core/text.ts';
import { type Dress, droppedNames, foldName, type Separator } from '../files/dress.ts';
import { meantColumn, type RowShape } from '../files/rows.ts';
import type { OptionSpec, Typed } from './command.ts';
import { textOption, textOptions } from './command-input.ts';

/** The options that say how a CSV is written. */
export const dressOptions: readonly OptionSpec[] = [
  {
    flags: '--separator <WHAT>',
    summary: 'comma, semicolon or tab between the columns (default: as the header shows)',
  },
  {
    flags: '--decimal <WHAT>',
    summary: 'what stands before the cents in the file (default: a point)',
    choices: ['point', 'comma'],
  },
  {
    flags: '--columns <LIST>',
    summary: 'columns with other names: account=Konto,amount=Betrag',
    repeatable: true,
  },
  {
    flags: '--drop <LIST>',
    summary: 'columns to leave out: Valuta,Saldo',
    repeatable: true,
  },
];

const separatorNames: ReadonlyMap<string, Separator> = new Map([
  ...([',', 'comma'] as const).map((name) => [name, ','] as const),
  ...([';', 'semicolon'] as const).map((name) => [name, ';'] as const),
  ...(['\t', '\\t', 'tab'] as const).map((name) => [name, '\t'] as const),
]);

/**
 * The values of `dressOptions`.
 *
 * @param shape what the rows of the file may have
 * @throws `usage`
 */
export function parseDress(typed: Typed, shape: RowShape): Dress {
  const separator = textOption(typed, 'separator');
  const columns = parseColumns(textOptions(typed, 'columns'), shape);
  const dropped = textOptions(typed, 'drop');
  const decimal = textOption(typed, 'decimal');
  const leftOut = droppedNames(dropped);
  const both = [...columns.values()].find((name) => leftOut.has(foldName(name)));
  if (both !== undefined) {
    throw usage(
      `--columns and --drop both name the column ${quote(both)}.`,
      'Leave it out of one of them.',
    );
  }
  if (shape.columns.includes('id') && !columns.has('id') && leftOut.has('id')) {
    throw usage(
      '--drop id would leave out what makes each row safe to repeat: rows that were applied with ' +
        'their ids would be applied again.',
      'If it is no id of an operation, keep it with --columns memo=id.',
    );
  }
  return {
    separator: separator === undefined ? undefined : parseSeparator(separator),
    decimal: decimal === 'comma' || decimal === 'point' ? decimal : undefined,
    columns,
    dropped,
  };
}

function parseSeparator(text: string): Separator {
  const separator = separatorNames.get(text.toLowerCase());
  if (separator !== undefined) return separator;
  throw usage(
    `--separator ${quote(text)} is not comma, semicolon or tab.`,
    'Write --separator semicolon, or save the file with commas between the columns.',
  );
}

/** A comma begins the next pair only if a field and an equals sign follow it. */
function parseColumns(texts: readonly string[], shape: RowShape): ReadonlyMap<string, string> {
  const columns = new Map<string, string>();
  const taken = new Set<string>();
  for (const pair of texts.flatMap((text) => text.split(/,(?=\s*\w+=)/))) {
    const equals = pair.indexOf('=');
    const [field, name] = [pair.slice(0, equals).trim().toLowerCase(), pair.slice(equals + 1)];
    if (equals < 1 || name.trim() === '') {
      const hint = 'Write it as --columns account=Konto,amount=Betrag.';
      throw usage(`--columns ${quote(pair)} does not say which column is which field.`, hint);
    }
    if (!shape.columns.includes(field)) {
      const meant = meantColumn(field, shape);
      const hint = meant === undefined ? undefined : `Did you mean ${meant}?`;
      const known = `there are ${shape.columns.join(', ')}`;
      throw usage(`--columns ${quote(pair)} begins with no field of a row: ${known}.`, hint);
    }
    if (columns.has(field)) {
      throw usage(`--columns gives two columns for ${field}.`, 'Give one column for each field.');
    }
    if (taken.has(foldName(name))) {
      throw usage(
        `--columns gives the column ${quote(name.trim())} for two fields.`,
        'Give one column for each field.',
      );
    }
    columns.set(field, name.trim());
    taken.add(foldName(name));
  }
  return columns;
}

function usage(message: string, hint: string | undefined): BankctlError {
  return new BankctlError('usage', message, hint);
}
