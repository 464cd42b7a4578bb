import { parse } from 'csv-parse/sync';
import { quote } from '../core/text.ts';
import { LineProblem } from './rows.ts';

/**
 * The cells of a record. The parser is for those that are unusual or wrong: it takes far longer.
 *
 * @returns what is wrong with the quotation marks of a record that has none
 */
export function parseCells(
  text: string,
  separator: string,
): readonly string[] | 'unclosed' | 'misquoted' {
  const usual = usualCells(text, separator);
  if (usual) return usual;
  const options = { relax_column_count: true, record_delimiter: '\n', delimiter: separator };
  try {
    return parse(text, options)[0] ?? [''];
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return code === 'CSV_QUOTE_NOT_CLOSED' ? 'unclosed' : 'misquoted';
  }
}

const quotationMark = '"'.charCodeAt(0);

/** The cells of a record on one line whose quotation marks are all where they belong. */
function usualCells(text: string, separator: string): readonly string[] | undefined {
  if (!text.includes('"')) return text.split(separator);
  if (text.includes('\n')) return undefined;
  const cells: string[] = [];
  for (let start = 0; start <= text.length; ) {
    const isQuoted = text.charCodeAt(start) === quotationMark;
    const end = isQuoted ? endOfQuoted(text, start) : endOfBare(text, start, separator);
    if (end < 0 || (end < text.length && text[end] !== separator)) return undefined;
    const cell = isQuoted ? text.slice(start + 1, end - 1) : text.slice(start, end);
    const hasMark = cell.includes('"');
    if (hasMark && !isQuoted) return undefined;
    cells.push(hasMark ? cell.replaceAll('""', '"') : cell);
    start = end + 1;
  }
  return cells;
}

/** The index after the mark that closes a cell; -1 if none does. */
function endOfQuoted(text: string, start: number): number {
  let mark = text.indexOf('"', start + 1);
  while (mark >= 0 && text.charCodeAt(mark + 1) === quotationMark) {
    mark = text.indexOf('"', mark + 2);
  }
  return mark < 0 ? -1 : mark + 1;
}

function endOfBare(text: string, start: number, separator: string): number {
  const end = text.indexOf(separator, start);
  return end < 0 ? text.length : end;
}

/** As `parseCells`. @throws `LineProblem` for wrong quotation marks */
export function csvCells(line: number, text: string, separator: string): readonly string[] {
  const cells = parseCells(text, separator);
  if (cells === 'unclosed') throw unclosedProblem(line);
  if (cells === 'misquoted') throw misquotedProblem(line, text);
  return cells;
}

/** What is wrong with a quoted cell that goes on and on. */
export function unclosedProblem(line: number): LineProblem {
  return new LineProblem(
    line,
    'has a quoted cell that is not closed, so what follows cannot be read',
    'Close it with a quotation mark; one inside a cell is written twice.',
  );
}

/** What is wrong with quotation marks inside a cell. */
export function misquotedProblem(line: number, text: string): LineProblem {
  const rule = 'a quoted cell is "..." as a whole, and a " in it is written ""';
  return new LineProblem(line, `is quoted wrongly: ${rule} (${quote(text)})`);
}
