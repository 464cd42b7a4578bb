import type { BankctlError } from '../core/errors.ts';
import type { AccountStatus, Entry, Refusal } from './operations/entry.ts';
import type { Past } from './operations/kind.ts';
import type { Profile } from './operations/profile.ts';

/** An account as the rules see it. */
export interface AccountState {
  readonly version: bigint;
  readonly balanceMinor: bigint;
  readonly status: AccountStatus;
  readonly openedAt: Date;
  /** When the newest posting was made. */
  readonly postedAt: Date;
  /** The earliest time of the next posting. */
  readonly nextAt: Date;
  /** Undefined if its document never had one. */
  readonly profile: Profile | undefined;
  /** True if its document has an owner or labels that are left out of `profile`. */
  readonly hasBadProfile?: boolean;
  /** The `_id` of its document, of any type; undefined for a new account. */
  readonly documentId: unknown;
}

/** What is known about an account: its state, or why it has none. */
export type Reading = AccountState | 'missing' | BankctlError;

/**
 * What is known when a batch is judged: it starts as what the database said and advances with each
 * accepted operation, so that the next one sees its effects.
 */
export interface Book extends Past {
  /** The server's time at the reading. */
  readonly now: Date;
  /** By `referenceKey`. */
  readonly accounts: Map<string, Reading>;
  /** Entries with the batch's ids, and those that it reverses. */
  readonly entries: Map<string, Entry>;
  /** Refused operations by id; none of these ids is also applied. */
  readonly refusals: Map<string, Refusal>;
  readonly reversals: Map<string, Entry>;
  /** Accounts whose next version is in the journal already, with the refusal of a posting. */
  readonly behind: ReadonlyMap<string, BankctlError>;
}

/** True for an account that exists and can be read. */
export function isState(reading: Reading | undefined): reading is AccountState {
  return typeof reading === 'object' && 'version' in reading;
}
