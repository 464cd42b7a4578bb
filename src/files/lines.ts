import { isUtf8 } from 'node:buffer';
import { conversion } from './file-kind.ts';
import { LineProblem } from './rows.ts';

/** Consecutive lines of a file. */
export interface Lines {
  /** Number of the first one, from 1. */
  readonly first: number;
  /** Without their ends; for a line that is not text or is too long, what is wrong with it. */
  readonly texts: readonly (string | LineProblem)[];
  /** Bytes of the file up to the end of the last one. */
  readonly bytes: number;
  /** Whether the last one ends at the end of the file instead of with a newline. */
  readonly isCut: boolean;
}

/**
 * The longest line, in bytes. A row whose every field is as long as it can be, with each character
 * written as an escape, has some 12,000.
 */
export const maxLineBytes = 64 * 1024;

const newline = 10;
const carriageReturn = 13;
const byteOrderMark = '\uFEFF';

/**
 * Reads bytes as lines of UTF-8, a few thousand at a time; memory does not grow with their number,
 * nor with the length of one. A byte-order mark and carriage returns before newlines are removed.
 *
 * @param file what to call the file in a command line
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  file: string,
): AsyncIterable<Lines> {
  let rest: Uint8Array = new Uint8Array(0);
  let first = 1;
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    const end = chunk.lastIndexOf(newline);
    if (end < 0) {
      rest = join(rest, chunk);
      continue;
    }
    const texts = decode(join(rest, chunk.subarray(0, end)), first, file);
    rest = chunk.subarray(end + 1);
    yield { first, texts, bytes: bytes - rest.length, isCut: false };
    first += texts.length;
  }
  // Only the second half of a CRLF is missing: the line itself is whole.
  const isCut = rest.at(-1) !== carriageReturn;
  if (rest.length > 0) yield { first, texts: decode(rest, first, file), bytes, isCut };
}

/** Only enough of a line that is too long is kept to show that it is. */
function join(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length === 0) return right;
  if (left.length <= maxLineBytes) return Buffer.concat([left, right]);
  const end = right.indexOf(newline);
  return end < 0 ? left : Buffer.concat([left, right.subarray(end)]);
}

function decode(bytes: Uint8Array, first: number, file: string): Lines['texts'] {
  if (isUtf8(bytes)) {
    const texts = toText(bytes)
      .split('\n')
      .map((text, index) => trim(text, first + index));
    // A character has at most three bytes per UTF-16 code unit.
    if (texts.every((text) => text.length <= maxLineBytes / 3)) return texts;
  }
  const texts: (string | LineProblem)[] = [];
  for (let start = 0; start <= bytes.length; ) {
    const found = bytes.indexOf(newline, start);
    const end = found < 0 ? bytes.length : found;
    texts.push(decodeLine(bytes.subarray(start, end), first + texts.length, file));
    start = end + 1;
  }
  return texts;
}

function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

function decodeLine(bytes: Uint8Array, line: number, file: string): string | LineProblem {
  if (bytes.length > maxLineBytes) {
    return new LineProblem(
      line,
      `is longer than ${maxLineBytes} bytes, which no row needs`,
      'Check that the file has one row per line.',
    );
  }
  if (isUtf8(bytes)) return trim(toText(bytes), line);
  return new LineProblem(
    line,
    `is not UTF-8 text: its byte ${firstBadByte(bytes) + 1} is not part of a character`,
    // All that Latin-1 prints, and what spreadsheets save as CSV in Europe.
    conversion('WINDOWS-1252', file),
  );
}

function trim(text: string, line: number): string {
  const bare = text.endsWith('\r') ? text.slice(0, -1) : text;
  return line === 1 && bare.startsWith(byteOrderMark) ? bare.slice(1) : bare;
}

/** Index of the first byte that is not valid after those before it. */
function firstBadByte(bytes: Uint8Array): number {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const index = bytes.findIndex((_, at) => {
    try {
      decoder.decode(bytes.subarray(at, at + 1), { stream: true });
      return false;
    } catch {
      return true;
    }
  });
  return index < 0 ? bytes.length : index;
}
