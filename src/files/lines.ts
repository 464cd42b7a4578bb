import { isUtf8 } from 'node:buffer';
import type { Source } from './source.ts';

/** Consecutive lines of a file, without their ends. */
export interface Lines {
  /** Number of the first one, from 1. */
  readonly first: number;
  readonly texts: readonly string[];
  /** What is wrong with the line of that index, which is empty then. */
  readonly bad: ReadonlyMap<number, LineProblem>;
  /** Bytes of the file up to the end of the last one. */
  readonly bytes: number;
  /** Whether the last one ends with the file instead of with a newline. */
  readonly cut: boolean;
}

/** The codes that a line can be refused with. */
export type FaultCode = 'invalid_row' | 'row_without_id' | 'row_repeated' | 'line_cut';

/** A line that is not what was expected. Carried to the place that lists them. */
export class LineProblem extends Error {
  readonly line: number;
  /** What to do about it, if there is more to say than what was expected. */
  readonly hint: string | undefined;
  readonly code: FaultCode;

  /** @param message a sentence without its end: what is wrong, and what was expected */
  constructor(line: number, message: string, hint?: string, code: FaultCode = 'invalid_row') {
    super(message);
    this.line = line;
    this.hint = hint;
    this.code = code;
  }
}

/**
 * The longest line, in bytes. A row whose every field is as long as it can be, with each character
 * written as an escape, has some 12,000.
 */
export const longestLineBytes = 64 * 1024;

const newline = 10;
const carriageReturn = 13;
const byteOrderMark = '\uFEFF';

/**
 * Reads a source as lines of UTF-8, a few thousand at a time; memory does not grow with its length,
 * nor with that of a line. A byte-order mark and carriage returns before newlines are taken away.
 */
export async function* readLines(source: Source): AsyncIterable<Lines> {
  let rest: Uint8Array = new Uint8Array(0);
  let first = 1;
  let bytes = 0;
  for await (const chunk of source.chunks()) {
    bytes += chunk.length;
    const end = chunk.lastIndexOf(newline);
    if (end < 0) {
      rest = joined(rest, chunk);
      continue;
    }
    const lines = decode(joined(rest, chunk.subarray(0, end)), first);
    rest = chunk.subarray(end + 1);
    yield { first, ...lines, bytes: bytes - rest.length, cut: false };
    first += lines.texts.length;
  }
  // Of a CRLF, only the second half is missing: the line itself is whole.
  const cut = rest.at(-1) !== carriageReturn;
  if (rest.length > 0) yield { first, ...decode(rest, first), bytes, cut };
}

/** Of a line that is too long, no more is kept than shows that it is. */
function joined(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length === 0) return right;
  if (left.length <= longestLineBytes) return Buffer.concat([left, right]);
  const end = right.indexOf(newline);
  return end < 0 ? left : Buffer.concat([left, right.subarray(end)]);
}

type Decoded = Pick<Lines, 'texts' | 'bad'>;

const noneBad: Lines['bad'] = new Map();

function decode(bytes: Uint8Array, first: number): Decoded {
  if (!isUtf8(bytes)) return decodeOneByOne(bytes, first);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  const texts = text.split('\n').map((line, index) => trimmed(line, first + index));
  // A character has at most three bytes for each of its units of UTF-16.
  return texts.some((line) => line.length > longestLineBytes / 3)
    ? decodeOneByOne(bytes, first)
    : { texts, bad: noneBad };
}

function decodeOneByOne(bytes: Uint8Array, first: number): Decoded {
  const texts: string[] = [];
  const bad = new Map<number, LineProblem>();
  for (let start = 0; start <= bytes.length; ) {
    const found = bytes.indexOf(newline, start);
    const end = found < 0 ? bytes.length : found;
    const line = bytes.subarray(start, end);
    const number = first + texts.length;
    if (line.length > longestLineBytes) bad.set(texts.length, tooLong(number));
    else if (!isUtf8(line)) bad.set(texts.length, notUtf8(number, line));
    const text = bad.has(texts.length) ? '' : Buffer.from(line).toString('utf8');
    texts.push(trimmed(text, number));
    start = end + 1;
  }
  return { texts, bad };
}

function trimmed(line: string, number: number): string {
  const bare = line.endsWith('\r') ? line.slice(0, -1) : line;
  return number === 1 && bare.startsWith(byteOrderMark) ? bare.slice(1) : bare;
}

function tooLong(line: number): LineProblem {
  return new LineProblem(
    line,
    `is longer than ${longestLineBytes} bytes, which no row needs`,
    'Check that the file has one row a line.',
  );
}

function notUtf8(line: number, bytes: Uint8Array): LineProblem {
  return new LineProblem(
    line,
    `is not UTF-8 text: byte ${firstBadByte(bytes) + 1} of it belongs to no character`,
    'Convert the file, for example with iconv -f latin1 -t utf8.',
  );
}

/** Index of the first byte that no longer goes with those before it. */
function firstBadByte(bytes: Uint8Array): number {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for (let index = 0; index < bytes.length; index += 1) {
    try {
      decoder.decode(bytes.subarray(index, index + 1), { stream: true });
    } catch {
      return index;
    }
  }
  return bytes.length;
}
