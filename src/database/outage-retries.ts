import { setTimeout as pause } from 'node:timers/promises';
import type { Context } from '../core/context.ts';
import { BankctlError } from '../core/errors.ts';
import { isOutage } from './driver-errors.ts';

/** What waiting for a server takes from its surroundings. */
export type RetryContext = Pick<Context, 'monotonicNs' | 'interrupted'>;

const firstPauseMs = 20;
const maxPauseMs = 500;

/**
 * An outcome that is unknown is asked for this many times as long: the new primary of a busy set
 * may need that to be chosen and to reach a majority, and only then is anything certain.
 */
const unknownFactor = 3;

/**
 * Repeats work that is safe to repeat, whatever became of it, until the server answers.
 *
 * @param timeoutMs how long after the first failure another attempt may begin; three times as long
 *   once an outcome is unknown
 * @param work called with whether it was tried before
 * @throws the last failure; immediately, any failure that is not an outage
 */
export async function retryThroughOutages<T>(
  timeoutMs: number,
  { monotonicNs, interrupted }: RetryContext,
  work: (isRetry: boolean) => Promise<T>,
): Promise<T> {
  let firstFailureNs: bigint | undefined;
  let limitNs = BigInt(timeoutMs) * 1_000_000n;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, maxPauseMs)) {
    try {
      return await work(firstFailureNs !== undefined);
    } catch (error) {
      if (interrupted.aborted || !isOutage(error)) throw error;
      const nowNs = monotonicNs();
      firstFailureNs ??= nowNs;
      if (isUnknown(error)) limitNs = BigInt(timeoutMs * unknownFactor) * 1_000_000n;
      if (nowNs - firstFailureNs >= limitNs) throw error;
      await pause(pauseMs, undefined, { signal: interrupted }).catch(() => undefined);
    }
  }
}

function isUnknown(error: unknown): boolean {
  return error instanceof BankctlError && error.code === 'outcome_unknown';
}
