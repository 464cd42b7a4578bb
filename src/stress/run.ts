import type { Context } from '../core/context.ts';
import { BankctlError } from '../core/errors.ts';
import type { BinaryHost } from '../database/mongod/mongod-binary.ts';
import { incrementEvidence } from './check/increment.ts';
import type { MeterCounts } from './check/meter.ts';
import { explainFirstWrong } from './check/story.ts';
import type { EventTimeline } from './check/timeline.ts';
import { decide, type Evidence } from './check/verdict.ts';
import { incrementEvents, readBalances } from './drive/increment-events.ts';
import { type IncrementsResult, incrementWorkload } from './drive/increments.ts';
import { ledgerWorkload } from './drive/ledger.ts';
import { type ModelRun, runModel } from './drive/model-run.ts';
import type {
  LedgerModelReport,
  LoadModelReport,
  LoadReport,
  StressReport,
} from './drive/report.ts';
import { awaitQuiet, awaitWrites } from './drive/server-state.ts';
import { type HistoryFile, openHistory } from './history/history-file.ts';
import {
  type IncrementModel,
  incrementModels,
  makePlan,
  type Plan,
  planAmount,
} from './plan/increments.ts';
import { type FaultKind, ledgerKinds, makeLedgerPlan } from './plan/ledger.ts';
import {
  completeLedgerOptions,
  completeLoadOptions,
  type LedgerSettings,
  type LoadOptions,
  type LoadSettings,
  type StressModelName,
  type StressOptions,
} from './setup/options.ts';
import { type StressServer, withStressServer } from './setup/server.ts';
import { openAccounts, openStressBank, readBack } from './subjects/ledger.ts';
import { prepareModel, runCollections } from './subjects/load-models.ts';

/** What a run of the models without a journal needs from its caller. */
export interface LoadHost extends BinaryHost, Pick<Context, 'freshId' | 'freshSeed'> {
  /** A few times a second under load. There is no total if the run is limited by time. */
  readonly counted: (
    model: IncrementModel,
    done: number,
    total: number | undefined,
    wrong: number,
  ) => void;
  /** Called with the server once it is running. */
  readonly opened?: ((server: Pick<StressServer, 'version'>) => void) | undefined;
  /** Called for each model with the timeline of its run, which is made only if this is given. */
  readonly timed?: ((model: StressModelName, timeline: EventTimeline) => void) | undefined;
  /** The path of the threads' program, if it is not bundled beside this one. */
  readonly threadProgram?: URL | undefined;
}

/** What a stress run needs from its caller. */
export interface StressHost extends LoadHost {
  readonly countedLedger: (progress: LedgerProgress) => void;
}

/** How far a run of the ledger has got. There is no total if the run is limited by time. */
export interface LedgerProgress extends MeterCounts {
  readonly total: number | undefined;
}

/**
 * Runs the models that were asked for: shared and branch under the same seeded plan of increments,
 * the ledger under a bank workload through the real write path, with group commit, while its server
 * is killed or another one takes over. Then everything is read back and judged by the same code
 * that judges a stored history. One verdict on all of them; one history, if any. Whatever was
 * started or created is gone when it returns or throws, even on an interruption; `keep` leaves the
 * databases of a given URI.
 *
 * @throws `usage`, `not_ours`, `not_writable`, `no_transactions` for a ledger on a standalone,
 *   `interrupted`, `database_failed` if the server does not come back, and what finding a mongod or
 *   connecting can fail with
 *
 * Source: the ledger's workload and the names of its faults are those of Jepsen's bank test.
 */
export async function runStress(options: StressOptions, host: StressHost): Promise<StressReport> {
  const { models = incrementModels, faults, replicas, ...common } = options;
  const plain = models.filter((model) => model !== 'ledger');
  const withLedger = models.includes('ledger');
  if (!withLedger || (faults !== undefined && plain.length > 0)) {
    if (faults !== undefined || replicas !== undefined) throw forLedgerAlone(faults);
  }
  // What the ledger would refuse is refused before the others are run.
  const ledger = withLedger ? completeLedgerOptions({ ...common, faults, replicas }) : undefined;
  const load = plain.length > 0 ? completeLoadOptions({ ...common, models: plain }) : undefined;
  const settings = load ?? ledger ?? completeLoadOptions(common);
  return recorded(settings, host, async (context) => {
    const ran = load ? await runIncrements(load, host, context) : [];
    const ledgers = ledger ? await runLedger(ledger, host, context) : [];
    return buildReport<LoadModelReport | LedgerModelReport>(settings, [...ran, ...ledgers]);
  });
}

/**
 * Runs the models without a journal.
 *
 * @throws as `runStress`
 */
export async function runLoad(options: LoadOptions, host: LoadHost): Promise<LoadReport> {
  const settings = completeLoadOptions(options);
  return recorded(settings, host, async (context) =>
    buildReport(settings, await runIncrements(settings, host, context)),
  );
}

function forLedgerAlone(faults: FaultKind | undefined): BankctlError {
  const flag = faults === undefined ? '--replicas' : '--faults';
  return new BankctlError(
    'usage',
    `${flag} is for the ledger alone.`,
    `Type bankctl stress --model ledger ${flag} ${faults ?? 3}.`,
  );
}

/** What all models of a run share. */
interface RunContext {
  readonly file: HistoryFile | undefined;
  /** The start of the first model, on the monotonic clock. */
  readonly startedNs: () => bigint;
}

