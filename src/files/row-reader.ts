import { BankctlError } from '../core/errors.ts';
import { limitYoungGeneration } from '../system/heap.ts';
import { createCsvParser } from './csv.ts';
import type { Dress, RowFormat, RowLayout } from './dress.ts';
import { checkKind, shownFile, wrongKindError } from './file-kind.ts';
import { type Lines, readLines } from './lines.ts';
import { createNdjsonParser } from './ndjson.ts';
import {
  type FileTraits,
  isBlank,
  LineProblem,
  type Row,
  type RowParser,
  type RowShape,
} from './rows.ts';
import type { Source } from './source.ts';

/** Rows that were read together, with, in place of each line that is not a row, the reason. */
interface RowBatch {
  readonly rows: readonly (Row | LineProblem)[];
  /** Bytes of the file up to the end of these rows. */
  readonly bytes: number;
  /** What is to be said of the file up to there. */
  readonly traits: FileTraits;
}

/**
 * Reads the rows of a source, whatever its length, in constant memory.
 *
 * @throws `LineProblem` if nothing after that line can be read; `file_unreadable`; `file_empty`;
 *   `file_format` for what is not rows of text at all
 */
export async function* readRows(
  source: Source,
  layout: RowLayout,
  shape: RowShape,
): AsyncIterable<RowBatch> {
  let parser: RowParser | undefined;
  let bytes = 0;
  for await (const lines of readLines(checkedChunks(source), shownFile(source.name))) {
    if (!parser && lines.texts.every((text) => typeof text === 'string' && isBlank(text))) continue;
    parser ??= parserOf(source.name, lines, layout, shape);
    const { traits } = parser;
    limitYoungGeneration();
    const rows = parseLines(parser, lines);
    bytes = lines.bytes;
    if (lines.isCut && (await hasGrown(source, bytes))) {
      const last = unfinishedLine(lines.first + lines.texts.length - 1);
      yield { rows: [...rows.filter(({ line }) => line < last.line), last], bytes, traits };
    } else yield { rows, bytes, traits };
  }
  if (!parser) {
    const message = `${source.name} is empty: ${shape.noun} was expected on each line.`;
    throw new BankctlError('file_empty', message);
  }
  const problem = parser.end();
  if (problem) yield { rows: [problem], bytes, traits: parser.traits };
}

async function* checkedChunks(source: Source): AsyncIterable<Uint8Array> {
  let isFirst = true;
  for await (const chunk of source.chunks()) {
    if (isFirst) checkKind(source.name, chunk);
    isFirst = false;
    yield chunk;
  }
}

function parserOf(name: string, { texts }: Lines, layout: RowLayout, shape: RowShape): RowParser {
  const first = texts.filter((text) => typeof text === 'string').find((text) => !isBlank(text));
  const format = layout.format ?? formatOf(name, first ?? '');
  if (format === 'csv') return createCsvParser(shape, layout);
  checkUndressed(name, layout.dress);
  checkOneObjectPerLine(name, first ?? '', texts.length);
  return createNdjsonParser(shape);
}

/** @throws `usage` for what can be said only of a CSV */
function checkUndressed(name: string, dress: Dress | undefined): void {
  if (!dress) return;
  const said = [
    ...(dress.separator === undefined ? [] : ['--separator']),
    ...(dress.decimal === 'comma' ? ['--decimal'] : []),
    ...(dress.columns.size > 0 ? ['--columns'] : []),
    ...(dress.dropped.length > 0 ? ['--drop'] : []),
  ];
  if (said.length === 0) return;
  throw new BankctlError(
    'usage',
    `${name} is NDJSON, and ${said.join(', ')} can be said only of a CSV.`,
    `If it is a CSV, say so with --format csv; otherwise leave out ${said.join(' and ')}.`,
  );
}

function formatOf(name: string, first: string): RowFormat {
  if (/\.(ndjson|jsonl)$/i.test(name)) return 'ndjson';
  if (/\.csv$/i.test(name)) return 'csv';
  return /^\s*[{[]/.test(first) ? 'ndjson' : 'csv';
}

function checkOneObjectPerLine(name: string, first: string, lines: number): void {
  const cure = (filter: string) =>
    `Convert it to one object per line: jq -c ${filter} ${shownFile(name)} | bankctl ... -`;
  if (/^\s*\[/.test(first)) {
    throw wrongKindError(name, 'a JSON array, not one JSON object per line', cure("'.[]'"));
  }
  if (/^\s*\{(?:.*[,{[])?\s*$/.test(first) && lines > 1) {
    throw wrongKindError(
      name,
      'JSON spread over several lines, not one object per line',
      cure('.'),
    );
  }
}

function parseLines(parser: RowParser, { first, texts, isCut }: Lines): (Row | LineProblem)[] {
  const rows: (Row | LineProblem)[] = [];
  const last = first + texts.length - 1;
  let line = first - 1;
  for (const text of texts) {
    line += 1;
    try {
      if (text instanceof LineProblem) {
        parser.skip();
        throw text;
      }
      const row = parser.parse(line, text, isCut && line === last);
      if (row) rows.push(row);
    } catch (error) {
      if (!(error instanceof LineProblem) || !parser.canGoOn()) throw error;
      rows.push(error);
    }
  }
  return rows;
}

/**
 * A last line without a newline is whole in most files, but not while more is still being written.
 */
async function hasGrown(source: Source, bytes: number): Promise<boolean> {
  const size = await source.size();
  return size !== undefined && size > bytes;
}

function unfinishedLine(line: number): LineProblem {
  return new LineProblem(
    line,
    'stops in the middle: the file is still being written',
    'Run the command again when the file is complete.',
  );
}
