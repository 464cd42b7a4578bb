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
  const attempt = async (work: () => Promise<void>) => {
    try {
      await retryThroughOutages(bank.timeoutMs, context, () => afterOthers(bank, work));
    } catch (error) {
      const isBroken =
        error instanceof BankctlError &&
        (error.code === 'foreign_documents' || error.code === 'duplicate_account');
      if (!isBroken) throw error;
      const guard = error.code === 'duplicate_account' ? 'index' : 'validator';
      missing.push({ branch: branch.name, guard, reason: plain(error) });
    }
  };
  await attempt(() => branch.prepare());
  if (missing[0]?.guard === 'validator') await attempt(() => branch.prepare('indexes'));
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

/** Without what is true only of the attempt to make the guard. */
function plain({ message }: BankctlError): string {
  return message.replace('; nothing was written', '');
}
