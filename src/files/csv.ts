import { quote } from '../core/text.ts';
import { unknownColumn } from './columns.ts';
import { type CsvRecord, cellsOf, QuotingFault, readRecords } from './csv-records.ts';
import { LineProblem } from './lines.ts';
import type { Fields, Row, RowParser, RowShape } from './rows.ts';

/**
 * Reads CSV as RFC 4180 has it, with a head that names the columns, in any order. An empty cell is
 * a field that is not given. What spreadsheets add and holds nothing is left out: rows of commas,
 * columns without a name, and the line that names the separator.
 */
export function parseCsv(shape: RowShape): RowParser {
  const records = readRecords();
  const leftOut = { blankRows: 0, namelessColumns: 0 };
  let head: readonly string[] | undefined;
  const toRowOf = (record: CsvRecord): Row | LineProblem | undefined => {
    if (!head) {
      if (/^"?sep=,"?$/i.test(record.text)) return undefined;
      head = checkHead(record, shape);
      leftOut.namelessColumns = head.filter((name) => name === '').length;
      return undefined;
    }
    const row = toRow(head, record, shape, leftOut);
    if (!row) leftOut.blankRows += 1;
    return row;
  };
  return {
    parse: (lines) => {
      const rows: (Row | LineProblem)[] = [];
      for (const record of records.take(lines)) {
        if (record instanceof LineProblem && !head) throw record;
        const row = record instanceof LineProblem ? record : toRowOf(record);
        if (row) rows.push(row);
      }
      return rows;
    },
    end: () => {
      const problem = records.end();
      return problem ? [problem] : [];
    },
    leftOut: () => leftOut,
  };
}

/** @returns undefined for a row in which nothing stands */
function toRow(
  head: readonly string[],
  { line, text, cut }: CsvRecord,
  shape: RowShape,
  leftOut: { namelessColumns: number },
): Row | LineProblem | undefined {
  const cells = cellsOf(text);
  if (cells instanceof QuotingFault) return new LineProblem(line, cells.message);
  if (cells.every(isBlank)) return undefined;
  if (cells.length !== head.length) {
    const wrong = countProblem(head, cells, cut);
    if (wrong !== undefined) return new LineProblem(line, wrong);
    const extra = cells.length - head.filter((name) => name !== '').length;
    leftOut.namelessColumns = Math.max(leftOut.namelessColumns, extra);
  }
  const fields = toFields(head, cells, shape);
  if (typeof fields === 'string') return new LineProblem(line, fields);
  const lastColumn = head[cells.length - 1] ?? '';
  return cut && !text.endsWith('"') && lastColumn !== ''
    ? { line, length: text.length, fields, mayBeCut: lastColumn }
    : { line, length: text.length, fields };
}

function isBlank(cell: string): boolean {
  return cell.trim() === '';
}

/** What is wrong if a row has other cells than the head; empty ones without a name are nothing. */
function countProblem(
  head: readonly string[],
  cells: readonly string[],
  cut: boolean,
): string | undefined {
  const named = head.findLastIndex((name) => name !== '') + 1;
  if (cells.length >= named && cells.slice(head.length).every(isBlank)) return undefined;
  const names = head.slice(0, named);
  const counted = `has ${cells.length} of the ${named} cells ${names.join(',')}`;
  return cut && cells.length < named
    ? `stops in the middle: the file ends there, and the line ${counted}`
    : counted;
}

function toFields(
  head: readonly string[],
  cells: readonly string[],
  shape: RowShape,
): Fields | string {
  const fields: Record<string, string> = {};
  for (let index = 0; index < head.length; index += 1) {
    const [name = '', cell = ''] = [head[index], cells[index]];
    if (cell === '') continue;
    if (name === '') {
      if (isBlank(cell)) continue;
      return `has ${quote(cell)} in a column without a name`;
    }
    if (shape.flags.includes(name) && cell !== 'true' && cell !== 'false') {
      return `has ${quote(cell)} as ${name}: true or false was expected`;
    }
    if (shape.names.includes(name) && roundedNumber.test(cell)) return rounded(name, cell);
    fields[name] = cell;
  }
  return fields;
}

/** How spreadsheets write a number of more than eleven digits. */
const roundedNumber = /^\d(?:\.\d+)?E\+\d\d$/;

function rounded(name: string, cell: string): string {
  return (
    `has the ${name} ${quote(cell)}, which a spreadsheet makes of a long number: its last digits ` +
    'are gone. Make that column text in the spreadsheet, and save the file again from the original'
  );
}

/** @throws `LineProblem` if the line names no columns that rows of this shape have */
function checkHead({ line, text, cut }: CsvRecord, shape: RowShape): readonly string[] {
  if (/^\s*[{[]/.test(text)) {
    throw new LineProblem(line, 'is JSON, not the header of a CSV', 'Give --format ndjson.');
  }
  const cells = cellsOf(text);
  if (cells instanceof QuotingFault) throw new LineProblem(line, cells.message);
  const head = cells.map((name) => (isBlank(name) ? '' : name));
  const problem = separatorProblem(text, head) ?? namesProblem(head.filter(isNamed), shape);
  if (problem === undefined) return head;
  throw new LineProblem(line, cut ? `${problem} (the file ends on that line)` : problem);
}

function isNamed(name: string): boolean {
  return name !== '';
}

const separators: ReadonlyMap<string, string> = new Map([
  [';', 'semicolons'],
  ['\t', 'tabs'],
  ['|', 'vertical bars'],
]);

function separatorProblem(text: string, { length }: readonly string[]): string | undefined {
  const separator = /^"?sep=(.)/i.exec(text)?.[1] ?? (length === 1 ? /[;\t|]/.exec(text)?.[0] : '');
  const used = separators.get(separator ?? '');
  if (used === undefined) return undefined;
  return (
    `has ${used} between its columns, not commas: ${quote(text)}. Save the file with commas ` +
    'between columns and a point before the cents'
  );
}

function namesProblem(head: readonly string[], shape: RowShape): string | undefined {
  const names = shape.columns.join(', ');
  const unknown = head.find((name) => !shape.columns.includes(name));
  if (unknown !== undefined && !head.some((name) => shape.columns.includes(name))) {
    return `is not a header: the first line must name the columns, out of ${names}`;
  }
  if (unknown !== undefined) return unknownColumn('column', unknown, shape);
  const twice = head.find((name, index) => head.indexOf(name) !== index);
  if (twice !== undefined) return `has the column ${quote(twice)} twice`;
  const missing = shape.needed(head).filter((name) => !head.includes(name));
  if (missing.length === 0) return undefined;
  return `lacks the column ${missing.join(', ')}: it has ${head.join(', ')}`;
}
