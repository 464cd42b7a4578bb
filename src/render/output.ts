import type { Writable } from 'node:stream';
import { BankctlError } from '../core/errors.ts';

/** The reader went away, as `head` does: there is nobody left to notify. */
export class OutputClosed extends Error {}

/**
 * Writes a text, and waits for a slow reader.
 *
 * @throws `OutputClosed`; `not_writable` for a full disk and the like
 */
export function write(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => (error ? reject(outputError(error)) : resolve()));
  });
}

function outputError(error: Error): Error {
  const code = 'code' in error ? error.code : undefined;
  if (code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED') return new OutputClosed();
  const message = `The result cannot be written to stdout: ${error.message}.`;
  // It does not say to repeat the command: what was asked for is done.
  const hint = 'Make room there, or send the output elsewhere.';
  return new BankctlError('not_writable', message, hint, { cause: error });
}
