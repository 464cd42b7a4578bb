import { BankctlError } from '../core/errors.ts';

/** Tells work with a time limit whether its time is up. */
export interface Deadline {
  /** @throws `timed_out` once the time is up */
  readonly check: () => void;
  /**
   * Lets the time count from now, but only the first time: work that is begun again and again must
   * end too. @throws `timed_out` once the time is up
   */
  readonly restart: () => void;
}

/**
 * Runs work, and gives up on it after a time limit. The driver has no limit on a whole operation:
 * its retries of a transaction go on for 120 s. Work that was given up on may still be waiting for
 * an answer, so it must call `check` before each step that must not happen any more.
 * @throws `timed_out`
 */
export async function runWithin<T>(
  timeoutMs: number,
  work: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  let expired: BankctlError | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isRestarted = false;
  const expiry = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      expired = timedOut(timeoutMs);
      reject(expired);
    }, timeoutMs);
  });
  const check = () => {
    if (expired) throw expired;
  };
  const restart = () => {
    check();
    if (!isRestarted) timer?.refresh();
    isRestarted = true;
  };
  const running = work({ check, restart });
  // After giving up, nobody listens to how the work ends.
  running.catch(() => undefined);
  try {
    return await Promise.race([running, expiry]);
  } finally {
    clearTimeout(timer);
  }
}

function timedOut(timeoutMs: number): BankctlError {
  return new BankctlError('timed_out', `The database did not finish within ${timeoutMs / 1000} s.`);
}
