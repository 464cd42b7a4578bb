import { setTimeout as pause } from 'node:timers/promises';
import { BankctlError } from '../core/errors.ts';

/**
 * The writes of a bank that are under way and take effect by themselves: commits, and the single
 * updates of a bank without a journal. On Ctrl-C none begins any more, and those that were sent
 * are waited for, since only their answers tell what happened.
 */
export interface Commits {
  /**
   * Sends a write, with its retries.
   *
   * @throws `interrupted` once no more may begin; nothing is sent then
   */
  readonly send: <T>(write: () => Promise<T>) => Promise<T>;
  /** Lets no more begin, and waits for the answers to those under way, but no longer than this. */
  readonly stop: (longestMs: number) => Promise<void>;
  /** Once no more may begin: what leads to one is not worth another attempt. */
  readonly isStopped: () => boolean;
  /** Once the wait is over: what is under way still is not asked about again. */
  readonly isGivenUp: () => boolean;
}

/** Commits of a bank that is not stopped yet. */
export function createCommits(): Commits {
  const underWay = new Set<Promise<unknown>>();
  let stopped = false;
  let givenUp = false;
  return Object.freeze({
    send: async <T>(write: () => Promise<T>): Promise<T> => {
      if (stopped) throw new BankctlError('interrupted', 'Interrupted.');
      const sent = write();
      underWay.add(sent);
      try {
        return await sent;
      } finally {
        underWay.delete(sent);
      }
    },
    stop: async (longestMs: number) => {
      stopped = true;
      const waiting = new AbortController();
      const over = pause(longestMs, undefined, { signal: waiting.signal }).catch(() => undefined);
      await Promise.race([Promise.allSettled(underWay), over]);
      waiting.abort();
      givenUp = true;
    },
    isStopped: () => stopped,
    isGivenUp: () => givenUp,
  });
}
