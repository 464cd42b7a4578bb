import { BankctlError } from '../errors.ts';
import { parseCsv } from './csv.ts';
import { LineProblem, type Lines, readLines } from './lines.ts';
import { parseObject } from './ndjson.ts';
import type { Source } from './source.ts';

/** One row of a file: its fields by name. A field that is not given is not there. */
export interface Row {
  /** Number of its line, from 1; in CSV the head is line 1. */
  readonly line: number;
  /** Characters of its line. */
  readonly length: number;
  readonly fields: Fields;
}

/** Text by name; a flag is `true` or `false`. */
export type Fields = Readonly<Record<string, string>>;

/** What rows may have. */
export interface RowShape {
  /** What one row is, for messages: `an operation`. */
  readonly noun: string;
  readonly columns: readonly string[];
  /** Those of the columns that are true or false. */
  readonly flags: readonly string[];
  /**
   * Columns that the head of a CSV must have, given those it has. Where none is missing, each row
   * is still checked for what it needs.
   */
  readonly needed: (columns: readonly string[]) => readonly string[];
}

/** Rows that were read together, and in their places the lines that are none. */
export interface RowBatch {
  readonly rows: readonly (Row | LineProblem)[];
  /** Bytes of the file up to the end of them. */
  readonly bytes: number;
}

/** The formats of rows. */
export const rowFormats = ['ndjson', 'csv'] as const;
/** One of `rowFormats`. */
export type RowFormat = (typeof rowFormats)[number];

/**
 * How the lines of one format become rows; made anew for each pass, since CSV has a head.
 *
 * @throws `LineProblem` where no line behind this one can be a row
 */
export type LineParser = (lines: Lines) => readonly (Row | LineProblem)[];

/**
 * Reads the rows of a source, whatever its length, in flat memory.
 *
 * @param format as the user gave it; undefined goes by the name, else by the first character
 * @throws `LineProblem` where the whole file is at fault; `file_unreadable`; `file_empty`
 */
export async function* readRows(
  source: Source,
  format: RowFormat | undefined,
  shape: RowShape,
): AsyncIterable<RowBatch> {
  let parse: LineParser | undefined;
  for await (const lines of readLines(source)) {
    if (!parse && lines.bad.size === 0 && lines.texts.every(isBlank)) continue;
    parse ??= parserOf(format ?? formatOf(source.name, lines), shape);
    const rows = parse(lines);
    const { bytes } = lines;
    if (!lines.cut || !(await hasGrown(source, lines))) {
      yield { rows, bytes };
      continue;
    }
    const last = growing(lines);
    yield { rows: [...rows.filter(({ line }) => line < last.line), last], bytes };
  }
  if (!parse) throw empty(source, shape);
}

function isBlank(text: string): boolean {
  return text.trim() === '';
}

function formatOf(name: string, { texts }: Lines): RowFormat {
  if (/\.(ndjson|jsonl)$/i.test(name)) return 'ndjson';
  if (/\.csv$/i.test(name)) return 'csv';
  const first = texts.find((text) => !isBlank(text)) ?? '';
  return /^\s*[{[]/.test(first) ? 'ndjson' : 'csv';
}

function parserOf(format: RowFormat, shape: RowShape): LineParser {
  return format === 'csv' ? parseCsv(shape) : parseNdjson(shape);
}

function parseNdjson(shape: RowShape): LineParser {
  return ({ first, texts, bad, cut }) => {
    const rows: (Row | LineProblem)[] = [];
    for (const [index, text] of texts.entries()) {
      const line = first + index;
      const problem = bad.get(index);
      if (problem) rows.push(problem);
      if (problem || isBlank(text)) continue;
      const fields = parseObject(text, shape, cut && index === texts.length - 1);
      if (typeof fields === 'string') rows.push(new LineProblem(line, fields));
      else rows.push({ line, length: text.length, fields });
    }
    return rows;
  };
}

/** A last line without a newline is whole in most files, but not where more is being added. */
async function hasGrown(source: Source, { bytes }: Lines): Promise<boolean> {
  const size = await source.size();
  return size !== undefined && size > bytes;
}

function growing({ first, texts }: Lines): LineProblem {
  return new LineProblem(
    first + texts.length - 1,
    'stops in the middle: the file is still being written',
    'Run the command again when the file is complete.',
  );
}

function empty(source: Source, { noun }: RowShape): BankctlError {
  return new BankctlError(
    'file_empty',
    `${source.name} is empty: ${noun} was expected on each line.`,
  );
}
