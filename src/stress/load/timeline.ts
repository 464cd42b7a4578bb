import { collectionOfBranch, runCollections } from '../subjects/load-models.ts';
import { type Wrong, wrongOf } from './check.ts';
import type { Plan } from './plan.ts';
import { type OperationRecord, type RecordColumns, readRecord } from './record.ts';

/** A run in time: buckets of equal length that count everything, and a window that shows a part. */
export interface Timeline {
  readonly bucket_ms: number;
  /** Operations that ended in each bucket. */
  readonly ended: readonly number[];
  /** Those of them that went wrong. */
  readonly wrong: readonly number[];
  /** Latency of those that ended in each bucket, milliseconds; null where none did. */
  readonly p50_ms: readonly (number | null)[];
  readonly p99_ms: readonly (number | null)[];
  readonly max_ms: readonly (number | null)[];
  readonly window: TimelineWindow;
}

/** A part of the run in which each operation is shown. */
export interface TimelineWindow {
  /** What it is around; `all` where it is the whole run. */
  readonly around: 'all' | 'first_wrong' | 'slowest';
  readonly from_ms: number;
  readonly to_ms: number;
  /** In order of their beginning. */
  readonly operations: readonly TimelineOperation[];
  /** Of the whole run. */
  readonly total: number;
}

/** One operation, as a bar. */
export interface TimelineOperation {
  /** From 1. */
  readonly worker: number;
  /** Its place in the plan. */
  readonly operation: number;
  readonly from_ms: number;
  readonly to_ms: number;
  readonly branch: string;
  /** Where it was sent; null for nowhere. */
  readonly collection: string | null;
  readonly wrong: Wrong | null;
}

/** What a run left behind, as far as a time line needs it. */
export interface TimedRun {
  readonly plan: Plan;
  /** One a thread. */
  readonly records: readonly RecordColumns[];
  /** The operation that went wrong first. */
  readonly firstWrong: Pick<OperationRecord, 'startNs' | 'endNs'> | undefined;
}

const buckets = 200;
/** How many operations a picture can hold and still be read. */
const shownOperations = 160;

/**
 * Makes the time line of a run out of its record, when it is over, so that the load does not pay
 * for it. Its size is the same for a run of any length.
 */
export function timelineOf(run: TimedRun): Timeline {
  const span = spanOf(run.records);
  const bucketNs = Math.max(1, (span.lastNs - span.firstNs) / buckets);
  const bucketOf = (endNs: number) =>
    Math.min(buckets - 1, Math.floor((endNs - span.firstNs) / bucketNs));
  const ended = new Uint32Array(buckets);
  const wrong = new Uint32Array(buckets);
  for (const record of rows(run)) {
    const bucket = bucketOf(record.endNs);
    ended[bucket] = (ended[bucket] ?? 0) + 1;
    if (wrongIn(record, run.plan)) wrong[bucket] = (wrong[bucket] ?? 0) + 1;
  }
  return {
    bucket_ms: milliseconds(bucketNs),
    ended: [...ended],
    wrong: [...wrong],
    ...latencies(run.records, ended, bucketOf),
    window: windowOf(run, span),
  };
}

interface Span {
  readonly firstNs: number;
  readonly lastNs: number;
  readonly operations: number;
}

function* rows({ records }: TimedRun): Iterable<OperationRecord> {
  for (const columns of records) yield* readRecord(columns);
}

function wrongIn(record: OperationRecord, plan: Plan): Wrong | undefined {
  return wrongOf(record, collectionOfBranch(plan.at(record.index).branch));
}

function spanOf(records: readonly RecordColumns[]): Span {
  let firstNs = Number.POSITIVE_INFINITY;
  let lastNs = 0;
  let operations = 0;
  for (const { startNs, endNs, length } of records) {
    operations += length;
    for (let row = 0; row < length; row += 1) {
      firstNs = Math.min(firstNs, startNs[row] ?? firstNs);
      lastNs = Math.max(lastNs, endNs[row] ?? lastNs);
    }
  }
  return { firstNs: operations === 0 ? 0 : firstNs, lastNs, operations };
}

