import type { Lane, Tone } from '../lane.ts';

/**
 * What a report shows. Plain data, made by `buildReport`; the page draws what it finds here, and
 * does not know where it came from.
 */
export interface ReportData {
  /** What was done, such as `exhaustive`. */
  readonly mode: string;
  readonly verdict: ReportVerdict;
  readonly models: readonly ReportModel[];
  /** What it ran on and with, in order. */
  readonly environment: readonly Fact[];
  /** A command line to copy that does it again. */
  readonly command: string;
  /** When it was made, as ISO 8601. */
  readonly made_at: string;
}

/** The verdict, and what it is based on. */
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

/** One model's part of the report. What is absent has no section in the page. */
export interface ReportModel {
  readonly model: string;
  /** One sentence: how much was done, and how much of it went wrong. */
  readonly summary: string;
  readonly tone: Tone;
  /** What `outcomes` count, such as `schedules`. */
  readonly unit: string;
  /** How many of those there were in all. */
  readonly total: number;
  readonly outcomes: readonly Outcome[];
  readonly branches: readonly BranchMoney[];
  readonly throughput?: number;
  readonly latency_ms?: Readonly<Record<'p50' | 'p90' | 'p99' | 'max', number>>;
  readonly timeline?: ReportTimeline;
  readonly lane?: Lane;
  /** Self-contained sentences. */
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

/** A run over time: buckets of equal length from its beginning. */
export interface ReportTimeline {
  readonly bucket_ms: number;
  readonly ended: readonly number[];
  /** Which of `ended` are marked, and as what, such as `wrong`. */
  readonly marked: readonly number[];
  readonly mark: string;
  readonly p50_ms: readonly (number | null)[];
  readonly p99_ms: readonly (number | null)[];
  readonly max_ms: readonly (number | null)[];
  /** Shown as bands in the background of the charts. */
  readonly faults: readonly FaultBand[];
  /** The window in which each operation is shown. */
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

/** A time during which something was broken on purpose. */
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

/** What the page's script needs from a report. */
export interface PageData {
  readonly models: readonly Pick<ReportModel, 'model' | 'lane' | 'timeline'>[];
}
