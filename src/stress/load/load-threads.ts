import { Worker } from 'node:worker_threads';
import { deferred } from '../explore/deferred.ts';
import type { HistoryBatch } from '../history/history-batches.ts';
import type { DriveResult } from './drive.ts';
import type { TeamHost, TeamTask } from './load-team.ts';
import type { FromThread, ThreadTask, ToThread } from './load-thread-protocol.ts';

/** Where the threads' program is: bundled beside this one. */
export const threadProgram = new URL('./load-thread.js', import.meta.url);

/** Takes a batch of history of one thread; resolved when more may come. */
export type TakeHistory = (thread: number, batch: HistoryBatch) => Promise<void>;

/**
 * Spreads the workers of a run over threads, each with a model and a client of its own. All
 * begin together, once every thread is connected.
 */
export async function runThreads(
  task: TeamTask,
  host: TeamHost,
  program: URL,
  takeHistory: TakeHistory | undefined,
): Promise<readonly DriveResult[]> {
  const threads = Array.from({ length: task.threads }, (_, thread) =>
    startThread(program, threadTask(task, thread, takeHistory !== undefined)),
  );
  const tellAll = (message: ToThread) => {
    for (const { tell } of threads) tell(message);
  };
  const stop = () => tellAll({ type: 'stop' });
  host.interrupted.addEventListener('abort', stop, { once: true });
  const counts = threads.map(() => ({ done: 0, wrong: 0 }));
  try {
    await Promise.all(threads.map(({ ready }) => ready));
    if (host.interrupted.aborted) stop();
    for (const [thread, { listen, tell }] of threads.entries()) {
      listen((message) => {
        if (message.type === 'progress') {
          counts[thread] = message;
          host.counted(sum(counts, 'done'), sum(counts, 'wrong'));
        }
        if (message.type !== 'history') return undefined;
        return takeHistory?.(thread, message).then(() => tell({ type: 'written' }));
      });
    }
    tellAll({ type: 'go' });
    return await Promise.all(threads.map(({ result }) => result));
  } finally {
    host.interrupted.removeEventListener('abort', stop);
    await Promise.all(threads.map(({ end }) => end()));
  }
}

function threadTask(task: TeamTask, thread: number, withHistory: boolean): ThreadTask {
  const { uri, database, model, timeoutMs, threads, durationMs, startedNs } = task;
  const { seed, operations, branches, accountsPerBranch, workers } = task.plan;
  return {
    uri,
    database,
    model,
    timeoutMs,
    withHistory,
    plan: { seed, operations, branches, accountsPerBranch, workers },
    workers: Array.from({ length: workers }, (_, worker) => worker).filter(
      (worker) => worker % threads === thread,
    ),
    durationMs,
    startedNs,
  };
}

interface Thread {
  readonly ready: Promise<void>;
  readonly result: Promise<DriveResult>;
  readonly tell: (message: ToThread) => void;
  /** A listener whose work fails makes the thread's result fail. */
  readonly listen: (listener: (message: FromThread) => Promise<void> | undefined) => void;
  readonly end: () => Promise<number>;
}

function startThread(program: URL, task: ThreadTask): Thread {
  const worker = new Worker(program, { workerData: task });
  const ready = deferred<void>();
  const result = deferred<DriveResult>();
  const fail = (error: unknown) => {
    ready.reject(error);
    result.reject(error);
  };
  // Whoever waits for `ready` first hears of a failure there; `result` alone must not be unheard.
  result.promise.catch(() => undefined);
  worker.on('error', fail);
  worker.on('exit', (code) => fail(new Error(`a thread of stress ended with status ${code}`)));
  worker.on('message', (message: FromThread) => {
    if (message.type === 'ready') ready.resolve();
    if (message.type === 'done') result.resolve(message.result);
    if (message.type === 'failed') fail(new Error(message.message));
  });
  return {
    ready: ready.promise,
    result: result.promise,
    tell: (message) => worker.postMessage(message),
    listen: (listener) =>
      worker.on('message', (message: FromThread) => void listener(message)?.catch(fail)),
    end: () => worker.terminate(),
  };
}

function sum(
  counts: readonly { readonly done: number; readonly wrong: number }[],
  key: 'done' | 'wrong',
): number {
  return counts.reduce((total, count) => total + count[key], 0);
}
