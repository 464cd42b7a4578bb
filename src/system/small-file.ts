import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { addAbortSignal } from 'node:stream';
import { fileErrorReason } from '../core/errno.ts';
import { pipeReader, readFlags } from './pipe.ts';

/** Why a file is not text that can be used; the reason is a verb phrase: `is a directory`. */
export class UnusableFile extends Error {
  readonly reason: string;

  constructor(reason: string, cause?: unknown) {
    super(reason, { cause });
    this.reason = reason;
  }
}

/** What a small file may be. */
interface SmallFileOptions {
  readonly maxBytes: number;
  /** Accepts a pipe too, such as /dev/stdin; its abort ends the wait for it. */
  readonly interrupted?: AbortSignal;
  /** Called with the open file, before it is read. */
  readonly inspect?: (opened: Stats) => Promise<void>;
}

/**
 * The text of a small file in UTF-8, without its byte order mark.
 *
 * @throws UnusableFile; what `inspect` throws; errors of the operating system that are not about
 *   the path; the abort of a pipe
 */
export async function readSmallFile(path: string, options: SmallFileOptions): Promise<string> {
  try {
    const bytes = await readBytes(path, options);
    return decode(bytes, options.maxBytes);
  } catch (error) {
    const reason = fileErrorReason(error);
    throw reason === undefined ? error : new UnusableFile(`cannot be read: ${reason}`, error);
  }
}

async function readBytes(path: string, options: SmallFileOptions): Promise<Buffer> {
  const { maxBytes, interrupted, inspect } = options;
  const fd = openSync(path, readFlags);
  const opened = fstatSync(fd);
  if (opened.isFIFO() && interrupted) return readPipe(fd, maxBytes, interrupted);
  try {
    if (opened.isDirectory()) throw new UnusableFile('is a directory');
    if (!opened.isFile()) {
      throw new UnusableFile(
        interrupted ? 'is neither a file nor a pipe' : 'is not a regular file',
      );
    }
    await inspect?.(opened);
    // One byte more than is allowed shows that the file is too large.
    const bytes = Buffer.alloc(maxBytes + 1);
    let size = 0;
    for (let more = 1; more > 0 && size < bytes.length; size += more) {
      more = readSync(fd, bytes, size, bytes.length - size, null);
    }
    return bytes.subarray(0, size);
  } finally {
    closeSync(fd);
  }
}

async function readPipe(fd: number, maxBytes: number, interrupted: AbortSignal): Promise<Buffer> {
  const pipe = pipeReader(fd);
  addAbortSignal(interrupted, pipe);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of pipe) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > maxBytes) break;
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Buffer, maxBytes: number): string {
  if (bytes.length > maxBytes) throw new UnusableFile(`has more than ${maxBytes / 1024} KiB`);
  const mark = bytes.subarray(0, 2).toString('hex');
  if (mark === 'fffe' || mark === 'feff' || bytes.subarray(0, 4).includes(0)) {
    throw new UnusableFile('is UTF-16 or UTF-32 text, not UTF-8: save it as UTF-8');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new UnusableFile('is not UTF-8 text', error);
  }
}
