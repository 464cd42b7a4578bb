import { type Collection, type Db, type Document, Long } from 'mongodb';
import { createBranch, createBranches } from '../../bank/branch.ts';
import { toDecimal } from '../../bank/decimal.ts';
import { type BranchConfig, builtInConfig } from '../../config/config.ts';
import type { At } from '../explore/explorer-execution.ts';
import { planCurrency } from '../plan/increments.ts';
import {
  ownCollection,
  SharedModel,
  type SharedModelState,
  type SharedPoint,
  type SharedWrite,
} from './shared-model.ts';

/** What one worker is to do. */
export interface Increment {
  /** From 0. */
  readonly worker: number;
  /** The branch, and so the collection, that the money is meant for. */
  readonly branch: string;
  readonly account: string;
  readonly amountMinor: bigint;
}

/** A model in a fresh state: what concurrent workers share. */
export interface Subject {
  /** @returns the write as the caller saw it; what counts is what command monitoring saw */
  readonly increment: (increment: Increment, at: At) => Promise<SharedWrite>;
  /** Where it points now; undefined for a model that cannot be pointed. */
  readonly state: () => SharedModelState | undefined;
  /** True if it does not point at its own collection. */
  readonly isSwitched: () => boolean;
}

/** A model without a journal, which a load and schedules can drive. */
export interface PlainModel {
  readonly name: string;
  /** The points at which its workers are paused when the user asks for these. */
  readonly pointsFor: (asked: readonly SharedPoint[]) => readonly string[];
  /**
   * How many steps a worker then has, and whether that holds in every schedule; if not, it is the
   * minimum.
   */
  readonly stepsFor: (asked: readonly SharedPoint[]) => {
    readonly steps: number;
    readonly fixed: boolean;
  };
  /** Creates the collections of these branches, each with these accounts in it. */
  readonly prepare: (
    db: Db,
    branches: readonly string[],
    accounts: readonly string[],
    balanceMinor: bigint,
  ) => Promise<void>;
  /** Prepares what all states share; the result makes a fresh model. Sends nothing. */
  readonly open: (db: Db, branches: readonly string[]) => () => Subject;
}

/** The specimen of the bug. Its `indexing` point appears only when the cache is empty. */
export const sharedModel: PlainModel = Object.freeze({
  name: 'shared',
  pointsFor: (asked) => asked,
  stepsFor: (asked) => {
    const unconditional = asked.filter((point) => point !== 'indexing');
    // A crash skips `written`, but a crash is possible only after `indexing`: without that point
    // the resolve and its index are one step, in which nobody can empty the cache.
    return { steps: unconditional.length + 1, fixed: unconditional.length === asked.length };
  },
  prepare: prepareLegacy,
  open: (db) => () => {
    const model = new SharedModel(db);
    return {
      increment: ({ branch, account, amountMinor }, at) =>
        model.increment(branch, { account_number: account }, legacyUpdate(amountMinor), { at }),
      state: () => model.state,
      isSwitched: () => model.isSwitched,
    };
  },
} satisfies PlainModel);

/**
 * The cure: the frozen branch models, looked up by name. It has two of the points: `resolved`, when
 * the model is in hand, and `written`. The lookup does in one step, on nothing that can be changed,
 * what the shared model does in three; so `switched`, `resolved` and `indexing`, all of them
 * moments between pointing the model and writing, become the pause at `resolved`. Nothing is
 * remembered, so `captured` has no counterpart.
 */
export const branchModel: PlainModel = Object.freeze({
  name: 'branch',
  pointsFor: branchPoints,
  stepsFor: (asked) => ({ steps: branchPoints(asked).length + 1, fixed: true }),
  prepare: async (db, branches, accounts, balanceMinor) => {
    const { localTime: opened_at } = await db.command({ hello: 1 });
    for (const branch of branches) {
      await createBranch(db, branchConfig(branch)).prepare();
      await db.collection(branch).insertMany(
        accounts.map((account) => ({
          ...legacyDocument(account, balanceMinor),
          branch,
          version: Long.ONE,
          status: 'open',
          opened_at,
        })),
      );
    }
  },
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
} satisfies PlainModel);

function branchPoints(asked: readonly SharedPoint[]): readonly string[] {
  const inHand = asked.some((point) => ['switched', 'resolved', 'indexing'].includes(point));
  return [...(inHand ? ['resolved'] : []), ...(asked.includes('written') ? ['written'] : [])];
}

function branchConfig(name: string): BranchConfig {
  return {
    name,
    collection: name,
    title: undefined,
    currency: planCurrency,
    minBalanceMinor: 0n,
    storage: 'decimal',
  };
}

/** The update of legacy code: the plain `$inc`. */
export function legacyUpdate(amountMinor: bigint): Document {
  return { $inc: { balance: toDecimal(amountMinor, planCurrency) } };
}

/** An account as legacy code wrote it: neither stamp nor version. */
function legacyDocument(account: string, balanceMinor: bigint): Document {
  return { account_number: account, balance: toDecimal(balanceMinor, planCurrency) };
}

/** Collections as legacy code made them: an index, plain documents, and no validator. */
export async function prepareLegacy(
  db: Db,
  branches: readonly string[],
  accounts: readonly string[],
  balanceMinor: bigint,
): Promise<void> {
  await ensureIndex(db.collection(ownCollection));
  for (const branch of branches) {
    const collection = db.collection(branch);
    await ensureIndex(collection);
    await collection.insertMany(accounts.map((account) => legacyDocument(account, balanceMinor)));
  }
}

/** The index that the specimen ensures; the same call is what the bare driver repeats. */
export async function ensureIndex(collection: Collection): Promise<void> {
  await collection.createIndex({ account_number: 1 }, { unique: true, name: 'account_number' });
}
