/** How an operation ended for the one who asked for it. */
export type Ending =
  /** The model returned: whoever asked believes that the money was added. */
  | 'acknowledged'
  /** The model threw, and for certain nothing was written. */
  | 'crashed'
  /** The answer never came, so the write may or may not have taken effect. */
  | 'unanswered';

/** Where a command went, as command monitoring saw it: an index into `collections`, or: */
export const nowhere = 255;
/** A namespace that is none of the run's collections. */
export const elsewhere = 254;

/** What became of one operation. */
export interface OperationRecord {
  /** Its place in the plan, which says worker, branch, account and amount. */
  readonly index: number;
  /** Index into the run's collections, `elsewhere` or `nowhere`. */
  readonly landed: number;
  /** Documents that the write matched, as the server answered; 0 where it did not answer. */
  readonly matched: number;
  readonly ending: Ending;
  /** Index into the messages of the record; undefined for an acknowledged operation. */
  readonly error: number | undefined;
  /** Monotonic, nanoseconds since the start of the run. */
  readonly startNs: number;
  readonly endNs: number;
}

/** An operation's record while its error is still a text. */
export type Outcome = Omit<OperationRecord, 'error'>;

/**
 * One record an operation, in columns, 24 bytes each: memory is linear in the number of
 * operations and holds no object per operation. Plain data, so that a thread can hand it over.
 */
export interface RecordColumns {
  readonly length: number;
  readonly index: Uint32Array;
  readonly landed: Uint8Array;
  readonly matched: Uint8Array;
  readonly ending: Uint8Array;
  readonly error: Uint8Array;
  readonly startNs: Float64Array;
  readonly endNs: Float64Array;
  /** Distinct error messages; the last one stands for all beyond the 254th. */
  readonly messages: readonly string[];
}

const endings = ['acknowledged', 'crashed', 'unanswered'] as const satisfies readonly Ending[];
const noError = 255;
const mostMessages = 254;

/** Writes a record operation by operation. */
export class Recorder {
  #length = 0;
  #columns = allocate(1024);
  readonly #messages: string[] = [];

  /** @param message of the error, where there was one */
  add(record: Outcome, message: string | undefined): void {
    if (this.#length === this.#columns.index.length) this.#columns = grow(this.#columns);
    const { index, landed, matched, ending, error, startNs, endNs } = this.#columns;
    const row = this.#length;
    index[row] = record.index;
    landed[row] = record.landed;
    matched[row] = record.matched;
    ending[row] = endings.indexOf(record.ending);
    error[row] = message === undefined ? noError : this.#messageIndex(message);
    startNs[row] = record.startNs;
    endNs[row] = record.endNs;
    this.#length += 1;
  }

  get length(): number {
    return this.#length;
  }

  /** The record so far; valid until the next `add`. */
  columns(): RecordColumns {
    return { ...this.#columns, length: this.#length, messages: this.#messages };
  }

  #messageIndex(message: string): number {
    const known = this.#messages.indexOf(message);
    if (known >= 0) return known;
    if (this.#messages.length < mostMessages) return this.#messages.push(message) - 1;
    return mostMessages - 1;
  }
}

/** The rows of a record, each as one object; made as they are walked. */
export function* readRecord(columns: RecordColumns): Iterable<OperationRecord> {
  for (let row = 0; row < columns.length; row += 1) {
    const error = columns.error[row] ?? noError;
    yield {
      index: columns.index[row] ?? 0,
      landed: columns.landed[row] ?? nowhere,
      matched: columns.matched[row] ?? 0,
      ending: endings[columns.ending[row] ?? 0] ?? 'unanswered',
      error: error === noError ? undefined : error,
      startNs: columns.startNs[row] ?? 0,
      endNs: columns.endNs[row] ?? 0,
    };
  }
}

type Columns = Omit<RecordColumns, 'length' | 'messages'>;

function allocate(rows: number): Columns {
  return {
    index: new Uint32Array(rows),
    landed: new Uint8Array(rows),
    matched: new Uint8Array(rows),
    ending: new Uint8Array(rows),
    error: new Uint8Array(rows),
    startNs: new Float64Array(rows),
    endNs: new Float64Array(rows),
  };
}

function grow(old: Columns): Columns {
  const larger = allocate(old.index.length * 2);
  larger.index.set(old.index);
  larger.landed.set(old.landed);
  larger.matched.set(old.matched);
  larger.ending.set(old.ending);
  larger.error.set(old.error);
  larger.startNs.set(old.startNs);
  larger.endNs.set(old.endNs);
  return larger;
}
