import { setTimeout as pause } from 'node:timers/promises';
import { BankctlError } from '../core/errors.ts';

/**
 * The writes under way that take effect by themselves: commits, and the single updates of a bank
 * without a journal. After Ctrl-C none starts any more, and those that were sent are waited for,
 * since only their answers tell what happened.
 */
export interface Commits {
  /** @throws `interrupted` once no more may start; then nothing is sent */
  readonly send: <T>(write: () => Promise<T>) => Promise<T>;
  /** Lets no more start, and waits at most `maxMs` for the answers to those under way. */
  readonly stop: (maxMs: number) => Promise<void>;
  /** True once no more may start: what leads to one is not worth another attempt. */
  readonly isStopped: () => boolean;
  /** True once the wait is over: what is still under way is not asked about again. */
  readonly isGivenUp: () => boolean;
}

/** The commits of a bank that is not stopped yet. */
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
    stop: async (maxMs: number) => {
      stopped = true;
      const waiting = new AbortController();
      const over = pause(maxMs, undefined, { signal: waiting.signal }).catch(() => undefined);
      await Promise.race([Promise.allSettled(underWay), over]);
      waiting.abort();
      givenUp = true;
    },
    isStopped: () => stopped,
    isGivenUp: () => givenUp,
  });
}
