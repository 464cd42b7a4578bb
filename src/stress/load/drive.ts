import { type MongoClient, MongoError, MongoServerError, MongoWriteConcernError } from 'mongodb';
import { monitorWrites, type WriteMonitor } from '../drive/command-monitor.ts';
import { EventWindow, type LoadEvent } from '../subjects/event-window.ts';
import {
  collectionOfBranch,
  createLoadModel,
  type LoadModel,
  type LoadModelName,
  runCollections,
  type Trace,
} from '../subjects/load-models.ts';
import { wrongOf } from './check.ts';
import type { Plan, PlannedIncrement } from './plan.ts';
import { type Ending, type Outcome, type RecordColumns, Recorder } from './record.ts';

/** What the workers of one thread are to do. */
export interface DriveOptions {
  readonly model: LoadModelName;
  readonly plan: Plan;
  /** The workers of this thread, by their number in the plan. */
  readonly workers: readonly number[];
  /** No operation begins at or after this, nanoseconds since the start of the run. */
  readonly deadlineNs: number;
}

/** What a drive needs from its surroundings. */
export interface DriveHost {
  /** Connected, made with `monitorCommands: true`. */
  readonly client: MongoClient;
  readonly database: string;
  /** Monotonic, nanoseconds since the start of the run. */
  readonly nowNs: () => number;
  /** True once no further operation is to begin. */
  readonly stopped: () => boolean;
  /** Hears of the first and the last moment of each operation. */
  readonly history?: HistorySink | undefined;
}

/** Told of operations as they begin and end; awaited, so that a slow disk slows the workers. */
export interface HistorySink {
  readonly began: (operation: PlannedIncrement, atNs: number) => Promise<void> | undefined;
  readonly ended: (
    operation: PlannedIncrement,
    record: Outcome,
    message: string | undefined,
  ) => Promise<void> | undefined;
}

/** What the workers of one thread did. Plain data. */
export interface DriveResult {
  readonly record: RecordColumns;
  readonly unattributed: number;
  /** How many models were left switched: 0 or 1. */
  readonly leftSwitched: number;
  /** The events up to the end of this thread's first wrong operation. */
  readonly events: readonly LoadEvent[];
}

/** A drive under way. */
export interface Drive {
  readonly done: Promise<DriveResult>;
  /** Operations done and gone wrong so far. */
  readonly progress: () => { readonly done: number; readonly wrong: number };
}

/**
 * Sets the workers of one thread to their increments, all on one model and one client. Each
 * worker does its own increments of the plan one after another; the workers run at once.
 */
export function startDrive(options: DriveOptions, host: DriveHost): Drive {
  const { plan } = options;
  const recorder = new Recorder();
  // An operation takes seven events at most; while one is under way the others may do several.
  const window = new EventWindow(64 + 32 * options.workers.length);
  let events: readonly LoadEvent[] | undefined;
  let wrong = 0;
  let givenUp = false;
  const trace: Trace = ({ worker, index }, kind, collection, name) => {
    if (!events) window.add({ atNs: host.nowNs(), worker, index, kind, collection, name });
  };
  const model = createLoadModel(host.client.db(host.database, writes), options.model, plan, trace);
  const collections = runCollections(plan);
  const monitor = monitorWrites(host.client, host.database, collections, plan, (place, landed) =>
    trace(place, 'sent', collections[landed], undefined),
  );
  const finish: Task['finish'] = (operation, record) => {
    if (record.ending === 'unanswered') givenUp = true;
    if (!wrongOf(record, collectionOfBranch(operation.branch))) return;
    wrong += 1;
    events ??= window.events();
  };
  // One answer that never came makes the run undecided, so waiting for more of them is idle.
  const stopped = () => givenUp || host.stopped();
  const task: Task = { options, host, model, monitor, recorder, stopped, finish };
  const done = Promise.all(options.workers.map((worker) => work(worker, task))).then(() => ({
    record: recorder.columns(),
    unattributed: monitor.unattributed(),
    leftSwitched: model.isSwitched() ? 1 : 0,
    events: events ?? [],
  }));
  return { done, progress: () => ({ done: recorder.length, wrong }) };
}

/**
 * As a driver writes that was told nothing. Waiting for the disk would hide how the workers meet,
 * and nothing here has to outlive the run.
 */
const writes = { writeConcern: { w: 1 } } as const;

interface Task {
  readonly options: DriveOptions;
  readonly host: DriveHost;
  readonly model: LoadModel;
  readonly monitor: WriteMonitor;
  readonly recorder: Recorder;
  readonly stopped: () => boolean;
  readonly finish: (operation: PlannedIncrement, record: Outcome) => void;
}

async function work(worker: number, task: Task): Promise<void> {
  const { plan, deadlineNs } = task.options;
  let reachedNs = task.host.nowNs();
  for (let index = worker; index < plan.operations; index += plan.workers) {
    if (task.stopped() || reachedNs >= deadlineNs) return;
    reachedNs = await perform(plan.at(index), task);
  }
}

/** @returns when it ended, nanoseconds since the start of the run */
async function perform(operation: PlannedIncrement, task: Task): Promise<number> {
  const { model, monitor, recorder, host } = task;
  monitor.begin(operation.worker, Number(operation.amountMinor));
  const startNs = host.nowNs();
  const began = host.history?.began(operation, startNs);
  if (began) await began;
  let matched = 0;
  let ending: Ending = 'acknowledged';
  let message: string | undefined;
  try {
    matched = await model.increment(operation);
  } catch (error) {
    ending = endingOf(error);
    message = error instanceof Error ? error.message : String(error);
  }
  const endNs = host.nowNs();
  const landed = monitor.landed(operation.worker);
  const record = { index: operation.index, landed, matched, ending, startNs, endNs };
  recorder.add(record, message);
  task.finish(operation, record);
  const ended = host.history?.ended(operation, record, message);
  if (ended) await ended;
  return endNs;
}

/**
 * What an error says about the write. An answer of the server that it refused, and an error of
 * the model itself, mean that nothing was written. Any other error of the driver leaves it open.
 */
function endingOf(error: unknown): Ending {
  if (!(error instanceof MongoError)) return 'crashed';
  const refused =
    error instanceof MongoServerError &&
    !(error instanceof MongoWriteConcernError) &&
    !error.hasErrorLabel('RetryableWriteError');
  return refused ? 'crashed' : 'unanswered';
}
