import type { Judgement } from '../check/findings.ts';
import { createHistoryJudge } from '../check/judge.ts';
import { createMeter, type MeterCounts, type Timings } from '../check/meter.ts';
import { collectTimeline, type EventTimeline } from '../check/timeline.ts';
import { createDeferred } from '../explore/deferred.ts';
import { mergeEvents } from '../history/batches.ts';
import type { HistoryEvent } from '../history/event.ts';
import type { HistoryFile } from '../history/history-file.ts';

/** The history of one model's run, on its way to the judge and to the file. */
export interface HistoryRecord {
  /**
   * Takes events of a source, in order of time; nothing earlier than `upToNs` will follow.
   *
   * @returns resolved once more may come
   */
  readonly take: (source: number, events: readonly HistoryEvent[], upToNs: number) => Promise<void>;
  /** Adds an event after everything so far. */
  readonly append: (event: HistoryEvent) => Promise<void>;
  /** Rejects if the file cannot be written. */
  readonly failed: Promise<never>;
  /** Resolved once everything so far is written. */
  readonly written: () => Promise<void>;
  readonly progress: () => MeterCounts & { readonly wrong: number };
  /** To be called once, after the last event. */
  readonly finish: () => RecordedRun;
}

/** The verdict on the history of one model's run. */
export interface RecordedRun {
  readonly judgement: Judgement;
  readonly timings: Timings;
  readonly timeline: EventTimeline | undefined;
}

/** Where a record comes from, and where it goes. */
interface RecordOptions {
  readonly sources: number;
  readonly file: HistoryFile | undefined;
  readonly withTimeline: boolean;
}

/**
 * Makes the record of a run: the sources' events in order of time, each judged like one of a stored
 * history. Only what the judge remembers is kept.
 */
export function createRecord({ sources, file, withTimeline }: RecordOptions): HistoryRecord {
  const judge = createHistoryJudge();
  const meter = createMeter();
  const timeline = withTimeline ? collectTimeline() : undefined;
  const merge = mergeEvents(sources);
  const failed = createDeferred<never>();
  // Caught by the race with the workers; once those are done, by `written`.
  failed.promise.catch(() => undefined);
  let last: Promise<void> = Promise.resolve();
  const accept = (events: readonly HistoryEvent[]): Promise<void> => {
    for (const event of events) {
      const anomaly = judge.take(event);
      meter.take(event);
      timeline?.take(event, anomaly);
    }
    if (file && events.length > 0) {
      last = file.write(events.map((event) => ({ text: JSON.stringify(event) })));
      last.catch(failed.reject);
    }
    return last;
  };
  return Object.freeze({
    take: (source, events, upToNs) => accept(merge(source, events, upToNs)),
    append: (event) => accept([event]),
    failed: failed.promise,
    written: () => last,
    progress: () => ({ ...meter.counts(), wrong: judge.wrong() }),
    finish: () => {
      const { models, broken } = judge.finish();
      const [judgement] = models;
      if (!judgement || broken !== undefined) throw new Error(broken ?? 'the run has no history');
      return { judgement, timings: meter.timings(), timeline: timeline?.timeline() };
    },
  } satisfies HistoryRecord);
}
