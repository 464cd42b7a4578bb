import { BankctlError } from '../core/errors.ts';

/**
 * An outage that ended a run, as an error that says what is certain.
 *
 * @param outage for which `isOutage` holds
 * @param certainty what is certain, in whole sentences
 */
export function stoppedAnswering(outage: unknown, certainty: string, hint: string): BankctlError {
  const reason = outage instanceof Error ? outage.message.replace(/\s*\.?$/, '') : String(outage);
  const message = `The database stopped answering (${reason}). ${certainty}`;
  return new BankctlError('unreachable', message, hint, { cause: outage });
}
