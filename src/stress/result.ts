import type { FaultCounts } from './check/fault-watch.ts';
import type { AnomalyCounts, BranchMoney, FirstAnomaly } from './check/findings.ts';
import type { FirstWrong } from './check/story.ts';
import type { Verdict } from './check/verdict.ts';
import type { ReportedSchedule } from './schedules/exhaustive-result.ts';
import type { WrongSchedule } from './schedules/ledger-schedules.ts';

/** The result of a run, or of a stored history; printed as it is by `--json`. */
export interface StressResult {
  /** Of the plan, or of the sample; null or absent if nothing was drawn at random. */
  readonly seed?: number | null;
  readonly workers?: number;
  /** Where the workers of an exploration were paused. */
  readonly points?: readonly string[];
  readonly models: readonly ModelResult[];
  readonly verdict: Verdict;
  /** Why it proves nothing, if the verdict is `undecided`. */
  readonly reason?: string;
  /** The databases that `--keep` left in place. */
  readonly kept?: readonly string[];
}

/** The result of one model. A mode omits what it does not count. */
export interface ModelResult {
  readonly model: string;
  readonly operations: number;
  readonly acknowledged: number;
  /** All anomalies together; of an exploration, schedules with any. */
  readonly wrong: number;
  readonly misplaced: number;
  readonly lost: number;
  readonly crashed: number;
  readonly left_switched?: number;
  /** What went wrong first, as the mode shows it. */
  readonly first_wrong?: FirstWrong | FirstAnomaly | WrongSchedule | { readonly id: string };
  readonly branches?: readonly BranchMoney[];
  /** Operations per second. */
  readonly throughput?: number;
  readonly latency_ms?: Readonly<Record<'p50' | 'p90' | 'p99' | 'max', number>>;

  // Of a model with a journal.
  readonly refused?: number;
  readonly unknown?: number;
  readonly unknown_applied?: number;
  readonly retried?: number;
  readonly anomalies?: AnomalyCounts;
  readonly faults?: FaultCounts;

  // Of an exploration.
  readonly schedules?: number;
  readonly schedules_per_second?: number;
  /** With at least one conflict. */
  readonly conflicted?: number;
  readonly deadlocked?: number;
  readonly stuck?: number;
  /** Who is stuck where, or who waits for whom, in the first such schedule. */
  readonly trouble?: string;
  /** True if there is no other schedule. */
  readonly complete?: boolean;
  /** A sentence that states exactly what was covered. */
  readonly covered?: string;
  /** The one with the fewest switches between workers, then the fewest steps. */
  readonly shortest_wrong?: ReportedSchedule;
  /** The schedule that was asked for with its id. */
  readonly replayed?: ReportedSchedule;
}
