import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Context } from '../../core/context.ts';
import { createDeferred } from '../explore/deferred.ts';
import type { HistoryBatch } from '../history/batches.ts';
import {
  type Crew,
  type CrewHost,
  type CrewTask,
  openCrew,
  type PlanSize,
  type Workload,
} from './crew.ts';
import type { FromThread, ThreadTask, ToThread } from './thread.ts';

/** The path of the threads' program, which is bundled beside this one. */
export const threadProgram = pathToFileURL(join(import.meta.dirname, 'stress-thread.cjs'));

/** The crews of all threads. */
interface Crews<Result> {
  /** @returns one result per thread */
  readonly run: () => Promise<readonly Result[]>;
  /** Begins no further operation. */
  readonly stop: () => void;
  readonly close: () => Promise<void>;
}

/** What the crews of a run need from their caller. */
interface CrewsHost<Item> extends Pick<Context, 'monotonicNs' | 'freshSeed' | 'interrupted'> {
  /** Takes a batch of the history of a crew; resolved once more may come. */
  readonly take: (crew: number, batch: HistoryBatch<Item>) => Promise<void>;
  readonly program: URL;
}

/**
 * Spreads the workers over threads, each with a client of its own. All begin together, once every
 * thread is connected. A single crew works in this thread.
 */
export async function openCrews<Plan extends PlanSize, Item, Result>(
  workload: Workload<Plan, Item, Result>,
  task: Omit<CrewTask<Plan>, 'workers'>,
  threads: number,
  { take, program, ...host }: CrewsHost<Item>,
): Promise<Crews<Result>> {
  const all = Array.from({ length: task.plan.workers }, (_, worker) => worker);
  const opening = Array.from({ length: threads }, async (_, thread) => {
    const send = (batch: HistoryBatch<Item>) => {
      take(thread, batch).then(
        () => crew.written(),
        () => undefined,
      );
    };
    const own = { ...task, workers: all.filter((worker) => worker % threads === thread) };
    const crew: Crew<Result> =
      threads === 1
        ? await openCrew(workload, own, { ...host, send })
        : await openThread({ workload: workload.name, task: own }, send, program);
    return crew;
  });
  const opened = await Promise.allSettled(opening);
  const crews = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const close = async () => {
    await Promise.all(crews.map((crew) => crew.close()));
  };
  const failed = opened.find((result) => result.status === 'rejected');
  if (failed) {
    await close();
    throw failed.reason;
  }
  return Object.freeze({
    run: () => Promise.all(crews.map((crew) => crew.run())),
    stop: () => {
      for (const crew of crews) crew.stop();
    },
    close,
  });
}

/** A crew in a thread of its own. */
async function openThread<Plan, Item, Result>(
  task: ThreadTask<Plan>,
  send: CrewHost<Item>['send'],
  program: URL,
): Promise<Crew<Result>> {
  const worker = new Worker(program, { workerData: task });
  const ready = createDeferred<void>();
  const done = createDeferred<Result>();
  const fail = (error: unknown) => {
    ready.reject(error);
    done.reject(error);
  };
  // Whoever awaits `ready` first learns of a failure there; `done` must not be rejected unhandled.
  done.promise.catch(() => undefined);
  worker.on('error', fail);
  worker.on('exit', (code) => fail(new Error(`a thread of stress ended with status ${code}`)));
  worker.on('message', (message: FromThread<Item, Result>) => {
    if (message.type === 'ready') ready.resolve();
    if (message.type === 'history') send(message);
    if (message.type === 'done') done.resolve(message.result);
    if (message.type === 'failed') fail(new Error(message.message));
  });
  const tell = (message: ToThread) => worker.postMessage(message);
  const close = async () => {
    await worker.terminate();
  };
  try {
    await ready.promise;
  } catch (error) {
    await close();
    throw error;
  }
  return {
    run: () => {
      tell('go');
      return done.promise;
    },
    stop: () => tell('stop'),
    written: () => tell('written'),
    close,
  };
}
