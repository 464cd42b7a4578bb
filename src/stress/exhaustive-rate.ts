import type { Db } from 'mongodb';
import { ensureIndex } from './exhaustive-models.ts';
import {
  type CheckedOptions,
  checkExhaustiveOptions,
  type ExhaustiveOptions,
} from './exhaustive-options.ts';
import { openTrial, type Trial, type TrialHost } from './exhaustive-trial.ts';
import type { IssuedCommand } from './exhaustive-watch.ts';
import { explore } from './explorer.ts';

/** How fast the explorer is, against the driver alone. */
export interface RateComparison {
  readonly model: string;
  /** Schedules of one exploration, and the commands that they send. */
  readonly schedules: number;
  readonly commands: number;
  /** Schedules a second, the median of the rounds. */
  readonly explorerPerSecond: number;
  readonly barePerSecond: number;
  /**
   * The first over the second, the median of the rounds: whatever else the machine does in a round
   * slows both. Resets and read-backs count against the explorer.
   */
  readonly ratio: number;
}

/**
 * Explores a model several times, and in between issues the same commands, in the same order, with
 * the bare driver: one after the other, a client with the same settings, nothing else.
 *
 * The commands are kept in memory, so it is for explorations of some thousand schedules.
 *
 * @param rounds of both; odd, so that the median is one of them
 * @throws as `runExhaustive`
 */
export async function bareRate(
  options: ExhaustiveOptions,
  host: TrialHost,
  rounds = 5,
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
  return {
    model: trial.plan.model.name,
    schedules,
    commands: commands.length,
    explorerPerSecond: median(explored),
    barePerSecond: median(bare),
    ratio: median(explored.map((rate, round) => rate / (bare[round] ?? Number.NaN))),
  };
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

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
