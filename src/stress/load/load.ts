import { type MongoClient, ReadConcern } from 'mongodb';
import { fromDecimal } from '../../bank/decimal.ts';
import type { Context } from '../../core/context.ts';
import type { BinaryHost } from '../../database/mongod/mongod-binary.ts';
import { decide, type Verdict } from '../check/verdict.ts';
import { type HistoryFile, openHistory } from '../history/history-file.ts';
import { appliedEvent, initEvent } from '../history/history-lines.ts';
import { inThrowaway, onStressServer, type StressServer, throwawayName } from '../server.ts';
import { type Judgement, judgeRun, type LoadCounts, type LoadRun, type ReadBack } from './check.ts';
import type { DriveResult } from './drive.ts';
import { explain, type FirstWrong } from './explain.ts';
import {
  collectionOfBranch,
  type LoadModelName,
  prepareModel,
  runCollections,
} from './load-models.ts';
import { type LoadOptions, type LoadSettings, settleLoadOptions } from './load-options.ts';
import { runHere, type TeamHost, type TeamTask } from './load-team.ts';
import { runThreads, threadProgram } from './load-threads.ts';
import { makePlan, type Plan, planCurrency } from './plan.ts';
import { type Timeline, timelineOf } from './timeline.ts';

/** The result of a load run; printed as it is by `--json`. */
export interface LoadReport {
  readonly seed: number;
  readonly workers: number;
  readonly models: readonly LoadModelReport[];
  readonly verdict: Verdict;
  /** Why the run proves nothing, where the verdict is `undecided`. */
  readonly reason?: string;
  /** The databases that `--keep` left in place. */
  readonly kept?: readonly string[];
}

/** What one model came to. */
export interface LoadModelReport extends LoadCounts {
  readonly model: LoadModelName;
  readonly first_wrong?: FirstWrong;
}

/** What a load run needs from its surroundings. */
export interface LoadHost extends BinaryHost, Pick<Context, 'freshId'> {
  /** A few times a second under load. There is no total where time is the bound. */
  readonly counted: (
    model: LoadModelName,
    done: number,
    total: number | undefined,
    wrong: number,
  ) => void;
  /** Told of the server when it is there. */
  readonly opened?: ((server: Pick<StressServer, 'version'>) => void) | undefined;
  /** Told, for each model, how its run went in time. It is made for this alone. */
  readonly timed?: ((model: LoadModelName, timeline: Timeline) => void) | undefined;
  /** The program of the threads, where it is not bundled beside this one. */
  readonly threadProgram?: URL | undefined;
}

/** Each branch has so many accounts, so that workers meet on one now and then. */
const accountsPerBranch = 4;

/**
 * Drives the same seeded plan of increments against each model, in a database of its own, and
 * judges what happened. Whatever it started or created is gone when it returns or throws, on an
 * interruption too; `keep` leaves the databases of a given URI.
 *
 * @throws `usage` for options out of bounds, `not_ours`, `interrupted`, and what finding a mongod
 *   or connecting can fail with
 */
export async function runLoad(options: LoadOptions, host: LoadHost): Promise<LoadReport> {
  const settings = settleLoadOptions(options);
  const history =
    settings.history === undefined
      ? undefined
      : await openHistory(settings.history, host.interrupted);
  try {
    return await onStressServer(settings, host, (server) => {
      host.opened?.(server);
      return runModels(settings, host, server, history);
    });
  } finally {
    await history?.close();
  }
}

