import type { Context } from '../core/context.ts';
import { BankctlError } from '../core/errors.ts';
import type { BinaryHost } from '../database/mongod/mongod-binary.ts';
import type { Verdict } from './check/verdict.ts';
import { type LedgerOptions, settleLedgerOptions } from './ledger/ledger-options.ts';
import type { LedgerModelReport } from './ledger/ledger-record.ts';
import { type LedgerHost, type LedgerProgress, runLedger } from './ledger/ledger-run.ts';
import { type LoadHost, type LoadModelReport, type LoadReport, runLoad } from './load/load.ts';
import type { LoadOptions } from './load/load-options.ts';
import { type LoadModelName, loadModelNames } from './subjects/load-models.ts';

/** What a stress run can be made against. */
export type StressModelName = LoadModelName | 'ledger';

/** What to run. */
export interface StressOptions
  extends Omit<LoadOptions, 'models'>,
    Pick<LedgerOptions, 'faults' | 'replicas'> {
  /** In this order, the ledger last; shared and branch where left out. */
  readonly models?: readonly StressModelName[] | undefined;
}

/** The result of a stress run; printed as it is by `--json`. */
export interface StressReport extends Omit<LoadReport, 'models'> {
  readonly models: readonly (LoadModelReport | LedgerModelReport)[];
  readonly verdict: Verdict;
}

/** What a stress run needs from its surroundings. */
export interface StressHost
  extends BinaryHost,
    Pick<Context, 'freshId' | 'freshSeed'>,
    Pick<LoadHost, 'timed' | 'opened'>,
    Pick<LedgerHost, 'heard'> {
  readonly counted: LoadHost['counted'];
  readonly countedLedger: (progress: LedgerProgress) => void;
}

/**
 * Runs the models that were asked for: shared and branch under increments, the ledger under its own
 * workload. One verdict over all; one history, if any.
 *
 * @throws as `runLoad` and `runLedger`
 */
export async function runStress(options: StressOptions, host: StressHost): Promise<StressReport> {
  const { models = loadModelNames, faults, replicas, ...common } = options;
  const plain = models.filter((model) => model !== 'ledger');
  const withLedger = models.includes('ledger');
  if (!withLedger || (faults !== undefined && plain.length > 0)) {
    if (faults !== undefined || replicas !== undefined) throw forLedgerAlone(faults);
  }
  // What the ledger would refuse is refused before the others are run.
  if (withLedger) settleLedgerOptions({ ...common, faults, replicas });
  const startedNs = host.monotonicNs();
  const load = plain.length > 0 ? await runLoad({ ...common, models: plain }, host) : undefined;
  if (load && !withLedger) return load;
  const ledger = await runLedger(
    { ...common, faults, replicas },
    { ...host, counted: host.countedLedger, ...(load ? { startedNs } : {}) },
  );
  return load ? combined(load, ledger) : ledger;
}

function forLedgerAlone(faults: string | undefined): BankctlError {
  const flag = faults === undefined ? '--replicas' : '--faults';
  return new BankctlError(
    'usage',
    `${flag} is for the ledger alone.`,
    `Type bankctl stress --model ledger ${flag} ${faults ?? 3}.`,
  );
}

function combined(load: LoadReport, ledger: StressReport): StressReport {
  const models = [...load.models, ...ledger.models];
  const kept = [...(load.kept ?? []), ...(ledger.kept ?? [])];
  const { seed, workers } = load;
  const worst = (['violation', 'undecided', 'not_reproduced'] as const)
    .map((verdict) => [ledger, load].find((report) => report.verdict === verdict))
    .find((report) => report !== undefined);
  const { verdict, reason } = worst ?? load;
  return {
    seed,
    workers,
    models,
    verdict,
    ...(reason === undefined ? {} : { reason }),
    ...(kept.length > 0 ? { kept } : {}),
  };
}
