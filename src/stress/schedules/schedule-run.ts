import type { BankctlError } from '../../core/errors.ts';
import {
  type Coverage,
  countSwitches,
  explore,
  type Progress,
  type Run,
  type World,
} from '../explore/explorer.ts';
import type { ExecutionOptions } from '../explore/explorer-execution.ts';
import { exploreSample, type SampleCoverage } from '../explore/explorer-sample.ts';
import { troubleOf } from '../explore/schedule.ts';
import { createDraw } from '../plan/random.ts';

/** How a schedule ended. */
export interface ScheduleJudgement {
  /** What was found, by name; a name may occur more than once. */
  readonly found: readonly string[];
  /** True if something found is wrong; a model left switched is not wrong by itself. */
  readonly wrong: boolean;
  /** Operations that returned without an error. */
  readonly acknowledged: number;
}

/** What can be driven through schedules: a model on a real database. */
interface Explorable<W extends World, J extends ScheduleJudgement> {
  readonly execution: ExecutionOptions<W>;
  /** As `explore` takes it: undefined if workers branch. */
  readonly fixedSteps?: readonly number[] | undefined;
  /** How a schedule ended. Called once for each. */
  readonly judge: (run: Run, world: W) => J | Promise<J>;
}

/** Where schedules are run, and who is notified. */
export interface ScheduleHost {
  readonly monotonicNs: () => bigint;
  readonly interrupted: AbortSignal;
  /** Called after each schedule: must return quickly. */
  readonly progress?: ((progress: Progress) => void) | undefined;
}

/** A wrong schedule that is remembered: at most two of all that were found. */
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
  /** The one with the fewest switches between workers, then the fewest steps. */
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

/** The result of the schedules that were run. */
interface Explored<J extends ScheduleJudgement, C> {
  readonly tally: ScheduleTally<J>;
  readonly coverage: C;
  readonly seconds: number;
}

/** Enough schedules to measure the rate, or else enough time. */
const rateSchedules = 300;
const rateSeconds = 1;

/**
 * Runs every schedule with at most this number of preemptions, and judges each.
 *
 * @param refuse called once with the rate that was measured: the error for what takes too long
 * @throws what `refuse` returns
 */
export async function runEverySchedule<W extends World, J extends ScheduleJudgement>(
  explorable: Explorable<W, J>,
  preemptions: number | undefined,
  host: ScheduleHost,
  refuse?: (perSecond: number) => BankctlError | undefined,
): Promise<Explored<J, Coverage>> {
  let refusal: BankctlError | undefined;
  let checked = refuse === undefined;
  const { options, tally, seconds } = prepareRun(explorable, host, (schedules, sinceStart) => {
    if (checked) return undefined;
    checked = schedules >= rateSchedules || sinceStart >= rateSeconds;
    if (checked) refusal = refuse?.(schedules / sinceStart);
    return refusal && 'stop';
  });
  const coverage = await explore({ ...options, preemptions });
  if (refusal) throw refusal;
  return { tally, coverage, seconds: seconds() };
}

/** Runs schedules drawn at random, and judges each. */
export async function runSampleOfSchedules<W extends World, J extends ScheduleJudgement>(
  explorable: Explorable<W, J>,
  { count, seed }: { readonly count: number; readonly seed: number },
  host: ScheduleHost,
): Promise<Explored<J, SampleCoverage>> {
  const { options, tally, seconds } = prepareRun(explorable, host, () => undefined);
  const coverage = await exploreSample({ ...options, count, draw: createDraw(seed) });
  return { tally, coverage, seconds: seconds() };
}

function prepareRun<W extends World, J extends ScheduleJudgement>(
  { execution, fixedSteps, judge }: Explorable<W, J>,
  { monotonicNs, interrupted, progress }: ScheduleHost,
  afterEach: (schedules: number, seconds: number) => undefined | 'stop',
) {
  const tally = new ScheduleTally<J>();
  const sinceNs = monotonicNs();
  const seconds = () => Number(monotonicNs() - sinceNs) / 1e9;
  const visit = async (run: Run, world: W) => {
    tally.add(run, await judge(run, world));
    return afterEach(tally.schedules, seconds());
  };
  return {
    options: { ...execution, fixedSteps, signal: interrupted, progress, visit },
    tally,
    seconds,
  };
}
