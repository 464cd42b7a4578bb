import type { AccountReference } from './names.ts';
import type { ProfileChange, ProfileEdit } from './profile.ts';

/** What may be done with an account: everything, nothing for now, nothing ever again. */
export type AccountStatus = 'open' | 'frozen' | 'closed';

/** The effect of an operation on one account. Amounts are in minor units. */
export interface Posting extends AccountReference {
  readonly amountMinor: bigint;
  readonly balanceBeforeMinor: bigint;
  readonly balanceAfterMinor: bigint;
  readonly version: bigint;
  /** Of an operation that asked for one. */
  readonly profile?: ProfileChange | undefined;
}

/** What the journal says of every decided operation. */
interface Decided {
  readonly id: string;
  readonly type: string;
  readonly at: Date;
  readonly seq: number;
  readonly memo: string | undefined;
  readonly by: string;
  readonly request: string;
  /** Refusals of the same id that this decision replaced, oldest first. */
  readonly refusedBefore?: readonly PastRefusal[] | undefined;
}

/** An applied operation. */
export interface Entry extends Decided {
  readonly reverses: string | undefined;
  /** What a `label` asked for, which may be more than what it changed. */
  readonly edit?: ProfileEdit | undefined;
  readonly postings: readonly Posting[];
}

/** A refused operation. */
export interface Refusal extends Decided {
  readonly reason: RefusalReason;
  readonly asked: Asked;
}

/** Why an operation was refused. */
export interface RefusalReason {
  /** A code of the error table. */
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** An earlier refusal of an id that was asked for again. */
export interface PastRefusal {
  readonly at: Date;
  readonly by: string;
  readonly code: string;
  readonly message: string;
  readonly request: string;
}

/** What was asked for, in the words of the command line; without the type and the memo. */
export type Asked = Readonly<Record<string, string>>;
