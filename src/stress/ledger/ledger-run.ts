import type { Context } from '../../core/context.ts';
import { BankctlError } from '../../core/errors.ts';
import type { BinaryHost } from '../../database/mongod/mongod-binary.ts';
import type { Verdict } from '../check/verdict.ts';
import type { HistoryEvent } from '../history/history-event.ts';
import { openHistory } from '../history/history-file.ts';
import { createDraw, type Draw } from '../random.ts';
import { inThrowaway, onStressServer, type StressServer, throwawayName } from '../server.ts';
import { openAccounts, openStressBank } from './ledger-bank.ts';
import { money } from './ledger-lines.ts';
import { type LedgerOptions, type LedgerSettings, settleLedgerOptions } from './ledger-options.ts';
import { type LedgerPlan, ledgerKinds, makeLedgerPlan } from './ledger-plan.ts';
import { readBack } from './ledger-read-back.ts';
import { createRecord, type LedgerModelReport, type LedgerRecord } from './ledger-record.ts';
import { crewProgram, openCrews } from './ledger-threads.ts';
import { runNemesis } from './nemesis.ts';
import { awaitQuiet, awaitWrites } from './server-state.ts';

/** The result of a run of the ledger; printed as it is by `--json`. */
export interface LedgerReport {
  readonly seed: number;
  readonly workers: number;
  readonly models: readonly [LedgerModelReport];
  readonly verdict: Verdict;
  /** Why the run proves nothing, where the verdict is `undecided`. */
  readonly reason?: string;
  /** The databases that `--keep` left in place. */
  readonly kept?: readonly string[];
}

/** What a run of the ledger needs from its surroundings. */
export interface LedgerHost extends BinaryHost, Pick<Context, 'freshId' | 'freshSeed'> {
  /** A few times a second. There is no total where time is the bound. */
  readonly counted: (progress: LedgerProgress) => void;
  /** Hears every event of the run, in order. */
  readonly heard?: ((event: HistoryEvent) => void) | undefined;
  /** Told of the server when it is there. */
  readonly opened?: ((server: { readonly version: string }) => void) | undefined;
  /** The program of the threads, where it is not bundled beside this one. */
  readonly crewProgram?: URL | undefined;
  /** When the whole of the stress began, where other models ran before in the same history. */
  readonly startedNs?: bigint | undefined;
}

/** How far a run is. */
export interface LedgerProgress {
  readonly done: number;
  readonly total: number | undefined;
  readonly unknown: number;
  readonly faults: number;
}

/**
 * Drives a seeded bank workload through the real write path, with group commit, from many workers,
 * while the server is killed or another one takes over; then reads everything back and judges it
 * all by the same code that judges a stored history. Whatever it started or created is gone when
 * it returns or throws, on an interruption too.
 *
 * @throws `usage`, `not_ours`, `no_transactions` for a standalone, `interrupted`, `database_failed`
 *   where the server does not come back, and what finding a mongod or connecting can fail with
 *
 * Source: the workload and the names of its faults are those of Jepsen's bank test.
 */
export async function runLedger(options: LedgerOptions, host: LedgerHost): Promise<LedgerReport> {
  const settings = settleLedgerOptions(options);
  const appends = { append: host.startedNs !== undefined };
  const file =
    settings.history === undefined
      ? undefined
      : await openHistory(settings.history, host.interrupted, appends);
  try {
    return await onStressServer(settings, host, (server) =>
      runOn(server, settings, host, file?.write),
    );
  } finally {
    await file?.close();
  }
}

async function runOn(
  server: StressServer,
  settings: LedgerSettings,
  host: LedgerHost,
  write: Parameters<typeof createRecord>[0]['write'],
): Promise<LedgerReport> {
  host.opened?.(server);
  const database = throwawayName(host, 'ledger');
  const plan = makeLedgerPlan(settings);
  const startedNs = host.startedNs ?? host.monotonicNs();
  const record = createRecord({ sources: settings.threads + 1, write, heard: host.heard });
  const task = { plan, database, startedNs, record };
  const work = async () => {
    await begin(server, settings, host, task);
    await drive(server, settings, host, task);
    await finish(server, host, task);
  };
  await inThrowaway(server, { name: database, keep: settings.keep }, work);
  const { model, verdict, reason } = record.report();
  return {
    seed: settings.seed,
    workers: settings.workers,
    models: [model],
    verdict,
    ...(reason === undefined ? {} : { reason }),
    ...(settings.keep ? { kept: [database] } : {}),
  };
}

