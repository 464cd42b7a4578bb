import { setTimeout as pause } from 'node:timers/promises';
import type { Context } from '../core/context.ts';
import { isOutage } from './driver-errors.ts';

/** What waiting for a server takes from its surroundings. */
export type RetryContext = Pick<Context, 'monotonicNs' | 'interrupted'>;

const firstPauseMs = 20;
const maxPauseMs = 500;

/**
 * Repeats work that is safe to repeat, whatever became of it, until the server answers.
 *
 * @param timeoutMs how long after the first failure another attempt may begin
 * @param work called with whether it was tried before
 * @throws the last failure; immediately, any failure that is not an outage
 */
export async function retryThroughOutages<T>(
  timeoutMs: number,
  { monotonicNs, interrupted }: RetryContext,
  work: (isRetry: boolean) => Promise<T>,
): Promise<T> {
  let firstFailureNs: bigint | undefined;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, maxPauseMs)) {
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
