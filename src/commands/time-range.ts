import { BankctlError } from '../core/errors.ts';
import { parseSpan } from '../core/time.ts';
import type { OptionSpec, Typed } from './command.ts';
import { textOption } from './command-input.ts';
import type { TypedRange } from './notice.ts';

/** The options of a range of time. */
export const rangeOptions: readonly OptionSpec[] = [
  { flags: '--since <TIME>', summary: 'only what was posted at this time or later' },
  { flags: '--until <TIME>', summary: 'only what was posted before this time' },
];

/**
 * The values of `rangeOptions`.
 *
 * @param zone IANA name; a bare date is that whole day there
 * @throws `usage` for what is no time, and for an end before the beginning
 */
export function parseRange(typed: Typed, zone: string): TypedRange {
  const [since, until] = ['since', 'until'].map((name) => {
    const text = textOption(typed, name);
    return text === undefined ? undefined : parseSpan(text, `--${name}`, zone);
  });
  // Two equal moments are an empty range, which a program may well request.
  const last = until && new Date(until.to.getTime() - (until.isDay ? 1 : 0));
  if (since && last && since.from > last) {
    throw new BankctlError(
      'usage',
      '--until is earlier than --since.',
      'Swap the two, or leave one out.',
    );
  }
  return { since, until };
}
