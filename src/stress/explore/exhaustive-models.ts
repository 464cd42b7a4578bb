import { type Collection, type Db, type Document, Long } from 'mongodb';
import { createBranch, createBranches } from '../../bank/branch.ts';
import { toDecimal } from '../../bank/decimal.ts';
import { type BranchConfig, builtInConfig } from '../../config/config.ts';
import type { Currency } from '../../core/money.ts';
import {
  ownCollection,
  SharedModel,
  type SharedModelState,
  type SharedPoint,
  type SharedWrite,
} from '../shared-model.ts';
import type { At } from './explorer-execution.ts';

/** The currency of every account in an exhaustive run. */
export const exhaustiveCurrency: Currency = Object.freeze({ code: 'USD', digits: 2 });

/** What one worker is to do. */
export interface Increment {
  /** From 0. */
  readonly worker: number;
  /** The branch, and the collection, that the money is meant for. */
  readonly branch: string;
  readonly account: string;
  /** A power of two times a dollar, so that a balance tells whose writes are in it. */
  readonly amountMinor: bigint;
}

/** A model in a fresh state: what the workers of one schedule share. */
export interface Subject {
  /** @returns the write as the caller saw it; what counts is what command monitoring saw */
  readonly increment: (increment: Increment, at: At) => Promise<SharedWrite>;
  /** Where it points now; undefined for a model that cannot be pointed. */
  readonly state: () => SharedModelState | undefined;
  /** True where it does not point at its own collection. */
  readonly isSwitched: () => boolean;
}

/** A model that can be explored. */
export interface ExhaustiveModel {
  readonly name: string;
  /** The points at which its workers are paused when the user asks for these. */
  readonly pointsFor: (asked: readonly SharedPoint[]) => readonly string[];
  /**
   * How many steps a worker has then, and whether that holds in every schedule; where it does not,
   * it is the least number.
   */
  readonly stepsFor: (asked: readonly SharedPoint[]) => {
    readonly steps: number;
    readonly fixed: boolean;
  };
  /** Creates the collections of these branches, empty. */
  readonly prepare: (db: Db, branches: readonly string[]) => Promise<void>;
  /** An account with a balance of zero. */
  readonly document: (branch: string, account: string) => Document;
  /** Prepares what all schedules share, and makes the model afresh for each. */
  readonly open: (db: Db, branches: readonly string[]) => () => Subject;
}

/** The specimen of the bug. Its `indexing` point appears only where the cache is empty. */
export const sharedExhaustiveModel: ExhaustiveModel = Object.freeze({
  name: 'shared',
  pointsFor: (asked) => asked,
  stepsFor: (asked) => {
    const unconditional = asked.filter((point) => point !== 'indexing');
    // A crash skips `written`, but it comes behind `indexing` alone: without that point the
    // resolve and its index are one step, in which nobody can empty the cache.
    return { steps: unconditional.length + 1, fixed: unconditional.length === asked.length };
  },
  prepare: prepareLegacy,
  document: legacyDocument,
  open: (db) => {
    const updates = new Map<bigint, Document>();
    const updateOf = (amountMinor: bigint) => {
      const update = updates.get(amountMinor) ?? legacyUpdate(amountMinor);
      updates.set(amountMinor, update);
      return update;
    };
    return () => {
      const model = new SharedModel(db);
      return {
        increment: ({ branch, account, amountMinor }, at) =>
          model.increment(branch, { account_number: account }, updateOf(amountMinor), { at }),
        state: () => model.state,
        isSwitched: () => model.isSwitched,
      };
    };
  },
} satisfies ExhaustiveModel);

/**
 * The cure: the frozen branch models, looked up by name. Of the points there are two: `resolved`,
 * when the model is in hand, and `written`. The lookup does in one step, on nothing that can be
 * changed, what the shared model does in three; so whoever asks for `switched`, `resolved` or
 * `indexing`, any moment between pointing the model and writing, gets the pause at `resolved`.
 * Nothing is remembered, so `captured` has no counterpart.
 */
export const branchExhaustiveModel: ExhaustiveModel = Object.freeze({
  name: 'branch',
  pointsFor: branchPoints,
  stepsFor: (asked) => ({ steps: branchPoints(asked).length + 1, fixed: true }),
  prepare: async (db, branches) => {
    for (const name of branches) await createBranch(db, branchConfig(name)).prepare();
  },
  document: (branch, account) => ({
    ...legacyDocument(branch, account),
    branch,
    version: Long.ONE,
    status: 'open',
    opened_at: new Date(0),
  }),
  open: (db, branches) => {
    const registry = createBranches(db, { ...builtInConfig, branches: branches.map(branchConfig) });
    const subject: Subject = Object.freeze({
      increment: async ({ branch, account, amountMinor }, at) => {
        const model = registry.get(branch);
        await at('resolved');
        const matched = await model.add(account, amountMinor);
        await at('written');
        return { collection: model.collection, matched };
      },
      state: () => undefined,
      isSwitched: () => false,
    } satisfies Subject);
    return () => subject;
  },
} satisfies ExhaustiveModel);

function branchPoints(asked: readonly SharedPoint[]): readonly string[] {
  const inHand = asked.some((point) => ['switched', 'resolved', 'indexing'].includes(point));
  return [...(inHand ? ['resolved'] : []), ...(asked.includes('written') ? ['written'] : [])];
}

function branchConfig(name: string): BranchConfig {
  return {
    name,
    collection: name,
    title: undefined,
    currency: exhaustiveCurrency,
    minBalanceMinor: 0n,
  };
}

/** The update of legacy code: the plain `$inc`. */
export function legacyUpdate(amountMinor: bigint): Document {
  return { $inc: { balance: toDecimal(amountMinor, exhaustiveCurrency) } };
}

/** An account as legacy code wrote it: neither stamp nor version. */
export function legacyDocument(_branch: string, account: string): Document {
  return { account_number: account, balance: toDecimal(0n, exhaustiveCurrency) };
}

/** Collections as legacy code made them: an index and no validator. */
export async function prepareLegacy(db: Db, branches: readonly string[]): Promise<void> {
  for (const name of [ownCollection, ...branches]) await ensureIndex(db.collection(name));
}

/** The index that the specimen ensures; the same call is what the bare driver repeats. */
export async function ensureIndex(collection: Collection): Promise<void> {
  await collection.createIndex({ account_number: 1 }, { unique: true, name: 'account_number' });
}
