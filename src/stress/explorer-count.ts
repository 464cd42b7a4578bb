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
 * The decimal logarithm of `countSchedules`, for numbers of tasks whose count nobody prints.
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
