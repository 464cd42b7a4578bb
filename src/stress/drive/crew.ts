import type { MongoClient } from 'mongodb';
import type { Context } from '../../core/context.ts';
import { connect } from '../../database/connection.ts';
import { createBatches, type HistoryBatch } from '../history/batches.ts';

/** What the workers of one thread are to do. Plain data. */
export interface CrewTask<Plan> {
  readonly uri: string;
  readonly database: string;
  /** What determines the plan. */
  readonly plan: Plan;
  /** The workers of this thread, by their number in the plan. */
  readonly workers: readonly number[];
  /** No operation begins later than this many milliseconds after the start. */
  readonly durationMs: number | undefined;
  /** The run's start on the monotonic clock, which all threads share; times count from it. */
  readonly startedNs: bigint;
  readonly timeoutMs: number;
}

/**
 * What every plan has in common: worker W does the operations with index mod workers = W, in order.
 */
export interface PlanSize {
  readonly workers: number;
  readonly operations: number;
}

/** A kind of work for a crew. */
export interface Workload<Plan extends PlanSize, Item, Result> {
  readonly name: 'increments' | 'ledger';
  /** The application name of its connections, by which the server reports what they do. */
  readonly appName: string;
  readonly monitorCommands: boolean;
  /** Connections besides one per worker. */
  readonly spareConnections: number;
  readonly start: (task: CrewTask<Plan>, host: WorkHost<Item>) => Promise<Work<Result>>;
}

/** Work under way. */
export interface Work<Result> {
  /** Does one operation of the plan. */
  readonly perform: (index: number) => Promise<void>;
  /** Resolved once what the workers no longer wait for is done too. */
  readonly finish: () => Promise<Result>;
}

/** What work needs from its crew. */
export interface WorkHost<Item> extends Pick<Context, 'freshSeed'> {
  readonly client: MongoClient;
  /** Monotonic, nanoseconds since the start of the run. */
  readonly nowNs: () => number;
  /**
   * Adds to the history. If it returns a promise, await it, so that a slow disk slows the workers.
   */
  readonly record: (item: Item, atNs: number) => Promise<void> | undefined;
  /** Begins no further operation. */
  readonly stop: () => void;
}

/** What a crew needs from its caller. */
export interface CrewHost<Item> extends Pick<Context, 'monotonicNs' | 'freshSeed'> {
  /** Takes a batch of the history; `written` must be called for it later. */
  readonly send: (batch: HistoryBatch<Item>) => void;
  readonly interrupted?: AbortSignal | undefined;
}

/** The workers of one thread, on one client. */
export interface Crew<Result> {
  /** Does the work; resolved once all of it is done. */
  readonly run: () => Promise<Result>;
  /** Begins no further operation. */
  readonly stop: () => void;
  /** A batch has been written. */
  readonly written: () => void;
  readonly close: () => Promise<void>;
}

/** So that a thousand workers do not need a thousand sockets. */
const maxConnections = 256;

const flushEveryMs = 100;

/** Connects a crew; its connections are closed by `close`. */
export async function openCrew<Plan extends PlanSize, Item, Result>(
  workload: Workload<Plan, Item, Result>,
  task: CrewTask<Plan>,
  { send, interrupted, monotonicNs, freshSeed }: CrewHost<Item>,
): Promise<Crew<Result>> {
  const { plan, workers, durationMs, startedNs, timeoutMs } = task;
  const { appName, monitorCommands, spareConnections } = workload;
  const maxPoolSize = Math.min(workers.length + spareConnections, maxConnections);
  const options = { timeoutMs, appName, monitorCommands, maxPoolSize, interrupted };
  const client = await connect(task.uri, options);
  const nowNs = () => Number(monotonicNs() - startedNs);
  const batches = createBatches(send);
  let stopped = false;
  const stop = () => {
    stopped = true;
  };
  const close = () => client.close();
  let work: Work<Result>;
  try {
    // Opened in advance, so that the first operations are not slower than the rest.
    const ping = () => client.db('admin').command({ ping: 1 });
    await Promise.all(Array.from({ length: maxPoolSize }, ping));
    work = await workload.start(task, { client, nowNs, freshSeed, record: batches.add, stop });
  } catch (error) {
    await close();
    throw error;
  }
  const run = async () => {
    const deadlineNs =
      durationMs === undefined ? Number.POSITIVE_INFINITY : nowNs() + durationMs * 1e6;
    const performAll = async (worker: number) => {
      for (let index = worker; index < plan.operations; index += plan.workers) {
        if (stopped || nowNs() >= deadlineNs) return;
        await work.perform(index);
      }
    };
    const ticker = setInterval(() => batches.flush(nowNs()), flushEveryMs);
    try {
      await Promise.all(workers.map(performAll));
      return await work.finish();
    } finally {
      clearInterval(ticker);
      batches.flush(Number.POSITIVE_INFINITY);
    }
  };
  return Object.freeze({ run, stop, written: batches.written, close });
}
