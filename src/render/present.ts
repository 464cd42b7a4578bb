import type { Context } from '../core/context.ts';
import { pagerCommand } from '../core/terminal.ts';
import { chooseStyle, draw, type Format, formats, type Place, placeOf } from './formats.ts';
import { write } from './output.ts';
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
  { output, colour, pager }: Format,
  context: Context,
): Promise<void> {
  const place = placeOf(context, colour);
  const texts =
    result.kind === 'live' ? redraw(result.frames, place) : formats[output].write(result, place);
  const command = pager ? pagerCommand(context) : undefined;
  if (command === undefined || !mayBePaged(result)) return print(texts, context);
  if (result.kind === 'stream') return showIn(command, texts, context);
  const whole = [];
  for await (const text of texts) whole.push(text);
  const lines = whole.join('').split('\n').length;
  return lines > context.height ? showIn(command, whole, context) : print(whole, context);
}

/** Not what never ends, nor what was done: that is not to wait for a pager, or to be lost in it. */
function mayBePaged(result: Result): boolean {
  if (result.kind === 'stream') return result.endless !== true;
  return result.kind === 'single' && result.wrote !== true && result.operation === undefined;
}

async function showIn(
  command: string,
  texts: AsyncIterable<string> | Iterable<string>,
  context: Context,
): Promise<void> {
  const { page } = await import('./paging.ts');
  await page(command, texts, context);
}

async function print(
  texts: AsyncIterable<string> | Iterable<string>,
  { stdout }: Pick<Context, 'stdout'>,
): Promise<void> {
  for await (const text of texts) await write(stdout, text);
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
