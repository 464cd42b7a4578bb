import { quote, shellWord } from '../core/text.ts';
import { csvCells } from './csv-cells.ts';
import {
  type Dress,
  droppedNames,
  foldName,
  type RowLayout,
  type Separator,
  separators,
} from './dress.ts';
import { isBlank, LineProblem, meantColumn, type RowShape, unknownColumn } from './rows.ts';

/** The columns of a CSV. */
export interface CsvHeader {
  readonly separator: Separator;
  /** True if neither the user nor a comma decided it. */
  readonly isSeparatorFound: boolean;
  /** As the file calls them; empty for a column without a name. */
  readonly names: readonly string[];
  /** The field that each is; empty for a column without a name, undefined for one left out. */
  readonly fields: readonly (string | undefined)[];
}

/** What is wrong with a header, and what to do about it. */
interface HeaderProblem {
  readonly message: string;
  readonly hint?: string | undefined;
}

/** A header, read with one separator. */
interface Reading extends CsvHeader {
  /** How many of its columns are fields. */
  readonly known: number;
  readonly problem: HeaderProblem | undefined;
}

/** The line with which a spreadsheet names the separator; undefined for any other line. */
export function statedSeparator(text: string): string | undefined {
  return /^"?sep=(.)"?$/i.exec(text)?.[1];
}

/** What may stand between the columns of a file whose header was not read yet. */
export function possibleSeparators(dress: Dress | undefined, stated?: string): readonly string[] {
  if (dress?.separator !== undefined) return [dress.separator];
  if (stated !== undefined) return [stated];
  return dress ? Object.keys(separators) : [','];
}

/**
 * Reads the line that names the columns. Without a separator from the user, the one with which
 * each column is a known one is certain: no line is a header with two of them.
 *
 * @param stated the separator that the line before it named
 * @throws `LineProblem` if the line names no columns that rows of this shape have
 */
