import { faultOf } from './history-format.ts';
import { isAbsentOr, isRecord, isText, isWholeNumber } from './history-values.ts';

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

/**
 * Reads a line strictly: whatever the format says is there must be there, and be of its type. A
 * judge that overlooks what it does not understand passes what proves nothing.
 *
 * @returns the event, or what is wrong with the line, as the end of a sentence
 */
export function readHistoryEvent(line: string): HistoryEvent | string {
  const parsed = parseJson(line);
  if (!isRecord(parsed)) return 'is not a JSON object';
  const { process, f, time, value, model, collection, matched } = parsed;
  const type = types.find((name) => name === parsed['type']);
  if (type === undefined) return 'has no type of invoke, ok, fail or info';
  if (typeof f !== 'string') return 'has no f';
  if (typeof time !== 'number' || !Number.isFinite(time) || time < 0) {
    return 'has no time in nanoseconds';
  }
  if (!isRecord(value)) return 'has no value';
  if (!isAbsentOr(model, isText)) return 'has a model that is no name';
  if (!isAbsentOr(collection, (name) => name === null || isText(name))) {
    return 'has a collection that is no name';
  }
  if (!isAbsentOr(matched, isWholeNumber)) return 'has a matched that is no whole number';
  const event = {
    process: process === undefined ? undefined : String(process),
    type,
    f,
    time,
    value,
    model: typeof model === 'string' ? model : undefined,
    collection: typeof collection === 'string' || collection === null ? collection : undefined,
    matched: typeof matched === 'number' ? matched : undefined,
    fields: parsed,
  };
  return faultOf(event) ?? event;
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
