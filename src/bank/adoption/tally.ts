import type { BranchConfig } from '../../config/config.ts';
import { formatAmount } from '../../core/money.ts';
import { quote } from '../../core/text.ts';
import { show } from '../legacy-document.ts';
import { ConflictList, type ConflictRow } from './conflict-list.ts';
import { exactOfMinor, formatExact } from './exact-amount.ts';
import type { Sound, Verdict } from './verdict.ts';

/** A balance that rounding changed; keys as in the JSON result. */
interface RoundedRow {
  readonly branch: string;
  readonly account: string;
  /** As it was, with all its digits. */
  readonly before: string;
  readonly after: string;
  readonly currency: string;
}

/** An account whose number is stored in another form now. */
interface RenumberedRow {
  /** As it was, and as it is; as a message shows them. */
  readonly before: string;
  readonly after: string;
}

/** What other programs did to an account, now journalled; keys as in the JSON result. */
interface OutsideRow {
  readonly branch: string;
  readonly account: string;
  /** What the balance had beyond the journal; zero if several writes cancelled out. */
  readonly amount: string;
  readonly currency: string;
}

/** What became of the documents of one branch. */
export interface BranchReport {
  readonly branch: string;
  readonly collection: string;
  readonly currency: string;
  /** Documents that are accounts of the bank now. */
  readonly adopted: number;
  /** Accounts whose balance is stored in the branch's form now. */
  readonly converted: number;
  readonly rounded: readonly RoundedRow[];
  /** How many were rounded besides those. */
  readonly roundedMore: number;
  /** How many account numbers are stored in another form now, and the first few. */
  readonly renumbered: number;
  readonly renumberedRows: readonly RenumberedRow[];
  /** How many documents had a field of another program that was written over. */
  readonly replaced: number;
  readonly conflicts: readonly ConflictRow[];
  /** How many documents are left alone. */
  readonly conflicting: number;
  readonly outside: readonly OutsideRow[];
  readonly outsideMore: number;
  /** The sum of all accounts, as they were, with all digits of those that were rounded. */
  readonly before: string;
  readonly after: string;
}

/** How many accounts are listed. */
const maxListed = 1000;

/** How many changed account numbers are shown: all of them change in the same way. */
const maxRenumbered = 5;

/** Counts what became of the documents of one branch, in bounded memory. */
export class BranchTally {
  readonly conflicts: ConflictList;
  readonly #branch: BranchConfig;
  readonly #rounded: RoundedRow[] = [];
  readonly #outside: OutsideRow[] = [];
  readonly #renumbered: RenumberedRow[] = [];
  readonly #counts = {
    ...{ known: 0, adopt: 0, convert: 0, rounded: 0, outside: 0 },
    ...{ renumbered: 0, replaced: 0 },
  };
  #afterMinor = 0n;
  /** What rounding took away, in units of `exactOf`. */
  #lost = 0n;

  constructor(branch: BranchConfig) {
    this.#branch = branch;
    this.conflicts = new ConflictList(branch.name);
  }

  /** Documents that were or would be changed. */
  get changed(): number {
    return this.#counts.adopt + this.#counts.convert;
  }

  get outside(): number {
    return this.#counts.outside;
  }

  add(verdict: Verdict, id: unknown): void {
    if (verdict.verdict === 'conflict') this.conflicts.add(verdict, id);
    else this.#addSound(verdict);
  }

  #addSound(sound: Sound): void {
    const { verdict, account, balanceMinor, roundedFrom, renumberedFrom } = sound;
    this.#counts[verdict] += 1;
    this.#afterMinor += balanceMinor;
    if (sound.takesField) this.#counts.replaced += 1;
    if (renumberedFrom !== undefined) this.#addRenumbered(renumberedFrom, account);
    if (roundedFrom === undefined) return;
    const { name: branch, currency } = this.#branch;
    this.#counts.rounded += 1;
    this.#lost += roundedFrom - exactOfMinor(balanceMinor, currency);
    if (this.#rounded.length >= maxListed) return;
    const before = formatExact(roundedFrom, currency);
    const after = formatAmount(balanceMinor, currency);
    this.#rounded.push({ branch, account, before, after, currency: currency.code });
  }

  #addRenumbered(from: unknown, account: string): void {
    this.#counts.renumbered += 1;
    if (this.#renumbered.length >= maxRenumbered) return;
    this.#renumbered.push({ before: show(from), after: quote(account) });
  }

  addOutside(account: string, amountMinor: bigint): void {
    const { name: branch, currency } = this.#branch;
    this.#counts.outside += 1;
    if (this.#outside.length >= maxListed) return;
    const amount = formatAmount(amountMinor, currency);
    this.#outside.push({ branch, account, amount, currency: currency.code });
  }

  report(): BranchReport {
    const { name, collection, currency } = this.#branch;
    const { adopt, convert, rounded, outside, renumbered, replaced } = this.#counts;
    return {
      ...{ branch: name, collection, currency: currency.code },
      ...{ adopted: adopt, converted: convert },
      rounded: this.#rounded,
      roundedMore: rounded - this.#rounded.length,
      ...{ renumbered, renumberedRows: this.#renumbered, replaced },
      conflicts: this.conflicts.rows(),
      conflicting: this.conflicts.documents,
      outside: this.#outside,
      outsideMore: outside - this.#outside.length,
      before: formatExact(exactOfMinor(this.#afterMinor, currency) + this.#lost, currency),
      after: formatAmount(this.#afterMinor, currency),
    };
  }
}
