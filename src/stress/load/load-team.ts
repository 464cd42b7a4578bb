import type { MongoClient } from 'mongodb';
import type { Context } from '../../core/context.ts';
import { connect } from '../../database/connect.ts';
import { deferred } from '../explore/deferred.ts';
import {
  batchHistory,
  type HistoryBatch,
  type HistoryBatches,
} from '../history/history-batches.ts';
import type { LoadModelName } from '../subjects/load-models.ts';
import { type DriveResult, startDrive } from './drive.ts';
import type { Plan } from './plan.ts';

/** All workers of a run against one model. */
export interface TeamTask {
  readonly uri: string;
  readonly database: string;
  readonly model: LoadModelName;
  readonly plan: Plan;
  readonly threads: number;
  readonly durationMs: number | undefined;
  readonly timeoutMs: number;
  /** The run's start on the monotonic clock; times count from it. */
  readonly startedNs: bigint;
}

/** What a team needs from its surroundings. */
export interface TeamHost extends Pick<Context, 'monotonicNs' | 'interrupted'> {
  readonly counted: (done: number, wrong: number) => void;
}

/** Connections at most, so that a thousand workers do not need a thousand sockets. */
const mostConnections = 256;

/**
 * A connected client for the workers of one thread, its connections opened beforehand so that
 * the first operations are not slower than the rest.
 */
export async function connectWorkers(
  { uri, timeoutMs }: Pick<TeamTask, 'uri' | 'timeoutMs'>,
  workers: number,
  interrupted?: AbortSignal,
): Promise<MongoClient> {
  const connections = Math.min(workers, mostConnections);
  const client = await connect(uri, {
    timeoutMs,
    monitorCommands: true,
    maxPoolSize: connections,
    appName: 'bankctl stress',
    interrupted,
  });
  const ping = () => client.db('admin').command({ ping: 1 });
  await Promise.all(Array.from({ length: connections }, ping));
  return client;
}

/** When operations cease to begin, nanoseconds since the start of the run. */
export function deadlineNsOf(nowNs: number, durationMs: number | undefined): number {
  return durationMs === undefined ? Number.POSITIVE_INFINITY : nowNs + durationMs * 1e6;
}

/** How often the count is told, milliseconds. */
const countEveryMs = 100;

/** Runs all workers in this thread. */
export async function runHere(
  task: TeamTask,
  host: TeamHost,
  takeHistory: ((batch: HistoryBatch) => Promise<void>) | undefined,
): Promise<readonly DriveResult[]> {
  const { plan, database, model } = task;
  const client = await connectWorkers(task, plan.workers, host.interrupted);
  const nowNs = () => Number(host.monotonicNs() - task.startedNs);
  const history = takeHistory && historyHere(task, takeHistory);
  const workers = Array.from({ length: plan.workers }, (_, worker) => worker);
  const deadlineNs = deadlineNsOf(nowNs(), task.durationMs);
  const stopped = () => host.interrupted.aborted;
  const drive = startDrive(
    { model, plan, workers, deadlineNs },
    { client, database, nowNs, stopped, history: history?.batches },
  );
  const tell = () => {
    const { done, wrong } = drive.progress();
    host.counted(done, wrong);
  };
  const ticker = setInterval(tell, countEveryMs);
  try {
    const result = await Promise.race([drive.done, ...(history ? [history.failed] : [])]);
    history?.batches.flush(Number.POSITIVE_INFINITY);
    await history?.finished();
    return [result];
  } finally {
    clearInterval(ticker);
    tell();
    await client.close();
  }
}

/** The history of workers of this thread, written without a detour. */
function historyHere(
  { plan, model }: TeamTask,
  take: (batch: HistoryBatch) => Promise<void>,
): { batches: HistoryBatches; failed: Promise<never>; finished: () => Promise<void> } {
  let last: Promise<void> = Promise.resolve();
  const { promise: failed, reject } = deferred<never>();
  // Heard in the race with the workers; when those are done, by `finished`.
  failed.catch(() => undefined);
  const batches: HistoryBatches = batchHistory(plan, model, (batch) => {
    last = take(batch).then(() => batches.written());
    last.catch(reject);
  });
  return { batches, failed, finished: () => last };
}
