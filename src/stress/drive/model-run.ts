import type { Context } from '../../core/context.ts';
import { BankctlError } from '../../core/errors.ts';
import type { EventTimeline } from '../check/timeline.ts';
import { createDeferred } from '../explore/deferred.ts';
import type { HistoryEvent } from '../history/event.ts';
import type { HistoryFile } from '../history/history-file.ts';
import type { FaultKind } from '../plan/ledger.ts';
import { createDraw } from '../plan/random.ts';
import type { StressModelName } from '../setup/options.ts';
import { type StressServer, throwawayName, withThrowawayDatabase } from '../setup/server.ts';
import type { PlanSize, Workload } from './crew.ts';
import { openCrews, threadProgram } from './crews.ts';
import { runNemesis } from './nemesis.ts';
import { createRecord, type HistoryRecord, type RecordedRun } from './record.ts';

/** How one kind of model is run. */
interface Recipe<Plan extends PlanSize, Item, Result> {
  readonly model: StressModelName;
  readonly workload: Workload<Plan, Item, Result>;
  readonly plan: Plan;
  /** An interruption waits for the operations under way. */
  readonly waitsForWorkers: boolean;
  /** Makes the accounts. */
  readonly prepare: (database: string) => Promise<void>;
  /** The first event of the history. */
  readonly init: (atNs: number) => HistoryEvent;
  /** The event that a crew's item stands for. */
  readonly eventOf: (item: Item) => HistoryEvent;
  /** The value of the last event. */
  readonly readBack: (database: string, nowNs: () => number) => Promise<HistoryEvent['value']>;
  /** A few times a second. */
  readonly counted: (progress: ReturnType<HistoryRecord['progress']>) => void;
}

/** What a recipe is carried out with. */
interface RunSettings {
  readonly seed: number;
  readonly threads: number;
  readonly durationMs: number | undefined;
  readonly timeoutMs: number;
  readonly keep: boolean;
  readonly faults?: FaultKind | undefined;
}

/** What the run of a model needs from its caller. */
interface ModelHost extends Pick<Context, 'freshId' | 'freshSeed' | 'monotonicNs' | 'interrupted'> {
  readonly server: StressServer;
  readonly file: HistoryFile | undefined;
  readonly startedNs: () => bigint;
  readonly timed?: ((model: StressModelName, timeline: EventTimeline) => void) | undefined;
  readonly threadProgram?: URL | undefined;
}

/** The result of one model's run. */
export interface ModelRun<Result> extends RecordedRun {
  /** One per thread. */
  readonly results: readonly Result[];
  readonly database: string;
}

const tickMs = 100;

/**
 * Runs one model: claims a database, makes the accounts, sets the workers going, reads everything
 * back, and judges the whole history.
 */
export async function runModel<Plan extends PlanSize, Item, Result>(
  recipe: Recipe<Plan, Item, Result>,
  settings: RunSettings,
  host: ModelHost,
): Promise<ModelRun<Result>> {
  const { server, file } = host;
  const { keep, threads, faults } = settings;
  const { model } = recipe;
  const database = throwawayName(host, model);
  const startedNs = host.startedNs();
  const nowNs = () => Number(host.monotonicNs() - startedNs);
  const sources = threads + (faults === undefined ? 0 : 1);
  const record = createRecord({ sources, file, withTimeline: host.timed !== undefined });
  const results = await withThrowawayDatabase(server, { name: database, keep }, async () => {
    await recipe.prepare(database);
    await record.append(recipe.init(nowNs()));
    const driven = await drive(recipe, settings, host, { database, record, startedNs, nowNs });
    const value = await recipe.readBack(database, nowNs);
    await record.append({ type: 'ok', f: 'applied', value, time: nowNs() });
    return driven;
  });
  const recorded = record.finish();
  if (recorded.timeline) host.timed?.(model, recorded.timeline);
  return { ...recorded, results, database };
}

interface Drive {
  readonly database: string;
  readonly record: HistoryRecord;
  readonly startedNs: bigint;
  readonly nowNs: () => number;
}

/** Starts the workers and the faults, and returns when both are done. */
async function drive<Plan extends PlanSize, Item, Result>(
  recipe: Recipe<Plan, Item, Result>,
  { seed, threads, durationMs, timeoutMs, faults }: RunSettings,
  host: ModelHost,
  { database, record, startedNs, nowNs }: Drive,
): Promise<readonly Result[]> {
  const { monotonicNs, freshSeed, interrupted } = host;
  const { uri, client, throwaway } = host.server;
  const { workload, plan } = recipe;
  const task = { uri, database, plan, durationMs, startedNs, timeoutMs };
  const crews = await openCrews(workload, task, threads, {
    ...{ monotonicNs, freshSeed, interrupted },
    program: host.threadProgram ?? threadProgram,
    take: (crew, { items, upToNs }) => record.take(crew, items.map(recipe.eventOf), upToNs),
  });
  const over = new AbortController();
  // The nemesis is the source after those of the threads.
  const takeFaults = (events: readonly HistoryEvent[], upToNs: number) => {
    if (faults !== undefined) void record.take(threads, events, upToNs);
  };
  const tick = () => {
    takeFaults([], nowNs());
    recipe.counted(record.progress());
  };
  const ticker = setInterval(tick, tickMs);
  const interruption = onInterruption(interrupted, (reject) => {
    crews.stop();
    if (!recipe.waitsForWorkers) reject();
  });
  const deadlineNs =
    durationMs === undefined ? Number.POSITIVE_INFINITY : nowNs() + durationMs * 1e6;
  // Different numbers from those of the plan with the same seed.
  const draw = createDraw(seed ^ 0x6e656d);
  const nemesis =
    throwaway && faults
      ? runNemesis(
          { kind: faults, server: throwaway, client, database, deadlineNs, draw },
          {
            nowNs,
            record: (event) => takeFaults([event], event.time),
            stopped: over.signal,
            interrupted,
          },
        )
      : Promise.resolve();
  try {
    const work = crews.run().finally(() => over.abort());
    const all = Promise.all([work, nemesis]);
    const [results] = await Promise.race([all, record.failed, interruption.promise]);
    interrupted.throwIfAborted();
    takeFaults([], Number.POSITIVE_INFINITY);
    await record.written();
    return results;
  } finally {
    over.abort();
    clearInterval(ticker);
    tick();
    interruption.end();
    crews.stop();
    if (throwaway && interrupted.aborted) await client.close();
    // A server that is being restarted must not outlive the run.
    await Promise.all([crews.close(), nemesis.catch(() => undefined)]);
  }
}

/** On an interruption, calls back with a function that rejects the promise. */
function onInterruption(interrupted: AbortSignal, act: (reject: () => void) => void) {
  const { promise, reject } = createDeferred<never>();
  promise.catch(() => undefined);
  const abort = () => act(() => reject(new BankctlError('interrupted', 'Stopped by you.')));
  if (interrupted.aborted) abort();
  interrupted.addEventListener('abort', abort, { once: true });
  return { promise, end: () => interrupted.removeEventListener('abort', abort) };
}
