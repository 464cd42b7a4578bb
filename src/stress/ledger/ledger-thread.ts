// The entry point of a worker thread of `bankctl stress --model ledger`. It is bundled on its own.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { createContext } from '../../core/context.ts';
import type { HistoryBatch } from '../history/line-batches.ts';
import { type CrewTask, openCrew } from './ledger-crew.ts';

/** What the main thread tells a thread: begin, begin nothing more, a batch has been taken. */
export type ToCrew = 'go' | 'stop' | 'written';

/** What a thread tells the main thread. */
export type FromCrew =
  | { readonly type: 'ready' }
  | HistoryBatch
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly message: string };

async function work(task: CrewTask, port: MessagePort): Promise<void> {
  const { monotonicNs, freshSeed } = createContext();
  const tell = (message: FromCrew) => port.postMessage(message);
  const crew = await openCrew(task, { monotonicNs, freshSeed, send: tell });
  try {
    const begin = new Promise<void>((resolve) => {
      port.on('message', (message: ToCrew) => {
        if (message === 'go') resolve();
        if (message === 'stop') crew.stop();
        if (message === 'written') crew.written();
      });
    });
    tell({ type: 'ready' });
    await begin;
    await crew.run();
    tell({ type: 'done' });
  } finally {
    await crew.close();
    port.close();
  }
}

if (parentPort) {
  const port = parentPort;
  work(workerData, port).catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    port.postMessage({ type: 'failed', message } satisfies FromCrew);
    port.close();
  });
}
