import { createHash } from 'node:crypto';
import type { Progress, Stopped, Visit } from './explorer.ts';
import { tasksOf } from './explorer.ts';
import { countSchedules } from './explorer-count.ts';
import { type ExecutionOptions, execute, type World } from './explorer-execution.ts';

/** How to sample. */
interface SampleOptions<W extends World> extends ExecutionOptions<W> {
  readonly visit: Visit<W>;
  /** How many schedules to draw; some may be drawn twice. */
  readonly count: number;
  /** A whole number from 0 to `below` - 1; the `position`-th of a reproducible sequence. */
  readonly draw: (position: number, below: number) => number;
  /** As for `explore`; it also makes every schedule equally likely. */
  readonly fixedSteps?: readonly number[] | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((progress: Progress) => void) | undefined;
}

/** What a sample covered. */
export interface SampleCoverage {
  /** Schedules drawn and executed. */
  readonly schedules: number;
  /** How many different ones those were. */
  readonly distinct: number;
  readonly total: bigint | undefined;
  /** True if every schedule was drawn at least once, which is known only if the total is. */
  readonly complete: boolean;
  readonly stopped: Stopped | undefined;
}

/**
 * Executes schedules drawn at random.
 *
 * With `fixedSteps` a task is chosen with a weight of the number of steps it has left, which makes
 * every schedule equally likely; if tasks branch, that number is not known, and each task that
 * could run is equally likely at each step.
 *
 * Memory: 8 bytes of digest per different schedule, plus the overhead of a set.
 */
export async function exploreSample<W extends World>(
  options: SampleOptions<W>,
): Promise<SampleCoverage> {
  const { count, draw, fixedSteps, signal, progress } = options;
  const total = fixedSteps && countSchedules(fixedSteps);
  const seen = new Set<bigint>();
  let schedules = 0;
  let stopped: Stopped | undefined;
  let position = 0;
  while (schedules < count && !stopped) {
    if (signal?.aborted) {
      stopped = 'interrupted';
      break;
    }
    const left = fixedSteps && [...fixedSteps];
    const { run, world } = await execute(options, (possible) => {
      const task = pick(tasksOf(possible), left, (below) => draw(position, below));
      position += 1;
      if (left) left[task] = (left[task] ?? 0) - 1;
      return task;
    });
    schedules += 1;
    seen.add(digest(run.steps.map(({ task }) => task)));
    if (run.end === 'stuck') stopped = 'stuck';
    if ((await options.visit(run, world)) === 'stop') stopped ??= 'visitor';
    progress?.({ done: schedules, total: BigInt(count), found: seen.size, preemptions: 0 });
  }
  const complete = total !== undefined && BigInt(seen.size) === total;
  return { schedules, distinct: seen.size, total, complete, stopped };
}

function pick(
  tasks: readonly number[],
  left: readonly number[] | undefined,
  draw: (below: number) => number,
): number {
  const weights = tasks.map((task) => (left ? (left[task] ?? 0) : 1));
  let drawn = draw(weights.reduce((sum, weight) => sum + weight, 0));
  for (const [index, weight] of weights.entries()) {
    drawn -= weight;
    if (drawn < 0) return tasks[index] ?? -1;
  }
  return tasks.at(-1) ?? -1;
}

/** 64 bits: the chance that two of a million different schedules share one is 3 in 10^8. */
function digest(choices: readonly number[]): bigint {
  return createHash('sha256').update(Uint8Array.from(choices)).digest().readBigUInt64BE();
}