/** Quantiles by nearest rank: all latencies in one array, bucket behind bucket, each sorted. */
function latencies(
  records: readonly RecordColumns[],
  ended: Uint32Array,
  bucketOf: (endNs: number) => number,
): Pick<Timeline, 'p50_ms' | 'p99_ms' | 'max_ms'> {
  const begins = new Uint32Array(buckets + 1);
  for (const [bucket, count] of ended.entries()) {
    begins[bucket + 1] = (begins[bucket] ?? 0) + count;
  }
  const sorted = new Float64Array(begins[buckets] ?? 0);
  const next = begins.slice();
  for (const { startNs, endNs, length } of records) {
    for (let row = 0; row < length; row += 1) {
      const end = endNs[row] ?? 0;
      const bucket = bucketOf(end);
      const place = next[bucket] ?? 0;
      sorted[place] = end - (startNs[row] ?? end);
      next[bucket] = place + 1;
    }
  }
  const quantiles = (share: number) =>
    Array.from(ended, (count, bucket) => {
      if (count === 0) return null;
      const rank = Math.max(1, Math.ceil(share * count));
      return milliseconds(sorted[(begins[bucket] ?? 0) + rank - 1] ?? 0);
    });
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    sorted.subarray(begins[bucket], begins[bucket + 1]).sort();
  }
  return { p50_ms: quantiles(0.5), p99_ms: quantiles(0.99), max_ms: quantiles(1) };
}

function windowOf(run: TimedRun, span: Span): TimelineWindow {
  const { plan, firstWrong } = run;
  const all = span.operations <= shownOperations;
  const centre = firstWrong ?? slowest(run) ?? { startNs: 0, endNs: 0 };
  const around = all ? 'all' : firstWrong ? 'first_wrong' : 'slowest';
  const near = all ? [...rows(run)] : nearestTo(run, (centre.startNs + centre.endNs) / 2);
  near.sort((left, right) => left.startNs - right.startNs);
  const collections = runCollections(plan);
  const since = (ns: number) => milliseconds(ns - span.firstNs);
  const operations = near.map((record): TimelineOperation => {
    const { worker, branch } = plan.at(record.index);
    return {
      worker: worker + 1,
      operation: record.index,
      from_ms: since(record.startNs),
      to_ms: since(record.endNs),
      branch: plan.branchNames[branch] ?? '',
      collection: collections[record.landed] ?? null,
      wrong: wrongIn(record, plan) ?? null,
    };
  });
  return {
    around,
    from_ms: operations[0]?.from_ms ?? 0,
    to_ms: Math.max(...operations.map(({ to_ms }) => to_ms), 0),
    operations,
    total: span.operations,
  };
}

function slowest(run: TimedRun): OperationRecord | undefined {
  let found: OperationRecord | undefined;
  for (const record of rows(run)) {
    if (!found || record.endNs - record.startNs > found.endNs - found.startNs) found = record;
  }
  return found;
}

/** The operations whose middle is nearest to a moment; memory is bounded by how many are kept. */
function nearestTo(run: TimedRun, momentNs: number): OperationRecord[] {
  const distance = ({ startNs, endNs }: OperationRecord) =>
    Math.abs((startNs + endNs) / 2 - momentNs);
  const trim = (kept: OperationRecord[]) =>
    kept.sort((left, right) => distance(left) - distance(right)).slice(0, shownOperations);
  let kept: OperationRecord[] = [];
  let farthest = Number.POSITIVE_INFINITY;
  for (const record of rows(run)) {
    if (distance(record) > farthest) continue;
    kept.push(record);
    if (kept.length < 4 * shownOperations) continue;
    kept = trim(kept);
    farthest = distance(kept.at(-1) ?? record);
  }
  return trim(kept);
}

function milliseconds(ns: number): number {
  return Math.round(ns / 1000) / 1000;
}
