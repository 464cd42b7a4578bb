import { Long, Timestamp } from 'mongodb';

/** The first moment of the year 10000, which no time of a bank reaches. */
const endOfTimesMs = Date.UTC(10_000, 0);

/** The largest version that another posting can follow. */
const maxVersion = BigInt(Long.MAX_VALUE.toString()) - 1n;

/** A stored time; undefined for anything that bankctl could not have written. */
export function timeOf(value: unknown): Date | undefined {
  if (!(value instanceof Date)) return undefined;
  const ms = value.getTime();
  return ms >= 0 && ms < endOfTimesMs ? value : undefined;
}

/** A stored version, a whole number from 1; undefined for anything else. */
export function versionOf(value: unknown): bigint | undefined {
  const whole = typeof value === 'number' ? Number.isSafeInteger(value) : isLong(value);
  if (!whole) return undefined;
  const version = BigInt(String(value));
  return version >= 1n && version <= maxVersion ? version : undefined;
}

/** True for a stored long; a timestamp is one too for the driver. */
export function isLong(value: unknown): value is Long {
  return Long.isLong(value) && !(value instanceof Timestamp);
}

/** The query for text that begins with another one, which an index can answer. */
export function startingWith(begun: string) {
  // Nothing printable sorts after the last code point.
  return { $gte: begun, $lt: `${begun}\u{10FFFF}` };
}