interface Task {
  readonly plan: LedgerPlan;
  readonly database: string;
  readonly startedNs: bigint;
  readonly record: LedgerRecord;
}

/** Opens the accounts, and writes the first line. */
async function begin(
  { client }: StressServer,
  { timeoutMs, faults }: LedgerSettings,
  host: LedgerHost,
  { plan, database, startedNs, record }: Task,
): Promise<void> {
  const draw = () => host.freshSeed() / 2 ** 31;
  await openAccounts(await openStressBank(client, database, plan, { timeoutMs, draw }), plan);
  const balance = money(plan.seedBalanceMinor);
  const accounts = plan.accounts.map(
    ({ branch, account }) => [`${branch}:${account}`, { balance, version: 1 }] as const,
  );
  await record.append({
    type: 'ok',
    f: 'init',
    value: { accounts: Object.fromEntries(accounts) },
    model: 'ledger',
    seed: plan.seed,
    kinds: ledgerKinds,
    ...(faults === undefined ? {} : { faults }),
    time: Number(host.monotonicNs() - startedNs),
  });
}

/** Lets the workers and the faults loose, and returns when both are done. */
async function drive(
  { uri, client, throwaway }: StressServer,
  settings: LedgerSettings,
  host: LedgerHost,
  { plan, database, startedNs, record }: Task,
): Promise<void> {
  const { threads, durationMs, timeoutMs, faults } = settings;
  const { seed, workers, operations, branches } = plan;
  const { monotonicNs, freshSeed, interrupted } = host;
  const nowNs = () => Number(monotonicNs() - startedNs);
  const crews = await openCrews(
    {
      uri,
      database,
      plan: { seed, workers, operations, branches },
      durationMs,
      startedNs,
      timeoutMs,
    },
    threads,
    {
      monotonicNs,
      freshSeed,
      interrupted,
      program: host.crewProgram ?? crewProgram,
      send: (crew, batch) => record.take(crew, batch, () => crews.written(crew)),
    },
  );
  const over = new AbortController();
  const nemesisSource = threads;
  const tell = () => {
    record.flush(nemesisSource, nowNs());
    const total = durationMs === undefined ? operations : undefined;
    host.counted({ ...record.progress(), total });
  };
  const ticker = setInterval(tell, 100);
  const stop = interruptionOf(interrupted);
  const deadlineNs =
    durationMs === undefined ? Number.POSITIVE_INFINITY : nowNs() + durationMs * 1e6;
  const nemesis =
    throwaway && faults
      ? runNemesis(
          { kind: faults, server: throwaway, client, database, deadlineNs, draw: faultDraw(seed) },
          {
            nowNs,
            event: (line) => record.add(nemesisSource, line),
            stopped: over.signal,
            interrupted,
          },
        )
      : Promise.resolve();
  try {
    const work = crews.run().finally(() => over.abort());
    await Promise.race([Promise.all([work, nemesis]), record.failed, stop.promise]);
  } finally {
    over.abort();
    clearInterval(ticker);
    stop.end();
    crews.stop();
    if (throwaway && interrupted.aborted) await client.close();
    // A server that is being started again must not outlive the run.
    await Promise.all([crews.close(), nemesis.catch(() => undefined)]);
  }
  record.flush(nemesisSource, Number.POSITIVE_INFINITY);
  await record.written();
}

/** Other numbers than those of the plan of the same seed. */
function faultDraw(seed: number): Draw {
  return createDraw(seed ^ 0x6e656d);
}

/** Rejects on an interruption: nothing waits for a server that may be down. */
function interruptionOf(interrupted: AbortSignal) {
  let abort: () => void = () => undefined;
  const promise = new Promise<never>((_, reject) => {
    abort = () => reject(new BankctlError('interrupted', 'Stopped by you.'));
  });
  promise.catch(() => undefined);
  if (interrupted.aborted) abort();
  interrupted.addEventListener('abort', abort, { once: true });
  return { promise, end: () => interrupted.removeEventListener('abort', abort) };
}

/** Waits until all is quiet, reads everything back, and writes the last line. */
async function finish(
  { client }: StressServer,
  host: LedgerHost,
  { plan, database, startedNs, record }: Task,
): Promise<void> {
  const nowNs = () => Number(host.monotonicNs() - startedNs);
  const wait = { nowNs, interrupted: host.interrupted };
  await awaitQuiet(client, wait);
  await awaitWrites(client, database, wait);
  const value = await readBack(client, database, plan);
  await record.append({ type: 'ok', f: 'applied', value, time: nowNs() });
}
