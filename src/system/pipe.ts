import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoCode } from '../core/errno.ts';
import { BankctlError } from '../core/errors.ts';

/** Without O_NONBLOCK, opening a pipe that nobody writes to would block a thread for good. */
export const readFlags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/** In Node, only a socket waits for a pipe without a thread that nothing can end. */
export function pipeReader(fd: number): Socket {
  return new Socket({ fd, readable: true, writable: false });
}

const pollMs = 50;

/**
 * Opens a file to write to. A named pipe opens only when somebody reads it, which is waited for
 * here, where Ctrl-C ends it, and not in a thread, which nothing could end.
 *
 * @throws errors of the operating system; `interrupted`
 */
export async function openToWrite(
  path: string,
  flags: string | number,
  interrupted: AbortSignal,
): Promise<FileHandle> {
  const writer = await firstWriter(path, interrupted);
  try {
    return await open(path, flags, 0o666);
  } finally {
    // Not earlier: a reader would see the end of the pipe.
    await writer?.close();
  }
}

/** Opens the pipe when it has a reader; undefined for anything but a pipe. */
async function firstWriter(
  path: string,
  interrupted: AbortSignal,
): Promise<FileHandle | undefined> {
  while ((await stat(path).catch(() => undefined))?.isFIFO() === true) {
    try {
      return await open(path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if (errnoCode(error) !== 'ENXIO') throw error;
    }
    await delay(pollMs, undefined, { signal: interrupted }).catch(() => undefined);
    if (interrupted.aborted) {
      throw new BankctlError('interrupted', `Stopped while nobody read the pipe ${path}.`);
    }
  }
  return undefined;
}
