import type { Collection, Db, Document } from 'mongodb';
import { fromDecimal, toDecimal } from '../../bank/decimal.ts';
import { ownCollection } from '../shared-model.ts';
import { exhaustiveCurrency } from './exhaustive-models.ts';

/** Money by branch, minor units. */
export interface BranchBalance {
  readonly branch: string;
  /** What all increments were meant to add. */
  readonly expectedMinor: bigint;
  /** What was read back from the collection. */
  readonly actualMinor: bigint;
}

const ringSize = 512;

/**
 * A fresh account for each schedule, in every branch's collection, without a reset between two
 * schedules. The accounts are inserted in bulk; when each was used once, all their balances are
 * read back, compared with what command monitoring saw, and set to zero in bulk. That costs a
 * few hundredths of a schedule, and the collections do not grow.
 */
export class AccountRing {
  readonly #branches: readonly string[];
  readonly #collections: readonly Collection[];
  readonly #own: Collection;
  /** Of each account in each collection, what it should hold now, minor units. */
  readonly #held: readonly number[][];
  readonly #expected: bigint[];
  readonly #actual: bigint[];
  #next = ringSize;
  #mismatches = 0;

  /** @param db of a client whose commands are not watched */
  constructor(db: Db, branches: readonly string[]) {
    this.#branches = branches;
    this.#collections = branches.map((name) => db.collection(name));
    this.#own = db.collection(ownCollection);
    this.#held = branches.map(() => new Array<number>(ringSize).fill(0));
    this.#expected = branches.map(() => 0n);
    this.#actual = branches.map(() => 0n);
  }

  /** Balances that were not what the observed writes make of them; 0 in a sound run. */
  get mismatches(): number {
    return this.#mismatches;
  }

  get balances(): readonly BranchBalance[] {
    return this.#branches.map((branch, index) => ({
      branch,
      expectedMinor: this.#expected[index] ?? 0n,
      actualMinor: this.#actual[index] ?? 0n,
    }));
  }

  /** Inserts the accounts. */
  async fill(document: (branch: string, account: string) => Document): Promise<void> {
    for (const [index, collection] of this.#collections.entries()) {
      const branch = this.#branches[index] ?? '';
      await collection.insertMany(
        Array.from({ length: ringSize }, (_, slot) => document(branch, accountName(slot))),
      );
    }
    this.#next = 0;
  }

  /** True where every account was used, so that `turn` has to come first. */
  get isUsedUp(): boolean {
    return this.#next >= ringSize;
  }

  /** The next unused account. */
  take(): { readonly slot: number; readonly account: string } {
    const slot = this.#next;
    this.#next += 1;
    return { slot, account: accountName(slot) };
  }

  /** Notes that an increment was meant for a branch. */
  meant(branch: string, minor: bigint): void {
    const index = this.#branches.indexOf(branch);
    this.#expected[index] = (this.#expected[index] ?? 0n) + minor;
  }

  /** Notes a write that matched, by the collection where it did. */
  landed(slot: number, collection: string, minor: bigint): void {
    const held = this.#held[this.#branches.indexOf(collection)];
    if (held) held[slot] = (held[slot] ?? 0) + Number(minor);
    else this.#mismatches += 1;
  }

  /** Reads every balance back, compares it, and makes all accounts fresh again. */
  async turn(): Promise<void> {
    const zero = toDecimal(0n, exhaustiveCurrency);
    for (const [index, collection] of this.#collections.entries()) {
      const held = this.#held[index] ?? [];
      await this.#compare(collection, index, held);
      held.fill(0);
      await collection.updateMany({ balance: { $ne: zero } }, { $set: { balance: zero } });
    }
    // Nobody has an account there, so whatever is found was put there by a misdirected upsert.
    this.#mismatches += await this.#own.countDocuments({});
    this.#next = 0;
  }

  /**
   * Compares how many accounts hold each amount. The amounts of the workers are powers of two, so
   * this tells whose writes are there; the server does the counting, since fetching the accounts
   * would cost as much as the schedules.
   */
  async #compare(collection: Collection, index: number, held: readonly number[]): Promise<void> {
    const expected = new Map<bigint, number>();
    for (const minor of held) {
      expected.set(BigInt(minor), (expected.get(BigInt(minor)) ?? 0) + 1);
    }
    const found = await collection
      .aggregate([{ $group: { _id: '$balance', accounts: { $sum: 1 } } }])
      .toArray();
    for (const { _id, accounts } of found) {
      const minor = fromDecimal(_id, exhaustiveCurrency) ?? -1n;
      if (expected.get(minor) !== Number(accounts)) this.#mismatches += 1;
      expected.delete(minor);
      this.#actual[index] = (this.#actual[index] ?? 0n) + minor * BigInt(accounts);
    }
    this.#mismatches += expected.size;
  }
}

function accountName(slot: number): string {
  return `ACC-${slot}`;
}
