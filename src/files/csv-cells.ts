import { parse } from 'csv-parse/sync';
import { quote } from '../core/text.ts';
import { LineProblem } from './rows.ts';

/**
 * The cells of a record. Most records have no quoted cell, and need no parser.
 *
 * @returns what is wrong with the quotation marks of a record that has none
 */
export function parseCells(
  text: string,
  separator: string,
): readonly string[] | 'unclosed' | 'misquoted' {
  if (!text.includes('"')) return text.split(separator);
  const options = { relax_column_count: true, record_delimiter: '\n', delimiter: separator };
  try {
    return parse(text, options)[0] ?? [''];
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return code === 'CSV_QUOTE_NOT_CLOSED' ? 'unclosed' : 'misquoted';
  }
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