async function runModels(
  settings: LoadSettings,
  host: LoadHost,
  server: StressServer,
  history: HistoryFile | undefined,
): Promise<LoadReport> {
  const plan = makePlan({ ...settings, accountsPerBranch });
  const judged: { judgement: Judgement; report: LoadModelReport }[] = [];
  const kept: string[] = [];
  const startedNs = host.monotonicNs();
  for (const model of settings.models) {
    const database = throwawayName(host, model);
    const place = { name: database, keep: settings.keep };
    const task = { plan, model, database, startedNs };
    judged.push(
      await inThrowaway(server, place, () => runModel(settings, host, server, task, history)),
    );
    if (settings.keep) kept.push(database);
  }
  return {
    seed: settings.seed,
    workers: settings.workers,
    models: judged.map(({ report }) => report),
    ...decide(
      judged.map(({ judgement: { model, counts, doubt } }) => ({
        model,
        wrong: counts.wrong,
        doubt,
      })),
    ),
    ...(settings.keep ? { kept } : {}),
  };
}

interface ModelTask {
  readonly plan: Plan;
  readonly model: LoadModelName;
  readonly database: string;
  readonly startedNs: bigint;
}

async function runModel(
  settings: LoadSettings,
  host: LoadHost,
  { client, uri }: StressServer,
  { plan, model, database, startedNs }: ModelTask,
  history: HistoryFile | undefined,
): Promise<{ judgement: Judgement; report: LoadModelReport }> {
  const { threads, durationMs, timeoutMs } = settings;
  const nowNs = () => Number(host.monotonicNs() - startedNs);
  await prepareModel(client.db(database), model, plan);
  await history?.append(initEvent(plan, model, nowNs()));
  const task: TeamTask = { uri, database, model, plan, threads, durationMs, timeoutMs, startedNs };
  const results = await runTeam(task, host, history);
  host.interrupted.throwIfAborted();
  const readBack = await readBalances(client, database, plan);
  await history?.append(appliedEvent(plan, readBack, nowNs()));
  const run: LoadRun = {
    model,
    plan,
    records: results.map(({ record }) => record),
    unattributed: results.reduce((total, { unattributed }) => total + unattributed, 0),
    leftSwitched: results.reduce((total, { leftSwitched }) => total + leftSwitched, 0),
    readBack,
  };
  const judgement = judgeRun(run, collectionOfBranch);
  host.timed?.(model, timelineOf({ ...run, firstWrong: judgement.firstWrong }));
  return { judgement, report: reportOf(judgement, results, plan) };
}

async function runTeam(
  task: TeamTask,
  host: LoadHost,
  history: HistoryFile | undefined,
): Promise<readonly DriveResult[]> {
  const { model, plan, threads } = task;
  const total = task.durationMs === undefined ? plan.operations : undefined;
  const team: TeamHost = {
    monotonicNs: host.monotonicNs,
    interrupted: host.interrupted,
    counted: (done, wrong) => host.counted(model, done, total, wrong),
  };
  const take = history?.merge(threads);
  if (threads > 1) return runThreads(task, team, host.threadProgram ?? threadProgram, take);
  return runHere(task, team, take && ((batch) => take(0, batch)));
}

/**
 * Every document of every collection of the run, as the primary has it now: a majority may not
 * have heard yet of the last writes, which waited for the primary alone.
 */
async function readBalances(client: MongoClient, database: string, plan: Plan) {
  const readBack: ReadBack[] = [];
  const db = client.db(database, { readConcern: new ReadConcern('local') });
  for (const [collection, name] of runCollections(plan).entries()) {
    const documents = await db.collection(name).find().toArray();
    for (const document of documents) {
      readBack.push({
        collection,
        account: String(document['account_number']),
        balanceMinor: fromDecimal(document['balance'], planCurrency),
      });
    }
  }
  return readBack;
}

function reportOf(
  { model, counts, firstWrong }: Judgement,
  results: readonly DriveResult[],
  plan: Plan,
): LoadModelReport {
  if (!firstWrong) return { model, ...counts };
  const { record, events } = results[firstWrong.record] ?? { record: undefined, events: [] };
  const landed = runCollections(plan)[firstWrong.landed];
  const error = firstWrong.error === undefined ? undefined : record?.messages[firstWrong.error];
  return { model, ...counts, first_wrong: explain(plan, firstWrong, events, landed, error) };
}
