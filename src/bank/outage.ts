import { MongoError, MongoNetworkError, MongoServerSelectionError } from 'mongodb';
import { BankctlError } from '../core/errors.ts';

/**
 * True for a failure that may be over in a moment: the server restarts, another primary is chosen,
 * the line is cut, an answer is late. What was asked for may or may not have happened.
 *
 * Source: driver specifications, "Retryable Writes" and "Server Discovery and Monitoring".
 */
export function isOutage(error: unknown): boolean {
  if (error instanceof BankctlError) {
    return error.code === 'outcome_unknown' || error.code === 'timed_out';
  }
  return (
    error instanceof MongoNetworkError ||
    error instanceof MongoServerSelectionError ||
    (error instanceof MongoError &&
      ['TransientTransactionError', 'RetryableWriteError', 'ResetPool'].some((label) =>
        error.hasErrorLabel(label),
      )) ||
    (error instanceof Error && unusable.has(error.name))
  );
}

/** Names of errors of a client that lost its connections. */
const unusable: ReadonlySet<string> = new Set([
  'MongoPoolClearedError',
  'MongoPoolClosedError',
  'MongoWaitQueueTimeoutError',
]);
