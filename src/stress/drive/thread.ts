// The entry point of a worker thread of `bankctl stress --threads`. It is bundled on its own.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { createContext } from '../../core/context.ts';
import type { HistoryBatch } from '../history/batches.ts';
import { type CrewTask, openCrew, type PlanSize, type Workload } from './crew.ts';
import { incrementWorkload } from './increments.ts';
import { ledgerWorkload } from './ledger.ts';

/** What a thread is started with. */
export interface ThreadTask<Plan> {
  readonly workload: 'increments' | 'ledger';
  readonly task: CrewTask<Plan>;
}

/** What the main thread sends to a thread: begin, begin nothing more, a batch has been written. */
export type ToThread = 'go' | 'stop' | 'written';

/** What a thread sends to the main thread. */
export type FromThread<Item, Result> =
  | { readonly type: 'ready' }
  | HistoryBatch<Item>
  | { readonly type: 'done'; readonly result: Result }
  | { readonly type: 'failed'; readonly message: string };

async function work<Plan extends PlanSize, Item, Result>(
  workload: Workload<Plan, Item, Result>,
  task: CrewTask<Plan>,
  port: MessagePort,
): Promise<void> {
  const { monotonicNs, freshSeed } = createContext();
  const tell = (message: FromThread<Item, Result>) => port.postMessage(message);
  const crew = await openCrew(workload, task, { monotonicNs, freshSeed, send: tell });
  try {
    const begin = new Promise<void>((resolve) => {
      port.on('message', (message: ToThread) => {
        if (message === 'go') resolve();
        if (message === 'stop') crew.stop();
        if (message === 'written') crew.written();
      });
    });
    tell({ type: 'ready' });
    await begin;
    tell({ type: 'done', result: await crew.run() });
  } finally {
    await crew.close();
    port.close();
  }
}

if (parentPort) {
  const port = parentPort;
  const { workload, task } = workerData;
  const done =
    workload === 'ledger' ? work(ledgerWorkload, task, port) : work(incrementWorkload, task, port);
  done.catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    port.postMessage({ type: 'failed', message } satisfies FromThread<never, never>);
    port.close();
  });
}
