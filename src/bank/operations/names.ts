import { BankctlError } from '../../core/errors.ts';
import { quote, shellWord, unseenInName, unseenInProse } from '../../core/text.ts';

/** An account's name within the whole bank. */
export interface AccountReference {
  readonly branch: string;
  readonly account: string;
}

/** `BRANCH:ACCOUNT`; unambiguous, since a branch name has no colon. */
export function referenceKey({ branch, account }: AccountReference): string {
  return `${branch}:${account}`;
}

/** The account numbers of each branch, each once. */
export function byBranch(
  references: Iterable<AccountReference>,
): ReadonlyMap<string, ReadonlySet<string>> {
  const wanted = new Map<string, Set<string>>();
  for (const { branch, account } of references) {
    const accounts = wanted.get(branch) ?? new Set();
    wanted.set(branch, accounts.add(account));
  }
  return wanted;
}

/**
 * The canonical form of an account number: Unicode NFC, so that a composed and a decomposed
 * spelling are one account. It is always compared as a literal string.
 * @throws `invalid_account`
 */
export function parseAccountNumber(text: string): string {
  if (isUsualName(text, 64)) return text;
  const number = text.normalize('NFC');
  const problem = nameProblem(number, 64);
  if (problem === undefined) return number;
  throw new BankctlError('invalid_account', `The account number ${quote(text)} ${problem}.`);
}

/** An operation id in Unicode NFC. @throws `invalid_operation_id` */
export function parseOperationId(text: string): string {
  if (isUsualName(text, 128)) return text;
  const id = text.normalize('NFC');
  const problem = nameProblem(id, 128);
  if (problem === undefined) return id;
  throw new BankctlError('invalid_operation_id', `The operation id ${quote(text)} ${problem}.`);
}

/** Covers most names, and takes a fraction of the time of looking for what is wrong with them. */
function isUsualName(text: string, maxLength: number): boolean {
  return text.length <= maxLength && /^[!-~]+$/.test(text);
}

/**
 * Why a text cannot name an account or an operation: two names that look alike must be the same.
 */
function nameProblem(text: string, maxLength: number): string | undefined {
  const problem = textProblem(text, maxLength, unseenInName(text));
  return text === text.trim() ? problem : (problem ?? 'begins or ends with a space');
}

const maxMemo = 500;

/** The text of a memo in Unicode NFC. @throws `invalid_memo` */
export function parseMemo(text: string): string {
  if (text.length <= maxMemo && /^[ -~]+$/.test(text)) return text;
  const memo = text.normalize('NFC');
  const problem = textProblem(memo, maxMemo, unseenInProse(memo));
  if (problem === undefined) return memo;
  throw new BankctlError('invalid_memo', `The memo ${quote(text)} ${problem}.`);
}

/** Why a text is empty, unprintable or too long, as a clause. */
export function textProblem(text: string, maxLength: number, unseen?: string): string | undefined {
  if (text === '') return 'is empty';
  if (unseen !== undefined) return `has the character ${unseen}, which cannot be printed`;
  // A character has at least one UTF-16 code unit.
  if (text.length <= maxLength) return undefined;
  const length = [...text].length;
  return length > maxLength
    ? `has ${length} characters, but the maximum is ${maxLength}`
    : undefined;
}

/** An account as `BRANCH:ACCOUNT`, split at the first colon. @throws `invalid_account` */
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

/** An account as arguments of a command, for a shell; in one word if it looks like an option. */
export function shellReference({ branch, account }: AccountReference): string {
  if (account.startsWith('-')) return shellWord(`${branch}:${account}`);
  return `${shellWord(branch)} ${shellWord(account)}`;
}
