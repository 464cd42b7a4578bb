import { parse } from 'csv-parse/sync';
import { quote } from '../text.ts';
import { unknownColumn } from './columns.ts';
import { LineProblem } from './lines.ts';
import type { Fields, LineParser, Row, RowShape } from './rows.ts';

/**
 * Reads CSV as RFC 4180 has it, with a head that names the columns, in any order. A row is one
 * line: no field of a bank's files can hold a line break. An empty cell is a field that is not
 * given.
 */
export function parseCsv(shape: RowShape): LineParser {
  let head: readonly string[] | undefined;
  /** The row of a line; undefined for the head; text where it is neither. */
  const read = (cells: readonly string[] | string, atEnd: boolean): Fields | string | undefined => {
    if (typeof cells === 'string') return cells;
    if (head) return toFields(head, cells, shape, atEnd);
    head = cells;
    return headProblem(cells, shape);
  };
  return ({ first, texts, cut }) => {
    const rows: Row[] = [];
    const last = cut ? texts.length - 1 : -1;
    for (const [index, cells] of cellsOf(texts).entries()) {
      if (cells.length === 1 && cells[0] === '') continue;
      const fields = read(cells, index === last);
      const line = first + index;
      if (typeof fields === 'string') return { rows, problem: new LineProblem(line, fields) };
      if (fields) rows.push({ line, length: texts[index]?.length ?? 0, fields });
    }
    return { rows };
  };
}

const options = {
  skipEmptyLines: false,
  relax_column_count: true,
  record_delimiter: '\n',
};

/** The cells of each line; text where a line is no CSV, and nothing behind it. */
function cellsOf(texts: readonly string[]): readonly (readonly string[] | string)[] {
  if (!texts.some((text) => text.includes('"'))) return texts.map((text) => text.split(','));
  return oneByOne(texts);
}

function oneByOne(texts: readonly string[]): readonly (readonly string[] | string)[] {
  const all: (readonly string[] | string)[] = [];
  for (const text of texts) {
    const cells = text.includes('"') ? parseQuoted(text) : text.split(',');
    all.push(cells);
    if (typeof cells === 'string') break;
  }
  return all;
}

function parseQuoted(text: string): readonly string[] | string {
  try {
    return parse(text, options)[0] ?? [''];
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return `${quotingProblem(code)} (${quote(text)})`;
  }
}

function quotingProblem(code: unknown): string {
  return code === 'CSV_QUOTE_NOT_CLOSED'
    ? 'has a quoted cell that is not closed: the closing " was expected on the same line'
    : 'is quoted wrongly: a quoted cell is "..." as a whole, and a " in it is written ""';
}

function headProblem(head: readonly string[], shape: RowShape): string | undefined {
  const names = shape.columns.join(', ');
  if (head.length === 1 && /[;\t|]/.test(head[0] ?? '')) {
    return `does not part its columns by commas: ${quote(head[0] ?? '')}`;
  }
  const unknown = head.find((name) => !shape.columns.includes(name));
  if (unknown !== undefined && !head.some((name) => shape.columns.includes(name))) {
    return `is not a head: the first line must name the columns, out of ${names}`;
  }
  if (unknown !== undefined) return unknownColumn('column', unknown, shape);
  const twice = head.find((name, index) => head.indexOf(name) !== index);
  if (twice !== undefined) return `has the column ${quote(twice)} twice`;
  const missing = shape.needed(head).filter((name) => !head.includes(name));
  if (missing.length === 0) return undefined;
  return `lacks the column ${missing.join(', ')}: it has ${head.join(', ')}`;
}

function toFields(
  head: readonly string[],
  cells: readonly string[],
  shape: RowShape,
  cut: boolean,
): Fields | string {
  if (cells.length !== head.length) {
    const counted = `has ${cells.length} of the ${head.length} cells ${head.join(',')}`;
    return cut && cells.length < head.length
      ? `stops in the middle: the file ends there, and the line ${counted}`
      : counted;
  }
  const fields: Record<string, string> = {};
  for (let index = 0; index < head.length; index += 1) {
    const [name = '', cell = ''] = [head[index], cells[index]];
    if (cell === '') continue;
    if (shape.flags.includes(name) && cell !== 'true' && cell !== 'false') {
      return `has ${quote(cell)} as ${name}: true or false was expected`;
    }
    fields[name] = cell;
  }
  return fields;
}
