import { BankctlError } from '../errors.ts';
import { isPrintable, isPrintableProse, quote } from '../text.ts';

/** An account's name in the whole bank. */
export interface AccountReference {
  readonly branch: string;
  readonly account: string;
}

/** `BRANCH:ACCOUNT`; unambiguous, since a branch name has no colon. */
export function referenceKey({ branch, account }: AccountReference): string {
  return `${branch}:${account}`;
}

/**
 * The canonical form of an account number: Unicode NFC, so that a composed and a decomposed
 * spelling are one account. It is always compared as a literal string.
 *
 * @throws `invalid_account`
 */
export function parseAccountNumber(text: string): string {
  const number = text.normalize('NFC');
  const problem = accountNumberProblem(number);
  if (problem) {
    throw new BankctlError('invalid_account', `The account number ${quote(text)} ${problem}.`);
  }
  return number;
}

function accountNumberProblem(number: string): string | undefined {
  if (number === '') return 'is empty';
  if (!isPrintable(number)) return 'has a character that cannot be printed';
  if (number !== number.trim()) return 'begins or ends with a space';
  const length = [...number].length;
  return length > 64 ? `has ${length} characters, but 64 are the most` : undefined;
}

/**
 * An operation id as given with `--id`, in Unicode NFC.
 *
 * @throws `invalid_operation_id`
 */
export function parseOperationId(text: string): string {
  const id = text.normalize('NFC');
  if (id === '' || !isPrintable(id) || id !== id.trim() || [...id].length > 128) {
    throw new BankctlError(
      'invalid_operation_id',
      `The operation id ${quote(text)} is not 1 to 128 printable characters.`,
    );
  }
  return id;
}

/**
 * The text of `--memo`, in Unicode NFC.
 *
 * @throws `invalid_memo`
 */
export function parseMemo(text: string): string {
  const memo = text.normalize('NFC');
  if (memo === '' || !isPrintableProse(memo) || [...memo].length > 500) {
    throw new BankctlError(
      'invalid_memo',
      `The memo ${quote(text)} is not 1 to 500 printable characters.`,
    );
  }
  return memo;
}

/**
 * An account of the whole bank, as `BRANCH:ACCOUNT`. The first colon parts them: a branch name
 * has none.
 *
 * @throws `invalid_account`
 */
export function parseReference(text: string): AccountReference {
  const colon = text.indexOf(':');
  if (colon < 1) {
    throw new BankctlError(
      'invalid_account',
      `${quote(text)} does not name a branch and an account.`,
      'Write BRANCH:ACCOUNT, for example branch1:ACC.',
    );
  }
  return {
    branch: text.slice(0, colon),
    account: parseAccountNumber(text.slice(colon + 1)),
  };
}
