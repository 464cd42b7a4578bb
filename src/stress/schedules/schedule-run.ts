import type { BankctlError } from '../../core/errors.ts';
import { type Covered, coveredByExploring, coveredBySampling } from '../explore/coverage.ts';
import {
  type Coverage,
  countSwitches,
  explore,
  type Progress,
  type Run,
  type World,
} from '../explore/explorer.ts';
import type { ExecutionOptions } from '../explore/explorer-execution.ts';
import { sample } from '../explore/explorer-sample.ts';
import { troubleOf } from '../explore/schedule.ts';
import { createDraw } from '../random.ts';

/** How a schedule ended. */
export interface ScheduleJudgement {
  /** What was found, by name; a name may occur more than once. */
  readonly found: readonly string[];
  /** True if something found is wrong: a model that is left switched, alone, is not. */
  readonly wrong: boolean;
  /** Operations that returned without an error. */
  readonly acknowledged: number;
}

/** What can be put through schedules: a model on a real database. */
export interface Explorable<W extends World, J extends ScheduleJudgement> {
  readonly execution: ExecutionOptions<W>;
  /** As `explore` takes it: undefined if workers branch. */
  readonly fixedSteps?: readonly number[] | undefined;
  /** How a schedule ended. Called once for each. */
  readonly judge: (run: Run, world: W) => J | Promise<J>;
}

/** Which schedules are run. */
export interface ScheduleBounds {
  readonly preemptions?: number | undefined;
  readonly random?: { readonly count: number; readonly seed: number } | undefined;
  /** Called once with the rate that was measured: the error for what takes too long. */
  readonly refuse?: ((perSecond: number) => BankctlError | undefined) | undefined;
}

/** Where schedules are run, and who hears of it. */
export interface ScheduleHost {
  readonly monotonicNs: () => bigint;
  readonly interrupted: AbortSignal;
  /** Called after each schedule: keep it short. */
  readonly progress?: ((progress: Progress) => void) | undefined;
}

/** A wrong schedule that is remembered: of all that were found, at most two are. */
export interface FoundSchedule<J> {
  readonly run: Run;
  readonly judgement: J;
}

/** Counts schedules by what was found in them, and remembers the wrong ones to be shown. */
export class ScheduleTally<J extends ScheduleJudgement> {
  readonly #found = new Map<string, number>();
  schedules = 0;
  wrong = 0;
  acknowledged = 0;
  deadlocked = 0;
  stuck = 0;
  /** Who is stuck where, or who waits for whom, in the first such schedule. */
  trouble: string | undefined;
  /** The first wrong one in order of exploration. */
  first: FoundSchedule<J> | undefined;
  /** Fewest switches between workers, then fewest steps. */
  shortest: FoundSchedule<J> | undefined;

  add(run: Run, judgement: J): void {
    this.schedules += 1;
    this.acknowledged += judgement.acknowledged;
    for (const name of new Set(judgement.found)) this.#found.set(name, this.count(name) + 1);
    if (run.end === 'deadlock') this.deadlocked += 1;
    if (run.end === 'stuck') this.stuck += 1;
    this.trouble ??= troubleOf(run);
    if (!judgement.wrong) return;
    this.wrong += 1;
    this.first ??= { run, judgement };
    if (!this.shortest || isShorter(run, this.shortest.run)) this.shortest = { run, judgement };
  }

  /** Schedules in which this was found. */
  count(name: string): number {
    return this.#found.get(name) ?? 0;
  }
}

function isShorter({ steps }: Run, best: Run): boolean {
  const fewer = countSwitches(steps) - countSwitches(best.steps);
  return fewer < 0 || (fewer === 0 && steps.length < best.steps.length);
}

/** What came of the schedules that were run. */
export interface Explored<J extends ScheduleJudgement> {
  readonly tally: ScheduleTally<J>;
  readonly covered: Covered;
  /** Undefined for a sample. */
  readonly coverage: Coverage | undefined;
  readonly seconds: number;
}

/** Enough schedules to know the rate, or else enough time. */
const rateSchedules = 300;
const rateSeconds = 1;

/**
 * Runs every schedule, or those within the bounds, or a sample, and judges each.
 *
 * @throws what `refuse` returns
 */
export async function runSchedules<W extends World, J extends ScheduleJudgement>(
  { execution, fixedSteps, judge }: Explorable<W, J>,
  { preemptions, random, refuse }: ScheduleBounds,
  { monotonicNs, interrupted, progress }: ScheduleHost,
): Promise<Explored<J>> {
  const tally = new ScheduleTally<J>();
  const sinceNs = monotonicNs();
  const seconds = () => Number(monotonicNs() - sinceNs) / 1e9;
  let refusal: BankctlError | undefined;
  let rateIsKnown = refuse === undefined || random !== undefined;
  const shared = {
    ...execution,
    fixedSteps,
    signal: interrupted,
    progress,
    visit: async (run: Run, world: W) => {
      tally.add(run, await judge(run, world));
      if (rateIsKnown) return undefined;
      rateIsKnown = tally.schedules >= rateSchedules || seconds() >= rateSeconds;
      if (rateIsKnown) refusal = refuse?.(tally.schedules / seconds());
      return refusal && ('stop' as const);
    },
  };
  let coverage: Coverage | undefined;
  let covered: Covered;
  if (random) {
    const { count, seed } = random;
    covered = coveredBySampling(await sample({ ...shared, count, draw: createDraw(seed) }), seed);
  } else {
    coverage = await explore({ ...shared, preemptions });
    covered = coveredByExploring(coverage);
  }
  if (refusal) throw refusal;
  return { tally, covered, coverage, seconds: seconds() };
}
