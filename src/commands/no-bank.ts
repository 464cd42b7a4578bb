import type { Bank } from '../bank/bank.ts';
import { BankctlError } from '../core/errors.ts';
import { quote } from '../core/text.ts';
import type { Session } from './command.ts';
import { warning } from './notice.ts';

/** Says that a database holds no bank, so that nobody takes its emptiness for an answer. */
export async function warnOfNoBank(bank: Bank, session: Session): Promise<void> {
  if (!(await bank.identity.isAbsent())) return;
  warning(session, 'no_bank', noBank(bank), { database: bank.config.database });
}

/** The error, with that as the hint if something was not found in a database without a bank. */
export async function hintAtNoBank(bank: Bank, error: unknown): Promise<unknown> {
  if (!(error instanceof BankctlError)) return error;
  if (error.code !== 'account_not_found' && error.code !== 'operation_not_found') return error;
  if (!(await bank.identity.isAbsent())) return error;
  return new BankctlError(error.code, error.message, noBank(bank), { cause: error });
}

function noBank({ config }: Bank): string {
  const what = `The database ${quote(config.database)} holds no bank yet`;
  return `${what}; bankctl init makes one there. Is the name right?`;
}
