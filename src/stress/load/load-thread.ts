// The entry point of a worker thread of `bankctl stress --threads`. It is bundled on its own.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { createContext } from '../../core/context.ts';
import { batchHistory } from '../history/history-batches.ts';
import { startDrive } from './drive.ts';
import { connectWorkers, deadlineNsOf } from './load-team.ts';
import type { FromThread, ThreadTask, ToThread } from './load-thread-protocol.ts';
import { makePlan } from './plan.ts';

const tellEveryMs = 100;

/** Connects, waits for the start, does the workers' increments, and hands over the record. */
async function run(task: ThreadTask, port: MessagePort): Promise<void> {
  const { monotonicNs } = createContext();
  const tell = (message: FromThread) => port.postMessage(message);
  const plan = makePlan(task.plan);
  const client = await connectWorkers(task, task.workers.length);
  let stopped = false;
  try {
    const started = new Promise<void>((resolve) => {
      port.on('message', (message: ToThread) => {
        if (message.type === 'go') resolve();
        if (message.type === 'stop') stopped = true;
        if (message.type === 'written') batches?.written();
      });
    });
    const batches = task.withHistory ? batchHistory(plan, task.model, tell) : undefined;
    tell({ type: 'ready' });
    await started;
    const nowNs = () => Number(monotonicNs() - task.startedNs);
    const deadlineNs = deadlineNsOf(nowNs(), task.durationMs);
    const drive = startDrive(
      { ...task, plan, deadlineNs },
      {
        client,
        database: task.database,
        nowNs,
        stopped: () => stopped,
        history: batches,
      },
    );
    const ticker = setInterval(() => {
      tell({ type: 'progress', ...drive.progress() });
      batches?.flush(nowNs());
    }, tellEveryMs);
    const result = await drive.done.finally(() => clearInterval(ticker));
    tell({ type: 'progress', ...drive.progress() });
    batches?.flush(Number.POSITIVE_INFINITY);
    tell({ type: 'done', result });
  } finally {
    await client.close();
    port.close();
  }
}

if (parentPort) {
  const port = parentPort;
  run(workerData, port).catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    port.postMessage({ type: 'failed', message } satisfies FromThread);
    port.close();
  });
}
