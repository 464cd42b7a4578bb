import type { HistoryBatch } from '../history/history-batches.ts';
import type { LoadModelName } from '../subjects/load-models.ts';
import type { DriveResult } from './drive.ts';
import type { PlanOptions } from './plan.ts';

/** What a thread is started with. Plain data, as all that passes between threads. */
export interface ThreadTask {
  readonly uri: string;
  readonly database: string;
  readonly model: LoadModelName;
  readonly plan: PlanOptions;
  readonly workers: readonly number[];
  readonly durationMs: number | undefined;
  /** The run's start on the monotonic clock, which all threads share; times count from it. */
  readonly startedNs: bigint;
  readonly timeoutMs: number;
  readonly withHistory: boolean;
}

/** What the main thread tells a thread. */
export type ToThread =
  /** All threads are ready: begin. */
  | { readonly type: 'go' }
  /** Begin no further operation. */
  | { readonly type: 'stop' }
  /** A batch of history has been written. */
  | { readonly type: 'written' };

/** What a thread tells the main thread. */
export type FromThread =
  | { readonly type: 'ready' }
  | { readonly type: 'progress'; readonly done: number; readonly wrong: number }
  | HistoryBatch
  | { readonly type: 'done'; readonly result: DriveResult }
  | { readonly type: 'failed'; readonly message: string };
