import { fstat, open as openFile, type Stats } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { errnoCode, fileError, fileErrorReason } from '../core/errno.ts';
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
  /** Distinguishes two names of one file from two files; undefined if writing cannot harm it. */
  readonly identity: FileIdentity | undefined;
  /**
   * The bytes from the beginning. What is added to a file after the first pass is not read, so the
   * rows that are checked are those that are posted.
   */
  readonly chunks: () => AsyncIterable<Uint8Array>;
  readonly close: () => Promise<void>;
}

/** One file, whatever its names are. */
export type FileIdentity = Pick<Stats, 'dev' | 'ino'>;

/** Parsing more at a time would keep the answers of the server waiting for longer. */
const chunkBytes = 32 * 1024;

/**
 * Opens a file, or with `-` the standard input. An open file stays readable when it is renamed or
 * deleted meanwhile. If nobody has begun to write to a pipe, it waits.
 *
 * @throws `file_unreadable`
 */
export async function openSource(
  path: string,
  { stdin, cwd }: { readonly stdin: Readable; readonly cwd: string },
): Promise<Source> {
  if (path === '-') return streamSource('stdin', stdin, await stdinIdentity(stdin));
  const place = isAbsolute(path) ? path : join(cwd, path);
  try {
    if (!(await stat(place)).isFIFO()) return await fileSource(path, await open(place, 'r'));
    const fd = await promisify(openFile)(place, readFlags);
    return streamSource(path, pipeReader(fd), identityOf(await promisify(fstat)(fd)));
  } catch (error) {
    throw explain(path, error);
  }
}

/** An open file as a source, which closes it. */
async function fileSource(name: string, file: FileHandle): Promise<Source> {
  const stats = await file.stat();
  if (stats.isDirectory()) {
    await file.close();
    throw unreadableError(name, 'it is a directory');
  }
  const repeatable = stats.isFile();
  const end = { bytes: Number.POSITIVE_INFINITY };
  return Object.freeze({
    name,
    repeatable,
    size: async () => (repeatable ? (await file.stat()).size : undefined),
    identity: identityOf(stats),
    chunks: () => explainErrors(name, fileChunks(name, file, repeatable, end)),
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
    chunks: () => explainErrors(name, streamChunks(name, stream)),
    close: async () => {
      stream.destroy();
    },
  });
}

async function* streamChunks(name: string, stream: Readable): AsyncIterable<Uint8Array> {
  for await (const chunk of stream) {
    if (typeof chunk === 'string') yield Buffer.from(chunk);
    else if (chunk instanceof Uint8Array) yield chunk;
    else throw new TypeError(`${name} yielded something that is neither bytes nor text`);
  }
}

/** Reads by position if possible, so that a second pass starts from the beginning. */
async function* fileChunks(
  name: string,
  file: FileHandle,
  repeatable: boolean,
  end: { bytes: number },
): AsyncIterable<Uint8Array> {
  let position = 0;
  for (;;) {
    const length = Math.min(chunkBytes, end.bytes - position);
    const buffer = Buffer.allocUnsafe(length);
    const { bytesRead } = await file.read(buffer, 0, length, repeatable ? position : null);
    if (bytesRead === 0) break;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
  if (Number.isFinite(end.bytes) && position < end.bytes) {
    throw unreadableError(name, 'it has become shorter since it was checked');
  }
  end.bytes = position;
}

async function* explainErrors<T>(name: string, chunks: AsyncIterable<T>): AsyncIterable<T> {
  try {
    yield* chunks;
  } catch (error) {
    throw explain(name, error);
  }
}

/** What the operating system says about a file, in words; any other error unchanged. */
function explain(name: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof BankctlError) return error;
  if (errnoCode(error) === undefined) return error;
  return unreadableError(name, fileErrorReason(error) ?? error.message, error);
}

function unreadableError(name: string, reason: string, cause?: unknown): BankctlError {
  return new BankctlError('file_unreadable', `${name} cannot be read: ${reason}.`, undefined, {
    cause,
  });
}

/**
 * Copies a source that can be read only once into a temporary file, so that all of it is checked
 * before anything is posted. By the time this returns, the file has been unlinked: it is gone when
 * the program ends, however it ends.
 *
 * @throws `file_unreadable`; `not_writable`; `interrupted`, also if a pipe never gives another byte
 */
export async function copyToFile(source: Source, interrupted: AbortSignal): Promise<Source> {
  const directory = await mkdtemp(join(tmpdir(), 'bankctl-rows-'));
  const path = join(directory, 'rows');
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'wx+', 0o600);
    for await (const chunk of readAhead(source.chunks(), interrupted)) await file.appendFile(chunk);
    return await fileSource(source.name, file);
  } catch (error) {
    await file?.close();
    throw fileError(error, 'not_writable', path, 'Set TMPDIR to a directory with more space.');
  } finally {
    await source.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Reads items one by one, the next one early if it is asked to. */
interface EarlyReader<T> {
  /** Begins to read the next item, unless that has begun. */
  readonly begin: () => void;
  /** The next item; undefined after the last one. @throws `interrupted`; what the source throws */
  readonly next: () => Promise<T | undefined>;
}

/** Stops on Ctrl-C, even if a pipe never gives another byte. */
export function earlyReader<T extends object>(
  source: AsyncIterable<T>,
  interrupted: AbortSignal,
): EarlyReader<T> {
  const iterator = source[Symbol.asyncIterator]();
  let reading: Promise<IteratorResult<T, unknown>> | undefined;
  const begin = () => {
    reading ??= untilAborted(iterator.next(), interrupted);
    // It is awaited later; without this, a failure before that would be an unhandled rejection.
    reading.catch(() => undefined);
    return reading;
  };
  return {
    begin,
    next: async () => {
      const { value, done } = await begin();
      reading = undefined;
      return done === true ? undefined : value;
    },
  };
}

/** Reads the next item while the caller works on the one before it: see `earlyReader`. */
export async function* readAhead<T extends object>(
  source: AsyncIterable<T>,
  interrupted: AbortSignal,
): AsyncIterable<T> {
  const { begin, next } = earlyReader(source, interrupted);
  for (let item = await next(); item !== undefined; item = await next()) {
    begin();
    yield item;
  }
}

async function untilAborted<T>(work: Promise<T>, interrupted: AbortSignal): Promise<T> {
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(new BankctlError('interrupted', 'Interrupted.'));
    interrupted.addEventListener('abort', stop, { once: true });
    if (interrupted.aborted) stop();
  });
  try {
    return await Promise.race([aborted, work]);
  } finally {
    interrupted.removeEventListener('abort', stop);
  }
}
