import { quote } from '../core/text.ts';
import { csvCells, misquotedProblem, parseCells, unclosedProblem } from './csv-cells.ts';
import { type CsvHeader, possibleSeparators, readHeader, statedSeparator } from './csv-header.ts';
import type { RowLayout } from './dress.ts';
import { maxLineBytes } from './lines.ts';
import {
  countQuotes,
  type Fields,
  type FileTraits,
  isBlank,
  LineProblem,
  plainTraits,
  type Row,
  type RowParser,
  type RowShape,
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
 * not given. What a row asks for does not depend on the order of the columns, the case of their
 * names, the separator, or the decimal sign. What spreadsheets add that holds nothing is left out:
 * rows of commas, columns without a name, and the line that names the separator.
 *
 * A record ends at the first line end that is not inside a quoted cell. In a well-formed record
 * every quoted cell has an even number of quotation marks and the other cells have none, so that is
 * the first line end with an even number of them before it. A line that breaks the grammar earlier
 * than that is refused at once.
 *
 * Source: RFC 4180, section 2.
 *
 * @param layout its format as the user gave it; otherwise the name of the file says that it is CSV
 */
export function createCsvParser(shape: RowShape, layout: RowLayout): RowParser {
  const traits = { ...plainTraits };
  let stated: string | undefined;
  let reader: RecordReader | undefined;
  let open: OpenRecord | undefined;

  const takeLine = (line: number, text: string, isCut: boolean): CsvRecord | undefined => {
    const isOdd = countQuotes(text) % 2 === 1;
    if (!open) {
      if (!isOdd) return { line, text, isCut };
      const possible = reader ? [reader.separator] : possibleSeparators(layout.dress, stated);
      if (possible.every((it) => parseCells(text, it) === 'misquoted')) {
        throw misquotedProblem(line, text);
      }
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
      if (reader) return toRow(reader, record, traits);
      const names = statedSeparator(record.text);
      if (names !== undefined) {
        stated = names;
        return undefined;
      }
      const header = readHeader(record, shape, layout, stated);
      Object.assign(traits, traitsOf(header));
      reader = { ...header, shape, layout };
      return undefined;
    },
    skip: () => {
      open = undefined;
    },
    canGoOn: () => reader !== undefined && open === undefined,
    end: () => (open ? unclosedProblem(open.line) : undefined),
    traits,
  };
}

/** What the records after the header are read by. */
interface RecordReader extends CsvHeader {
  readonly shape: RowShape;
  readonly layout: RowLayout;
}

function traitsOf({ names, fields, separator, isSeparatorFound }: CsvHeader): Partial<FileTraits> {
  return {
    namelessColumns: names.filter((name) => name === '').length,
    droppedColumns: names.filter((_, index) => fields[index] === undefined),
    ...(isSeparatorFound ? { separatorFound: separator } : {}),
  };
}

/** Semicolons go with a comma before the cents, and that with points between thousands. */
function decimalOf(reader: RecordReader): Row['decimal'] {
  const { separator, isSeparatorFound, layout } = reader;
  const { dress } = layout;
  if (!dress) return undefined;
  const isInDoubt = dress.decimal === undefined && isSeparatorFound && separator === ';';
  return isInDoubt ? 'in doubt' : (dress.decimal ?? 'point');
}

/** @returns undefined for an empty row */
function toRow(
  reader: RecordReader,
  { line, text, isCut }: CsvRecord,
  traits: { blankRows: number } & Pick<FileTraits, 'droppedColumns'>,
): Row | undefined {
  const { names, fields: columns, separator } = reader;
  const cells = csvCells(line, text, separator);
  if (cells.every(isBlank)) {
    traits.blankRows += 1;
    return undefined;
  }
  if (cells.length !== names.length) {
    const wrong = countProblem(names, cells, isCut);
    if (wrong !== undefined) throw new LineProblem(line, wrong);
  }
  checkApart(reader, line, text, cells);
  const fields = toFields(line, reader, cells);
  const shared = { line, length: text.length, fields, decimal: decimalOf(reader) };
  const leftOut = () => cells.filter((_, index) => columns[index] === undefined);
  const row: Row = traits.droppedColumns.length === 0 ? shared : { ...shared, leftOut: leftOut() };
  const lastColumn = columns[cells.length - 1] ?? '';
  const mayBeCut = isCut && !text.endsWith('"') && lastColumn !== '';
  return mayBeCut ? { ...row, mayBeCut: lastColumn } : row;
}

/**
 * What is wrong with the number of cells of a row. It may lack those of columns without a name, but
 * has none that the header has not: an amount with a comma in it would look like two cells.
 */
function countProblem(
  header: readonly string[],
  cells: readonly string[],
  isCut: boolean,
): string | undefined {
  const named = header.findLastIndex((name) => name !== '') + 1;
  if (cells.length >= named && cells.length <= header.length) return undefined;
  const names = header.slice(0, named);
  const counted = `has ${cells.length} of the ${named} cells ${names.join(',')}`;
  return isCut && cells.length < named
    ? `stops in the middle: the file ends there, and the line ${counted}`
    : counted;
}

/** What may be an amount with a comma in it, by what stands before its cents. */
const apart = { comma: /^[+-]?\d+,\d+$/, point: /^[+-]?[1-9]\d{0,2},\d{3}\.\d+$/ };

/**
 * Where commas are between the columns and in the amounts, `1,5` is two cells and may be meant as
 * one. @throws `LineProblem`
 */
function checkApart(
  { fields, separator, shape: { amounts = [] }, layout }: RecordReader,
  line: number,
  text: string,
  cells: readonly string[],
): void {
  const decimal = layout.dress?.decimal;
  if (separator !== ',' || decimal === undefined) return;
  for (const [index, name] of fields.entries()) {
    const pair = cells.slice(index, index + 2).join(',');
    if (!amounts.includes(name ?? '') || !apart[decimal].test(pair)) continue;
    // A quoted cell has its quotation mark where the comma is expected.
    if (!`,${text},`.includes(`,${pair},`)) continue;
    throw new LineProblem(
      line,
      `has ${pair} without quotation marks: it may be one ${name}, or two cells`,
      `Write the ${name} in quotation marks; if none of the file has a comma, leave out --decimal.`,
    );
  }
}

/** How spreadsheets write a number of more than eleven digits. */
const roundedNumber = /^\d(?:\.\d+)?E\+\d\d$/;

function toFields(
  line: number,
  { fields: columns, shape, layout }: RecordReader,
  cells: readonly string[],
): Fields {
  const fields: Record<string, string> = {};
  const { flags, names, amounts = [] } = shape;
  for (let index = 0; index < columns.length; index += 1) {
    const [name, cell = ''] = [columns[index], cells[index]];
    if (cell === '' || name === undefined) continue;
    if (name === '') {
      if (isBlank(cell)) continue;
      throw new LineProblem(line, `has ${quote(cell)} in a column without a name`);
    }
    if (names.includes(name) && roundedNumber.test(cell)) throw roundedProblem(line, name, cell);
    if (flags.includes(name)) fields[name] = toFlag(line, name, cell);
    else if (layout.dress?.decimal !== undefined && amounts.includes(name)) {
      fields[name] = toAmount(line, name, cell, layout.dress.decimal);
    } else fields[name] = cell;
  }
  return fields;
}

/** Spreadsheets write these words in capitals. */
function toFlag(line: number, name: string, cell: string): string {
  const flag = cell.toLowerCase();
  if (flag === 'true' || flag === 'false') return flag;
  throw new LineProblem(line, `has ${quote(cell)} as ${name}: true or false was expected`);
}

function roundedProblem(line: number, name: string, cell: string): LineProblem {
  return new LineProblem(
    line,
    `has the ${name} ${quote(cell)}, a long number that a spreadsheet has rounded: its last ` +
      'digits are gone. Format that column as text in the spreadsheet, and save the file ' +
      'again from the original',
  );
}

/** An amount whose decimal sign, which the user named, and the mark between thousands agree. */
const grouped = {
  comma: /^[+-]?[1-9]\d{0,2}(?:\.\d{3})+,\d+$/,
  point: /^[+-]?[1-9]\d{0,2}(?:,\d{3})+\.\d+$/,
};

/**
 * An amount with a point before its cents, and nothing between thousands: both marks in one amount
 * leave no doubt. Whether it is an amount is for its parser to say.
 */
function toAmount(line: number, name: string, cell: string, decimal: 'comma' | 'point'): string {
  const isGrouped = grouped[decimal].test(cell);
  if (decimal === 'point') return isGrouped ? cell.replaceAll(',', '') : cell;
  if (isGrouped) return cell.replaceAll('.', '').replace(',', '.');
  const comma = cell.indexOf(',');
  if (!cell.includes('.') && comma === cell.lastIndexOf(',')) return cell.replace(',', '.');
  throw new LineProblem(
    line,
    `has the ${name} ${quote(cell)}, and with --decimal comma an amount has a comma before the ` +
      'cents, and no other mark but points between thousands',
    'Write 1234,56 or 1.234,56; if the cents come after points, leave out --decimal.',
  );
}
