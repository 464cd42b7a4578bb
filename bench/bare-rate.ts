import type { Db } from 'mongodb';
import type { IssuedCommand } from '../src/stress/drive/command-monitor.ts';
import { explore } from '../src/stress/explore/explorer.ts';
import {
  type CheckedOptions,
  checkExhaustiveOptions,
} from '../src/stress/schedules/exhaustive-options.ts';
import { openTrial, type Trial, type TrialHost } from '../src/stress/schedules/plain-trial.ts';
import type { ExhaustiveOptions } from '../src/stress/setup/options.ts';
import { ensureIndex } from '../src/stress/subjects/plain-models.ts';

/** How fast the explorer is, against the driver alone. */
export interface RateComparison {
  readonly model: string;
  /** Schedules of one exploration. */
  readonly schedules: number;
  /** Schedules a second, a round each; resets and read-backs count against the explorer. */
  readonly explorer: readonly number[];
  readonly bare: readonly number[];
}

/**
 * Explores a model several times, and in between issues the same commands, in the same order, with
 * the bare driver: one after the other, a client with the same settings, nothing else.
 *
 * The commands are kept in memory, so it is for explorations of some thousand schedules.
 *
 * @param rounds of both
 * @throws as `runExhaustive`
 */
export async function bareRate(
  options: ExhaustiveOptions,
  host: TrialHost,
  rounds = 7,
): Promise<readonly RateComparison[]> {
  const checked = checkExhaustiveOptions(options);
  const comparisons: RateComparison[] = [];
  for (const model of checked.models) {
    const trial = await openTrial({ ...checked, model }, host);
    try {
      comparisons.push(await compare(trial, checked, host, rounds));
    } finally {
      await trial.close();
    }
  }
  return comparisons;
}

async function compare(
  trial: Trial,
  { preemptions }: CheckedOptions,
  { monotonicNs, interrupted }: TrialHost,
  rounds: number,
): Promise<RateComparison> {
  const commands: IssuedCommand[] = [];
  trial.listen((command) => commands.push(command));
  const exploreAll = () =>
    explore({
      ...trial.execution,
      fixedSteps: trial.fixedSteps,
      preemptions,
      signal: interrupted,
      visit: (run, world) => {
        trial.judge(run, world);
        return undefined;
      },
    });
  const { schedules } = await exploreAll();
  trial.listen();
  const repeats = Math.ceil(leastSchedules / schedules);
  const perSecond = async (work: () => Promise<unknown>) => {
    const since = monotonicNs();
    for (let repeat = 0; repeat < repeats; repeat += 1) await work();
    const seconds = Number(monotonicNs() - since) / 1e9;
    await trial.settle();
    return (schedules * repeats) / seconds;
  };
  const explored: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < rounds && !interrupted.aborted; round += 1) {
    explored.push(await perSecond(exploreAll));
    bare.push(await perSecond(() => issue(trial.plainDb, commands)));
  }
  return { model: trial.plan.model.name, schedules, explorer: explored, bare };
}

/** A round of fewer schedules would measure the clock. */
const leastSchedules = 500;

async function issue(db: Db, commands: readonly IssuedCommand[]): Promise<void> {
  for (const issued of commands) {
    const collection = db.collection(issued.collection);
    if (issued.command === 'createIndexes') await ensureIndex(collection);
    else await collection.updateOne(issued.filter, issued.update);
  }
}
