import { Worker } from 'node:worker_threads';
import { deferred } from '../explore/deferred.ts';
import { type Crew, type CrewHost, type CrewTask, openCrew } from './ledger-crew.ts';
import type { FromCrew, ToCrew } from './ledger-thread.ts';

/** Where the threads' program is: bundled beside this one. */
export const crewProgram = new URL('./ledger-thread.js', import.meta.url);

/** The crews of all threads. */
export interface Crews {
  readonly run: () => Promise<void>;
  readonly stop: () => void;
  /** A batch of that crew has been taken. */
  readonly written: (crew: number) => void;
  readonly close: () => Promise<void>;
}

/** What the crews of a run need from their surroundings. */
export interface CrewsHost extends Omit<CrewHost, 'send'> {
  readonly send: (crew: number, batch: Parameters<CrewHost['send']>[0]) => void;
  readonly program: URL;
}

/**
 * Spreads the workers over threads, each with a client, a bank and a ledger of its own, so that
 * batches of several ledgers meet in the server as those of several processes do. A single crew
 * works in this thread.
 */
export async function openCrews(
  task: Omit<CrewTask, 'workers'>,
  threads: number,
  host: CrewsHost,
): Promise<Crews> {
  const opening = Array.from({ length: threads }, (_, thread) => {
    const workers = Array.from({ length: task.plan.workers }, (_unused, worker) => worker).filter(
      (worker) => worker % threads === thread,
    );
    const send: CrewHost['send'] = (batch) => host.send(thread, batch);
    const crew = { ...task, workers };
    return threads === 1 ? openCrew(crew, { ...host, send }) : openThread(crew, send, host.program);
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
    run: async () => {
      await Promise.all(crews.map((crew) => crew.run()));
    },
    stop: () => {
      for (const crew of crews) crew.stop();
    },
    written: (crew: number) => crews[crew]?.written(),
    close,
  });
}

/** A crew in a thread of its own. */
async function openThread(task: CrewTask, send: CrewHost['send'], program: URL): Promise<Crew> {
  const worker = new Worker(program, { workerData: task });
  const ready = deferred<void>();
  const done = deferred<void>();
  const fail = (error: unknown) => {
    ready.reject(error);
    done.reject(error);
  };
  // Whoever waits for `ready` first hears of a failure there; `done` alone must not be unheard.
  done.promise.catch(() => undefined);
  worker.on('error', fail);
  worker.on('exit', (code) => fail(new Error(`a thread of stress ended with status ${code}`)));
  worker.on('message', (message: FromCrew) => {
    if (message.type === 'ready') ready.resolve();
    if (message.type === 'history') send(message);
    if (message.type === 'done') done.resolve();
    if (message.type === 'failed') fail(new Error(message.message));
  });
  const tell = (message: ToCrew) => worker.postMessage(message);
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
