import type { Db } from 'mongodb';
import type { At } from '../explore/explorer-execution.ts';
import type { IncrementModel, Plan, PlannedIncrement } from '../plan/increments.ts';
import type { LoadEventKind } from './event-window.ts';
import { branchModel, type Subject, sharedModel } from './plain-models.ts';
import { ownCollection, type SharedPoint } from './shared-model.ts';

const models = { shared: sharedModel, branch: branchModel } as const;

/** Notified of each step of a model while it works. */
export type Trace = (
  operation: Pick<PlannedIncrement, 'worker' | 'index'>,
  kind: LoadEventKind,
  collection: string | undefined,
  name: string | undefined,
) => void;

/** A model under load. */
interface LoadModel {
  /** @returns how many documents the write matched */
  readonly increment: (operation: PlannedIncrement) => Promise<number>;
  /**
   * True if the model does not point at its own collection; called once everything has finished.
   */
  readonly isSwitched: () => boolean;
}

/**
 * The collections of a run: the one that is not a branch's, then one per branch, in their order.
 */
export function runCollections(plan: Plan): readonly string[] {
  return [ownCollection, ...plan.branchNames];
}

/** The index, in `runCollections`, of the collection that a branch owns. */
export function collectionOfBranch(branch: number): number {
  return branch + 1;
}

/** Makes the collections and accounts of a run, in a fresh database. */
export async function prepareModel(db: Db, model: IncrementModel, plan: Plan): Promise<void> {
  await models[model].prepare(db, plan.branchNames, plan.accounts, plan.seedBalanceMinor);
}

/** Makes the model that the workers of one thread share. Sends nothing. */
export function createLoadModel(
  db: Db,
  model: IncrementModel,
  plan: Plan,
  trace: Trace,
): LoadModel {
  const subject = models[model].open(db, plan.branchNames)();
  return {
    increment: async (operation) => {
      const { worker, amountMinor } = operation;
      const branch = plan.branchNames[operation.branch] ?? '';
      const account = plan.accounts[operation.account] ?? '';
      const { matched } = await subject.increment(
        { worker, branch, account, amountMinor },
        observe(subject, branch, (...step) => trace(operation, ...step)),
      );
      return matched;
    },
    isSwitched: subject.isSwitched,
  };
}

type StepTrace = Trace extends (operation: never, ...step: infer Step) => void
  ? (...step: Step) => void
  : never;

/**
 * Traces each step of an increment, without holding the worker anywhere.
 *
 * Two steps have no point of their own: the look-up in the cache that gives the collection to write
 * to, and the restore. Both are the first thing that the model does when it goes on from a point
 * (`switched` or `indexing`, and `written` or, on its way to a crash, `resolved`). A microtask
 * queued when the point is reached runs immediately before that continuation, with nothing in
 * between, so what it sees is what the model finds there, in the true order among the workers.
 */
function observe({ state }: Subject, branch: string, trace: StepTrace): At {
  const goOn = Promise.resolve();
  let remembered = state();
  if (!remembered) {
    // A model that cannot be pointed has nothing to show but its write.
    return (point) => {
      if (point === 'written') trace('written', branch, undefined);
      return goOn;
    };
  }
  let switched = false;
  let taken: string | undefined;
  const take = () => {
    taken = state()?.cached;
    trace('resolved', taken, undefined);
  };
  const restore = () => trace('restored', remembered?.cached, remembered?.name);
  const steps: Readonly<Record<string, () => void>> = {
    captured: () => {
      remembered = state();
      trace('captured', remembered?.cached, remembered?.name);
    },
    switched: () => {
      switched = true;
      trace('switched', undefined, state()?.name);
      // If nobody has filled the cache meanwhile, the model does, and passes `indexing`.
      queueMicrotask(() => state()?.cached !== undefined && take());
    },
    indexing: () => {
      if (switched) queueMicrotask(take);
    },
    resolved: () => {
      if (taken !== undefined) return;
      queueMicrotask(() => {
        trace('crashed', undefined, undefined);
        restore();
      });
    },
    written: () => {
      trace('written', taken, undefined);
      queueMicrotask(restore);
    },
  } satisfies Record<SharedPoint, () => void>;
  return (point) => {
    steps[point]?.();
    return goOn;
  };
}
