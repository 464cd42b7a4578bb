import type { HistoryEvent } from '../history/history-event.ts';

/** How fast a run was. */
export interface Timings {
  /** Operations a second, from the first start to the last end. */
  readonly throughput: number;
  readonly latency_ms: {
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly max: number;
  };
}

/** Counts and times the operations of a history as it goes by. */
export interface Meter {
  readonly take: (event: HistoryEvent) => void;
  readonly progress: () => {
    readonly done: number;
    readonly unknown: number;
    readonly faults: number;
  };
  readonly timings: () => Timings;
}

/** Makes a meter. It keeps four bytes an operation. */
export function createMeter(): Meter {
  const begunNs = new Map<string, number>();
  let latencyMs = new Float32Array(1024);
  let [done, unknown, faults] = [0, 0, 0];
  let firstNs = Number.POSITIVE_INFINITY;
  let lastNs = 0;
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
      if (done === latencyMs.length) {
        const larger = new Float32Array(2 * done);
        larger.set(latencyMs);
        latencyMs = larger;
      }
      latencyMs[done] = (time - (begunNs.get(process) ?? time)) / 1e6;
      begunNs.delete(process);
      done += 1;
      if (type === 'info') unknown += 1;
      lastNs = Math.max(lastNs, time);
    },
    progress: () => ({ done, unknown, faults }),
    timings: () => {
      const sorted = latencyMs.slice(0, done).sort();
      // Nearest rank: the smallest latency that this share of the operations did not exceed.
      const quantile = (share: number) =>
        Math.round((sorted[Math.max(0, Math.ceil(share * done) - 1)] ?? 0) * 1000) / 1000;
      const spanNs = lastNs - firstNs;
      return {
        throughput: spanNs > 0 ? Math.round((done / spanNs) * 1e9) : 0,
        latency_ms: {
          p50: quantile(0.5),
          p90: quantile(0.9),
          p99: quantile(0.99),
          max: quantile(1),
        },
      };
    },
  } satisfies Meter);
}
