import type { Writable } from 'node:stream';
import type { Context } from '../core/context.ts';
import { BankctlError } from '../core/errors.ts';
import { chooseStyle, draw, type Format, formats, type Place, placeOf } from './formats.ts';
import type { Result } from './result.ts';
import type { View } from './view.ts';

/**
 * Prints a result on stdout in the chosen format. Waits for a slow reader, so memory does not grow
 * however long the result.
 *
 * @throws `OutputClosed` if the reader went away; `not_writable`
 */
export async function present(
  result: Result,
  { output, colour }: Format,
  context: Context,
): Promise<void> {
  const place = placeOf(context, colour);
  const texts =
    result.kind === 'live' ? redraw(result.frames, place) : formats[output].write(result, place);
  for await (const text of texts) await write(context.stdout, text);
}

/**
 * Each frame is one write that goes up over the last one and overwrites it line by line, so
 * nothing flickers.
 */
async function* redraw(frames: AsyncIterable<View>, place: Place): AsyncIterable<string> {
  const style = await chooseStyle(place);
  let height = 0;
  for await (const view of frames) {
    const lines = (await draw(view, style)).split('\n');
    const up = height > 0 ? `\u001B[${height}A` : '';
    const drawn = lines.map((line) => `${line}\u001B[K\n`).join('');
    // What a longer frame left below this one is erased too.
    yield `${up}${drawn}\u001B[J`;
    height = lines.length;
  }
}

/** The reader went away, as `head` does: there is nobody left to notify. */
export class OutputClosed extends Error {}

/** @throws `OutputClosed`; `not_writable` for a full disk and the like */
function write(stream: Writable, text: string): Promise<void> {
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
