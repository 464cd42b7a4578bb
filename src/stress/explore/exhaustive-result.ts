import type { ScheduleStory } from '../../render/schedule-columns.ts';
import type { Judgement } from './exhaustive-trial.ts';

/** A schedule that is reported: it was run again, twice if it was found in an exploration. */
export interface ReportedSchedule extends ScheduleStory {
  readonly model: string;
  readonly switches: number;
  readonly preemptions: number;
  readonly outcomes: Judgement['outcomes'];
  readonly left_switched: boolean;
  /** Each step in a line; the same, byte for byte, whenever this schedule is run. */
  readonly trace: readonly string[];
}

/** What became of one model. Counts are of schedules where not said otherwise. */
export interface ExhaustiveModelResult {
  readonly model: string;
  readonly workers: number;
  /** Where its workers were paused. */
  readonly points: readonly string[];
  /** Increments asked for. */
  readonly operations: number;
  /** Increments that returned without an error. */
  readonly acknowledged: number;
  /** Schedules run. */
  readonly schedules: number;
  /** With at least one increment misplaced, lost or crashed. */
  readonly wrong: number;
  readonly misplaced: number;
  readonly lost: number;
  readonly crashed: number;
  readonly left_switched: number;
  readonly deadlocked: number;
  readonly stuck: number;
  /** Who is stuck where, or who waits for whom, in the first such schedule. */
  readonly trouble?: string;
  /** True where there is no other schedule. */
  readonly complete: boolean;
  /** How many there are, in digits; null where tasks branch and not all were run. */
  readonly total: string | null;
  /** Different schedules run; with `--random` it may be fewer than `schedules`. */
  readonly distinct: number;
  /** A sentence that states exactly what was covered. */
  readonly covered: string;
  readonly schedules_per_second: number;
  /** Increments a second. */
  readonly throughput: number;
  /** Whether balances, callers and command monitoring agree on every write. */
  readonly reconciled: boolean;
  readonly branches: readonly {
    readonly branch: string;
    readonly expected: string;
    readonly actual: string;
  }[];
  /** The first wrong one in order of exploration. */
  readonly first_wrong?: { readonly id: string };
  /** Fewest switches between workers, then fewest steps. */
  readonly shortest_wrong?: ReportedSchedule;
  /** The schedule that was asked for with its id. */
  readonly replayed?: ReportedSchedule;
}

/** As in the design: what the whole run has shown. */
export type ExhaustiveVerdict =
  | 'demonstrated'
  | 'clean'
  | 'not_reproduced'
  | 'violation'
  | 'undecided';

/** What an exhaustive run found. */
export interface ExhaustiveResult {
  /** Of `--random`; null otherwise: nothing else is random. */
  readonly seed: number | null;
  readonly workers: number;
  readonly points: readonly string[];
  readonly models: readonly ExhaustiveModelResult[];
  readonly verdict: ExhaustiveVerdict;
  /** Why the run proves nothing, where the verdict is `undecided`. */
  readonly reason?: string;
  /** The databases that `--keep` left in place. */
  readonly kept?: readonly string[];
}

/**
 * The verdict, and the reason where it is `undecided`. A model that must be clean is only so when
 * every schedule was tried; a model that must go wrong has done so with the first wrong schedule.
 */
export function judgeRun(
  models: readonly ExhaustiveModelResult[],
): Pick<ExhaustiveResult, 'verdict' | 'reason'> {
  const control = models.filter(({ model }) => model === 'shared');
  const cures = models.filter(({ model }) => model !== 'shared');
  if (cures.some(({ wrong, deadlocked }) => wrong + deadlocked > 0)) {
    return { verdict: 'violation' };
  }
  const doubt =
    models.map(doubtOf).find((reason) => reason !== undefined) ??
    cures.map(unproved).find((reason) => reason !== undefined);
  if (doubt !== undefined) return { verdict: 'undecided', reason: doubt };
  if (control.length === 0) return { verdict: 'clean' };
  if (control.every(({ wrong }) => wrong > 0)) return { verdict: 'demonstrated' };
  const [reason] = control.flatMap((model) => unproved(model) ?? []);
  return reason === undefined ? { verdict: 'not_reproduced' } : { verdict: 'undecided', reason };
}

/** Why what was found of a model cannot be relied on. */
function doubtOf(result: ExhaustiveModelResult): string | undefined {
  const { model, reconciled, stuck, trouble, shortest_wrong, replayed } = result;
  if (!reconciled) return `Model ${model}: the balances are not what the observed writes make.`;
  if (stuck > 0) return `Model ${model}: ${trouble ?? 'a worker is stuck'}.`;
  const reported = shortest_wrong ?? replayed;
  if (!reported || reported.same_again) return undefined;
  return `Model ${model}: a schedule did not end the same when it was run again.`;
}

/** Why a model that was not seen to go wrong is not proved to be clean. */
function unproved(result: ExhaustiveModelResult): string | undefined {
  const { model, complete, covered, operations, acknowledged } = result;
  if (!complete) return `Model ${model} was not tried in full: ${covered}.`;
  if (acknowledged === operations) return undefined;
  return `Model ${model}: only ${acknowledged} of ${operations} increments were acknowledged.`;
}
