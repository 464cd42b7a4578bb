import { BankctlError } from '../../core/errors.ts';
import { parseAmount } from '../../core/money.ts';

/** Amounts of all currencies are compared as millionths; no currency has more decimals. */
export const anyCurrency = Object.freeze({ code: 'the history', digits: 6 });

/** An amount of a history, exactly; undefined where it is none. */
export function historyAmount(value: unknown): bigint | undefined {
  if (typeof value !== 'string') return undefined;
  try {
    return parseAmount(value, anyCurrency);
  } catch (error) {
    if (error instanceof BankctlError) return undefined;
    throw error;
  }
}

/** True for an object that is no array. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Text with something in it. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** A whole number, not below zero, that is exact. */
export function isWholeNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** A version, which is a whole number; undefined where there is none. */
export function versionOf(value: unknown): number | undefined {
  return isWholeNumber(value) ? value : undefined;
}

/** True where a field that may be left out is left out, or is what it has to be. */
export function isAbsentOr(value: unknown, holds: (value: unknown) => boolean): boolean {
  return value === undefined || holds(value);
}
