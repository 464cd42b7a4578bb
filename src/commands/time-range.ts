import { BankctlError } from '../core/errors.ts';
import { quote } from '../core/text.ts';
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

/**
 * As `parseRange`, or the month that `--month` names.
 *
 * @throws `usage` also for what is no month, and for a month beside a range
 */
export function parseMonths(typed: Typed, zone: string): TypedRange {
  const range = parseRange(typed, zone);
  const text = textOption(typed, 'month');
  if (text === undefined) return range;
  if (range.since || range.until) {
    throw new BankctlError(
      'usage',
      '--month is a range of time of its own, so --since and --until cannot be given with it.',
      'Leave out --month, or the others.',
    );
  }
  const [, year, month] = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(text) ?? [];
  if (year === undefined) {
    throw new BankctlError(
      'usage',
      `--month ${quote(text)} is not a month.`,
      'Write the year first: --month 2026-11.',
    );
  }
  const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  const day = (of: number) => parseSpan(`${text}-${of}`.replace(/-(\d)$/, '-0$1'), '--month', zone);
  return { since: day(1), until: day(lastDay) };
}
