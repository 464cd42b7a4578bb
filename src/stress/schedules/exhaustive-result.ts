import type { BranchMoney } from '../check/findings.ts';
import type { ScheduleStory } from '../check/story.ts';
import type { Evidence, Verdict } from '../check/verdict.ts';
import type { Judgement } from './plain-trial.ts';

/** A schedule that is reported, after running it again: twice if it was found in an exploration. */
export interface ReportedSchedule extends ScheduleStory {
  readonly model: string;
  readonly switches: number;
  readonly preemptions: number;
  readonly outcomes: Judgement['outcomes'];
  readonly left_switched: boolean;
  /** One line per step; the same, byte for byte, whenever this schedule is run. */
  readonly trace: readonly string[];
}

/** The result of one model. Counts are of schedules unless stated otherwise. */
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
  /** True if there is no other schedule. */
  readonly complete: boolean;
  /** How many there are, in digits; null if tasks branch and not all were run. */
  readonly total: string | null;
  /** Different schedules run; with `--random` there may be fewer than `schedules`. */
  readonly distinct: number;
  /** A sentence that states exactly what was covered. */
  readonly covered: string;
  readonly schedules_per_second: number;
  /** Increments per second. */
  readonly throughput: number;
  /** Whether balances, callers and command monitoring agree on every write. */
  readonly reconciled: boolean;
  readonly branches: readonly BranchMoney[];
  /** The first wrong one in order of exploration. */
  readonly first_wrong?: { readonly id: string };
  /** The one with the fewest switches between workers, then the fewest steps. */
  readonly shortest_wrong?: ReportedSchedule;
  /** The schedule that was asked for with its id. */
  readonly replayed?: ReportedSchedule;
}

/** What an exhaustive run found. */
export interface ExhaustiveResult {
  /** Of `--random`; null otherwise: nothing else is random. */
  readonly seed: number | null;
  readonly workers: number;
  readonly points: readonly string[];
  readonly models: readonly ExhaustiveModelResult[];
  readonly verdict: Verdict;
  /** Why the run proves nothing, if the verdict is `undecided`. */
  readonly reason?: string;
  /** The databases that `--keep` left in place. */
  readonly kept?: readonly string[];
}

/**
 * What one model's schedules prove. A model that must be clean is clean only if every schedule was
 * tried; a wrong schedule counts even if others could not be run to their end.
 */
export function evidenceOf(result: ExhaustiveModelResult): Evidence {
  const { model, wrong, deadlocked, reconciled } = result;
  return {
    model,
    wrong: model === 'shared' ? wrong : wrong + deadlocked,
    doubt: reconciled
      ? untrustworthyReason(result)
      : 'the balances are not what the observed writes make.',
    vacuity: unprovenReason(result),
  };
}

function untrustworthyReason(result: ExhaustiveModelResult): string | undefined {
  const { model, wrong, deadlocked, stuck, trouble, shortest_wrong, replayed } = result;
  if (model !== 'shared' && wrong + deadlocked > 0) return undefined;
  if (stuck > 0) return `${trouble ?? 'a worker is stuck'}.`;
  const reported = shortest_wrong ?? replayed;
  if (!reported || reported.same_again) return undefined;
  return 'a schedule did not end the same when it was run again.';
}

function unprovenReason(result: ExhaustiveModelResult): string | undefined {
  const { complete, covered, operations, acknowledged } = result;
  if (!complete) return `it was not tried in full: ${covered}.`;
  if (acknowledged === operations) return undefined;
  return `only ${acknowledged} of ${operations} increments were acknowledged.`;
}
