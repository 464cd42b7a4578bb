import { parseAmount } from '../../bank/money.ts';
import { BankctlError } from '../../errors.ts';

/** One line of a history, as far as a judge reads it. */
export interface HistoryEvent {
  /** Who: a worker's number, or a name such as `nemesis`; undefined for the frame of a history. */
  readonly process: string | undefined;
  readonly type: 'invoke' | 'ok' | 'fail' | 'info';
  /** What: `init`, `applied`, `increment`, `read`, `transfer`, `snapshot`, or a fault's name. */
  readonly f: string;
  readonly value: Readonly<Record<string, unknown>>;
  /** Nanoseconds, monotonic. */
  readonly time: number;
  /** Of the first line: which model was run; it must be clean unless it is `shared`. */
  readonly model: string | undefined;
  /** Where a write was sent, for the models without a journal; null for nowhere. */
  readonly collection: string | null | undefined;
  readonly matched: number | undefined;
  /** The whole line. */
  readonly fields: Readonly<Record<string, unknown>>;
}

const types = ['invoke', 'ok', 'fail', 'info'] as const;

/** @returns the event, or what is wrong with the line, as the end of a sentence */
export function readHistoryEvent(line: string): HistoryEvent | string {
  const parsed = parseJson(line);
  if (!isRecord(parsed)) return 'is not a JSON object';
  const { process, f, time, value, model, collection, matched } = parsed;
  const type = types.find((name) => name === parsed['type']);
  if (type === undefined) return 'has no type of invoke, ok, fail or info';
  if (typeof f !== 'string') return 'has no f';
  if (typeof time !== 'number' || !Number.isFinite(time)) return 'has no time';
  return {
    process: process === undefined ? undefined : String(process),
    type,
    f,
    time,
    value: isRecord(value) ? value : {},
    model: typeof model === 'string' ? model : undefined,
    collection: typeof collection === 'string' || collection === null ? collection : undefined,
    matched: typeof matched === 'number' ? matched : undefined,
    fields: parsed,
  };
}

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

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
