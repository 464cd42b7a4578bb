/**
 * The number of schedules of tasks that do not branch: (Σk)! / Πk!, the multinomial coefficient.
 *
 * @param steps how many steps each task has
 */
export function countSchedules(steps: readonly number[]): bigint {
  let schedules = 1n;
  let placed = 0n;
  for (const count of steps) {
    // Multiplying by the binomial of each task keeps the numbers as small as the result.
    for (let step = 1n; step <= BigInt(count); step += 1n) {
      placed += 1n;
      schedules = (schedules * placed) / step;
    }
  }
  return schedules;
}

/**
 * How many of these schedules have at most this many preemptions.
 *
 * A schedule is a row of blocks, each of steps of one task, no two neighbours of the same task.
 * With T tasks, T - 1 of the switches between blocks come where a task has ended; the others are
 * preemptions, so B blocks are B - T preemptions. A task of k steps is cut into b blocks in C(k-1,
 * b-1) ways. Rows in which neighbours may be the same are multinomials; gluing b blocks into j,
 * with a sign, removes those with equal neighbours (inclusion and exclusion).
 *
 * @param steps how many steps each task has; each at least one
 */
export function countWithin(steps: readonly number[], preemptions: number): bigint {
  const mostBlocks = preemptions + steps.length;
  // Indexed by the number of glued and of real blocks of the tasks so far.
  let rows = new Map<string, readonly [glued: number, blocks: number, ways: bigint]>();
  rows.set('', [0, 0, 1n]);
  for (const count of steps) {
    const extended: typeof rows = new Map();
    for (const [glued, blocks, ways] of rows.values()) {
      for (let more = 1; more <= Math.min(count, mostBlocks - blocks); more += 1) {
        for (let kept = 1; kept <= more; kept += 1) {
          const sign = (more - kept) % 2 === 0 ? 1n : -1n;
          const cuts = binomial(count - 1, more - 1) * binomial(more - 1, kept - 1);
          const key = `${glued + kept},${blocks + more}`;
          const sum = extended.get(key)?.[2] ?? 0n;
          const added = sign * ways * cuts * binomial(glued + kept, kept);
          extended.set(key, [glued + kept, blocks + more, sum + added]);
        }
      }
    }
    rows = extended;
  }
  let total = 0n;
  for (const [, , ways] of rows.values()) total += ways;
  return total;
}

function binomial(n: number, k: number): bigint {
  let result = 1n;
  for (let factor = 1; factor <= k; factor += 1) {
    result = (result * BigInt(n - k + factor)) / BigInt(factor);
  }
  return result;
}

/**
 * The decimal logarithm of `countSchedules`, for so many tasks that nobody would print the count.
 *
 * Source: Stirling's series for the logarithm of the factorial.
 */
export function logSchedules(tasks: number, stepsEach: number): number {
  return (logFactorial(tasks * stepsEach) - tasks * logFactorial(stepsEach)) / Math.LN10;
}

function logFactorial(n: number): number {
  if (n < 20) {
    let product = 1;
    for (let factor = 2; factor <= n; factor += 1) product *= factor;
    return Math.log(product);
  }
  return n * Math.log(n) - n + Math.log(2 * Math.PI * n) / 2 + 1 / (12 * n);
}
