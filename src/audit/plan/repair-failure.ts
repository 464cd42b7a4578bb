import { BankctlError } from '../../core/errors.ts';
import { UnfinishedOperation } from '../../core/unfinished-operation.ts';
import { isOutage } from '../../database/driver-errors.ts';
import { stoppedAnswering } from '../../database/stopped-answering.ts';

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
  return stoppedAnswering(error, certainty, hint);
}
