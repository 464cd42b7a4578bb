import { createHash } from 'node:crypto';

/** Opens an account, with a first balance of zero or more. */
export interface OpenOperation {
  readonly type: 'open';
  readonly branch: string;
  readonly account: string;
  /** In minor units of the branch's currency. */
  readonly amountMinor: bigint;
}

/** Adds an amount to an account; a negative one takes away. */
export interface IncrementOperation {
  readonly type: 'increment';
  readonly branch: string;
  readonly account: string;
  /** In minor units of the branch's currency. */
  readonly amountMinor: bigint;
  /** Opens the account where it is missing. A condition, not part of what the id stands for. */
  readonly create: boolean;
}

/** One change asked for. */
export type Operation = (OpenOperation | IncrementOperation) & {
  /** Unique in the database, for ever: the journal's `_id`. */
  readonly id: string;
  /** True where the id came from outside, so that it may have been used before. */
  readonly idGiven: boolean;
  readonly memo: string | undefined;
};

/** The accounts that an operation touches. */
export function accountsOf(operation: Operation): readonly AccountReference[] {
  return [{ branch: operation.branch, account: operation.account }];
}

/** True where the operation may open its account. */
export function createsAccount(operation: Operation): boolean {
  return operation.type === 'open' || operation.create;
}

/** An account's name in the whole bank. */
export interface AccountReference {
  readonly branch: string;
  readonly account: string;
}

/** `BRANCH:ACCOUNT`; unambiguous, since a branch name has no colon. */
export function referenceKey(reference: AccountReference): string {
  return `${reference.branch}:${reference.account}`;
}

/**
 * What an operation id stands for. The same id with another request is a conflict.
 *
 * @returns field by field, in the words of the command line
 */
export function requestOf(operation: Operation): Readonly<Record<string, string>> {
  return {
    type: operation.type,
    branch: operation.branch,
    account: operation.account,
    amount: operation.amountMinor.toString(),
    memo: operation.memo ?? '',
  };
}

/** The digest of a request, as the journal keeps it: SHA-256, hexadecimal. */
export function requestDigest(operation: Operation): string {
  return createHash('sha256')
    .update(JSON.stringify(requestOf(operation)))
    .digest('hex');
}
