import type { Context } from '../core/context.ts';
import { hasUtf8Locale, isCapable } from '../core/terminal.ts';
import { visible } from '../core/text.ts';
import { cutToWidth } from './width.ts';

const clearLine = '\r\u001B[2K';

/** Whether a line on stderr can be redrawn. */
export function canRedraw({
  stderrIsTerminal,
  env,
}: Pick<Context, 'stderrIsTerminal' | 'env'>): boolean {
  return stderrIsTerminal && isCapable(env);
}

/**
 * A line at the bottom that is redrawn in place, on stderr, on a terminal only.
 *
 * @returns a function that shows a line, or removes it when called with undefined
 */
export function progressLine(
  context: Pick<Context, 'stderr' | 'stderrIsTerminal' | 'width' | 'env'>,
  quiet: boolean,
): (line: string | undefined) => void {
  if (quiet || !canRedraw(context)) return () => undefined;
  const inLocale = (text: string) =>
    hasUtf8Locale(context.env) ? text : text.replaceAll(full, '#').replaceAll(empty, '-');
  let shown = false;
  return (line) => {
    if (line === undefined && !shown) return;
    shown = line !== undefined;
    const text = visible(inLocale(line ?? ''));
    context.stderr.write(clearLine + cutToWidth(text, context.width - 1));
  };
}

const mebibyte = 1024 * 1024;
const barWidth = 24;
const [full, empty] = ['█', '░'];

/** `Downloading mongod ████████░░░░ 42 of 67 MiB`; without a total, only what is done so far. */
export function progressText(label: string, done?: number, total?: number): string {
  if (done === undefined) return `${label} ...`;
  const mebibytes = (bytes: number) => (bytes / mebibyte).toFixed(0);
  if (!total) return `${label} ${mebibytes(done)} MiB`;
  return `${label} ${bar(done / total)} ${mebibytes(done)} of ${mebibytes(total)} MiB`;
}

/** A bar that is full at 1. */
export function bar(share: number): string {
  const done = Math.round(Math.min(Math.max(share, 0), 1) * barWidth);
  return full.repeat(done) + empty.repeat(barWidth - done);
}
