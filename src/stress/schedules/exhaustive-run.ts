import { databaseError } from '../../database/database-error.ts';
import { explainSchedule } from '../check/story.ts';
import { decide } from '../check/verdict.ts';
import { type Covered, coveredByExploring, coveredBySampling } from '../explore/coverage.ts';
import {
  countPreemptions,
  countSwitches,
  type Progress,
  type Run,
  replay,
} from '../explore/explorer.ts';
import { checkReplay, digestSteps, formatScheduleId, stepLabel } from '../explore/schedule.ts';
import { planAmount } from '../plan/increments.ts';
import type { ExhaustiveOptions } from '../setup/options.ts';
import type { PlainModel } from '../subjects/plain-models.ts';
import {
  type CheckedOptions,
  checkExhaustiveOptions,
  tooLongError,
  vocabulary,
} from './exhaustive-options.ts';
import {
  type ExhaustiveModelResult,
  type ExhaustiveResult,
  evidenceOf,
  type ReportedSchedule,
} from './exhaustive-result.ts';
import {
  databaseOf,
  type Judgement,
  openTrial,
  type Trial,
  type TrialHost,
} from './plain-trial.ts';
import {
  type FoundSchedule,
  runEverySchedule,
  runSampleOfSchedules,
  ScheduleTally,
} from './schedule-run.ts';

/** Where an exhaustive run takes place, and who is notified. */
export interface ExhaustiveHost extends TrialHost {
  /** Called after each schedule: must return quickly. */
  readonly progress?: ((model: string, progress: Progress) => void) | undefined;
}

/**
 * Drives the real models on a real database through their schedules: all, all with few preemptions,
 * a random sample, or the one that an id names. If interrupted, it says what it covered.
 *
 * @throws BankctlError `usage` if the options or an id do not fit, or the exploration would take
 *   too long; otherwise as `openTrial`
 */
export async function runExhaustive(
  options: ExhaustiveOptions,
  host: ExhaustiveHost,
): Promise<ExhaustiveResult> {
  const checked = checkExhaustiveOptions(options);
  const models: ExhaustiveModelResult[] = [];
  for (const model of checked.models) models.push(await runModel(model, checked, host));
  return {
    seed: checked.random?.seed ?? null,
    workers: checked.workers,
    points: checked.points,
    models,
    ...decide(models.map(evidenceOf)),
    ...(host.keep ? { kept: models.map(({ model }) => databaseOf(host, model)) } : {}),
  };
}

/** Explores one model, in a database of its own, which is dropped afterwards. */
export async function runModel(
  model: PlainModel,
  options: CheckedOptions,
  host: ExhaustiveHost,
): Promise<ExhaustiveModelResult> {
  const trial = await openTrial({ ...options, model }, host);
  try {
    return options.schedule
      ? await replayTyped(trial, options.schedule, host)
      : await exploreTrial(trial, options, host);
  } catch (error) {
    throw databaseError(error, host);
  } finally {
    await trial.close();
  }
}

async function exploreTrial(
  trial: Trial,
  options: CheckedOptions,
  host: ExhaustiveHost,
): Promise<ExhaustiveModelResult> {
  const { tally, covered, seconds } = await cover(trial, options, host);
  const { first, shortest } = tally;
  return resultOf(
    trial,
    tally,
    { ...covered, seconds },
    {
      ...(first ? { first_wrong: { id: idOf(trial, first.run) } } : {}),
      ...(shortest ? { shortest_wrong: await runAgain(trial, shortest) } : {}),
    },
  );
}

async function cover(trial: Trial, options: CheckedOptions, host: ExhaustiveHost) {
  const { model } = trial.plan;
  const { random, preemptions } = options;
  const on = { ...host, progress: (seen: Progress) => host.progress?.(model.name, seen) };
  if (random) {
    const { coverage, ...run } = await runSampleOfSchedules(trial, random, on);
    return { ...run, covered: coveredBySampling(coverage, random.seed) };
  }
  const refuse = (perSecond: number) => tooLongError(model, options, perSecond);
  const { coverage, ...run } = await runEverySchedule(trial, preemptions, on, refuse);
  return { ...run, covered: coveredByExploring(coverage) };
}

