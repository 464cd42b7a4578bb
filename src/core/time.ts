import { BankctlError } from './errors.ts';
import { quote } from './text.ts';

/**
 * A span of time as a person types it: a bare date is the whole day, a time is one moment. It
 * begins at `from`; `to` is the first moment after a day, and equals `from` for a moment.
 */
export interface Span {
  readonly from: Date;
  readonly to: Date;
  readonly isDay: boolean;
}

/** `2026-11-25` */
const dayForm = /^(\d{4})-(\d{2})-(\d{2})$/;

/**
 * What Python's `isoformat`, `date -Is`, `date -Ins`, `date +%FT%T%z`, SQL and RFC 3339 write:
 * `T` or a space before the time, seconds and fractions of them optional, then perhaps an offset.
 */
const timeForm = new RegExp(
  [
    /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2})/,
    /(?::(\d{2})(?:[.,](\d{1,9}))?)?/,
    /(?: ?([Zz]|[+-]\d{2}(?::?\d{2})?))?$/,
  ]
    .map(({ source }) => source)
    .join(''),
);

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** No clock has ever been further from UTC. */
const maxOffsetMs = 18 * hourMs;

/** The years that MongoDB, Date and the zone's rules all agree on. */
const minYear = 1900;

/**
 * Reads a date or a time in ISO 8601. A bare date is that whole day of the zone. A time without an
 * offset is what the clocks of the zone showed. Fractions are cut to milliseconds, which is what
 * the database keeps.
 *
 * @param option the option that it is the value of, for the message
 * @param zone IANA name
 * @throws `usage` for what is not a time, for a day that the calendar does not have, and for a
 *   local time that the zone's clocks skipped or showed twice
 */
export function parseSpan(text: string, option: string, zone: string): Span {
  const day = dayForm.exec(text);
  const time = timeForm.exec(text);
  const match = day ?? time;
  if (!match) {
    throw new BankctlError(
      'usage',
      `${option} ${quote(text)} is not an ISO 8601 date or time.`,
      `Write the year first: ${option} 2026-11-24, or ${option} 2026-11-24T18:30:00+01:00.`,
    );
  }
  const wallMs = wallTime(match, text, option);
  const clock = { zone, offset: offsetClock(zone) };
  if (day) return daySpan(wallMs, text, option, clock);
  const offset = match[8];
  const at = offset
    ? new Date(wallMs - offsetOf(offset, text, option))
    : zoneTime(wallMs, text, option, clock);
  return { from: at, to: at, isDay: false };
}

/** What a clock shows, as if it stood in UTC. */
function wallTime(match: RegExpExecArray, text: string, option: string): number {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((digits) => Number(digits ?? 0));
  const fraction = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3));
  const lastDay = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
  const monthName = `${match[1]}-${match[2]}`;
  const problems: readonly (readonly [boolean, string])[] = [
    [year < minYear, `is before the year ${minYear}`],
    [month < 1 || month > 12, `has the month ${match[2]}, but a year has 12`],
    [day < 1 || day > lastDay, `has the day ${match[3]}, but ${monthName} has ${lastDay}`],
    [
      hour > 23 || minute > 59 || second > 59,
      'has an hour above 23, or minutes or seconds above 59',
    ],
  ];
  const problem = problems.find(([applies]) => applies)?.[1];
  if (!problem) return Date.UTC(year, month - 1, day, hour, minute, second, fraction);
  throw new BankctlError(
    'usage',
    `${option} ${quote(text)} ${problem}.`,
    `Write it as ${option} 2026-11-24, or ${option} 2026-11-24T18:30:00+01:00.`,
  );
}

function offsetOf(offset: string, text: string, option: string): number {
  if (/^z$/i.test(offset)) return 0;
  const [hours, minutes] = [Number(offset.slice(1, 3)), Number(offset.slice(-2))];
  const ms = hours * hourMs + (offset.length > 3 ? minutes * 60_000 : 0);
  if (ms <= maxOffsetMs && (offset.length === 3 || minutes < 60)) {
    return offset.startsWith('-') ? -ms : ms;
  }
  throw new BankctlError(
    'usage',
    `${option} ${quote(text)} has an offset that no clock has.`,
    `Write ${option} 2026-11-24T18:30:00+01:00.`,
  );
}

/** The clocks of a zone: how far ahead of UTC they are at a moment, in milliseconds. */
interface Clock {
  readonly zone: string;
  readonly offset: (atMs: number) => number;
}

