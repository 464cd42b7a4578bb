import { isUtf8 } from 'node:buffer';
import type { Source } from './source.ts';

/** Consecutive lines of a file, without their ends. */
export interface Lines {
  /** Number of the first one, from 1. */
  readonly first: number;
  readonly texts: readonly string[];
  /** Bytes of the file up to the end of the last one. */
  readonly bytes: number;
  /** Whether the last one is the end of the file without a newline behind it. */
  readonly cut: boolean;
}

/** A line that is not what was expected. Carried to the place that knows what was applied. */
export class LineProblem extends Error {
  readonly line: number;
  /** What to do about it, where there is more to say than what was expected. */
  readonly hint: string | undefined;

  /** @param message a sentence without its end: what is wrong, and what was expected */
  constructor(line: number, message: string, hint?: string) {
    super(message);
    this.line = line;
    this.hint = hint;
  }
}

/**
 * The longest line, in bytes. A row whose every field is as long as it can be, with each character
 * written as an escape, has some 12,000.
 */
export const longestLineBytes = 64 * 1024;

const newline = 10;
const byteOrderMark = '\uFEFF';

/**
 * Reads a source as lines of UTF-8, a few thousand at a time; memory does not grow with its length.
 * A byte-order mark and carriage returns before newlines are taken away.
 *
 * @throws `LineProblem`, after all lines before it were given
 */
export async function* readLines(source: Source): AsyncIterable<Lines> {
  let rest: Uint8Array = new Uint8Array(0);
  let first = 1;
  let bytes = 0;
  for await (const chunk of source.chunks()) {
    bytes += chunk.length;
    const end = chunk.lastIndexOf(newline) + 1;
    if (end === 0) {
      rest = joined(rest, chunk);
      if (rest.length > longestLineBytes) throw tooLong(first);
      continue;
    }
    const whole = joined(rest, chunk.subarray(0, end - 1));
    const lines = decode(whole, first);
    rest = chunk.subarray(end);
    yield { first, texts: lines.texts, bytes: bytes - rest.length, cut: false };
    if (lines.problem) throw lines.problem;
    first += lines.texts.length;
    if (rest.length > longestLineBytes) throw tooLong(first);
  }
  if (rest.length === 0) return;
  const lines = decode(rest, first);
  yield { first, texts: lines.texts, bytes, cut: true };
  if (lines.problem) throw lines.problem;
}

function joined(left: Uint8Array, right: Uint8Array): Uint8Array {
  return left.length === 0 ? right : Buffer.concat([left, right]);
}

interface Decoded {
  /** The lines before the problem. */
  readonly texts: readonly string[];
  readonly problem?: LineProblem;
}

function decode(bytes: Uint8Array, first: number): Decoded {
  if (!isUtf8(bytes)) return decodeOneByOne(bytes, first);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  const texts = text.split('\n').map((line, index) => trimmed(line, first + index));
  // In UTF-16 a line has at most as many units as it has bytes in UTF-8.
  return texts.some((line) => line.length > longestLineBytes / 4)
    ? decodeOneByOne(bytes, first)
    : { texts };
}

function decodeOneByOne(bytes: Uint8Array, first: number): Decoded {
  const texts: string[] = [];
  for (let start = 0; start <= bytes.length; ) {
    const found = bytes.indexOf(newline, start);
    const end = found < 0 ? bytes.length : found;
    const line = bytes.subarray(start, end);
    const number = first + texts.length;
    if (line.length > longestLineBytes) return { texts, problem: tooLong(number) };
    if (!isUtf8(line)) return { texts, problem: notUtf8(number, line) };
    texts.push(trimmed(Buffer.from(line).toString('utf8'), number));
    start = end + 1;
  }
  return { texts };
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
