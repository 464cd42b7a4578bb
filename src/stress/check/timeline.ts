import type { HistoryEvent } from '../history/event.ts';
import type { Anomaly } from './findings.ts';

/** A run in time, made of the events of its history. */
export interface EventTimeline {
  readonly bucket_ms: number;
  /** Operations that ended in each bucket. */
  readonly ended: readonly number[];
  /** Those of them that got no answer. */
  readonly unanswered: readonly number[];
  /** Those of them that showed an anomaly. */
  readonly wrong: readonly number[];
  /** Latency, to a fifth of its value; null if nothing ended. */
  readonly p50_ms: readonly (number | null)[];
  readonly p99_ms: readonly (number | null)[];
  /** Exact. */
  readonly max_ms: readonly (number | null)[];
  readonly faults: readonly TimedFault[];
  /** Some of the operations, one by one. */
  readonly window: {
    readonly around: 'all' | 'first_wrong' | 'first_fault' | 'beginning';
    readonly operations: readonly TimedOperation[];
    readonly total: number;
  };
}

/** What the nemesis did, and how long it lasted. */
export interface TimedFault {
  readonly label: string;
  readonly from_ms: number;
  readonly to_ms: number;
}

/** One operation. */
export interface TimedOperation {
  readonly worker: number;
  readonly from_ms: number;
  readonly to_ms: number;
  readonly type: HistoryEvent['type'];
  readonly f: string;
  /** What it is about, such as `branch1:ACC-1`. */
  readonly about: string;
  /** Its id, if it has one. */
  readonly operation: string | null;
  /** Of a model without a journal: where the write was sent, null for nowhere. */
  readonly collection: string | null;
  readonly wrong: Anomaly | null;
}

/** Gathers a time line while the events go by. */
export interface TimelineCollector {
  /** @param anomaly what the event shows to be wrong */
  readonly take: (event: HistoryEvent, anomaly?: Anomaly) => void;
  /** The time line so far. */
  readonly timeline: () => EventTimeline;
}

const buckets = 200;
const firstBucketNs = 1e6;
/** Latencies are counted by quarters of a power of two of microseconds: up to an hour. */
const bins = 128;
const binsAnOctave = 4;
const shownOperations = 160;
const maxFaults = 1000;

/**
 * Makes a collector. Its memory is the same for a run of any length: when the run outgrows the
 * buckets, each takes up its neighbour.
 */
export function collectTimeline(): TimelineCollector {
  const strip = new Strip();
  const excerpt = new Excerpt();
  const faults: TimedFault[] = [];
  const begun = new Map<number | string, HistoryEvent>();
  let startNs: number | undefined;
  const sinceMs = (ns: number) => Math.round((ns - (startNs ?? ns)) / 1000) / 1000;
  const takeFault = (event: HistoryEvent) => {
    const { f, type, time } = event;
    // A server that comes back is no fault, and `down` is in the middle of one.
    if (f === 'rejoin') return;
    if (type === 'invoke') {
      begun.set(f, event);
      excerpt.fault();
      return;
    }
    const began = begun.get(f);
    begun.delete(f);
    if (!began || faults.length >= maxFaults) return;
    faults.push({ label: f, from_ms: sinceMs(began.time), to_ms: sinceMs(time) });
  };
  const take = (event: HistoryEvent, anomaly?: Anomaly) => {
    const { process, type, time, f, value, collection = null } = event;
    if (process === undefined) return;
    startNs ??= time;
    if (process === 'nemesis') {
      takeFault(event);
      return;
    }
    if (type === 'invoke') {
      begun.set(process, event);
      return;
    }
    const began = begun.get(process) ?? event;
    begun.delete(process);
    strip.add(time - startNs, time - began.time, { unanswered: type === 'info', wrong: !!anomaly });
    excerpt.add({
      worker: process,
      from_ms: sinceMs(began.time),
      to_ms: sinceMs(time),
      type,
      f,
      about: aboutOf(event),
      operation: typeof value['id'] === 'string' ? value['id'] : null,
      collection,
      wrong: anomaly ?? null,
    });
  };
  return Object.freeze({
    take,
    timeline: () => ({ ...strip.columns(), faults: [...faults], window: excerpt.window() }),
  } satisfies TimelineCollector);
}

function aboutOf({ value }: HistoryEvent): string {
  const { account, from, to } = value;
  if (typeof account === 'string') return account;
  return typeof from === 'string' && typeof to === 'string' ? `${from} to ${to}` : 'all accounts';
}

/** Counts in buckets of equal length from the start. */
class Strip {
  #bucketNs = firstBucketNs;
  readonly #ended = new Uint32Array(buckets);
  readonly #unanswered = new Uint32Array(buckets);
  readonly #wrong = new Uint32Array(buckets);
  readonly #maxNs = new Float64Array(buckets);
  readonly #bins = new Uint32Array(buckets * bins);