export function readHeader(
  { line, text, isCut }: { readonly line: number; readonly text: string; readonly isCut: boolean },
  shape: RowShape,
  { format, dress }: RowLayout,
  stated: string | undefined,
): CsvHeader {
  if (/^\s*[{[]/.test(text)) {
    const hint = format ? 'Give --format ndjson.' : 'Give the file a name that ends in .ndjson.';
    throw new LineProblem(line, 'is JSON, not the header of a CSV', hint);
  }
  const foreign = foreignSeparator(text, dress, stated);
  if (foreign) throw new LineProblem(line, foreign.message, foreign.hint);
  const readings = possibleSeparators(dress, stated)
    .filter(isSeparator)
    .map((separator) => readWith(separator, { line, text }, shape, dress));
  const [best] = readings.toSorted(
    (left, right) =>
      Number(left.problem !== undefined) - Number(right.problem !== undefined) ||
      right.known - left.known ||
      right.names.length - left.names.length,
  );
  if (!best) throw new Error('a header was read with no separator');
  const { problem } = best;
  if (!problem) return best;
  const end = isCut ? ' (the file ends on that line)' : '';
  throw new LineProblem(line, `${problem.message}${end}`, problem.hint);
}

function isSeparator(text: string): text is Separator {
  return Object.hasOwn(separators, text);
}

/** A separator that the file has, and that it cannot be read with. */
function foreignSeparator(
  text: string,
  dress: Dress | undefined,
  stated: string | undefined,
): HeaderProblem | undefined {
  const given = dress?.separator;
  if (stated !== undefined && given !== undefined && stated !== given) {
    const [file, user] = [stated, given].map((it) => quote(it));
    return {
      message: `comes after a line that names the separator ${file}, and --separator says ${user}`,
      hint: 'Leave out --separator, or that line.',
    };
  }
  const readable = dress ? Object.keys(separators) : [','];
  const used = stated ?? (text.includes(',') ? undefined : /[;\t|]/.exec(text)?.[0]);
  if (used === undefined || readable.includes(used) || (given && text.includes(given))) {
    return undefined;
  }
  const name = new Map<string, string>([...Object.entries(separators), ['|', 'vertical bars']]);
  return {
    message:
      `has ${name.get(used) ?? quote(used)} between its columns, not commas: ${quote(text)}. ` +
      'Save the file with commas between columns and a point before the cents',
  };
}

function readWith(
  separator: Separator,
  { line, text }: { readonly line: number; readonly text: string },
  shape: RowShape,
  dress: Dress | undefined,
): Reading {
  const isSeparatorFound = separator !== ',' && dress?.separator === undefined;
  const shared = { separator, isSeparatorFound };
  try {
    const names = csvCells(line, text, separator).map((name) => (isBlank(name) ? '' : name.trim()));
    const dropped = droppedNames(dress?.dropped ?? []);
    const fields = names.map((name) => fieldOf(name, shape, dress, dropped));
    const known = fields.filter((field) => field !== undefined && shape.columns.includes(field));
    const columns = { ...shared, names, fields };
    return {
      ...columns,
      known: known.length,
      problem: headerProblem(columns, known.length, shape, dress),
    };
  } catch (error) {
    if (!(error instanceof LineProblem)) throw error;
    return { ...shared, names: [], fields: [], known: 0, problem: error };
  }
}

/** The field that a column is. A name that is none of a row's fields stays as it is. */
function fieldOf(
  name: string,
  shape: RowShape,
  dress: Dress | undefined,
  dropped: ReadonlySet<string>,
): string | undefined {
  const folded = foldName(name);
  if (folded === '') return '';
  for (const [field, other] of dress?.columns ?? []) if (foldName(other) === folded) return field;
  if (dropped.has(folded)) return undefined;
  return shape.columns.find((column) => column === folded) ?? name;
}

function headerProblem(
  { names, fields }: Pick<CsvHeader, 'names' | 'fields'>,
  known: number,
  shape: RowShape,
  dress: Dress | undefined,
): HeaderProblem | undefined {
  const columns = shape.columns.join(', ');
  const unknown = names.filter((_, index) => {
    const field = fields[index];
    return field !== undefined && field !== '' && !shape.columns.includes(field);
  });
  if (known === 0) {
    return {
      message: `is not a header: the first line must name the columns, out of ${columns}`,
      ...(dress && { hint: `If its columns have other names, say so: ${sampleMapping(shape)}.` }),
    };
  }
  return (
    missingNamed(names, dress) ??
    repeatedColumn(names, fields, dress) ??
    unknownColumns(unknown, fields, shape, dress) ??
    missingNeeded(names, fields, shape, dress)
  );
}

function sampleMapping(shape: RowShape): string {
  return shape.columns.includes('balance')
    ? '--columns account=NAME,balance=NAME'
    : '--columns account=NAME,amount=NAME';
}

/** A column that the user named, and that the file does not have. */
function missingNamed(
  names: readonly string[],
  dress: Dress | undefined,
): HeaderProblem | undefined {
  if (!dress) return undefined;
  const folded = new Set(names.map(foldName));
  const has = (name: string) => folded.has(foldName(name));
  for (const [field, name] of dress.columns) {
    if (has(name)) continue;
    return {
      message: `has no column ${quote(name)} for --columns ${field}: it has ${list(names)}`,
      hint: 'Name a column of the file after the equals sign.',
    };
  }
  const missing = dress.dropped
    .flatMap((text) => (has(text) ? [] : text.split(',')))
    .find((name) => !has(name));
  if (missing === undefined) return undefined;
  return {
    message: `has no column ${quote(missing)} to --drop: it has ${list(names)}`,
    hint: 'Name columns of the file after --drop.',
  };
}

function repeatedColumn(
  names: readonly string[],
  fields: readonly (string | undefined)[],
  dress: Dress | undefined,
): HeaderProblem | undefined {
  const seen = new Set<string>();
  const second = fields.findIndex((field) => {
    if (!field) return false;
    const isRepeated = seen.has(field);
    seen.add(field);
    return isRepeated;
  });
  const [field = '', name = ''] = [fields[second], names[second]];
  if (second < 0) return undefined;
  const first = names[fields.indexOf(field)] ?? '';
  const isSame = foldName(first) === foldName(name);
  const as = first === name ? '' : `, as ${quote(first)} and as ${quote(name)}`;
  return {
    message: `has the column ${quote(first === name ? name : field)} twice${as}`,
    ...(dress && {
      hint: isSame
        ? 'Give one of the two another name in the file, or remove it.'
        : `Leave one of them out, for example with --drop ${shellWord(name)}.`,
    }),
  };
}

function unknownColumns(
  [first, ...others]: readonly string[],
  fields: CsvHeader['fields'],
  shape: RowShape,
  dress: Dress | undefined,
): HeaderProblem | undefined {
  if (first === undefined) return undefined;
  const unknown = [first, ...others];
  const message =
    others.length === 0
      ? unknownColumn('column', first, shape)
      : `has unknown columns, ${list(unknown)}: there are ${shape.columns.join(', ')}`;
  if (!dress) return { message };
  const pair = likelyMapping(unknown, fields, shape);
  const present = fields.filter((field) => field !== undefined);
  const missing = shape.needed(present).filter((name) => !present.includes(name));
  const meant = missing.find((name) => pair?.startsWith(`${name}=`));
  const field = meant ?? missing[0];
  if (field !== undefined) {
    const guess = meant === undefined || pair === undefined ? `${field}=NAME` : shellWord(pair);
    return {
      message,
      hint:
        `Say which column is the ${field}, with --columns ${guess}; then leave out what is not ` +
        'needed with --drop NAME,NAME.',
    };
  }
  const map = pair === undefined ? '' : `, or say what it is, as in --columns ${shellWord(pair)}`;
  const it = others.length === 0 ? 'it' : 'what is not needed';
  return { message, hint: `Leave ${it} out with --drop ${shellWord(unknown.join(','))}${map}.` };
}

/** What an unknown column may be, out of what the file does not have yet. */
function likelyMapping(
  unknown: readonly string[],
  fields: CsvHeader['fields'],
  shape: RowShape,
): string | undefined {
  const isFree = (column: string | undefined) => column !== undefined && !fields.includes(column);
  for (const name of unknown) {
    const meant = meantColumn(name, shape);
    if (isFree(meant)) return `${meant}=${name}`;
  }
  const hasMemo = shape.columns.includes('memo') && isFree('memo');
  return hasMemo ? `memo=${unknown[0]}` : undefined;
}

function missingNeeded(
  names: readonly string[],
  fields: readonly (string | undefined)[],
  shape: RowShape,
  dress: Dress | undefined,
): HeaderProblem | undefined {
  const present = fields.filter((field) => field !== undefined);
  const missing = shape.needed(present).filter((name) => !present.includes(name));
  const [first] = missing;
  if (first === undefined) return undefined;
  const has = names.filter((_, index) => fields[index]).join(', ');
  return {
    message: `lacks the column ${missing.join(', ')}: it has ${has}`,
    ...(dress && { hint: `Add it, or say which column it is, with --columns ${first}=NAME.` }),
  };
}

/** How many names a message lists. */
const maxListed = 12;

function list(names: readonly string[]): string {
  const named = names.filter((name) => name !== '');
  const more = named.length > maxListed ? ` and ${named.length - maxListed} more` : '';
  return `${named.slice(0, maxListed).map(quote).join(', ')}${more}`;
}
