import { type Db, Long } from 'mongodb';
import { type BranchModel, createBranch } from '../../bank/branch.ts';
import { toDecimal } from '../../bank/decimal.ts';
import type { BranchConfig } from '../../config/config.ts';
import { type Plan, type PlannedIncrement, planCurrency } from '../plan/increments.ts';
import {
  ownCollection,
  SharedModel,
  type SharedModelObserver,
  type SharedModelState,
  type SharedPoint,
} from '../shared-model.ts';
import type { LoadEventKind } from './event-window.ts';
import type { OperationPlace } from './write-monitor.ts';

/** What a load run can be made against. */
export const loadModelNames = ['shared', 'branch'] as const;
export type LoadModelName = (typeof loadModelNames)[number];

/** Hears of each step of a model while it works. */
export type Trace = (
  operation: OperationPlace,
  kind: LoadEventKind,
  collection: string | undefined,
  name: string | undefined,
) => void;

/** A model under load. */
export interface LoadModel {
  /** @returns how many documents the write matched */
  readonly increment: (operation: PlannedIncrement) => Promise<number>;
  /** True where the model does not point at its own collection; asked when all is quiet. */
  readonly isSwitched: () => boolean;
}

/** The collections of a run: the one that is no branch's, then one a branch, in their order. */
export function runCollections(plan: Plan): readonly string[] {
  return [ownCollection, ...plan.branchNames];
}

/** The index, in `runCollections`, of the collection that a branch owns. */
export function collectionOfBranch(branch: number): number {
  return branch + 1;
}

/** Makes the collections and accounts of a run, in a fresh database. */
export async function prepareModel(db: Db, model: LoadModelName, plan: Plan): Promise<void> {
  if (model === 'shared') await prepareLegacy(db, plan);
  else await prepareBranches(db, plan);
}

/** As legacy code leaves them: an index, plain documents, no stamp and no validator. */
async function prepareLegacy(db: Db, plan: Plan): Promise<void> {
  const key = { account_number: 1 } as const;
  const options = { unique: true, name: 'account_number' };
  const balance = toDecimal(plan.seedBalanceMinor, planCurrency);
  await db.collection(ownCollection).createIndex(key, options);
  for (const name of plan.branchNames) {
    const collection = db.collection(name);
    await collection.createIndex(key, options);
    await collection.insertMany(
      plan.accounts.map((account_number) => ({ account_number, balance })),
    );
  }
}

async function prepareBranches(db: Db, plan: Plan): Promise<void> {
  const balance = toDecimal(plan.seedBalanceMinor, planCurrency);
  const { localTime: opened_at } = await db.command({ hello: 1 });
  for (const config of branchConfigs(plan)) {
    await createBranch(db, config).prepare();
    await db.collection(config.collection).insertMany(
      plan.accounts.map((account_number) => ({
        account_number,
        balance,
        branch: config.name,
        version: Long.ONE,
        status: 'open',
        opened_at,
      })),
    );
  }
}

/** Makes the model that the workers of one thread share. Sends nothing. */
export function createLoadModel(db: Db, model: LoadModelName, plan: Plan, trace: Trace): LoadModel {
  return model === 'shared' ? sharedLoad(db, plan, trace) : branchLoad(db, plan, trace);
}

function branchLoad(db: Db, plan: Plan, trace: Trace): LoadModel {
  const models: readonly BranchModel[] = branchConfigs(plan).map((config) =>
    createBranch(db, config),
  );
  return {
    increment: async (operation) => {
      const model = models[operation.branch];
      const account = plan.accounts[operation.account] ?? '';
      const matched = (await model?.add(account, operation.amountMinor)) ?? 0;
      trace(operation, 'written', model?.collection, undefined);
      return matched;
    },
    isSwitched: () => false,
  };
}

function sharedLoad(db: Db, plan: Plan, trace: Trace): LoadModel {
  const model = new SharedModel(db);
  return {
    increment: async (operation) => {
      const { matched } = await model.increment(
        plan.branchNames[operation.branch] ?? '',
        { account_number: plan.accounts[operation.account] },
        { $inc: { balance: toDecimal(operation.amountMinor, planCurrency) } },
        observe(model, operation, trace),
      );
      return matched;
    },
    isSwitched: () => model.isSwitched,
  };
}

/**
 * Tells the trace of each step, without holding the worker anywhere.
 *
 * Two steps have no point of their own: the look at the cache that gives the collection to write
 * to, and the restore. Both are the first thing that the model does when it goes on from a point
 * (`switched` or `indexing`, and `written` or, on its way to a crash, `resolved`). A microtask
 * queued when the point is reached runs immediately before that continuation, with nothing in
 * between, so what it sees is what the model finds there, in the true order among the workers.
 */
function observe(
  model: SharedModel,
  operation: PlannedIncrement,
  trace: Trace,
): SharedModelObserver {
  const goOn = Promise.resolve();
  let remembered: SharedModelState = model.state;
  let switched = false;
  let taken: string | undefined;
  const take = () => {
    taken = model.state.cached;
    trace(operation, 'resolved', taken, undefined);
  };
  const restore = () => trace(operation, 'restored', remembered.cached, remembered.name);
  const steps: Readonly<Record<SharedPoint, () => void>> = {
    captured: () => {
      remembered = model.state;
      trace(operation, 'captured', remembered.cached, remembered.name);
    },
    switched: () => {
      switched = true;
      trace(operation, 'switched', undefined, model.state.name);
      // Where nobody has filled the cache meanwhile, the model does, and passes `indexing`.
      queueMicrotask(() => model.state.cached !== undefined && take());
    },
    indexing: () => {
      if (switched) queueMicrotask(take);
    },
    resolved: () => {
      if (taken !== undefined) return;
      queueMicrotask(() => {
        trace(operation, 'crashed', undefined, undefined);
        restore();
      });
    },
    written: () => {
      trace(operation, 'written', taken, undefined);
      queueMicrotask(restore);
    },
  };
  return {
    at: (point) => {
      steps[point]();
      return goOn;
    },
  };
}

function branchConfigs(plan: Plan): readonly BranchConfig[] {
  return plan.branchNames.map((name) => ({
    name,
    collection: name,
    title: undefined,
    currency: planCurrency,
    minBalanceMinor: 0n,
  }));
}
