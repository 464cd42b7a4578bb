import type { HistoryEvent } from './event.ts';

/** A part of a source's history, in order of time. Nothing earlier than `upToNs` will follow. */
export interface HistoryBatch<Item> {
  readonly type: 'history';
  readonly items: readonly Item[];
  readonly upToNs: number;
}

/** Gathers a source's items into batches, and pauses the source when it gets ahead. */
interface Batches<Item> {
  /**
   * @param atNs its time, not before that of the item before it
   * @returns a promise to wait for if too many batches are under way, otherwise undefined
   */
  readonly add: (item: Item, atNs: number) => Promise<void> | undefined;
  /** A batch has been written. */
  readonly written: () => void;
  /** Sends what there is; nothing earlier than this will follow. */
  readonly flush: (upToNs: number) => void;
}

/** Few enough that nobody waits long while a batch is judged. */
const itemsPerBatch = 64;
/**
 * Maximum number of batches under way; beyond it the source waits, so that memory does not grow.
 */
const maxUnwritten = 64;

/** Makes the batches of one source. */
export function createBatches<Item>(send: (batch: HistoryBatch<Item>) => void): Batches<Item> {
  let items: Item[] = [];
  let unwritten = 0;
  let waiting: (() => void)[] = [];
  const flush = (upToNs: number) => {
    const batch = { type: 'history', items, upToNs } as const;
    items = [];
    unwritten += 1;
    send(batch);
  };
  return Object.freeze({
    add: (item, atNs) => {
      items.push(item);
      if (items.length >= itemsPerBatch) flush(atNs);
      if (unwritten <= maxUnwritten) return undefined;
      return new Promise<void>((resolve) => waiting.push(resolve));
    },
    written: () => {
      unwritten -= 1;
      if (unwritten > maxUnwritten) return;
      const released = waiting;
      waiting = [];
      for (const release of released) release();
    },
    flush,
  } satisfies Batches<Item>);
}

/** Takes a source's events, and returns those of all sources that are now ready, in order. */
type MergeEvents = (
  source: number,
  events: readonly HistoryEvent[],
  upToNs: number,
) => readonly HistoryEvent[];

/** Merges several sources. An event is held back until no source can deliver an earlier one. */
export function mergeEvents(sources: number): MergeEvents {
  const waiting: HistoryEvent[][] = Array.from({ length: sources }, () => []);
  const reachedNs: number[] = Array.from({ length: sources }, () => 0);
  return (source, events, upToNs) => {
    waiting[source]?.push(...events);
    reachedNs[source] = upToNs;
    const settledNs = Math.min(...reachedNs);
    const due = waiting.flatMap((held) => {
      const later = held.findIndex(({ time }) => time >= settledNs);
      return held.splice(0, later < 0 ? held.length : later);
    });
    return due.sort((left, right) => left.time - right.time);
  };
}
