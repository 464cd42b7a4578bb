import { BankctlError } from '../errors.ts';

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
  /** Lets no more begin. @returns once those under way have their answers, good or bad */
  readonly stop: () => Promise<void>;
}

/** Commits of a bank that is not stopped yet. */
export function createCommits(): Commits {
  const underWay = new Set<Promise<unknown>>();
  let stopped = false;
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
    stop: async () => {
      stopped = true;
      await Promise.allSettled(underWay);
    },
  });
}
