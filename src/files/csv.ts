import { parse } from 'csv-parse/sync';
import { quote } from '../core/text.ts';
import { maxLineBytes } from './lines.ts';
import {
  countQuotes,
  type Fields,
  isBlank,
  LineProblem,
  type Row,
  type RowFormat,
  type RowParser,
  type RowShape,
  unknownColumn,
} from './rows.ts';

/** A record of a CSV file, on one or more lines. */
interface CsvRecord {
  /** Number of its first line. */
  readonly line: number;
  readonly text: string;
  readonly isCut: boolean;
}

/** A record whose quoted cell goes on: it has an odd number of quotation marks so far. */
interface OpenRecord {
  readonly line: number;
  readonly texts: string[];
  characters: number;
}

/**
 * Reads CSV with a header that names the columns, in any order. An empty cell is a field that is
 * not given. What spreadsheets add that holds nothing is left out: rows of commas, columns without
 * a name, and the line that names the separator.
 *
 * A record ends at the first line end that is not inside a quoted cell. In a well-formed record
 * every quoted cell has an even number of quotation marks and the other cells have none, so that is
 * the first line end with an even number of them before it. A line that breaks the grammar earlier
 * than that is refused at once.
 *
 * Source: RFC 4180, section 2.
 *
 * @param given the format as the user gave it; otherwise the name of the file says that it is CSV
 */
export function createCsvParser(shape: RowShape, given?: RowFormat): RowParser {
  const leftOut = { blankRows: 0, namelessColumns: 0 };
  let header: readonly string[] | undefined;
  let open: OpenRecord | undefined;

  const takeLine = (line: number, text: string, isCut: boolean): CsvRecord | undefined => {
    const isOdd = countQuotes(text) % 2 === 1;
    if (!open) {
      if (!isOdd) return { line, text, isCut };
      if (parseCells(text) === 'misquoted') throw misquotedProblem(line, text);
      open = { line, texts: [text], characters: text.length };
      return undefined;
    }
    open.texts.push(text);
    open.characters += text.length + 1;
    if (open.characters > maxLineBytes) throw unclosedProblem(open.line);
    if (!isOdd) return undefined;
    const record = { line: open.line, text: open.texts.join('\n'), isCut };
    open = undefined;
    return record;
  };

  return {
    parse: (line, text, isCut) => {
      if (text === '' && !open) return undefined;
      const record = takeLine(line, text, isCut);
      if (!record) return undefined;
      if (header) return toRow(header, record, shape, leftOut);
      if (/^"?sep=,"?$/i.test(record.text)) return undefined;
      header = readHeader(record, shape, given);
      leftOut.namelessColumns = header.filter((name) => name === '').length;
      return undefined;
    },
    skip: () => {
      open = undefined;
    },
    canGoOn: () => header !== undefined && open === undefined,
    end: () => (open ? unclosedProblem(open.line) : undefined),
    leftOut,
  };
}

/** @returns undefined for an empty row */
function toRow(
  header: readonly string[],
  { line, text, isCut }: CsvRecord,
  shape: RowShape,
  leftOut: { blankRows: number; namelessColumns: number },
): Row | undefined {
  const cells = cellsOf(line, text);
  if (cells.every(isBlank)) {
    leftOut.blankRows += 1;
    return undefined;
  }
  if (cells.length !== header.length) {
    const wrong = countProblem(header, cells, isCut);
    if (wrong !== undefined) throw new LineProblem(line, wrong);
    const extra = cells.length - header.filter((name) => name !== '').length;
    leftOut.namelessColumns = Math.max(leftOut.namelessColumns, extra);
  }
  const fields = toFields(line, header, cells, shape);
  const row = { line, length: text.length, fields };
  const lastColumn = header[cells.length - 1] ?? '';
  const mayBeCut = isCut && !text.endsWith('"') && lastColumn !== '';
  return mayBeCut ? { ...row, mayBeCut: lastColumn } : row;
}

/** The cells of a record. Most records have no quoted cell, and need no parser. */
function parseCells(text: string): readonly string[] | 'unclosed' | 'misquoted' {
  if (!text.includes('"')) return text.split(',');
  try {
    return parse(text, { relax_column_count: true, record_delimiter: '\n' })[0] ?? [''];
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return code === 'CSV_QUOTE_NOT_CLOSED' ? 'unclosed' : 'misquoted';
  }
}

function cellsOf(line: number, text: string): readonly string[] {
  const cells = parseCells(text);
  if (cells === 'unclosed') throw unclosedProblem(line);
  if (cells === 'misquoted') throw misquotedProblem(line, text);
  return cells;
}

