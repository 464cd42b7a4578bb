import { BankctlError, type ErrorCode, errorTable } from '../core/errors.ts';
import { formatAmount } from '../core/money.ts';
import type { Bank } from './bank.ts';
import type { Asked, PastRefusal, Refusal } from './journal-document.ts';
import { type Operation, requestOf } from './operation.ts';

/**
 * What the rules refuse of a file is kept in the journal, in the same transaction as what they let
 * through. Otherwise a file that is run again would have its refused rows judged anew, by what
 * later rows have done meanwhile, and could end in another state than at its first run.
 */
export interface RefusalRule {
  /** The same request under a refused id stays refused. Without it, it is judged anew. */
  readonly stand: boolean;
}

/** What an id was refused for before is kept this often, so that a document stays small. */
const maxRefusedBefore = 16;

/**
 * The refusal of that request, if its id was last refused: also if another request was refused
 * under the id since, such as a corrected row that turned out to be wrong too.
 */
export function standingOf(
  last: Refusal | undefined,
  request: string,
): Pick<Refusal, 'at' | 'reason'> | undefined {
  if (!last || last.request === request) return last;
  const past = last.refusedBefore?.findLast((before) => before.request === request);
  return past && { at: past.at, reason: past };
}

/** The error of a refusal that stands. */
export function toError({ reason }: Pick<Refusal, 'reason'>): BankctlError {
  const { code, message, hint } = reason;
  return new BankctlError(
    isErrorCode(code) ? code : 'refused_by_server',
    message,
    `It was refused before; --retry-refused tries it again.${hint === undefined ? '' : ` ${hint}`}`,
  );
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code);
}

/** What is kept of an operation that is refused now. */
export function toRefusal(
  bank: Bank,
  operation: Operation,
  kept: Pick<Refusal, 'at' | 'seq' | 'by' | 'request' | 'refusedBefore'>,
  { code, message, hint }: BankctlError,
): Refusal {
  const { id, type, memo } = operation;
  const own = hint === errorTable[code].hint ? {} : { hint };
  const reason = { code, message, ...own };
  return { id, type, memo, ...kept, reason, asked: askedOf(bank, operation) };
}

/** The refusals of an id, once another one or an application takes the place of the last. */
export function refusedBefore(last: Refusal | undefined): readonly PastRefusal[] | undefined {
  if (!last) return undefined;
  const { at, by, request, reason } = last;
  const { code, message } = reason;
  return [...(last.refusedBefore ?? []), { at, by, code, message, request }].slice(
    -maxRefusedBefore,
  );
}

/** The request as `requestOf` has it, its amount as people write it. */
function askedOf(bank: Bank, operation: Operation): Asked {
  const { type: _type, memo: _memo, ...asked } = requestOf(operation);
  if (!('amountMinor' in operation)) return asked;
  const branch = operation.type === 'transfer' ? operation.from.branch : operation.branch;
  const amount = formatAmount(operation.amountMinor, bank.branches.get(branch).currency);
  return { ...asked, amount };
}