/** A day begins at its first moment: if midnight was skipped or came twice, at the first. */
function daySpan(wallMs: number, text: string, option: string, clock: Clock): Span {
  const from = firstMoment(wallMs, clock);
  const to = firstMoment(wallMs + dayMs, clock);
  if (from < to) return { from: new Date(from), to: new Date(to), isDay: true };
  throw new BankctlError(
    'usage',
    `${option} ${quote(text)} is a day that ${clock.zone} skipped.`,
    `Give the day before or after it to ${option}.`,
  );
}

/** The first moment at which the zone's clocks show this time or a later one. */
function firstMoment(wallMs: number, clock: Clock): number {
  const [first] = momentsOf(wallMs, clock);
  if (first !== undefined) return first;
  // The clocks jumped over it: find the moment at which they did.
  const { offset } = clock;
  let before = wallMs - offset(wallMs + 2 * dayMs) - 1;
  let after = wallMs - offset(wallMs - 2 * dayMs);
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (middle + offset(middle) < wallMs) before = middle;
    else after = middle;
  }
  return after;
}

/** The moments, earliest first, at which the zone's clocks show a time: usually one. */
function momentsOf(wallMs: number, { offset }: Clock): readonly number[] {
  // Two days off, the offset is the one that held before, or holds after, any nearby jump.
  const offsets = [offset(wallMs - 2 * dayMs), offset(wallMs + 2 * dayMs)];
  const moments = offsets.map((ms) => wallMs - ms).filter((at) => at + offset(at) === wallMs);
  return [...new Set(moments)].sort((left, right) => left - right);
}

function zoneTime(wallMs: number, text: string, option: string, clock: Clock): Date {
  const { zone } = clock;
  const [first, second] = momentsOf(wallMs, clock);
  if (first !== undefined && second === undefined) return new Date(first);
  const toType = (ms: number) => `${option} ${formatTime(new Date(ms), zone)}`;
  if (first !== undefined && second !== undefined) {
    throw new BankctlError(
      'usage',
      `${option} ${quote(text)} occurred twice in ${zone}, when the clocks were set back.`,
      `Say which one is meant: ${toType(first)}, or ${toType(second)}.`,
    );
  }
  throw new BankctlError(
    'usage',
    `${option} ${quote(text)} did not exist in ${zone}, since the clocks were set forward.`,
    `Give a time with its offset, such as ${toType(firstMoment(wallMs, clock))}.`,
  );
}

/**
 * A moment as the clocks of a zone show it, with its offset: `2026-11-25T10:00:00.000+01:00`, or
 * in UTC `2026-11-25T09:00:00.000Z`. `parseSpan` reads it back.
 */
export function formatTime(time: Date, zone: string): string {
  return timeFormat(zone)(time);
}

/** As `formatTime`, for many times of one zone. */
export function timeFormat(zone: string): (time: Date) => string {
  if (zone === 'UTC') return (time) => time.toISOString();
  const offset = offsetClock(zone);
  return (time) => {
    const ms = offset(time.getTime());
    // Before 1900 there were offsets with seconds, which ISO 8601 has no place for.
    const minutes = Math.trunc(Math.abs(ms) / 60_000);
    const parts = [Math.floor(minutes / 60), minutes % 60].map((part) =>
      `${part}`.padStart(2, '0'),
    );
    const wall = new Date(time.getTime() + ms).toISOString().slice(0, -1);
    return `${wall}${ms < 0 ? '-' : '+'}${parts.join(':')}`;
  };
}

/** True for a name of the IANA time zone database that this Node.js knows. */
export function isTimeZone(name: string): boolean {
  if (name === 'UTC') return true;
  // Newer engines take offsets too, which know nothing of a change of the clocks.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

function offsetClock(zone: string): Clock['offset'] {
  if (zone === 'UTC') return () => 0;
  const format = new Intl.DateTimeFormat('en', {
    timeZone: zone,
    calendar: 'iso8601',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (atMs) => {
    const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
    const part = (name: Intl.DateTimeFormatPartTypes) => Number(parts.get(name));
    const date = [part('year'), part('month') - 1, part('day')] as const;
    const wall = Date.UTC(...date, part('hour'), part('minute'), part('second'));
    return wall - Math.floor(atMs / 1000) * 1000;
  };
}

/** A day of the zone as people write it: `30 Nov 2026`. */
export function formatDay(time: Date, zone: string): string {
  return new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: zone }).format(time);
}