function unclosedProblem(line: number): LineProblem {
  return new LineProblem(
    line,
    'has a quoted cell that is not closed, so what follows cannot be read',
    'Close it with a quotation mark; one inside a cell is written twice.',
  );
}

function misquotedProblem(line: number, text: string): LineProblem {
  const rule = 'a quoted cell is "..." as a whole, and a " in it is written ""';
  return new LineProblem(line, `is quoted wrongly: ${rule} (${quote(text)})`);
}

/**
 * What is wrong with the number of cells of a row; empty ones in columns without a name do not
 * count.
 */
function countProblem(
  header: readonly string[],
  cells: readonly string[],
  isCut: boolean,
): string | undefined {
  const named = header.findLastIndex((name) => name !== '') + 1;
  if (cells.length >= named && cells.slice(header.length).every(isBlank)) return undefined;
  const names = header.slice(0, named);
  const counted = `has ${cells.length} of the ${named} cells ${names.join(',')}`;
  return isCut && cells.length < named
    ? `stops in the middle: the file ends there, and the line ${counted}`
    : counted;
}

/** How spreadsheets write a number of more than eleven digits. */
const roundedNumber = /^\d(?:\.\d+)?E\+\d\d$/;

function toFields(
  line: number,
  header: readonly string[],
  cells: readonly string[],
  { flags, names }: RowShape,
): Fields {
  const fields: Record<string, string> = {};
  for (let index = 0; index < header.length; index += 1) {
    const [name = '', cell = ''] = [header[index], cells[index]];
    if (cell === '') continue;
    if (name === '') {
      if (isBlank(cell)) continue;
      throw new LineProblem(line, `has ${quote(cell)} in a column without a name`);
    }
    if (flags.includes(name) && cell !== 'true' && cell !== 'false') {
      throw new LineProblem(line, `has ${quote(cell)} as ${name}: true or false was expected`);
    }
    if (names.includes(name) && roundedNumber.test(cell)) {
      throw new LineProblem(
        line,
        `has the ${name} ${quote(cell)}, a long number that a spreadsheet has rounded: its last ` +
          'digits are gone. Format that column as text in the spreadsheet, and save the file ' +
          'again from the original',
      );
    }
    fields[name] = cell;
  }
  return fields;
}

/** @throws `LineProblem` if the line names no columns that rows of this shape have */
function readHeader(
  { line, text, isCut }: CsvRecord,
  shape: RowShape,
  given: RowFormat | undefined,
): readonly string[] {
  if (/^\s*[{[]/.test(text)) {
    const hint = given ? 'Give --format ndjson.' : 'Give the file a name that ends in .ndjson.';
    throw new LineProblem(line, 'is JSON, not the header of a CSV', hint);
  }
  const header = cellsOf(line, text).map((name) => (isBlank(name) ? '' : name));
  const named = header.filter((name) => name !== '');
  const problem = separatorProblem(text, header.length) ?? namesProblem(named, shape);
  if (problem === undefined) return header;
  throw new LineProblem(line, isCut ? `${problem} (the file ends on that line)` : problem);
}

const separators: ReadonlyMap<string, string> = new Map([
  [';', 'semicolons'],
  ['\t', 'tabs'],
  ['|', 'vertical bars'],
]);

function separatorProblem(text: string, columns: number): string | undefined {
  const stated = /^"?sep=(.)/i.exec(text)?.[1];
  const separator = stated ?? (columns === 1 ? /[;\t|]/.exec(text)?.[0] : undefined);
  const used = separators.get(separator ?? '');
  if (used === undefined) return undefined;
  return (
    `has ${used} between its columns, not commas: ${quote(text)}. Save the file with commas ` +
    'between columns and a point before the cents'
  );
}

function namesProblem(header: readonly string[], shape: RowShape): string | undefined {
  const unknown = header.find((name) => !shape.columns.includes(name));
  if (unknown !== undefined) {
    if (header.some((name) => shape.columns.includes(name))) {
      return unknownColumn('column', unknown, shape);
    }
    const names = shape.columns.join(', ');
    return `is not a header: the first line must name the columns, out of ${names}`;
  }
  const twice = header.find((name, index) => header.indexOf(name) !== index);
  if (twice !== undefined) return `has the column ${quote(twice)} twice`;
  const missing = shape.needed(header).filter((name) => !header.includes(name));
  if (missing.length === 0) return undefined;
  return `lacks the column ${missing.join(', ')}: it has ${header.join(', ')}`;
}
