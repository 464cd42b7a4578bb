import type { Writable } from 'node:stream';
import type { Context } from '../core/context.ts';
import { BankctlError } from '../core/errors.ts';
import { jsonText } from '../core/text.ts';
import { plainPaint } from './plain-paint.ts';
import { renderRecord } from './record.ts';
import type { Format, LiveResult, Part, Result } from './result.ts';
import type { View } from './view.ts';

/**
 * Prints a result on stdout in the chosen format. Waits where the reader is slower, so memory
 * stays flat however long the result.
 *
 * @throws `OutputClosed` where the reader went away; `not_writable`
 */
export async function present(result: Result, format: Format, context: Context): Promise<void> {
  if (result.kind === 'live') {
    await presentLive(result.frames, format, context);
    return;
  }
  for await (const text of chunks(result, format, context)) await write(context.stdout, text);
}

/**
 * Each frame is one write that goes up over the last one and overwrites it line by line, so
 * nothing flickers.
 */
async function presentLive(
  frames: AsyncIterable<View>,
  format: Format,
  context: Context,
): Promise<void> {
  const draw = await drawer(format, context);
  let height = 0;
  for await (const view of frames) {
    const lines = (await draw(view)).split('\n');
    const up = height > 0 ? `\u001B[${height}A` : '';
    const drawn = lines.map((line) => `${line}\u001B[K\n`).join('');
    // What a longer frame left below this one goes too.
    await write(context.stdout, `${up}${drawn}\u001B[J`);
    height = lines.length;
  }
}

/** What is printed once, from top to bottom. */
type Printable = Exclude<Result, LiveResult>;

/** The reader went away, as `head` does: there is nobody left to tell. */
export class OutputClosed extends Error {}

/** @throws `OutputClosed`; `not_writable` for a full disk and the like */
function write(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => (error ? reject(outputError(error)) : resolve()));
  });
}

/** Not to be repeated without a thought: what was asked for is done. */
const stdoutHint = 'Make room there, or send the output to another place.';

function outputError(error: Error): Error {
  const code = 'code' in error ? error.code : undefined;
  if (code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED') return new OutputClosed();
  return new BankctlError(
    'not_writable',
    `The result cannot be written to stdout: ${error.message}.`,
    stdoutHint,
    { cause: error },
  );
}

async function* chunks(result: Printable, format: Format, context: Context): AsyncIterable<string> {
  switch (format.output) {
    case 'json':
      if (result.kind === 'single') yield `${jsonText(result.data, 2)}\n`;
      else yield* jsonArray(result.parts);
      return;
    case 'ndjson':
      for await (const { items } of parts(result)) {
        yield items.map((item) => `${jsonText(item)}\n`).join('');
      }
      return;
    case 'csv':
      yield* csv(result, context);
      return;
    case 'table':
      yield* tables(result, format, context);
  }
}

async function* parts(result: Printable): AsyncIterable<Part> {
  if (result.kind === 'stream') {
    yield* result.parts;
    return;
  }
  const { data, view } = result;
  yield { items: Array.isArray(data) ? data : [data], view };
}

async function* jsonArray(stream: AsyncIterable<Part>): AsyncIterable<string> {
  let separator = '[\n';
  for await (const { items } of stream) {
    if (items.length === 0) continue;
    yield separator + items.map((item) => `  ${jsonText(item)}`).join(',\n');
    separator = ',\n';
  }
  yield separator === '[\n' ? '[]\n' : '\n]\n';
}

async function* csv(result: Printable, context: Context): AsyncIterable<string> {
  const { renderCsv } = await import('./csv.ts');
  let head = true;
  for await (const { view } of parts(result)) {
    yield renderCsv(view, { head, exact: !context.stdoutIsTerminal });
    head = false;
  }
}

async function* tables(result: Printable, format: Format, context: Context): AsyncIterable<string> {
  const draw = await drawer(format, context);
  let leastWidths: readonly number[] | undefined;
  for await (const { view } of parts(result)) {
    const text = await draw(view, leastWidths);
    if (text !== '') yield `${text}\n`;
    if (result.kind !== 'stream' || view.layout !== 'grid') continue;
    leastWidths ??= await (await import('./table.ts')).columnWidths(view);
  }
}

type Draw = (view: View, leastWidths?: readonly number[]) => Promise<string>;

/** The table library is loaded by the views that are grids. */
async function drawer(format: Format, context: Context): Promise<Draw> {
  const paint = format.colour ? (await import('./paint.ts')).createPaint(true) : plainPaint;
  const borders = context.stdoutIsTerminal;
  const exact = !context.stdoutIsTerminal;
  return async (view, leastWidths) => {
    if (view.layout !== 'grid') return renderRecord(view, paint, exact);
    const { renderTable } = await import('./table.ts');
    const head = leastWidths === undefined;
    return renderTable(view, { paint, borders, head, ...(leastWidths && { leastWidths }) });
  };
}
