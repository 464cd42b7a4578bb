import { isUtf8 } from 'node:buffer';
import { closeSync, createReadStream, fstatSync, openSync } from 'node:fs';
import { addAbortSignal, type Readable } from 'node:stream';
import { errnoCode, fileErrorReason } from '../../core/errno.ts';
import { BankctlError } from '../../core/errors.ts';
import { quote } from '../../core/text.ts';
import { pipeReader, readFlags } from '../../system/pipe.ts';

/** A line of a history, without its end. */
interface TextLine {
  readonly text: string;
  /** Counted from 1. */
  readonly number: number;
  /** False for the last one if the file ends without a line feed. */
  readonly ended: boolean;
}

const newline = 10;
const chunkBytes = 256 * 1024;
/** Any line except the first and last of a section is far shorter. */
const maxEventBytes = 16 * 1024 * 1024;
/**
 * Longer than the `applied` line of a run of seven million operations, and short enough for a
 * string.
 */
const maxLineBytes = 500 * 1024 * 1024;

/**
 * Reads a history from a file or a pipe. Memory does not grow with the length of the file, and only
 * up to a limit with that of a line.
 *
 * @throws `usage` if it cannot be read, `invalid_history` if it is not text, `interrupted`
 */
export async function* readHistoryLines(
  path: string,
  interrupted: AbortSignal,
): AsyncIterable<readonly TextLine[]> {
  try {
    let number = 1;
    for await (const { block, ended } of readBlocks(path, openHistoryStream(path, interrupted))) {
      const texts = decode(path, block, number).split('\n');
      const first = number;
      number += texts.length;
      yield texts.map((text, index) => ({ text, number: first + index, ended }));
    }
  } catch (error) {
    if (interrupted.aborted) throw new BankctlError('interrupted', 'Stopped by you.');
    const code = errnoCode(error);
    if (error instanceof BankctlError || code === undefined) throw error;
    throw unreadableError(path, fileErrorReason(error) ?? code);
  }
}

function openHistoryStream(path: string, interrupted: AbortSignal): Readable {
  const fd = openSync(path, readFlags);
  const found = fstatSync(fd);
  if (!(found.isFile() || found.isFIFO())) {
    closeSync(fd);
    throw unreadableError(
      path,
      found.isDirectory() ? 'it is a directory' : 'it is neither a file nor a pipe',
    );
  }
  const stream = found.isFIFO()
    ? pipeReader(fd)
    : createReadStream(path, { fd, highWaterMark: chunkBytes });
  return addAbortSignal(interrupted, stream);
}

interface Block {
  /** Whole lines, without the end of the last one. */
  readonly block: Buffer;
  readonly ended: boolean;
}

async function* readBlocks(path: string, stream: Readable): AsyncIterable<Block> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  let line = 1;
  let isFirst = true;
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) throw new Error('a stream of bytes has something else');
    if (isFirst) refuseNoText(path, chunk);
    isFirst = false;
    const end = chunk.lastIndexOf(newline);
    rest.push(end < 0 ? chunk : chunk.subarray(0, end));
    restBytes += end < 0 ? chunk.length : end;
    refuseLong(path, rest, restBytes, line, end < 0);
    if (end < 0) continue;
    const block = rest.length === 1 && rest[0] ? rest[0] : Buffer.concat(rest);
    line += countLines(block);
    yield { block, ended: true };
    rest = [chunk.subarray(end + 1)];
    restBytes = chunk.length - end - 1;
  }
  if (restBytes > 0) yield { block: Buffer.concat(rest), ended: false };
}

function countLines(block: Buffer): number {
  let count = 1;
  for (let at = block.indexOf(newline); at >= 0; at = block.indexOf(newline, at + 1)) count += 1;
  return count;
}

function refuseNoText(path: string, chunk: Buffer): void {
  const [first, second] = chunk;
  if (first === 0x1f && second === 0x8b) {
    throw invalid(`The history ${quote(path)} is compressed by gzip.`, 'Unpack it with gunzip.');
  }
  const isMarked = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  if (isMarked || chunk.includes(0)) {
    const what =
      isMarked || (first === 0) !== (second === 0) ? 'is UTF-16, not UTF-8' : 'is not text';
    throw invalid(
      `The history ${quote(path)} ${what}.`,
      'Name a file that bankctl stress --history wrote.',
    );
  }
}

/** Memory must not grow for a line that is too long for any history. */
function refuseLong(
  path: string,
  rest: readonly Buffer[],
  bytes: number,
  line: number,
  isOpen: boolean,
): void {
  if (!isOpen || bytes <= chunkBytes) return;
  const start = rest.find(({ length }) => length > 0)?.toString('latin1', 0, 4096) ?? '';
  const isFrame = /^\s*\{.*"f"\s*:\s*"(init|applied)"/.test(start);
  if (bytes <= (isFrame ? maxLineBytes : start.startsWith('{') ? maxEventBytes : 0)) return;
  throw invalid(`Line ${line} of ${quote(path)} is longer than any line of a history.`);
}

function decode(path: string, block: Buffer, first: number): string {
  if (!isUtf8(block)) {
    let line = first;
    for (let start = 0; start <= block.length; line += 1) {
      const found = block.indexOf(newline, start);
      const end = found < 0 ? block.length : found;
      if (!isUtf8(block.subarray(start, end))) break;
      start = end + 1;
    }
    throw invalid(`Line ${line} of ${quote(path)} is not UTF-8 text.`);
  }
  const text = block.toString('utf8');
  return first === 1 && text.startsWith('\uFEFF') ? text.slice(1) : text;
}

function invalid(message: string, hint?: string): BankctlError {
  return new BankctlError('invalid_history', message, hint);
}

function unreadableError(path: string, reason: string): BankctlError {
  return new BankctlError(
    'usage',
    `The history ${quote(path)} cannot be read: ${reason}.`,
    'Name a file that bankctl stress --history wrote.',
  );
}
