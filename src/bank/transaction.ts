import { setTimeout as pause } from 'node:timers/promises';
import type { ClientSession } from 'mongodb';
import { BankctlError } from '../core/errors.ts';
import {
  isConflict,
  isDefinite,
  isNoSuchTransaction,
  isOutage,
  isTransient,
} from '../database/driver-errors.ts';
import type { Commits } from './commits.ts';
import type { Deadline } from './deadline.ts';

/** How a transaction is run. */
interface TransactionOptions {
  /** Called after each conflict, with their number: true if the caller is to get it. */
  readonly givesUp: (conflicts: number) => boolean;
  readonly deadline: Deadline;
  /** Called now and then while others interfere: they may be clients that are gone. */
  readonly blocked: () => Promise<void>;
  /** A random share from 0 to 1, which keeps two rivals from meeting again. */
  readonly draw: () => number;
  readonly commits: Commits;
  /** It waits for rivals that take as long as itself: see `waitMs`. */
  readonly patient?: boolean;
}

/** What is run in a transaction, more than once if others interfere. */
interface Body<T> {
  /**
   * Computes and writes. `mayBeApplied` if an earlier run may have taken effect after all;
   * `conflicts` is how many runs others interfered with.
   */
  readonly run: (mayBeApplied: boolean, conflicts: number) => Promise<T>;
  /** Called with the value before each commit that is sent. */
  readonly committing: (value: T) => void;
}

/** A collection's concerns are ignored inside a transaction, so they are set on it. */
const concerns = {
  readConcern: { level: 'snapshot' },
  writeConcern: { w: 'majority' },
  readPreference: 'primary',
} as const;

const firstPauseMs = 5;

/**
 * Whoever waits for a batch of thousands must try often to come before the next one, and then takes
 * milliseconds itself.
 */
const maxPauseMs = 50;

/** After how many attempts rivals are looked at first. A batch loses much at each. */
const conflictsBeforeBlocked = { single: 3, batch: 1 } as const;

/** How many attempts later they are looked at again. */
const conflictsBetweenBlocked = 16;

/** The commit was sent and its answer never came: it may or may not have taken effect. */
export class CommitUnknown extends Error {}

/**
 * Runs a body in a transaction and commits it; the body may run more than once. This is the
 * driver's `withTransaction`, but limited by the caller's time instead of 120 s and by a number of
 * conflicts, and it distinguishes an unknown commit from a failed one.
 * @throws `CommitUnknown`; `interrupted` if no commit may be sent; an error for which `isConflict`
 *   holds if others kept interfering; whatever else body or server say, with nothing applied
 * Source: driver specifications, "Transactions" and "Convenient API for Transactions".
 */
export async function transact<T>(
  session: ClientSession,
  body: Body<T>,
  options: TransactionOptions,
): Promise<T> {
  let mayBeApplied = false;
  let conflicts = 0;
  for (let attempt = 1; ; attempt += 1) {
    session.startTransaction(concerns);
    let committing = false;
    try {
      const value = await body.run(mayBeApplied, conflicts);
      options.deadline.check();
      committing = true;
      await options.commits.send(() => commit(session, () => body.committing(value), options));
      return value;
    } catch (error) {
      await abort(session);
      if (isConflict(error)) conflicts += 1;
      else mayBeApplied = true;
      const mayRunAgain =
        isTransient(error) || isNoSuchTransaction(error) || (!committing && isUnanswered(error));
      // What would only be run again says nothing about the operations.
      if (mayRunAgain && options.commits.isStopped()) {
        throw new BankctlError('interrupted', 'Interrupted.', undefined, { cause: error });
      }
      if (!mayRunAgain || session.hasEnded) throw error;
      if (isConflict(error) && options.givesUp(conflicts)) throw error;
      options.deadline.check();
      await waitAfter(error, { conflicts, attempt }, options);
    }
  }
}

async function waitAfter(
  error: unknown,
  { conflicts, attempt }: { readonly conflicts: number; readonly attempt: number },
  options: TransactionOptions,
): Promise<void> {
  if (!isConflict(error)) return pauseBefore(attempt, options);
  const first = conflictsBeforeBlocked[options.patient ? 'batch' : 'single'];
  if (conflicts === first || conflicts % conflictsBetweenBlocked === 0) await options.blocked();
  if (options.patient) await pause(waitMs(conflicts, options.draw));
  else await pauseBefore(attempt, options);
}

/**
 * Sends the commit until its outcome is known, or the time is up. Only the answer to the first
 * attempt is taken at face value: after an unanswered one, the answer to another attempt says
 * nothing about the first, unless it is success or `NoSuchTransaction`.
 */
async function commit(
  session: ClientSession,
  committing: () => void,
  options: TransactionOptions,
): Promise<void> {
  // A driver that retries a commit by itself reports only the last attempt.
  let unanswered = session.clientOptions.maxAdaptiveRetries > 0;
  for (let attempt = 1; ; attempt += 1) {
    try {
      committing();
      await session.commitTransaction();
      return;
    } catch (error) {
      if (isNoSuchTransaction(error)) throw error;
      if (!unanswered && isDefinite(error)) throw error;
      unanswered = true;
      try {
        options.deadline.check();
      } catch {
        throw new CommitUnknown('the answer to a commit never came', { cause: error });
      }
      // The client is closed, as on Ctrl-C: it cannot ask again.
      if (session.hasEnded || options.commits.isGivenUp()) {
        throw new CommitUnknown('the commit was cut short', { cause: error });
      }
      await pauseBefore(attempt, options);
    }
  }
}

/** If an abort does not arrive, the server still ends what is left open. */
async function abort(session: ClientSession): Promise<void> {
  if (!session.inTransaction()) return;
  await session.abortTransaction().catch(() => undefined);
}

const longestWaitMs = 240;
const shortestWaitMs = 80;

/**
 * How long a batch waits before it asks again for the accounts that others have. Whoever has waited
 * longer asks more often, and so comes first; whoever has just had them leaves them to others for a
 * while, with 0 conflicts.
 */
export function waitMs(conflicts: number, draw: () => number): number {
  return Math.max(longestWaitMs - 3 * conflicts, shortestWaitMs) * (0.5 + draw() / 2);
}

async function pauseBefore(attempt: number, { draw }: TransactionOptions): Promise<void> {
  const longest = Math.min(firstPauseMs * 2 ** (attempt - 1), maxPauseMs);
  await pause(draw() * longest);
}

/**
 * A call of the body that got no answer. The driver does not mark calls as transient that ran
 * outside the session or on a connection that was given up on. Without a commit nothing is applied,
 * so all of them may be repeated.
 */
function isUnanswered(error: unknown): boolean {
  return !(error instanceof BankctlError) && isOutage(error);
}
