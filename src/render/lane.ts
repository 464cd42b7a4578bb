/** How good or bad something is; the page and the terminal have a colour for each. */
export type Tone = 'good' | 'bad' | 'warn' | 'plain' | 'faint';

/** A few words, and what they mean for the story. */
export interface Phrase {
  readonly tone: Tone;
  readonly text: string;
}

/** How a write went wrong, step by step: a column per worker, time running down. */
export interface Lane {
  readonly title: string;
  /** `head` is the column's on a terminal; on the page, `label` is below the worker. */
  readonly workers: readonly {
    readonly worker: number;
    readonly head: string;
    readonly label: string;
  }[];
  /** What the labels of the steps count. */
  readonly counts: 'ms' | 'step';
  /** The collections that occur, the shared model's own first. */
  readonly collections: readonly string[];
  readonly steps: readonly LaneStep[];
  /** One sentence; empty if nothing went wrong. */
  readonly reason: string;
  /** What to type to see it again; empty if nothing replays it. */
  readonly replay: string;
  readonly remark: Phrase;
}

/** One step of a lane. */
export interface LaneStep {
  /** What comes before it: a number, or a time. */
  readonly label: string;
  readonly worker: number;
  readonly phrases: readonly Phrase[];
  /** Where the shared model points after it; null for a model that cannot be pointed. */
  readonly model: { readonly name: string; readonly cached: string | null } | null;
  /** Writes that were made in it. */
  readonly writes: readonly LaneWrite[];
  /** What went wrong in it, for the list beside the verdict. */
  readonly wrong: string | null;
}

/** A write: where it went, and where it belonged. */
export interface LaneWrite {
  readonly worker: number;
  readonly collection: string;
  readonly should_be: string;
  readonly wrong: string | null;
}
