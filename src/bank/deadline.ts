import { BankctlError } from '../core/errors.ts';

/** Tells bounded work whether its time is over. */
export interface Deadline {
  /** @throws the time-out, once the time is over */
  readonly check: () => void;
}

/**
 * Gives up on work after a while. The driver has no bound over a whole operation: its retries of a
 * transaction go on for 120 s. Work that was given up may still be waiting for an answer, so it
 * must call `check` before each step that must not happen any more.
 * @throws `timed_out`
 */
export async function within<T>(
  timeoutMs: number,
  work: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  let expired: BankctlError | undefined;
  let timer: NodeJS.Timeout | undefined;
  const expiry = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      expired = timedOut(timeoutMs);
      reject(expired);
    }, timeoutMs);
  });
  const running = work({
    check: () => {
      if (expired) throw expired;
    },
  });
  // Whatever the work still says after it was given up, nobody is listening.
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
