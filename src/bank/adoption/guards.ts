import { setTimeout as pause } from 'node:timers/promises';
import { BankctlError } from '../../core/errors.ts';
import { isServerError } from '../../database/driver-errors.ts';
import { type RetryContext, retryThroughOutages } from '../../database/outage-retries.ts';
import type { Bank } from '../bank.ts';
import type { BranchModel } from '../branch.ts';

/** A guard that a collection cannot have while documents break it. */
export interface MissingGuard {
  readonly branch: string;
  readonly guard: 'index' | 'validator';
  /** One sentence: which document is in the way. */
  readonly reason: string;
}

/**
 * Gives a branch's collection its index and its validator, or whichever of them is possible. Both
 * wait for open transactions, also those of clients that are gone, so these are ended first.
 */
export async function guardBranch(
  bank: Bank,
  branch: BranchModel,
  context: RetryContext,
): Promise<readonly MissingGuard[]> {
  await bank.endAbandoned();
  const missing: MissingGuard[] = [];
  const attempt = async (wanted: MissingGuard['guard'], work: () => Promise<void>) => {
    try {
      await retryThroughOutages(bank.timeoutMs, context, () => afterOthers(bank, work));
    } catch (error) {
      const found = guardInQuestion(error, wanted);
      if (!found) throw error;
      missing.push({ branch: branch.name, ...found });
    }
  };
  await attempt('validator', () => branch.prepare());
  if (missing[0]?.guard === 'validator') await attempt('index', () => branch.prepare('indexes'));
  return missing;
}

const pauseMs = 100;

/** Another command may be building the same index, and nothing else is possible meanwhile. */
async function afterOthers({ timeoutMs }: Bank, work: () => Promise<void>): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += pauseMs) {
    try {
      return await work();
    } catch (error) {
      const isOver = waitedMs >= timeoutMs;
      if (isOver || !isServerError(error, 'backgroundOperationInProgress')) throw error;
      await pause(pauseMs);
    }
  }
}

/** Which guard an error keeps a collection from having, and why; undefined for any other error. */
function guardInQuestion(
  error: unknown,
  wanted: MissingGuard['guard'],
): Omit<MissingGuard, 'branch'> | undefined {
  if (isServerError(error, 'unauthorized')) {
    const reason = 'The database user may not make it; the role dbAdmin may.';
    return { guard: wanted, reason };
  }
  if (!(error instanceof BankctlError)) return undefined;
  const { code, message } = error;
  // What is true only of an attempt to write accounts is left out.
  const reason = message.replace('; nothing was written', '');
  if (code === 'foreign_documents') return { guard: 'validator', reason };
  return code === 'duplicate_account' ? { guard: 'index', reason } : undefined;
}
