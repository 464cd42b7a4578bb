import type { HistorySink } from './drive.ts';
import { endLine, type HistoryLine, invokeLine } from './history-lines.ts';
import type { LoadModelName } from './load-models.ts';
import type { Plan } from './plan.ts';

/** A batch of a history, in order of time. None earlier than `upToNs` will follow. */
export interface HistoryBatch {
  readonly type: 'history';
  readonly lines: readonly HistoryLine[];
  readonly upToNs: number;
}

/** Gathers a thread's history into batches, and holds the workers when they get ahead. */
export interface HistoryBatches extends HistorySink {
  /** A batch has been written. */
  readonly written: () => void;
  /** Sends what there is; nothing earlier than this will follow. */
  readonly flush: (upToNs: number) => void;
}

const linesPerBatch = 512;
/** Batches on their way; with more, the workers wait, so that memory does not grow. */
const mostUnwritten = 8;

/** Makes the sink of a drive that sends its history away in batches. */
export function batchHistory(
  plan: Plan,
  model: LoadModelName,
  send: (batch: HistoryBatch) => void,
): HistoryBatches {
  let lines: HistoryLine[] = [];
  let unwritten = 0;
  let waiting: (() => void)[] = [];
  const flush = (upToNs: number) => {
    send({ type: 'history', lines, upToNs });
    lines = [];
    unwritten += 1;
  };
  const add = (line: HistoryLine): Promise<void> | undefined => {
    lines.push(line);
    if (lines.length >= linesPerBatch) flush(line.atNs);
    if (unwritten <= mostUnwritten) return undefined;
    return new Promise((resolve) => waiting.push(resolve));
  };
  return Object.freeze({
    began: (operation, atNs) => add(invokeLine(plan, model, operation, atNs)),
    ended: (operation, record, message) => add(endLine(plan, model, operation, record, message)),
    written: () => {
      unwritten -= 1;
      if (unwritten > mostUnwritten) return;
      const released = waiting;
      waiting = [];
      for (const release of released) release();
    },
    flush,
  } satisfies HistoryBatches);
}
