import { openLedger } from '../../bank/ledger.ts';
import type { Context } from '../../core/context.ts';
import { connect } from '../../database/connect.ts';
import { batchLines, type HistoryBatch } from '../history/line-batches.ts';
import { openStressBank, stressAuthor } from './ledger-bank.ts';
import { type LedgerPlanOptions, makeLedgerPlan } from './ledger-plan.ts';
import { createWorker } from './ledger-worker.ts';

/** What the workers of one thread are to do. Plain data. */
export interface CrewTask {
  readonly uri: string;
  readonly database: string;
  readonly plan: LedgerPlanOptions;
  /** The workers of this thread, by their number in the plan. */
  readonly workers: readonly number[];
  /** No operation begins later than this after the start, milliseconds. */
  readonly durationMs: number | undefined;
  /** The run's start on the monotonic clock, which all threads share; times count from it. */
  readonly startedNs: bigint;
  readonly timeoutMs: number;
}

/** What a crew needs from its surroundings. */
export interface CrewHost extends Pick<Context, 'monotonicNs' | 'freshSeed'> {
  /** Takes a batch of the history; `written` must be called for it later. */
  readonly send: (batch: HistoryBatch) => void;
  readonly interrupted?: AbortSignal | undefined;
}

/** The workers of one thread, on one client, one bank and one ledger. */
export interface Crew {
  /** Does the work; resolved when all of it is done, what was given up included. */
  readonly run: () => Promise<void>;
  /** No operation begins any more. */
  readonly stop: () => void;
  /** A batch has been taken. */
  readonly written: () => void;
  readonly close: () => Promise<void>;
}

/** The application name of the crews' connections, by which the server tells what they do. */
export const crewName = 'bankctl stress ledger';

const flushEveryMs = 100;

/** Connects a crew; its connections are closed by `close`. */
export async function openCrew(task: CrewTask, host: CrewHost): Promise<Crew> {
  const { timeoutMs, workers } = task;
  const plan = makeLedgerPlan(task.plan);
  const client = await connect(task.uri, {
    timeoutMs,
    appName: crewName,
    // Reads go beside the one batch of the ledger.
    maxPoolSize: Math.min(workers.length + 4, 256),
    interrupted: host.interrupted,
  });
  const nowNs = () => Number(host.monotonicNs() - task.startedNs);
  const draw = () => host.freshSeed() / 2 ** 31;
  const lines = batchLines(host.send);
  let stopped = false;
  const run = async () => {
    const bank = await openStressBank(client, task.database, plan, { timeoutMs, draw });
    const ledger = openLedger(bank, { by: stressAuthor });
    const background = new Set<Promise<unknown>>();
    const shared = { bank, ledger, plan, lines, nowNs, background };
    const deadlineNs =
      task.durationMs === undefined ? Number.POSITIVE_INFINITY : nowNs() + task.durationMs * 1e6;
    const work = async (number: number) => {
      const worker = createWorker(number, shared);
      for (let nth = 0; ; nth += 1) {
        const index = nth * plan.workers + number;
        if (stopped || index >= plan.operations || nowNs() >= deadlineNs) return;
        await worker.perform(plan.at(index), nth);
      }
    };
    const ticker = setInterval(() => lines.flush(nowNs()), flushEveryMs);
    try {
      await Promise.all(workers.map(work));
      await Promise.all(background);
    } finally {
      clearInterval(ticker);
    }
    lines.flush(Number.POSITIVE_INFINITY);
  };
  return Object.freeze({
    run,
    stop: () => {
      stopped = true;
    },
    written: lines.written,
    close: () => client.close(),
  });
}