  add(
    atNs: number,
    latencyNs: number,
    { unanswered, wrong }: { readonly unanswered: boolean; readonly wrong: boolean },
  ): void {
    while (atNs >= this.#bucketNs * buckets) this.#fold();
    const bucket = Math.max(0, Math.floor(atNs / this.#bucketNs));
    increase(this.#ended, bucket, 1);
    if (unanswered) increase(this.#unanswered, bucket, 1);
    if (wrong) increase(this.#wrong, bucket, 1);
    this.#maxNs[bucket] = Math.max(this.#maxNs[bucket] ?? 0, latencyNs);
    const octaves = Math.log2(Math.max(1, latencyNs / 1000));
    const bin = Math.min(bins - 1, Math.floor(octaves * binsAnOctave));
    increase(this.#bins, bucket * bins + bin, 1);
  }

  columns() {
    const filled = this.#ended.findLastIndex((count) => count > 0) + 1;
    const ended = [...this.#ended.subarray(0, filled)];
    const quantile = (share: number) =>
      ended.map((count, bucket) => (count === 0 ? null : this.#quantileMs(bucket, share * count)));
    return {
      bucket_ms: this.#bucketNs / 1e6,
      ended,
      unanswered: [...this.#unanswered.subarray(0, filled)],
      wrong: [...this.#wrong.subarray(0, filled)],
      p50_ms: quantile(0.5),
      p99_ms: quantile(0.99),
      max_ms: ended.map((count, bucket) =>
        count === 0 ? null : Math.round((this.#maxNs[bucket] ?? 0) / 1000) / 1000,
      ),
    };
  }

  /** The upper edge of the bin that holds the operation of that rank, but no more than the maximum. */
  #quantileMs(bucket: number, rank: number): number {
    let seen = 0;
    let bin = -1;
    while (seen < rank && bin < bins - 1) {
      bin += 1;
      seen += this.#bins[bucket * bins + bin] ?? 0;
    }
    const edgeMs = 2 ** ((bin + 1) / binsAnOctave) / 1000;
    return Math.round(Math.min(edgeMs, (this.#maxNs[bucket] ?? 0) / 1e6) * 1000) / 1000;
  }

  /** Two buckets become one; the second half is free again. */
  #fold(): void {
    this.#bucketNs *= 2;
    for (let bucket = 0; bucket < buckets; bucket += 1) {
      const [left, right] = [2 * bucket, 2 * bucket + 1];
      for (const counts of [this.#ended, this.#unanswered, this.#wrong]) {
        counts[bucket] = (counts[left] ?? 0) + (counts[right] ?? 0);
      }
      this.#maxNs[bucket] = Math.max(this.#maxNs[left] ?? 0, this.#maxNs[right] ?? 0);
      for (let bin = 0; bin < bins; bin += 1) {
        const count = this.#bins[left * bins + bin] ?? 0;
        this.#bins[bucket * bins + bin] = count + (this.#bins[right * bins + bin] ?? 0);
      }
    }
  }
}

function increase(counts: Uint32Array, index: number, by: number): void {
  counts[index] = (counts[index] ?? 0) + by;
}

/** A few operations: those around the first wrong one, or else the first fault, or the first. */
class Excerpt {
  readonly #beginning: TimedOperation[] = [];
  #latest: TimedOperation[] = [];
  #centred: TimedOperation[] = [];
  #around: 'first_wrong' | 'first_fault' | 'beginning' = 'beginning';
  #total = 0;
  /** How many more are wanted after the one in the middle. */
  #wanted = 0;

  add(operation: TimedOperation): void {
    this.#total += 1;
    if (this.#beginning.length < shownOperations) this.#beginning.push(operation);
    this.#latest.push(operation);
    if (this.#latest.length > shownOperations) this.#latest.splice(0, shownOperations / 2);
    if (this.#wanted > 0) {
      this.#centred.push(operation);
      this.#wanted -= 1;
    }
    if (operation.wrong !== null && this.#around !== 'first_wrong') this.#centre('first_wrong');
  }

  fault(): void {
    if (this.#around === 'beginning') this.#centre('first_fault');
  }

  #centre(around: 'first_wrong' | 'first_fault'): void {
    this.#around = around;
    this.#centred = this.#latest.slice(-shownOperations / 2);
    this.#wanted = shownOperations / 2;
  }

  window(): EventTimeline['window'] {
    const all = this.#total <= shownOperations;
    const around = all ? 'all' : this.#around;
    const shown = around === 'all' || around === 'beginning' ? this.#beginning : this.#centred;
    const operations = shown.toSorted((left, right) => left.from_ms - right.from_ms);
    return { around, operations, total: this.#total };
  }
}
