import { BankctlError } from './errors.ts';
import { quote } from './text.ts';

const isoTime =
  /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})?)?$/;

/**
 * Reads a time in ISO 8601: a date (its midnight in UTC), or a date and time. Without an offset
 * it is UTC, so that a command means the same on every machine.
 *
 * @throws `usage`, naming the option
 */
export function parseTime(text: string, option: string): Date {
  const complete = /T.*(?:Z|[+-]\d{2}:\d{2})$/.test(text) || !text.includes('T');
  const time = new Date(complete ? text : `${text}Z`);
  if (isoTime.test(text) && !Number.isNaN(time.getTime()) && isSameDay(text, time)) return time;
  throw new BankctlError(
    'usage',
    `${option} ${quote(text)} is not a time.`,
    `Write ${option} 2026-11-24, or ${option} 2026-11-24T18:30:00Z.`,
  );
}

/** Date takes 31 February for 3 March; a bank does not. */
function isSameDay(text: string, time: Date): boolean {
  const [year, month, day] = text.slice(0, 10).split('-').map(Number);
  const lastDay = new Date(Date.UTC(year ?? 0, month ?? 0, 0)).getUTCDate();
  return (day ?? 0) <= lastDay && !Number.isNaN(time.getTime());
}
