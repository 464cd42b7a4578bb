import type { Verdict } from '../check/verdict.ts';
import { deferred } from '../explore/deferred.ts';
import type { HistoryEvent } from '../history/history-event.ts';
import { type AnomalyCounts, anomalyCounts } from '../history/history-findings.ts';
import type { HistoryLine } from '../history/history-lines.ts';
import type { BranchMoney, SectionJudgement } from '../history/history-section.ts';
import { createHistoryJudge } from '../history/judge-history.ts';
import { batchLines, type HistoryBatch, mergeLines } from '../history/line-batches.ts';
import { createMeter, type Timings } from './ledger-meter.ts';

/** What a run of the ledger came to. */
export interface LedgerModelReport
  extends Omit<SectionJudgement, 'doubt' | 'vacuity' | 'branches'>,
    Timings {
  readonly left_switched: 0;
  /** The same counts as beside it, by name. */
  readonly anomalies: AnomalyCounts;
  readonly branches: readonly BranchMoney[];
}

/** The history of a run, on its way to the judge and to the file. */
export interface LedgerRecord {
  /** Takes a batch of a source; `done` is called when more may come. */
  readonly take: (source: number, batch: HistoryBatch, done: () => void) => void;
  /** Adds a line of a source that sends no batches. */
  readonly add: (source: number, line: HistoryLine) => void;
  /** Nothing earlier will be added by that source. */
  readonly flush: (source: number, upToNs: number) => void;
  /** Adds an event behind everything so far. */
  readonly append: (event: unknown) => Promise<void>;
  /** Rejects where the file cannot be written. */
  readonly failed: Promise<never>;
  /** Resolved when everything so far is written. */
  readonly written: () => Promise<void>;
  readonly progress: () => {
    readonly done: number;
    readonly unknown: number;
    readonly faults: number;
  };
  /** To be called once, after the last line. */
  readonly report: () => {
    readonly model: LedgerModelReport;
    readonly verdict: Verdict;
    readonly reason: string | undefined;
  };
}

/** Where a record goes. */
export interface RecordOptions {
  readonly sources: number;
  /** Writes to the file, where there is one. */
  readonly write: ((lines: readonly Pick<HistoryLine, 'text'>[]) => Promise<void>) | undefined;
  /** Hears every event, in order. */
  readonly heard?: ((event: HistoryEvent) => void) | undefined;
}

/**
 * Makes the record of a run: the sources' lines in order of time, each judged as a line of a
 * stored history is. Nothing is kept but what the judge remembers.
 */
export function createRecord({ sources, write, heard }: RecordOptions): LedgerRecord {
  const judge = createHistoryJudge();
  const meter = createMeter();
  const due = mergeLines(sources);
  const failed = deferred<never>();
  // Heard in the race with the workers; when those are done, by `written`.
  failed.promise.catch(() => undefined);
  let last: Promise<void> = Promise.resolve();
  const accept = (lines: readonly Pick<HistoryLine, 'text'>[]): Promise<void> => {
    for (const { text } of lines) {
      const event = judge.take(text);
      meter.take(event);
      heard?.(event);
    }
    if (write && lines.length > 0) {
      last = write(lines);
      last.catch(failed.reject);
    }
    return last;
  };
  const own = Array.from({ length: sources }, (_, source) =>
    batchLines((batch) => void accept(due(source, batch)).catch(() => undefined)),
  );
  return Object.freeze({
    take: (source, batch, done) => {
      accept(due(source, batch)).then(done, () => undefined);
    },
    add: (source, line) => void own[source]?.add(line),
    flush: (source, upToNs) => {
      own[source]?.flush(upToNs);
      own[source]?.written();
    },
    append: (event) => accept([{ text: JSON.stringify(event) }]),
    failed: failed.promise,
    written: () => last,
    progress: meter.progress,
    report: () => {
      const { models, verdict, reason } = judge.finish();
      const [judged] = models;
      if (!judged) throw new Error(reason ?? 'the run has no history');
      const model: LedgerModelReport = {
        ...judged,
        left_switched: 0,
        anomalies: anomalyCounts((name) => judged[name]),
        branches: judged.branches ?? [],
        ...meter.timings(),
      };
      return { model, verdict, reason };
    },
  } satisfies LedgerRecord);
}
