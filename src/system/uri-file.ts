import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { addAbortSignal } from 'node:stream';
import { BankctlError } from '../core/errors.ts';
import { checkUri } from '../core/uri.ts';
import { errnoCode } from './directories.ts';
import { pipeReader, readFlags } from './pipe.ts';

/** Far more than any connection string has. */
const mostBytes = 64 * 1024;

/**
 * The connection string in a file, which keeps its password out of the process list and the
 * shell's history. A pipe will do, such as /dev/stdin or the shell's `<(pass show bank)`.
 *
 * @param interrupted ends the waiting for what a pipe brings
 * @throws BankctlError `invalid_uri` where the file cannot be read, is empty or holds anything
 *   else, never with what it holds; `interrupted`
 */
export async function uriFromFile(path: string, interrupted: AbortSignal): Promise<string> {
  try {
    const fd = openSync(path, readFlags);
    if (!fstatSync(fd).isFIFO()) return uriIn(readOpen(path, fd), path);
    return uriIn(await readPipe(fd, interrupted), path);
  } catch (error) {
    if (interrupted.aborted) {
      throw new BankctlError('interrupted', `Stopped while reading ${path}.`);
    }
    throw readable(error, path);
  }
}

function uriIn(bytes: Buffer, path: string): string {
  if (bytes.length > mostBytes) throw refusal(path, `has more than ${mostBytes / 1024} KiB`);
  if (bytes.includes(0)) throw refusal(path, 'is UTF-16 text, or none: save it as UTF-8');
  const text = bytes
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trim();
  if (text === '') throw refusal(path, 'is empty');
  if (/[\r\n]/.test(text)) throw refusal(path, 'has more than one line');
  return checkUri(text, `in the file ${path} of --uri-file`);
}

/** All of it, or a little more than is allowed; closes it. */
function readOpen(path: string, fd: number): Buffer {
  try {
    const found = fstatSync(fd);
    if (!(found.isFile() || found.isFIFO())) throw refusal(path, kindOf(found));
    const bytes = Buffer.alloc(mostBytes + 1);
    let size = 0;
    let more = 1;
    while (more > 0 && size < bytes.length) {
      more = readSync(fd, bytes, size, bytes.length - size, null);
      size += more;
    }
    return bytes.subarray(0, size);
  } finally {
    closeSync(fd);
  }
}

async function readPipe(fd: number, interrupted: AbortSignal): Promise<Buffer> {
  const pipe = pipeReader(fd);
  addAbortSignal(interrupted, pipe);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of pipe) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > mostBytes) break;
  }
  return Buffer.concat(chunks);
}

function readable(error: unknown, path: string): unknown {
  const reason = readFailures.get(errnoCode(error) ?? '');
  return reason === undefined ? error : refusal(path, reason, error);
}

function kindOf(found: Stats): string {
  return found.isDirectory() ? 'is a directory' : 'is neither a file nor a pipe';
}

function refusal(path: string, reason: string, cause?: unknown): BankctlError {
  return new BankctlError(
    'invalid_uri',
    `The file ${path} of --uri-file ${reason}.`,
    'Check the path and its permissions, and that it holds one line: the connection string.',
    { cause },
  );
}

const readFailures: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'does not exist'],
  ['ENOTDIR', 'does not exist'],
  ['EISDIR', 'is a directory'],
  ['EACCES', 'may not be read by you'],
  ['EPERM', 'may not be read by you'],
  ['ELOOP', 'has too many symbolic links'],
  ['ENAMETOOLONG', 'has too long a name'],
  ['ENXIO', 'is neither a file nor a pipe'],
  ['EIO', 'cannot be read from its disk'],
]);
