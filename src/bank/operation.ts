import { hash } from 'node:crypto';
import { type AccountReference, referenceKey } from './names.ts';

export { type AccountReference, referenceKey };

/** Opens an account, with a first balance of zero or more. */
export interface OpenOperation extends AccountReference {
  readonly type: 'open';
  /** In minor units of the branch's currency. */
  readonly amountMinor: bigint;
}

/** Adds an amount to an account; a negative one takes away. */
export interface IncrementOperation extends AccountReference {
  readonly type: 'increment';
  /** In minor units of the branch's currency. */
  readonly amountMinor: bigint;
  /** Opens the account where it is missing. A condition, not part of what the id stands for. */
  readonly create: boolean;
}

/** Moves money between two accounts of one currency: both or neither. */
export interface TransferOperation {
  readonly type: 'transfer';
  readonly from: AccountReference;
  readonly to: AccountReference;
  /** In minor units; above zero. */
  readonly amountMinor: bigint;
}

/** Posts the opposite of an increment or a transfer, at most once. */
export interface ReverseOperation {
  readonly type: 'reverse';
  /** The operation id of what is reversed. */
  readonly reverses: string;
}

/** Changes what may be done with an account. */
export interface StatusOperation extends AccountReference {
  readonly type: 'freeze' | 'unfreeze' | 'close';
}

/** What can be asked for, without its id. */
export type Change =
  | OpenOperation
  | IncrementOperation
  | TransferOperation
  | ReverseOperation
  | StatusOperation;

/** One change asked for. */
export type Operation = Change & {
  /** Unique in the database, for ever: the journal's `_id`. */
  readonly id: string;
  /** True where the id came from outside, so that it may have been used before. */
  readonly idGiven: boolean;
  readonly memo: string | undefined;
  /** The digest of what it asks for, where it is known already: see `requestDigest`. */
  readonly request?: string;
};

/** What an operation id stands for, field by field, in the words of the command line. */
export type Request = Readonly<Record<string, string>>;

/**
 * What an operation asks for. The same id with another request is a conflict. Amounts are minor
 * units here.
 */
export function requestOf(operation: Operation): Request {
  const memo = operation.memo ?? '';
  switch (operation.type) {
    case 'open':
    case 'increment': {
      const { type, branch, account, amountMinor } = operation;
      return { type, branch, account, amount: amountMinor.toString(), memo };
    }
    case 'transfer': {
      const { type, from, to, amountMinor } = operation;
      const [source, target] = [referenceKey(from), referenceKey(to)];
      return { type, from: source, to: target, amount: amountMinor.toString(), memo };
    }
    case 'reverse':
      return { type: operation.type, reverses: operation.reverses, memo };
    default: {
      const { type, branch, account } = operation;
      return { type, branch, account, memo };
    }
  }
}

/** The digest of a request, as the journal keeps it: SHA-256, hexadecimal. */
export function requestDigest(request: Request): string {
  return hash('sha256', JSON.stringify(request), 'hex');
}

/** True where the operation may open its account. */
export function createsAccount(
  operation: Operation,
): operation is Operation & (OpenOperation | IncrementOperation) {
  return operation.type === 'open' || (operation.type === 'increment' && operation.create);
}
