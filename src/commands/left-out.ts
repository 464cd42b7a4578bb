import type { Bank } from '../bank/bank.ts';
import { quote } from '../core/text.ts';
import type { Session } from './command.ts';

const shownNames = 5;

/** Says which branches of the database are missing from the config, and so from a report. */
export function sayLeftOut({ identity: { leftOut } }: Bank, session: Session): void {
  if (leftOut.length === 0) return;
  const names = leftOut.slice(0, shownNames).map(quote).join(', ');
  const more = leftOut.length > shownNames ? ` and ${leftOut.length - shownNames} more` : '';
  session.talk(`The config leaves out ${names}${more}, which the database has.`);
}
