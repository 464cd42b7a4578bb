import type { AnomalyCounts, BranchMoney, ModelHistory } from '../check/findings.ts';
import type { Timings } from '../check/meter.ts';
import type { FirstWrong } from '../check/story.ts';
import type { Verdict } from '../check/verdict.ts';
import type { IncrementModel } from '../plan/increments.ts';

/** The result of a stress run; printed as it is by `--json`. */
export interface StressReport<Model = LoadModelReport | LedgerModelReport> {
  readonly seed: number;
  readonly workers: number;
  readonly models: readonly Model[];
  readonly verdict: Verdict;
  /** Why the run proves nothing, if the verdict is `undecided`. */
  readonly reason?: string;
  /** The databases that `--keep` left in place. */
  readonly kept?: readonly string[];
}

/** The result of a run of the models without a journal. */
export type LoadReport = StressReport<LoadModelReport>;

/** The result of a model without a journal. */
export interface LoadModelReport
  extends Pick<
      ModelHistory,
      'operations' | 'acknowledged' | 'misplaced' | 'lost' | 'crashed' | 'wrong'
    >,
    Timings {
  readonly model: IncrementModel;
  /** How many models did not point at their own collection at the end; one model per thread. */
  readonly left_switched: number;
  readonly branches: readonly BranchMoney[];
  readonly first_wrong?: FirstWrong;
}

/** The result of a run of the ledger. */
export interface LedgerModelReport extends Omit<ModelHistory, 'branches'>, Timings {
  readonly left_switched: 0;
  /** The same counts as the fields beside it, by name. */
  readonly anomalies: AnomalyCounts;
  readonly branches: readonly BranchMoney[];
}
