import { createHistogram } from 'node:perf_hooks';
import type { HistoryEvent } from '../history/event.ts';
import type { Anomaly } from './findings.ts';

/** A run over time, made from the events of its history. */
export interface EventTimeline {
  readonly bucket_ms: number;
  /** Operations that ended in each bucket. */
  readonly ended: readonly number[];
  /** Those of them that got no answer. */
  readonly unanswered: readonly number[];
  /** Those of them that showed an anomaly. */
  readonly wrong: readonly number[];
  /** Latency, to within a tenth of its value; null if nothing ended. */
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
interface TimedFault {
  readonly label: string;
  readonly from_ms: number;
  readonly to_ms: number;
}

/** One operation. */
interface TimedOperation {
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

/** Builds a timeline as the events pass. */
interface TimelineCollector {
  /** @param anomaly what the event shows to be wrong */
  readonly take: (event: HistoryEvent, anomaly?: Anomaly) => void;
  /** The timeline so far. */
  readonly timeline: () => EventTimeline;
}

const buckets = 200;
const firstBucketNs = 1e6;
const shownOperations = 160;
const maxFaults = 1000;

/**
 * Makes a collector. Its memory is the same for a run of any length: when the run outgrows the
 * buckets, each absorbs its neighbour.
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
    // A server that comes back is not a fault, and `down` is in the middle of one.
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

/** What ended in one span of time. */
class Bucket {
  ended = 0;
  unanswered = 0;
  wrong = 0;
  maxNs = 0;
  readonly latencies = createHistogram({ figures: 1 });

  takeUp(other: Bucket): void {
    this.ended += other.ended;
    this.unanswered += other.unanswered;
    this.wrong += other.wrong;
    this.maxNs = Math.max(this.maxNs, other.maxNs);
    this.latencies.add(other.latencies);
  }

  /** Milliseconds; null if nothing ended. */
  quantile(percent: number): number | null {
    if (this.ended === 0) return null;
    const ns = percent === 100 ? this.maxNs : this.latencies.percentile(percent);
    return Math.round(Math.min(ns, this.maxNs) / 1000) / 1000;
  }
}

/** Counts in buckets of equal length from the start. */
class Strip {
  #bucketNs = firstBucketNs;
  #buckets: Bucket[] = [];

  add(atNs: number, latencyNs: number, ending: { unanswered: boolean; wrong: boolean }): void {
    while (atNs >= this.#bucketNs * buckets) this.#fold();
    const place = Math.max(0, Math.floor(atNs / this.#bucketNs));
    while (this.#buckets.length <= place) this.#buckets.push(new Bucket());
    const bucket = this.#buckets[place];
    if (!bucket) return;
    bucket.ended += 1;
    bucket.unanswered += Number(ending.unanswered);
    bucket.wrong += Number(ending.wrong);
    bucket.maxNs = Math.max(bucket.maxNs, latencyNs);
    bucket.latencies.record(Math.max(1, Math.round(latencyNs)));
  }

  columns() {
    const all = this.#buckets;
    return {
      bucket_ms: this.#bucketNs / 1e6,
      ended: all.map(({ ended }) => ended),
      unanswered: all.map(({ unanswered }) => unanswered),
      wrong: all.map(({ wrong }) => wrong),
      p50_ms: all.map((bucket) => bucket.quantile(50)),
      p99_ms: all.map((bucket) => bucket.quantile(99)),
      max_ms: all.map((bucket) => bucket.quantile(100)),
    };
  }

  /** Each bucket absorbs its neighbour; the second half is free again. */
  #fold(): void {
    this.#bucketNs *= 2;
    const old = this.#buckets;
    this.#buckets = old.filter((_, place) => place % 2 === 0);
    for (const [place, bucket] of this.#buckets.entries()) {
      const neighbour = old[2 * place + 1];
      if (neighbour) bucket.takeUp(neighbour);
    }
  }
}

/**
 * A few operations: those around the first wrong one, or else around the first fault, or else the
 * first ones.
 */
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
    if (this.#latest.length > 2 * shownOperations) this.#latest.splice(0, shownOperations);
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
    // Near the beginning there are fewer before it, and so there may be more after it.
    this.#wanted = shownOperations - this.#centred.length;
  }

  window(): EventTimeline['window'] {
    const all = this.#total <= shownOperations;
    const around = all ? 'all' : this.#around;
    const centred =
      this.#centred.length < shownOperations ? this.#latest.slice(-shownOperations) : this.#centred;
    const shown = around === 'all' || around === 'beginning' ? this.#beginning : centred;
    const operations = shown.toSorted((left, right) => left.from_ms - right.from_ms);
    return { around, operations, total: this.#total };
  }
}
