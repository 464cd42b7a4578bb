/** What a worker did in a step, as data. Collections are named; null is an empty cache. */
export type ScheduleAction =
  | { readonly does: 'remembers'; readonly name: string; readonly cached: string | null }
  | { readonly does: 'switches'; readonly name: string }
  | { readonly does: 'indexes'; readonly collection: string }
  | { readonly does: 'takes'; readonly collection: string | null }
  | { readonly does: 'looks_up'; readonly branch: string }
  | {
      readonly does: 'writes';
      readonly collection: string;
      readonly should_be: string;
      readonly matched: number | null;
      readonly wrong: 'misplaced' | 'lost' | null;
    }
  | { readonly does: 'crashes'; readonly message: string }
  | { readonly does: 'restores'; readonly name: string; readonly cached: string | null };

/** One step of a schedule, from one point to the next. */
export interface ScheduleStep {
  /** From 1. */
  readonly step: number;
  /** From 1. */
  readonly worker: number;
  readonly from: string;
  /** The point where it was paused, or `ended`, `crashed`, `blocked`, `stuck`. */
  readonly to: string;
  readonly actions: readonly ScheduleAction[];
  /** Where the shared model points after the step; null for a model that cannot be pointed. */
  readonly model: { readonly name: string; readonly cached: string | null } | null;
}

/** A schedule to be shown: who did what, why it went wrong, and how to see it again. */
export interface ScheduleStory {
  readonly id: string;
  readonly workers: readonly { readonly worker: number; readonly branch: string }[];
  readonly steps: readonly ScheduleStep[];
  /** A sentence; null if nothing went wrong. */
  readonly reason: string | null;
  /** What to type to run it again. */
  readonly replay: string;
  /** Whether running it a second time ended the same. */
  readonly same_again: boolean;
}
