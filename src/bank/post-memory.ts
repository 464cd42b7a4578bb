import type { Outcome } from './judge.ts';
import type { Entry } from './operations/entry.ts';

/**
 * What the calls of `post` in one run, such as that of a file, learn for the next. It grows only
 * with batches whose outcome is unknown.
 */
export interface PostMemory {
  /** The maximum number of operations to post together. */
  readonly batchSize: number;
  /** A batch took too long: none gets larger than this again. */
  readonly limit: (size: number) => void;
  /** A batch met others: the next ones begin at this size, and grow again. */
  readonly shrink: (size: number) => void;
  /** A batch of this size met nobody. */
  readonly grow: (size: number) => void;
  /** The last batch met others on its accounts: the next one most likely will too. */
  isContended: boolean;
  /** Remembers entries whose commit was sent and never answered. */
  readonly rememberSent: (entries: readonly Entry[]) => void;
  /** True for an entry of the journal that this run sent: it is no replay. */
  readonly isOwn: (entry: Entry) => boolean;
  /** Forgets entries whose outcome is now known. */
  readonly forgetSettled: (outcomes: readonly Outcome[]) => void;
}

/** A batch that is aborted takes its time in vain, so sizes rise slower than they fall. */
const growth = 1.5;

/** The memory of a run that has not posted yet. */
export function createMemory(): PostMemory {
  const open = new Map<string, Entry[]>();
  let maxBatchSize = Number.POSITIVE_INFINITY;
  let batchSize = maxBatchSize;
  return {
    get batchSize() {
      return batchSize;
    },
    limit: (size) => {
      maxBatchSize = size;
      batchSize = size;
    },
    shrink: (size) => {
      batchSize = size;
    },
    grow: (size) => {
      // A smaller one says nothing about larger ones.
      if (size * 2 > batchSize) batchSize = Math.min(Math.ceil(batchSize * growth), maxBatchSize);
    },
    isContended: false,
    rememberSent: (entries) => {
      for (const entry of entries) open.set(entry.id, [...(open.get(entry.id) ?? []), entry]);
    },
    isOwn: (entry) => open.get(entry.id)?.some((sent) => isSame(sent, entry)) ?? false,
    forgetSettled: (outcomes) => {
      if (open.size === 0) return;
      for (const { operation } of outcomes) open.delete(operation.id);
    },
  };
}

function isSame(sent: Entry, found: Entry): boolean {
  const versions = ({ postings }: Entry) => postings.map(({ version }) => version).join();
  return (
    sent.at.getTime() === found.at.getTime() &&
    sent.seq === found.seq &&
    sent.by === found.by &&
    sent.request === found.request &&
    versions(sent) === versions(found)
  );
}