/** Opens the file of the history, if one was asked for, for the duration of a run. */
async function recorded<Result>(
  { history }: { readonly history: string | undefined },
  { interrupted, monotonicNs }: Pick<Context, 'interrupted' | 'monotonicNs'>,
  run: (context: RunContext) => Promise<Result>,
): Promise<Result> {
  const file = history === undefined ? undefined : await openHistory(history, interrupted);
  let startedNs: bigint | undefined;
  const start = () => {
    startedNs ??= monotonicNs();
    return startedNs;
  };
  try {
    return await run({ file, startedNs: start });
  } finally {
    await file?.close();
  }
}

/** The result of one model's run. */
interface Ran<Model> {
  readonly report: Model;
  readonly evidence: Evidence;
  readonly database: string;
}

function buildReport<Model>(
  { seed, workers, keep }: Pick<LoadSettings, 'seed' | 'workers' | 'keep'>,
  ran: readonly Ran<Model>[],
): StressReport<Model> {
  return {
    seed,
    workers,
    models: ran.map(({ report }) => report),
    ...decide(ran.map(({ evidence }) => evidence)),
    ...(keep ? { kept: ran.map(({ database }) => database) } : {}),
  };
}

/** Each branch has only a few accounts, so that workers occasionally meet on one. */
const accountsPerBranch = 4;

async function runIncrements(
  settings: LoadSettings,
  host: LoadHost,
  context: RunContext,
): Promise<readonly Ran<LoadModelReport>[]> {
  return withStressServer(settings, host, async (server) => {
    host.opened?.(server);
    const ran: Ran<LoadModelReport>[] = [];
    for (const model of settings.models) {
      ran.push(await runIncrementModel(model, settings, host, { ...context, server }));
    }
    return ran;
  });
}

async function runIncrementModel(
  model: IncrementModel,
  settings: LoadSettings,
  host: LoadHost,
  context: RunContext & { readonly server: StressServer },
): Promise<Ran<LoadModelReport>> {
  const { seed, operations, branches, workers } = settings;
  const options = { seed, operations, branches, accountsPerBranch, workers };
  const plan = makePlan(options);
  const { client } = context.server;
  const events = incrementEvents(plan, model);
  const total = settings.durationMs === undefined ? operations : undefined;
  let twice: string | undefined;
  const run = await runModel(
    {
      model,
      workload: incrementWorkload,
      plan: { ...options, model },
      // Indexes that are being made must not arrive after their database was dropped.
      waitsForWorkers: true,
      prepare: (database) => prepareModel(client.db(database), model, plan),
      init: events.init,
      eventOf: events.of,
      readBack: async (database) => {
        const { balances, ...found } = await readBalances(client, database, plan);
        twice = found.twice;
        return { balances };
      },
      counted: ({ done, wrong }) => host.counted(model, done, total, wrong),
    },
    settings,
    { ...host, ...context },
  );
  const { judgement, results, database } = run;
  const unattributed = results.reduce((sum, result) => sum + result.unattributed, 0);
  const evidence = incrementEvidence(judgement, { unattributed, twice });
  return { report: incrementReport(model, plan, run), evidence, database };
}

function incrementReport(
  model: IncrementModel,
  plan: Plan,
  { judgement: { report, branches }, results, timings }: ModelRun<IncrementsResult>,
): LoadModelReport {
  const { operations, acknowledged, misplaced, lost, crashed, wrong } = report;
  const [first] = results
    .flatMap(({ firstWrong }) => firstWrong ?? [])
    .sort((left, right) => left.endNs - right.endNs);
  const landed = first && runCollections(plan)[first.landed];
  return {
    model,
    ...{ operations, acknowledged, misplaced, lost, crashed, wrong },
    left_switched: results.reduce((sum, { leftSwitched }) => sum + leftSwitched, 0),
    ...timings,
    branches,
    ...(first
      ? { first_wrong: explainFirstWrong(plan, first, first.events, landed, first.error) }
      : {}),
  };
}

async function runLedger(
  settings: LedgerSettings,
  host: StressHost,
  context: RunContext,
): Promise<readonly Ran<LedgerModelReport>[]> {
  const { seed, workers, operations, branches, faults, timeoutMs } = settings;
  const options = { seed, workers, operations, branches };
  const plan = makeLedgerPlan(options);
  const { freshSeed, interrupted } = host;
  const total = settings.durationMs === undefined ? operations : undefined;
  const balance = planAmount(plan.seedBalanceMinor);
  const accounts = plan.accounts.map(
    ({ branch, account }) => [`${branch}:${account}`, { balance, version: 1 }] as const,
  );
  return withStressServer(settings, host, async (server) => {
    const { client } = server;
    host.opened?.(server);
    const run = await runModel(
      {
        model: 'ledger',
        workload: ledgerWorkload,
        plan: options,
        // The server may be down.
        waitsForWorkers: false,
        prepare: async (database) => {
          const draw = () => freshSeed() / 2 ** 31;
          const bank = await openStressBank(client, database, plan, { timeoutMs, draw });
          await openAccounts(bank, plan);
        },
        init: (time) => ({
          type: 'ok',
          f: 'init',
          value: { accounts: Object.fromEntries(accounts) },
          model: 'ledger',
          seed,
          kinds: ledgerKinds,
          ...(faults === undefined ? {} : { faults }),
          time,
        }),
        eventOf: (event) => event,
        readBack: async (database, nowNs) => {
          await awaitQuiet(client, { nowNs, interrupted });
          await awaitWrites(client, database, { nowNs, interrupted });
          return { ...(await readBack(client, database, plan)) };
        },
        counted: ({ done, unknown, faults }) =>
          host.countedLedger({ done, total, unknown, faults }),
      },
      settings,
      { ...host, ...context, server },
    );
    const { judgement, timings, database } = run;
    const { report, anomalies, branches } = judgement;
    const model = { ...report, left_switched: 0, anomalies, branches, ...timings } as const;
    return [{ report: model, evidence: judgement, database }];
  });
}
