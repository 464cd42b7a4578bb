import { BankctlError } from '../../core/errors.ts';
import { UnfinishedOperation } from '../../core/unfinished-operation.ts';
import { isOutage } from '../../database/driver-errors.ts';

/**
 * What ended a run of a plan, as an error that says what is certain and what to type next.
 *
 * @param certainty what is certain, in whole sentences
 */
export function describeFailure(error: unknown, certainty: string, hint: string): unknown {
  if (error instanceof BankctlError) {
    return new BankctlError(error.code, `${error.message} ${certainty}`, hint, { cause: error });
  }
  if (!isOutage(error)) return new UnfinishedOperation(certainty, hint, error);
  const reason = error instanceof Error ? error.message.replace(/\s*\.?$/, '') : String(error);
  const message = `The database stopped answering (${reason}). ${certainty}`;
  return new BankctlError('unreachable', message, hint, { cause: error });
}
