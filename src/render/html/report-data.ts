import type { Lane, Tone } from '../lane.ts';

/**
 * What a report shows. Plain data, made by `report-of`; the page draws whatever it finds here, and
 * knows nothing of how it came about.
 */
export interface ReportData {
  /** What was done, such as `exhaustive`. */
  readonly mode: string;
  readonly verdict: ReportVerdict;
  readonly models: readonly ReportModel[];
  /** What it ran on and with, in order. */
  readonly environment: readonly Fact[];
  /** A line to copy that does it again. */
  readonly command: string;
  /** When it was made, as ISO 8601. */
  readonly made_at: string;
}

/** The verdict, and what it rests on. */
interface ReportVerdict {
  readonly name: string;
  readonly tone: Tone;
  /** One sentence: what the verdict means, or why there is none. */
  readonly sentence: string;
}

/** A name and its value. */
export interface Fact {
  readonly name: string;
  readonly value: string;
}

/** One model's part of the report. The page has no section for what is absent. */
export interface ReportModel {
  readonly model: string;
  /** One sentence: how much was done, and how much of it went wrong. */
  readonly summary: string;
  readonly tone: Tone;
  /** What `outcomes` count, such as `schedules`. */
  readonly unit: string;
  /** How many there were of that in all. */
  readonly total: number;
  readonly outcomes: readonly Outcome[];
  readonly branches: readonly BranchMoney[];
  readonly throughput?: number;
  readonly latency_ms?: Readonly<Record<'p50' | 'p90' | 'p99' | 'max', number>>;
  readonly timeline?: ReportTimeline;
  readonly lane?: Lane;
  /** Sentences that stand on their own. */
  readonly remarks?: readonly string[];
}

/** A count with its name. */
export interface Outcome {
  readonly name: string;
  readonly count: number;
  readonly tone: Tone;
}

/** The money of a branch; amounts are decimals as text. */
export interface BranchMoney {
  readonly branch: string;
  readonly expected: string;
  readonly actual: string;
}

/** A run in time: buckets of equal length from its beginning. */
export interface ReportTimeline {
  readonly bucket_ms: number;
  readonly ended: readonly number[];
  /** Those of `ended` that are marked, and what is the matter with them, such as `wrong`. */
  readonly marked: readonly number[];
  readonly mark: string;
  readonly p50_ms: readonly (number | null)[];
  readonly p99_ms: readonly (number | null)[];
  readonly max_ms: readonly (number | null)[];
  /** Shown as bands in the background of the charts. */
  readonly faults: readonly FaultBand[];
  /** The part in which each operation is shown. */
  readonly window: {
    readonly around: string;
    /** What a row stands for: a worker, or a process of a history. */
    readonly row: string;
    readonly from_ms: number;
    readonly to_ms: number;
    readonly total: number;
    readonly operations: readonly WindowOperation[];
  };
}

/** A time in which something was broken on purpose. */
interface FaultBand {
  readonly label: string;
  readonly from_ms: number;
  readonly to_ms: number;
}

/** An operation in the window of a time line. */
interface WindowOperation {
  readonly worker: number;
  readonly from_ms: number;
  readonly to_ms: number;
  /** What it was, and how it ended. */
  readonly title: string;
  readonly marked: boolean;
}

/** What the page's program needs of a report. */
export interface PageData {
  readonly models: readonly Pick<ReportModel, 'model' | 'lane' | 'timeline'>[];
}
