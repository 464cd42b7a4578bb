import type { AccountReference } from '../bank/operations/names.ts';
import type { BranchConfig } from '../config/config.ts';
import type { Currency } from '../core/money.ts';

/** A collection of account documents: a branch's, or a stray, which no branch owns. */
export interface Place {
  /** The branch's name, or the collection's name of a stray. */
  readonly name: string;
  readonly collection: string;
  readonly isBranch: boolean;
  /** Undefined for a stray. */
  readonly branch: BranchConfig | undefined;
  /** Of a stray the one that all branches share; undefined if they differ. */
  readonly currency: Currency | undefined;
}

/** An account document, stamped or not, as it was read. */
export interface SeenAccount {
  readonly place: Place;
  /** The canonical account number. */
  readonly account: string;
  /** In minor units; undefined if it cannot be read. */
  readonly balanceMinor: bigint | undefined;
  /** Undefined for a document without the stamp of its branch, and in a stray. */
  readonly version: bigint | undefined;
  readonly isClosed: boolean;
}

/** One posting of the journal. Amounts in minor units. */
export interface SeenPosting extends AccountReference {
  readonly operation: string;
  readonly type: string;
  readonly at: Date;
  readonly reverses: string | undefined;
  readonly amountMinor: bigint;
  readonly balanceAfterMinor: bigint;
  readonly version: bigint;
}

/**
 * Sees all that an audit reads, in one pass over one snapshot: first every account document, then
 * every posting in the order of application.
 */
export interface Observer {
  readonly account: (seen: SeenAccount) => void;
  readonly posting: (seen: SeenPosting) => void;
}
