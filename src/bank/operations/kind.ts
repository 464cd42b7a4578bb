import { findBranch } from '../../config/branch-lookup.ts';
import type { BranchConfig, Config } from '../../config/config.ts';
import { BankctlError } from '../../core/errors.ts';
import type { AccountStatus, Entry, Posting } from './entry.ts';
import { type AccountReference, parseAccountNumber } from './names.ts';
import type { Profile } from './profile.ts';

/** Every field of a row of `apply`; columns in this order. */
export const fieldNames = [
  'type',
  'id',
  'branch',
  'account',
  'amount',
  'from',
  'to',
  'reverses',
  'memo',
  'create',
  'owner',
  'labels',
  'add',
  'remove',
] as const;

/** The fields that only some kinds have. */
type FieldName = Exclude<(typeof fieldNames)[number], 'type' | 'id' | 'memo'>;

/** Text by name, as arguments and rows give it; a flag is `true` or `false`. */
export type Fields = Readonly<Record<string, string>>;

/** One leg of an operation: what it asks of one account. */
export interface Leg extends AccountReference {
  /** In minor units. */
  readonly amountMinor: bigint;
  readonly missing: 'create' | 'refuse';
  readonly existing: 'use' | 'refuse';
  /** The status that the leg gives the account; left as it is if undefined. */
  readonly status?: AccountStatus;
  /** The statuses of which the account must have one; only open if undefined. */
  readonly needs?: readonly AccountStatus[];
  /**
   * What the leg makes of the profile; left as it is if undefined.
   *
   * @param isBad something that is no profile is stored beside it, and will be written over
   * @throws `BankctlError`
   */
  readonly profile?: (before: Profile, isBad: boolean) => Profile;
  /** What the account must be like, exactly, if the request was made for one state of it. */
  readonly pinned?: Pinned;
  /** True if the amount is in the balance already: the journal catches up with it. */
  readonly isRecorded?: boolean;
  /** True if the result may be below the branch's minimum, as the truth may be. */
  readonly isUnbounded?: boolean;
}

/** The one state of an account that a request was made for. */
export interface Pinned {
  /** In minor units. */
  readonly balanceMinor: bigint;
  readonly version: bigint;
}

/** What has been applied, insofar as it determines what an operation asks of accounts. */
export interface Past {
  /** Applied operations by id. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** Reversals by the id of what they reverse. */
  readonly reversals: ReadonlyMap<string, Entry>;
  /** @throws `unknown_branch` */
  readonly branch: (name: string) => BranchConfig;
}

/** Conditions of an operation, which are no part of what its id stands for. */
type Condition = 'create';

/** The fields of a change that may be absent. */
type OptionalOf<C> = {
  [Name in keyof C]-?: Record<never, never> extends Pick<C, Name> ? Name : never;
}[keyof C];

/**
 * What an id stands for. It has every field of the change: otherwise two requests that differ would
 * count as one.
 */
type RequestOf<C> = Flat<
  Record<
    | Exclude<keyof C, Condition | 'amountMinor' | OptionalOf<C>>
    | ('amountMinor' extends keyof C ? 'amount' : never)
    | 'memo',
    string
  > &
    Partial<Record<OptionalOf<C>, string>>
>;

/** An intersection as one type, of which the compiler names the field that is missing. */
type Flat<T> = { readonly [Name in keyof T]: T[Name] };

/** All that sets one kind of operation apart. `C` is what can be asked for. */
export interface Kind<C> {
  /**
   * What an id stands for: the digest of anything that an older version accepted must never change.
   */
  readonly request: (change: C, memo: string) => RequestOf<C>;
  /** What an applied operation of this kind had asked for: the inverse of posting it. */
  readonly changeOf: (entry: Entry, postings: Postings) => C;
  readonly accounts: (change: C, entries: Past['entries']) => readonly AccountReference[];
  /** What it asks of each account. @throws `BankctlError` if past or change forbid it */
  readonly legs: (change: C, past: Past) => readonly Leg[];
  /** True if it may open an account. */
  readonly creates: (change: C) => boolean;
  /** True if it needs a transaction; a bank without a journal has only the other kinds. */
  readonly needsJournal: C extends AccountReference & { amountMinor: bigint } ? boolean : true;
  readonly isReversible: boolean;
  /** True if its result shows the amount, and the balance before it. */
  readonly showsAmount: boolean;
  /** The status that it gives an account that exists. */
  readonly status: AccountStatus | undefined;
}

/** A kind that a person can ask for, with arguments or as a row of a file. */
export interface RowKind<C> extends Kind<C> {
  /** Its fields besides `type`, `id` and `memo`. */
  readonly fields: { readonly needed: readonly FieldName[]; readonly may: readonly FieldName[] };
  /**
   * Reads the fields; the required ones are present.
   * @throws the errors of the parsers, all of status 2 except `amount_precision`
   */
  readonly parse: (fields: Fields, config: Config) => C;
}

/** The postings of an operation; there is at least one. */
export type Postings = readonly [Posting, ...Posting[]];

/** @throws `unknown_branch`, `invalid_account` */
export function parseAccount(fields: Fields, config: Config) {
  const { name: branch, currency } = findBranch(config, fields['branch'] ?? '');
  return { branch, account: parseAccountNumber(fields['account'] ?? ''), currency };
}

/** A leg on an account that must exist. */
export function leg(
  { branch, account }: AccountReference,
  amountMinor: bigint,
  more: Partial<Omit<Leg, 'branch' | 'account' | 'amountMinor'>> = {},
): Leg {
  return { branch, account, amountMinor, missing: 'refuse', existing: 'use', ...more };
}

/** @throws `amount_zero` */
export function refuseZero(amountMinor: bigint, hint?: string): void {
  if (amountMinor !== 0n) return;
  throw new BankctlError('amount_zero', 'The amount is zero, which would move nothing.', hint);
}
