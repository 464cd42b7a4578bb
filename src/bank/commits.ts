import { setTimeout as pause } from 'node:timers/promises';
import { BankctlError } from '../core/errors.ts';

/**
 * The writes under way that take effect by themselves: commits, and the single updates of a bank
 * without a journal. After Ctrl-C no more are started, and those already sent are awaited, since
 * only their answers tell what happened.
 */
export interface Commits {
  /** @throws `interrupted` once no more may start; then nothing is sent */
  readonly send: <T>(write: () => Promise<T>) => Promise<T>;
  /** Allows no more to start, and waits at most `maxMs` for the answers to those under way. */
  readonly stop: (maxMs: number) => Promise<void>;
  /** True once no more may start: there is no point in retrying what leads to one. */
  readonly isStopped: () => boolean;
  /** True once the wait is over: no one asks again about what is still under way. */
  readonly isGivenUp: () => boolean;
}

/** The commits of a bank that has not been stopped. */
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
