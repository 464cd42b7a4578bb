import type { HistoryEvent } from '../history/history-event.ts';

/** A run in time, made of the events of its history. */
export interface EventTimeline {
  readonly bucket_ms: number;
  /** Operations that ended in each bucket. */
  readonly ended: readonly number[];
  /** Those of them that got no answer. */
  readonly unanswered: readonly number[];
  /** Latency, to a fifth of its value; null where nothing ended. */
  readonly p50_ms: readonly (number | null)[];
  readonly p99_ms: readonly (number | null)[];
  /** Exact. */
  readonly max_ms: readonly (number | null)[];
  readonly faults: readonly TimedFault[];
  /** Some of the operations, one by one. */
  readonly window: {
    readonly around: 'all' | 'first_fault' | 'beginning';
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
}

/** Gathers a time line while the events go by. */
export interface TimelineCollector {
  readonly take: (event: HistoryEvent) => void;
  /** The time line so far. */
  readonly timeline: () => EventTimeline;
}

const buckets = 200;
const firstBucketNs = 1e6;
/** Latencies are counted by quarters of a power of two of microseconds: up to an hour. */
const bins = 128;
const binsAnOctave = 4;
const shownOperations = 160;
const mostFaults = 1000;

/**
 * Makes a collector. Its memory is the same for a run of any length: when the run outgrows the
 * buckets, each takes up its neighbour.
 */
export function collectTimeline(): TimelineCollector {
  const strip = new Strip();
  const excerpt = new Excerpt();
  const faults: TimedFault[] = [];
  const begun = new Map<string, HistoryEvent>();
  let startNs: number | undefined;
  const takeFault = (event: HistoryEvent, sinceMs: (ns: number) => number) => {
    const { f, type } = event;
    // That a server comes back is no fault, and what is told in the middle of one is no other.
    if (f === 'rejoin') return;
    const key = `nemesis ${f}`;
    if (type === 'invoke') {
      begun.set(key, event);
      excerpt.fault();
      return;
    }
    const began = begun.get(key);
    begun.delete(key);
    if (!began || faults.length >= mostFaults) return;
    faults.push({ label: f, from_ms: sinceMs(began.time), to_ms: sinceMs(event.time) });
  };
  const take = (event: HistoryEvent) => {
    const { process, type, time, f } = event;
    if (process === undefined) return;
    startNs ??= time;
    const since = startNs;
    const sinceMs = (ns: number) => Math.round((ns - since) / 1000) / 1000;
    if (process === 'nemesis') {
      takeFault(event, sinceMs);
      return;
    }
    if (type === 'invoke') {
      begun.set(process, event);
      return;
    }
    const began = begun.get(process) ?? event;
    begun.delete(process);
    strip.add(time - since, time - began.time, type === 'info');
    excerpt.add({
      worker: Number(process),
      from_ms: sinceMs(began.time),
      to_ms: sinceMs(time),
      type,
      f,
      about: aboutOf(event),
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
  readonly #maxNs = new Float64Array(buckets);
  readonly #bins = new Uint32Array(buckets * bins);

  add(atNs: number, latencyNs: number, unanswered: boolean): void {
    while (atNs >= this.#bucketNs * buckets) this.#fold();
    const bucket = Math.max(0, Math.floor(atNs / this.#bucketNs));
    increase(this.#ended, bucket, 1);
    if (unanswered) increase(this.#unanswered, bucket, 1);
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
      p50_ms: quantile(0.5),
      p99_ms: quantile(0.99),
      max_ms: ended.map((count, bucket) =>
        count === 0 ? null : Math.round((this.#maxNs[bucket] ?? 0) / 1000) / 1000,
      ),
    };
  }

  /** The upper edge of the bin that holds the operation of that rank, but no more than the most. */
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
      for (const counts of [this.#ended, this.#unanswered]) {
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

/** A few operations: those around the first fault, or else the first ones. */
class Excerpt {
  #operations: TimedOperation[] = [];
  #total = 0;
  /** How many more are wanted since the first fault; undefined before it. */
  #wanted: number | undefined;

  add(operation: TimedOperation): void {
    this.#total += 1;
    if (this.#wanted === undefined) {
      this.#operations.push(operation);
      // The first ones are kept, and of the others the latest, until a fault decides.
      if (this.#operations.length > 2 * shownOperations) {
        this.#operations.splice(shownOperations, shownOperations / 2);
      }
    } else if (this.#wanted > 0) {
      this.#operations.push(operation);
      this.#wanted -= 1;
    }
  }

  fault(): void {
    if (this.#wanted !== undefined) return;
    this.#operations = this.#operations.slice(-shownOperations / 2);
    this.#wanted = shownOperations / 2;
  }

  window(): EventTimeline['window'] {
    const all = this.#total <= shownOperations && this.#operations.length === this.#total;
    const around = all ? 'all' : this.#wanted === undefined ? 'beginning' : 'first_fault';
    const operations = this.#operations.slice(0, shownOperations);
    operations.sort((left, right) => left.from_ms - right.from_ms);
    return { around, operations, total: this.#total };
  }
}
