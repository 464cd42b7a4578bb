import type { HistoryLine } from './history-lines.ts';

/** A batch of a history, in order of time. None earlier than `upToNs` will follow. */
export interface HistoryBatch {
  readonly type: 'history';
  readonly lines: readonly HistoryLine[];
  readonly upToNs: number;
}

/** Gathers a source's lines into batches, and holds the source when it gets ahead. */
export interface LineBatches {
  /** @returns a promise to wait for where too many batches are on their way, else undefined */
  readonly add: (line: HistoryLine) => Promise<void> | undefined;
  /** A batch has been written. */
  readonly written: () => void;
  /** Sends what there is; nothing earlier than this will follow. */
  readonly flush: (upToNs: number) => void;
}

const linesPerBatch = 512;
/** Batches on their way; with more, the source waits, so that memory does not grow. */
const mostUnwritten = 8;

/** Makes the batches of one source. Its lines must come in order of time. */
export function batchLines(send: (batch: HistoryBatch) => void): LineBatches {
  let lines: HistoryLine[] = [];
  let unwritten = 0;
  let waiting: (() => void)[] = [];
  const flush = (upToNs: number) => {
    const batch = { type: 'history', lines, upToNs } as const;
    lines = [];
    unwritten += 1;
    send(batch);
  };
  return Object.freeze({
    add: (line: HistoryLine) => {
      lines.push(line);
      if (lines.length >= linesPerBatch) flush(line.atNs);
      if (unwritten <= mostUnwritten) return undefined;
      return new Promise<void>((resolve) => waiting.push(resolve));
    },
    written: () => {
      unwritten -= 1;
      if (unwritten > mostUnwritten) return;
      const released = waiting;
      waiting = [];
      for (const release of released) release();
    },
    flush,
  } satisfies LineBatches);
}

/**
 * Merges the batches of so many sources. A line is held back until no source can come with an
 * earlier one.
 *
 * @returns takes a source's batch and gives back the lines that are now due, in order of time
 */
export function mergeLines(
  sources: number,
): (source: number, batch: HistoryBatch) => readonly HistoryLine[] {
  const waiting: HistoryLine[][] = Array.from({ length: sources }, () => []);
  const upToNs: number[] = Array.from({ length: sources }, () => 0);
  return (source, { lines, upToNs: reached }) => {
    const queue = waiting[source];
    for (const line of lines) queue?.push(line);
    upToNs[source] = reached;
    const settledNs = Math.min(...upToNs);
    const due = waiting.flatMap((held) => {
      const later = held.findIndex(({ atNs }) => atNs >= settledNs);
      return held.splice(0, later < 0 ? held.length : later);
    });
    return due.sort((left, right) => left.atNs - right.atNs);
  };
}
