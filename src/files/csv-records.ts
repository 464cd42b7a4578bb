import { parse } from 'csv-parse/sync';
import { quote } from '../core/text.ts';
import { LineProblem, type Lines, longestLineBytes } from './lines.ts';

/** A record of a CSV file, on one line or more. */
export interface CsvRecord {
  /** Number of its first line. */
  readonly line: number;
  readonly text: string;
  /** Whether it ends with the file instead of with a newline. */
  readonly cut: boolean;
}

/** Puts the lines of a CSV file together to records. */
export interface RecordReader {
  /**
   * @returns the records that end in these lines, and in their places the lines that are none
   * @throws `LineProblem` if a quoted cell goes on for longer than any record
   */
  readonly take: (lines: Lines) => readonly (CsvRecord | LineProblem)[];
  /** What is wrong with the record that the file ends in, if it does. */
  readonly end: () => LineProblem | undefined;
}

interface OpenRecord {
  readonly line: number;
  readonly texts: string[];
  characters: number;
  quotes: number;
}

/**
 * A record ends at the first line end that is not inside a quoted cell. In a well-formed record
 * every quoted cell has an even number of quotation marks and the other cells have none, so that
 * is the first line end with an even number of them before it. A line that breaks the grammar
 * earlier than that is refused at once.
 *
 * Source: RFC 4180, section 2.
 */
export function readRecords(): RecordReader {
  let open: OpenRecord | undefined;
  const goOn = (record: OpenRecord, text: string, cut: boolean): CsvRecord | undefined => {
    record.texts.push(text);
    record.characters += text.length + 1;
    record.quotes += countQuotes(text);
    if (record.characters > longestLineBytes) throw neverClosed(record.line);
    if (record.quotes % 2 === 1) return undefined;
    open = undefined;
    return { line: record.line, text: record.texts.join('\n'), cut };
  };
  const begin = (line: number, text: string, cut: boolean): CsvRecord | LineProblem | undefined => {
    const quotes = text.includes('"') ? countQuotes(text) : 0;
    if (quotes % 2 === 0) return { line, text, cut };
    const cells = cellsOf(text);
    if (cells instanceof QuotingFault && !cells.open) return new LineProblem(line, cells.message);
    open = { line, texts: [text], characters: text.length, quotes };
    return undefined;
  };
  return {
    take: ({ first, texts, bad, cut }) => {
      const records: (CsvRecord | LineProblem)[] = [];
      const last = cut ? texts.length - 1 : -1;
      for (const [index, text] of texts.entries()) {
        const problem = bad.get(index);
        if (problem) open = undefined;
        else if (text === '' && !open) continue;
        const line = first + index;
        const record =
          problem ?? (open ? goOn(open, text, index === last) : begin(line, text, index === last));
        if (record) records.push(record);
      }
      return records;
    },
    end: () => (open ? neverClosed(open.line) : undefined),
  };
}

function neverClosed(line: number): LineProblem {
  return new LineProblem(
    line,
    'has a quoted cell that is not closed, so what follows cannot be read',
    'Close it with a quotation mark; one inside a cell is written twice.',
  );
}

function countQuotes(text: string): number {
  let quotes = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) quotes += 1;
  return quotes;
}

/** Text that breaks the rules of quoting. */
export class QuotingFault {
  /** Whether it would be right if it went on. */
  readonly open: boolean;
  /** Completes "line 3 …". */
  readonly message: string;

  constructor(code: unknown, text: string) {
    this.open = code === 'CSV_QUOTE_NOT_CLOSED';
    this.message = this.open
      ? `has a quoted cell that is not closed (${quote(text)})`
      : `is quoted wrongly: a quoted cell is "..." as a whole, and a " in it is written "" ` +
        `(${quote(text)})`;
  }
}

const options = { relax_column_count: true, record_delimiter: '\n' };

/** The cells of a record. Most have no quoted cell, and need no parser. */
export function cellsOf(text: string): readonly string[] | QuotingFault {
  if (!text.includes('"')) return text.split(',');
  try {
    return parse(text, options)[0] ?? [''];
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return new QuotingFault(code, text);
  }
}
