import { BankctlError } from '../core/errors.ts';
import { shellWord } from '../core/text.ts';
import { parseCsv } from './csv.ts';
import { checkKind, wrongKind } from './file-kind.ts';
import { LineProblem, type Lines, readLines } from './lines.ts';
import { parseObject } from './ndjson.ts';
import type { Source } from './source.ts';

/** One row of a file: its fields by name. A field that is not given is not there. */
export interface Row {
  /** Number of its first line, from 1; in CSV the head is line 1. */
  readonly line: number;
  /** Characters of its text. */
  readonly length: number;
  readonly fields: Fields;
  /** The field that the file ends in, if nothing shows that more of it is not missing. */
  readonly mayBeCut?: string;
}

/** Text by name; a flag is `true` or `false`. */
export type Fields = Readonly<Record<string, string>>;

/** What rows may have. */
export interface RowShape {
  /** What one row is, for messages: `an operation`. */
  readonly noun: string;
  readonly columns: readonly string[];
  /** What people call some of them: to guess what was meant. */
  readonly otherNames?: Readonly<Record<string, string>>;
  /** Those of the columns that are true or false. */
  readonly flags: readonly string[];
  /** Those of the columns that name something, in which a rounded number is another name. */
  readonly names: readonly string[];
  /**
   * Columns that the head of a CSV must have, given those it has. Even if none is missing, each
   * row is still checked for what it needs.
   */
  readonly needed: (columns: readonly string[]) => readonly string[];
}

/** Rows that were read together, and in their places the lines that are none. */
export interface RowBatch {
  readonly rows: readonly (Row | LineProblem)[];
  /** Bytes of the file up to the end of them. */
  readonly bytes: number;
}

/** What holds nothing and was left out, as spreadsheets add it. */
export interface LeftOut {
  readonly blankRows: number;
  readonly namelessColumns: number;
}

/** The formats of rows. */
export const rowFormats = ['ndjson', 'csv'] as const;
/** One of `rowFormats`. */
export type RowFormat = (typeof rowFormats)[number];

/** How the lines of one format become rows; made anew for each pass. */
export interface RowParser {
  /** @throws `LineProblem` if no line after this one can be a row */
  readonly parse: (lines: Lines) => readonly (Row | LineProblem)[];
  /** What the end of the file leaves unfinished. */
  readonly end: () => readonly LineProblem[];
  readonly leftOut: () => LeftOut;
}

/**
 * Reads the rows of a source, whatever its length, in flat memory.
 *
 * @param format as the user gave it; undefined goes by the name, else by the first character
 * @returns what was left out
 * @throws `LineProblem` if nothing after that line can be read; `file_unreadable`; `file_empty`;
 *   `file_format` for what is not rows of text at all
 */
export async function* readRows(
  source: Source,
  format: RowFormat | undefined,
  shape: RowShape,
): AsyncGenerator<RowBatch, LeftOut, undefined> {
  let parser: RowParser | undefined;
  let bytes = 0;
  for await (const lines of readLines({ ...source, chunks: () => checkedChunks(source) })) {
    if (!parser && lines.bad.size === 0 && lines.texts.every(isBlank)) continue;
    parser ??= parserOf(source.name, lines, format, shape);
    const rows = parser.parse(lines);
    bytes = lines.bytes;
    if (!lines.cut || !(await hasGrown(source, lines))) {
      yield { rows, bytes };
      continue;
    }
    const last = growing(lines);
    yield { rows: [...rows.filter(({ line }) => line < last.line), last], bytes };
  }
  if (!parser) throw empty(source, shape);
  const rows = parser.end();
  if (rows.length > 0) yield { rows, bytes };
  return parser.leftOut();
}

async function* checkedChunks(source: Source): AsyncIterable<Uint8Array> {
  let first = true;
  for await (const chunk of source.chunks()) {
    if (first) checkKind(source.name, chunk);
    first = false;
    yield chunk;
  }
}

function isBlank(text: string): boolean {
  return text.trim() === '';
}

function parserOf(
  name: string,
  lines: Lines,
  given: RowFormat | undefined,
  shape: RowShape,
): RowParser {
  const first = lines.texts.find((text) => !isBlank(text)) ?? '';
  const format = given ?? formatOf(name, first);
  if (format === 'csv') return parseCsv(shape);
  const file = name === 'stdin' ? 'FILE' : shellWord(name);
  if (/^\s*\[/.test(first)) {
    const cure = `Make one object a line of it: jq -c '.[]' ${file} | bankctl ... -`;
    throw wrongKind(name, 'a JSON array, not one JSON object a line', cure);
  }
  if (/^\s*\{(?:.*[,{[])?\s*$/.test(first) && lines.texts.length > 1) {
    const cure = `Make one object a line of it: jq -c . ${file} | bankctl ... -`;
    throw wrongKind(name, 'JSON spread over several lines, not one object a line', cure);
  }
  return parseNdjson(shape);
}

function formatOf(name: string, first: string): RowFormat {
  if (/\.(ndjson|jsonl)$/i.test(name)) return 'ndjson';
  if (/\.csv$/i.test(name)) return 'csv';
  return /^\s*[{[]/.test(first) ? 'ndjson' : 'csv';
}

function parseNdjson(shape: RowShape): RowParser {
  return {
    parse: ({ first, texts, bad, cut }) => {
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
    },
    end: () => [],
    leftOut: () => ({ blankRows: 0, namelessColumns: 0 }),
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
