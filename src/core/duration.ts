import type { Context } from './context.ts';
import { BankctlError } from './errors.ts';
import { quote } from './text.ts';

const unitsMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/**
 * Reads a length of time such as `500ms`, `10s`, `2m`; a bare number is seconds.
 *
 * @returns milliseconds, at least 1
 * @throws `usage`, naming the option
 */
export function parseDuration(text: string, option: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)?$/.exec(text);
  const unit = match?.[2] ?? 's';
  const ms = match && isUnit(unit) ? Math.round(Number(match[1]) * unitsMs[unit]) : 0;
  if (ms >= 1 && ms <= 24 * unitsMs.h) return ms;
  throw new BankctlError(
    'usage',
    `${option} ${quote(text)} is not a length of time.`,
    `Write ${option} 10s, or 500ms, or 2m; the maximum is a day.`,
  );
}

function isUnit(text: string): text is keyof typeof unitsMs {
  return Object.hasOwn(unitsMs, text);
}

/** Milliseconds on the monotonic clock since a moment of it. */
export function elapsedMs({ monotonicNs }: Pick<Context, 'monotonicNs'>, sinceNs: bigint): number {
  return Number((monotonicNs() - sinceNs) / 1_000_000n);
}