/** @throws `usage` if the id does not fit */
async function replayTyped(
  trial: Trial,
  { typed, id }: NonNullable<CheckedOptions['schedule']>,
  { monotonicNs }: ExhaustiveHost,
): Promise<ExhaustiveModelResult> {
  const sinceNs = monotonicNs();
  const { run, world } = await replay(trial.execution, id.order);
  const judgement = trial.judge(run, world);
  checkReplay(typed, id, run);
  const replayed = await runAgain(trial, { run, judgement });
  const tally = new ScheduleTally<Judgement>();
  tally.add(run, judgement);
  const covered = `the schedule ${replayed.id} alone`;
  const seconds = Number(monotonicNs() - sinceNs) / 1e9;
  const alone = { complete: false, total: undefined, distinct: 1, covered, seconds };
  return resultOf(trial, tally, alone, { replayed });
}

async function resultOf(
  trial: Trial,
  tally: ScheduleTally<Judgement>,
  { complete, total, distinct, covered, seconds }: Covered & { readonly seconds: number },
  reported: Pick<ExhaustiveModelResult, 'first_wrong' | 'shortest_wrong' | 'replayed'>,
): Promise<ExhaustiveModelResult> {
  const { plan, execution } = trial;
  const { reconciled, balances } = await trial.settle();
  const { schedules, wrong, acknowledged, deadlocked, stuck, trouble } = tally;
  const operations = schedules * plan.workers;
  const perSecond = (number: number) =>
    seconds > 0 ? Math.round((number / seconds) * 10) / 10 : 0;
  return {
    model: plan.model.name,
    workers: plan.workers,
    points: [...execution.points],
    operations,
    acknowledged,
    schedules,
    wrong,
    misplaced: tally.count('misplaced'),
    lost: tally.count('lost'),
    crashed: tally.count('crashed'),
    left_switched: tally.count('left_switched'),
    deadlocked,
    stuck,
    ...(trouble === undefined ? {} : { trouble }),
    complete,
    total: total === undefined ? null : String(total),
    distinct,
    covered,
    schedules_per_second: perSecond(schedules),
    throughput: perSecond(operations),
    reconciled,
    branches: balances.map(({ branch, expectedMinor, actualMinor }) => ({
      branch,
      expected: planAmount(expectedMinor),
      actual: planAmount(actualMinor),
    })),
    ...reported,
  };
}

function idOf({ plan }: Trial, { steps }: Run): string {
  const { model, points, workers } = plan;
  const order = steps.map(({ task }) => task);
  const digest = digestSteps(steps);
  return formatScheduleId({ model: model.name, points, workers, order, digest }, vocabulary);
}

/**
 * A schedule as lines that contain neither times nor accounts, so they are the same in every run.
 */
function traceOf({ run: { steps, end }, judgement }: FoundSchedule<Judgement>): readonly string[] {
  const outcomes = judgement.outcomes.map((outcome, worker) => `${worker}:${outcome}`).join(' ');
  const left = judgement.leftSwitched ? ' left switched' : '';
  return [...steps.map(stepLabel), `${end} ${outcomes}${left}`];
}

/** Runs a schedule again, noting what happens in it and whether it ended as it did before. */
async function runAgain(trial: Trial, before: FoundSchedule<Judgement>): Promise<ReportedSchedule> {
  const { plan, branchOf, execution } = trial;
  trial.narrate(true);
  const { run, world } = await replay(
    execution,
    before.run.steps.map(({ task }) => task),
  );
  trial.narrate(false);
  const judgement = trial.judge(run, world);
  const steps = world.narrator?.narrate(run.steps) ?? [];
  const trace = traceOf({ run, judgement });
  const id = idOf(trial, before.run);
  // An id does not say how many branches there are; two are assumed if nothing else is said.
  const branches = plan.branches.length === 2 ? '' : ` --branches ${plan.branches.length}`;
  return {
    id,
    model: plan.model.name,
    workers: branchOf.map((branch, worker) => ({ worker: worker + 1, branch })),
    steps,
    reason: explainSchedule(steps),
    replay: `bankctl stress --schedule ${id}${branches}`,
    same_again: trace.join('\n') === traceOf(before).join('\n'),
    switches: countSwitches(run.steps),
    preemptions: countPreemptions(run.steps),
    outcomes: judgement.outcomes,
    left_switched: judgement.leftSwitched,
    trace,
  };
}
