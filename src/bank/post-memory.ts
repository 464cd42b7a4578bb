import type { Outcome } from './judge.ts';
import type { Entry } from './operations/entry.ts';

/**
 * What the calls of `post` in one run, such as that of a file, learn for the next. It grows only
 * with batches whose outcome is unknown.
 */
export interface PostMemory {
  /** The maximum number of operations known to finish in time together. */
  batchSize: number;
  /** The last batch met others on its accounts: the next one most likely will too. */
  isContended: boolean;
  /** Remembers entries whose commit was sent and never answered. */
  readonly rememberSent: (entries: readonly Entry[]) => void;
  /** True for an entry of the journal that this run sent: it is no replay. */
  readonly isOwn: (entry: Entry) => boolean;
  /** Forgets entries whose outcome is now known. */
  readonly forgetSettled: (outcomes: readonly Outcome[]) => void;
}

/** The memory of a run that has not posted yet. */
export function createMemory(): PostMemory {
  const open = new Map<string, Entry[]>();
  return {
    batchSize: Number.POSITIVE_INFINITY,
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
