import { MongoError, MongoServerError, MongoWriteConcernError } from 'mongodb';
import { type OperationRecord, type Wrong, wrongOf } from '../check/increment.ts';
import type { IncrementModel } from '../plan/increments.ts';
import { makePlan, type PlanOptions } from '../plan/increments.ts';
import { EventWindow, type LoadEvent } from '../subjects/event-window.ts';
import {
  collectionOfBranch,
  createLoadModel,
  runCollections,
  type Trace,
} from '../subjects/load-models.ts';
import { monitorWrites } from './command-monitor.ts';
import type { CrewTask, Work, WorkHost, Workload } from './crew.ts';

/** A plan of increments, and the model that carries it out. */
interface IncrementPlan extends PlanOptions {
  readonly model: IncrementModel;
}

/**
 * The beginning or end of an increment: an event of the history without what the plan already says.
 */
export interface IncrementMark extends Omit<OperationRecord, 'type'> {
  readonly type: OperationRecord['type'] | 'invoke';
  /** Nanoseconds since the start of the run. */
  readonly atNs: number;
  readonly error: string | undefined;
}

/** What the workers of one thread know but their history does not say. Plain data. */
export interface IncrementsResult {
  /** Writes that command monitoring could not attribute to an operation. */
  readonly unattributed: number;
  /** How many models were left switched: 0 or 1. */
  readonly leftSwitched: number;
  readonly firstWrong: WrongIncrement | undefined;
}

/** An increment that went wrong, and the steps of the model up to its end. */
interface WrongIncrement extends OperationRecord {
  readonly wrong: Wrong;
  readonly endNs: number;
  readonly error: string | undefined;
  readonly events: readonly LoadEvent[];
}

/** Increments of a seeded plan, with all workers of a thread on one model and one client. */
export const incrementWorkload: Workload<IncrementPlan, IncrementMark, IncrementsResult> = {
  name: 'increments',
  appName: 'bankctl stress',
  monitorCommands: true,
  spareConnections: 0,
  start: async (task, host) => startIncrements(task, host),
};

/**
 * As drivers write by default. Waiting for the disk would hide how the workers interfere, and
 * nothing here has to outlive the run.
 */
const writes = { writeConcern: { w: 1 } } as const;

function startIncrements(
  { plan: options, workers, database }: CrewTask<IncrementPlan>,
  { client, nowNs, record, stop }: WorkHost<IncrementMark>,
): Work<IncrementsResult> {
  const plan = makePlan(options);
  // An operation has at most seven events; while one is under way the others may do several.
  const window = new EventWindow(64 + 32 * workers.length);
  let firstWrong: WrongIncrement | undefined;
  const trace: Trace = ({ worker, index }, kind, collection, name) => {
    if (!firstWrong) window.add({ atNs: nowNs(), worker, index, kind, collection, name });
  };
  const model = createLoadModel(client.db(database, writes), options.model, plan, trace);
  const collections = runCollections(plan);
  const monitor = monitorWrites(client, database, collections, plan, (place, landed) =>
    trace(place, 'sent', collections[landed], undefined),
  );
  const perform = async (index: number) => {
    const operation = plan.at(index);
    const { worker, branch, amountMinor } = operation;
    monitor.begin(worker, Number(amountMinor));
    const startNs = nowNs();
    const invoke = { type: 'invoke', index, landed: 0, matched: 0, atNs: startNs } as const;
    const began = record({ ...invoke, error: undefined }, startNs);
    if (began) await began;
    let matched = 0;
    let type: OperationRecord['type'] = 'ok';
    let error: string | undefined;
    try {
      matched = await model.increment(operation);
    } catch (thrown) {
      type = endingOf(thrown);
      error = thrown instanceof Error ? thrown.message : String(thrown);
    }
    const endNs = nowNs();
    const end = { type, index, landed: monitor.landed(worker), matched, atNs: endNs, error };
    // One answer that never came makes the run undecided, so there is no point in waiting for more.
    if (type === 'info') stop();
    const wrong = firstWrong ? undefined : wrongOf(end, collectionOfBranch(branch));
    if (wrong) firstWrong = { ...end, wrong, endNs, events: window.events() };
    const ended = record(end, endNs);
    if (ended) await ended;
  };
  const finish = async () => ({
    unattributed: monitor.unattributed(),
    leftSwitched: model.isSwitched() ? 1 : 0,
    firstWrong,
  });
  return { perform, finish };
}

/**
 * What an error says about the write. A refusal by the server, and an error of the model itself,
 * mean that nothing was written. After any other error of the driver this is unknown.
 */
function endingOf(error: unknown): 'fail' | 'info' {
  if (!(error instanceof MongoError)) return 'fail';
  const refused =
    error instanceof MongoServerError &&
    !(error instanceof MongoWriteConcernError) &&
    !error.hasErrorLabel('RetryableWriteError');
  return refused ? 'fail' : 'info';
}
