import { setTimeout as pause } from 'node:timers/promises';
import { isOutage } from '../database/driver-errors.ts';

/** For how long, and until when. */
export interface Patience {
  /** How long after the first failure another attempt may begin, milliseconds. */
  readonly timeoutMs: number;
  /** Monotonic, nanoseconds. */
  readonly monotonicNs: () => bigint;
  readonly interrupted: AbortSignal;
}

const firstPauseMs = 20;
const longestPauseMs = 500;

/**
 * Rides out an outage: repeats work that may be repeated, whatever became of it, until the server
 * answers or the patience is over.
 *
 * @param work is told whether it was tried before
 * @throws the last failure; at once what is no outage
 */
export async function persist<T>(
  { timeoutMs, monotonicNs, interrupted }: Patience,
  work: (again: boolean) => Promise<T>,
): Promise<T> {
  let firstFailureNs: bigint | undefined;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      return await work(firstFailureNs !== undefined);
    } catch (error) {
      if (interrupted.aborted || !isOutage(error)) throw error;
      const nowNs = monotonicNs();
      firstFailureNs ??= nowNs;
      if (nowNs - firstFailureNs >= BigInt(timeoutMs) * 1_000_000n) throw error;
      await pause(pauseMs, undefined, { signal: interrupted }).catch(() => undefined);
    }
  }
}
