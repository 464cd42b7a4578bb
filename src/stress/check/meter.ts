import { createHistogram } from 'node:perf_hooks';
import type { HistoryEvent } from '../history/event.ts';

/** How fast a run was. */
export interface Timings {
  /** Operations per second, from the first start to the last end. */
  readonly throughput: number;
  /** To within a thousandth of its value; `max` is exact. */
  readonly latency_ms: {
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly max: number;
  };
}

/** How far a run has got. */
export interface MeterCounts {
  readonly done: number;
  /** Those of them that got no answer. */
  readonly unknown: number;
  readonly faults: number;
}

/** Counts and times the operations of a history as they pass. */
interface Meter {
  readonly take: (event: HistoryEvent) => void;
  readonly counts: () => MeterCounts;
  readonly timings: () => Timings;
}

/** Makes a meter. Its memory is the same for a run of any length. */
export function createMeter(): Meter {
  const begunNs = new Map<number, number>();
  const latencies = createHistogram();
  let [done, unknown, faults, maxNs, lastNs] = [0, 0, 0, 0, 0];
  let firstNs = Number.POSITIVE_INFINITY;
  return Object.freeze({
    take: ({ process, type, f, time }) => {
      if (process === undefined) return;
      if (process === 'nemesis') {
        if (type === 'invoke' && f !== 'rejoin') faults += 1;
        return;
      }
      if (type === 'invoke') {
        begunNs.set(process, time);
        firstNs = Math.min(firstNs, time);
        return;
      }
      const latencyNs = time - (begunNs.get(process) ?? time);
      begunNs.delete(process);
      latencies.record(Math.max(1, latencyNs));
      maxNs = Math.max(maxNs, latencyNs);
      lastNs = Math.max(lastNs, time);
      done += 1;
      if (type === 'info') unknown += 1;
    },
    counts: () => ({ done, unknown, faults }),
    timings: () => {
      const spanNs = lastNs - firstNs;
      const quantile = (percent: number) =>
        done === 0 ? 0 : milliseconds(Math.min(maxNs, latencies.percentile(percent)));
      return {
        throughput: spanNs > 0 ? Math.round((done / spanNs) * 1e9) : 0,
        latency_ms: {
          p50: quantile(50),
          p90: quantile(90),
          p99: quantile(99),
          max: milliseconds(maxNs),
        },
      };
    },
  } satisfies Meter);
}

function milliseconds(ns: number): number {
  return Math.round(ns / 1000) / 1000;
}
