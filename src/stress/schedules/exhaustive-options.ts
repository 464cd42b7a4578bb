import { BankctlError } from '../../core/errors.ts';
import { countSchedules, countWithin, logSchedules } from '../explore/explorer-count.ts';
import { maxTasks } from '../explore/explorer-execution.ts';
import { parseScheduleId, type ScheduleId, type Vocabulary } from '../explore/schedule.ts';
import { incrementModels } from '../plan/increments.ts';
import { checkBounds, type ExhaustiveOptions } from '../setup/options.ts';
import { branchModel, type PlainModel, sharedModel } from '../subjects/plain-models.ts';
import { type SharedPoint, sharedPoints } from '../subjects/shared-model.ts';

/** Options that are compatible. */
export interface CheckedOptions {
  readonly models: readonly PlainModel[];
  readonly workers: number;
  readonly branches: readonly string[];
  readonly points: readonly SharedPoint[];
  readonly preemptions: number | undefined;
  readonly random: { readonly count: number; readonly seed: number } | undefined;
  readonly schedule: { readonly typed: string; readonly id: ScheduleId } | undefined;
  readonly budgetMs: number;
}

/** What a schedule id may refer to. */
export const vocabulary: Vocabulary = Object.freeze({
  models: incrementModels,
  points: sharedPoints,
});

const hourMs = 3_600_000;

/**
 * Makes sure that the options are compatible, before any server is started.
 *
 * @throws `usage`
 */
export function checkExhaustiveOptions(options: ExhaustiveOptions): CheckedOptions {
  const { schedule: typed } = options;
  const id = typed === undefined ? undefined : parseScheduleId(typed, vocabulary);
  const workers = id?.workers ?? options.workers;
  const points = id ? sharedPoints.filter((point) => id.points.includes(point)) : options.points;
  const branches = options.branches ?? 2;
  checkWorkers(workers, points);
  checkBounds('branches', branches);
  if (options.preemptions !== undefined) checkBounds('preemptions', options.preemptions);
  if (options.random) checkBounds('random', options.random.count);
  if (points.length === 0) throw new BankctlError('usage', 'No points were given to pause at.');
  if (options.random && options.preemptions !== undefined) {
    throw new BankctlError(
      'usage',
      '--random draws from all schedules, so --preemptions cannot limit it.',
      'Leave out one of the two.',
    );
  }
  return {
    models: (id ? [id.model] : (options.models ?? incrementModels)).map(parseModel),
    workers,
    branches: Array.from({ length: branches }, (_, index) => `branch${index + 1}`),
    points,
    preemptions: options.preemptions,
    random: options.random,
    schedule: id && typed !== undefined ? { typed, id } : undefined,
    budgetMs: options.budgetMs ?? hourMs,
  };
}

function parseModel(name: string): PlainModel {
  return name === sharedModel.name ? sharedModel : branchModel;
}

function checkWorkers(workers: number, points: readonly SharedPoint[]): void {
  const hint = 'Two to four workers can be tried in full; two are enough to show the bug.';
  if (!Number.isInteger(workers) || workers < 1) {
    throw new BankctlError('usage', `${workers} workers cannot be run.`, hint);
  }
  if (workers === 1) {
    throw new BankctlError('usage', 'One worker has no other to interleave with.', hint);
  }
  if (workers <= maxTasks) return;
  const { steps } = sharedModel.stepsFor(points);
  const exponent = Math.floor(logSchedules(workers, steps));
  throw new BankctlError(
    'usage',
    `${workers} workers have more than 10^${exponent} schedules, which no computer can try.`,
    hint,
  );
}

/**
 * The error for an exploration that would take too long at the measured rate, or undefined if it is
 * within the budget.
 */
export function tooLongError(
  model: PlainModel,
  options: CheckedOptions,
  perSecond: number,
): BankctlError | undefined {
  const { workers, preemptions } = options;
  const { steps, fixed } = model.stepsFor(options.points);
  const stepsEach = new Array<number>(workers).fill(steps);
  const within = (bound: number) => countWithin(stepsEach, bound);
  const schedules = preemptions === undefined ? countSchedules(stepsEach) : within(preemptions);
  const affordable = BigInt(Math.floor((perSecond * options.budgetMs) / 1000));
  if (schedules <= affordable) return undefined;
  let bound = -1;
  while (bound < maxHintedBound && within(bound + 1) <= affordable) bound += 1;
  const sample = Math.max(1000, Math.round((perSecond * 60) / 1000) * 1000);
  const ways = [
    ...(workers > 2 ? ['--workers 2'] : []),
    ...(bound >= 1 ? [`--preemptions ${bound}`] : []),
    `--random ${sample} for a sample of about a minute`,
  ];
  const floor = fixed ? '' : 'at least ';
  const bounded = preemptions === undefined ? '' : ` with at most ${preemptions} preemptions`;
  return new BankctlError(
    'usage',
    `${workers} workers with the points ${options.points.join(', ')} have ` +
      `${floor}${groupDigits(schedules)} schedules of the ${model.name} model${bounded}, ` +
      `which takes ${floor}${formatLong(Number(schedules) / perSecond)} ` +
      `at the ${groupDigits(Math.round(perSecond))} a second measured here.`,
    `Type ${ways.join(', or ')}.`,
  );
}

/** No hint suggests a larger bound on preemptions. */
const maxHintedBound = 20;

/** `34650` as `34,650`. */
function groupDigits(number: bigint | number): string {
  return String(number).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** A long time in its largest unit, such as `3 hours`. */
function formatLong(seconds: number): string {
  const units: readonly (readonly [string, number])[] = [
    ['year', 31_557_600],
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
    ['second', 1],
  ];
  const [name, length] = units.find(([, unit]) => seconds >= unit) ?? (['second', 1] as const);
  const number = Math.max(1, Math.round(seconds / length));
  const shown = number >= 1e6 ? `10^${Math.floor(Math.log10(number))}` : groupDigits(number);
  return `${shown} ${name}${number === 1 ? '' : 's'}`;
}
