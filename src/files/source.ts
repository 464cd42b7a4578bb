import { fstat, open as openFile, type Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { errnoCode, fileErrorReason } from '../core/errno.ts';
import { BankctlError } from '../core/errors.ts';
import { pipeReader, readFlags } from '../system/pipe.ts';

/** Where rows come from: a file, or the standard input. */
export interface Source {
  /** As the user typed it, for messages: `orders.csv`, or `stdin`. */
  readonly name: string;
  /** Whether it can be read a second time, as a file can and a pipe cannot. */
  readonly repeatable: boolean;
  /** Bytes at this moment; undefined if it is not known. */
  readonly size: () => Promise<number | undefined>;
  /** What tells two names of one file apart from two files; undefined if writing cannot hurt it. */
  readonly identity: FileIdentity | undefined;
  /**
   * The bytes from the beginning. What is added to a file after it was read once is not read: what
   * is checked and what is posted are the same rows.
   */
  readonly chunks: () => AsyncIterable<Uint8Array>;
  readonly close: () => Promise<void>;
}

/** One file, whatever its names are. */
export type FileIdentity = Pick<Stats, 'dev' | 'ino'>;

const chunkBytes = 256 * 1024;

/**
 * Opens a file, or with `-` the standard input. An open file stays readable when it is renamed or
 * deleted meanwhile.
 *
 * @throws `file_unreadable`
 */
export async function openSource(
  path: string,
  { stdin, cwd }: { readonly stdin: Readable; readonly cwd: string },
): Promise<Source> {
  if (path === '-') return streamSource('stdin', stdin, await stdinIdentity(stdin));
  const place = isAbsolute(path) ? path : join(cwd, path);
  const found = await guarded(path, () => stat(place));
  if (found.isFIFO()) return pipeSource(path, place);
  return fileSource(path, await guarded(path, () => open(place, 'r')));
}

/** A pipe that nobody has begun to write to is waited for, as long as the user likes. */
async function pipeSource(name: string, place: string): Promise<Source> {
  const fd = await guarded(name, () => promisify(openFile)(place, readFlags));
  return streamSource(name, pipeReader(fd), identityOf(await promisify(fstat)(fd)));
}

/**
 * An open file as a source, which closes it.
 *
 * @throws `file_unreadable` for a directory
 */
export async function fileSource(name: string, file: FileHandle): Promise<Source> {
  const stats = await file.stat();
  if (stats.isDirectory()) {
    await file.close();
    throw unreadable(name, 'it is a directory');
  }
  const repeatable = stats.isFile();
  const end = { bytes: Number.POSITIVE_INFINITY };
  return Object.freeze({
    name,
    repeatable,
    size: async () => (repeatable ? (await file.stat()).size : undefined),
    identity: identityOf(stats),
    chunks: () => fileChunks(name, file, repeatable, end),
    close: () => file.close(),
  });
}

/** A terminal or /dev/null can be read and written at once. */
function identityOf(stats: Stats): FileIdentity | undefined {
  return stats.isCharacterDevice() ? undefined : { dev: stats.dev, ino: stats.ino };
}

/** `bankctl apply - < FILE` reads that file. */
async function stdinIdentity(stdin: Readable): Promise<FileIdentity | undefined> {
  if (!('fd' in stdin) || typeof stdin.fd !== 'number') return undefined;
  const stats = await promisify(fstat)(stdin.fd).catch(() => undefined);
  return stats && identityOf(stats);
}

function streamSource(name: string, stream: Readable, identity: FileIdentity | undefined): Source {
  return Object.freeze({
    name,
    repeatable: false,
    size: () => Promise.resolve(undefined),
    identity,
    chunks: () => streamChunks(name, stream),
    close: async () => {
      stream.destroy();
    },
  });
}

async function* streamChunks(name: string, stream: Readable): AsyncIterable<Uint8Array> {
  const iterator: AsyncIterator<unknown> = stream[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await guarded(name, () => iterator.next());
    if (done === true) return;
    yield typeof value === 'string' ? Buffer.from(value) : toBytes(name, value);
  }
}

function toBytes(name: string, value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`${name} gave something that is neither bytes nor text`);
}

/** Reads by position where it can, so that a second pass begins at the beginning again. */
async function* fileChunks(
  path: string,
  file: FileHandle,
  repeatable: boolean,
  end: { bytes: number },
): AsyncIterable<Uint8Array> {
  let position = 0;
  for (;;) {
    const length = Math.min(chunkBytes, end.bytes - position);
    const buffer = Buffer.allocUnsafe(length);
    const at = repeatable ? position : null;
    const { bytesRead } = await guarded(path, () => file.read(buffer, 0, length, at));
    if (bytesRead === 0) break;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
  if (Number.isFinite(end.bytes) && position < end.bytes) {
    throw unreadable(path, 'it has become shorter since it was checked');
  }
  end.bytes = position;
}

async function guarded<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || error instanceof BankctlError) throw error;
    if (errnoCode(error) === undefined) throw error;
    throw unreadable(name, fileErrorReason(error) ?? error.message, error);
  }
}

function unreadable(name: string, reason: string, cause?: unknown): BankctlError {
  return new BankctlError('file_unreadable', `${name} cannot be read: ${reason}.`, undefined, {
    cause,
  });
}
