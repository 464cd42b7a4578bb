import { setTimeout as pause } from 'node:timers/promises';
import { type ClientSession, MongoError, MongoServerError } from 'mongodb';
import type { Bound } from './bound.ts';

/** How often a body may run before its conflict is given back to the caller. */
export interface TransactionOptions {
  readonly mostAttempts: number;
  readonly bound: Bound;
  /** A share from 0 to 1, drawn anew each time, that keeps two rivals from meeting again. */
  readonly draw: () => number;
}

/** What one run of a transaction's body is told. */
export interface Attempt {
  /** True after a commit whose answer was lost: what it asked for may be there already. */
  readonly mayBeApplied: boolean;
}

/** A collection's concerns are ignored inside a transaction, so they are set on it. */
const concerns = {
  readConcern: { level: 'snapshot' },
  writeConcern: { w: 'majority' },
  readPreference: 'primary',
} as const;

const firstPauseMs = 5;
const longestPauseMs = 400;

/** The commit was sent and its answer never came: it may or may not have taken effect. */
export class CommitUnknown extends Error {}

/**
 * Runs a body in a transaction and commits it. The body may run more than once: it only computes
 * and writes. This is the driver's `withTransaction`, but bounded by the caller's time instead of
 * 120 s, with a bound on conflicts, and telling an unknown commit from a failed one.
 *
 * @throws `CommitUnknown`; a `MongoError` for which `isConflict` holds where others kept
 *   interfering; whatever else the body or the server says, with nothing applied
 *
 * Source: driver specifications, "Transactions" and "Convenient API for Transactions".
 */
export async function transact<T>(
  session: ClientSession,
  body: (attempt: Attempt) => Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  let mayBeApplied = false;
  for (let attempt = 1; ; attempt += 1) {
    session.startTransaction(concerns);
    try {
      const value = await body({ mayBeApplied });
      options.bound.check();
      await commit(session, options);
      return value;
    } catch (error) {
      await abort(session);
      if (!isTransient(error) || attempt >= options.mostAttempts) throw error;
      if (error instanceof MongoError && !isConflict(error)) mayBeApplied = true;
      await pauseBefore(attempt, options);
    }
  }
}

/** Sends the commit until its outcome is known, or the time is over. */
async function commit(session: ClientSession, options: TransactionOptions): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await session.commitTransaction();
      return;
    } catch (error) {
      if (isTransient(error) || isDefinite(error)) throw error;
      try {
        options.bound.check();
      } catch {
        throw new CommitUnknown('the answer to a commit never came', { cause: error });
      }
      await pauseBefore(attempt, options);
    }
  }
}

/** An abort that does not arrive is made good by the server, which ends what is left open. */
async function abort(session: ClientSession): Promise<void> {
  if (!session.inTransaction()) return;
  await session.abortTransaction().catch(() => undefined);
}

async function pauseBefore(attempt: number, { draw }: TransactionOptions): Promise<void> {
  const longest = Math.min(firstPauseMs * 2 ** (attempt - 1), longestPauseMs);
  await pause(draw() * longest);
}

function isTransient(error: unknown): boolean {
  return error instanceof MongoError && error.hasErrorLabel('TransientTransactionError');
}

/** The server itself said that the commit did not take effect. */
function isDefinite(error: unknown): boolean {
  return (
    !(error instanceof MongoError) ||
    (error instanceof MongoServerError && !error.hasErrorLabel('UnknownTransactionCommitResult'))
  );
}

/** Another transaction changed the same document first (WriteConflict). */
export function isConflict(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === 112;
}
