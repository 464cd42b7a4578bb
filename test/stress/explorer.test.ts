import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  countPreemptions,
  countSwitches,
  explore,
  replay,
} from '../../src/stress/explore/explorer.ts';
import {
  countSchedules,
  countWithin,
  logSchedules,
} from '../../src/stress/explore/explorer-count.ts';
import { exploreSample } from '../../src/stress/explore/explorer-sample.ts';
import { stepLabel } from '../../src/stress/explore/schedule.ts';
import { createDraw } from '../../src/stress/plan/random.ts';
import {
  branching,
  gathering,
  lostUpdate,
  orderOf,
  type Toy,
  toyOptions,
  walkers,
} from './explorer-toys.ts';

describe('every schedule is executed once', () => {
  test('the lost update has 6 schedules, and 4 lose one', async () => {
    let lost = 0;
    const coverage = await explore<Toy>({
      ...toyOptions,
      fresh: lostUpdate,
      fixedSteps: [2, 2],
      visit: (_run, { state }) => {
        if (state.value !== 2) lost += 1;
        return undefined;
      },
    });
    expect(coverage).toMatchObject({ schedules: 6, complete: true, total: 6n, stopped: undefined });
    expect(lost).toBe(4);
  });

  test('without branching there are (Σk)!/Πk! of them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 3 }),
        async (points) => {
          const { seen, options } = gathering(walkers(...points));
          const fixedSteps = points.map((count) => count + 1);
          const coverage = await explore({ ...options, fixedSteps });
          expect(new Set(seen.map(orderOf)).size).toBe(seen.length);
          expect(BigInt(seen.length)).toBe(countSchedules(fixedSteps));
          expect(coverage.complete).toBe(true);
        },
      ),
      { numRuns: 30 },
    );
  });

  test('with branching they are those that a brute-force search finds', async () => {
    const { seen, options } = gathering(branching);
    const coverage = await explore(options);
    expect(seen.map(orderOf).sort()).toEqual(await bruteForce(branching));
    expect(coverage).toMatchObject({ complete: true, total: BigInt(seen.length) });
  });

  test('a task that crashes ends, with its error', async () => {
    const fresh = (): Toy => ({
      state: { value: 0 },
      tasks: [
        async (at) => {
          await at('a');
          throw new TypeError('as told');
        },
        async (at) => at('a'),
      ],
    });
    const { seen, options } = gathering(fresh, { fixedSteps: [2, 2] });
    await explore(options);
    expect(seen).toHaveLength(6);
    for (const { steps, errors, end } of seen) {
      expect(steps.filter(({ end: how }) => how === 'crashed')).toHaveLength(1);
      expect(errors).toEqual([new TypeError('as told'), undefined]);
      expect(end).toBe('done');
    }
  });

  test('tasks that are not deterministic are refused', async () => {
    let runs = 0;
    const fresh = () => {
      runs += 1;
      return walkers(runs > 1 ? 0 : 2, 2)();
    };
    await expect(explore(gathering(fresh).options)).rejects.toThrow('not deterministic');
  });

  test('a wrong declaration of the steps is refused', async () => {
    const { options } = gathering(walkers(1, 1), { fixedSteps: [2, 3] });
    await expect(explore(options)).rejects.toThrow('4 steps where 5 were declared');
  });
});

/** All schedules by brute force: every prefix is executed, regardless of preemptions. */
async function bruteForce(fresh: () => Toy): Promise<readonly string[]> {
  const found: string[] = [];
  const extend = async (prefix: readonly number[]): Promise<void> => {
    const { run } = await replay({ ...toyOptions, fresh }, prefix);
    if (run.end === 'done') found.push(orderOf(run));
    for (let task = 0; task < 8; task += 1) {
      if (run.options & (1 << task)) await extend([...prefix, task]);
    }
  };
  await extend([]);
  return found.sort();
}

describe('by increasing number of preemptions', () => {
  test.each([
    ['fixed', walkers(2, 2, 1)],
    ['branching', branching],
  ])('%s: preemptions never fall, and the levels add up to all', async (_name, fresh) => {
    const { seen, options } = gathering(fresh);
    await explore(options);
    const levels = seen.map(({ steps }) => countPreemptions(steps));
    expect(levels).toEqual([...levels].sort((left, right) => left - right));
    for (let bound = 0; bound <= Math.max(...levels); bound += 1) {
      const bounded = gathering(fresh, { preemptions: bound });
      const coverage = await explore(bounded.options);
      const upTo = levels.filter((level) => level <= bound).length;
      expect(bounded.seen.map(orderOf)).toEqual(seen.slice(0, upTo).map(orderOf));
      expect(coverage).toMatchObject({
        schedules: upTo,
        schedulesUpTo: upTo,
        allUpTo: bound,
        complete: upTo === seen.length,
        stopped: upTo === seen.length ? undefined : 'bound',
      });
    }
  });

  test('a switch away from a task that has ended is not a preemption', async () => {
    const { run } = await replay({ ...toyOptions, fresh: walkers(1, 1) }, [0, 0, 1, 1]);
    expect([countPreemptions(run.steps), countSwitches(run.steps)]).toEqual([0, 1]);
    const { run: other } = await replay({ ...toyOptions, fresh: walkers(1, 1) }, [0, 1, 0, 1]);
    expect([countPreemptions(other.steps), countSwitches(other.steps)]).toEqual([2, 3]);
  });
});

describe('interrupted', () => {
  test.each([0, 1, 5, 19, 20])('after %i of 20, it says what it covered', async (after) => {
    const controller = new AbortController();
    if (after === 0) controller.abort();
    const { seen, options } = gathering(walkers(2, 2), {
      fixedSteps: [3, 3],
      signal: controller.signal,
      progress: ({ done }) => {
        if (done === after) controller.abort();
      },
    });
    const coverage = await explore(options);
    expect(seen).toHaveLength(after);
    expect(coverage.total).toBe(20n);
    expect(coverage.complete).toBe(after === 20);
    const full = gathering(walkers(2, 2));
    await explore(full.options);
    const within = full.seen.filter(({ steps }) => countPreemptions(steps) <= coverage.allUpTo);
    expect(coverage.schedulesUpTo).toBe(within.length);
    expect(coverage.schedulesUpTo).toBeLessThanOrEqual(after);
  });

  test('progress increases, and says how many there are', async () => {
    const reports: string[] = [];
    await explore(
      gathering(walkers(1, 1), {
        fixedSteps: [2, 2],
        progress: ({ done, total, preemptions }) => reports.push(`${done}/${total}@${preemptions}`),
      }).options,
    );
    expect(reports).toEqual(['1/6@0', '2/6@0', '3/6@1', '4/6@1', '5/6@2', '6/6@2']);
  });

  test('if tasks branch, the number known so far ends as the total', async () => {
    const found: number[] = [];
    const { seen, options } = gathering(branching, {
      progress: (progress) => {
        expect(progress.total).toBeUndefined();
        found.push(progress.found);
      },
    });
    await explore(options);
    expect(Math.max(...found)).toBe(seen.length);
    expect(found.at(-1)).toBe(seen.length);
  });
});

test('memory does not grow with the schedules: the rest goes to a file', async () => {
  const keepBytes = 64 * 1024;
  const counts: number[] = [];
  for (const fresh of [walkers(2, 2, 2), walkers(3, 3, 3), walkers(3, 3, 3)]) {
    const { options } = gathering(fresh, { keepBytes, visit: () => undefined });
    const coverage = await explore(options);
    expect(coverage.complete).toBe(true);
    expect(coverage.retainedBytes).toBeLessThanOrEqual(keepBytes);
    counts.push(coverage.schedules);
  }
  expect(counts).toEqual([1680, 34_650, 34_650]);
});

test('a task that neither ends nor reaches a point is stuck, at its last point', async () => {
  const fresh = (): Toy => ({
    state: { value: 0 },
    tasks: [
      async (at) => {
        await at('a');
        await new Promise(() => undefined);
      },
      async (at) => at('b'),
    ],
  });
  const { seen, options } = gathering(fresh, { lateAfterMs: 5, stuckAfterMs: 30 });
  const coverage = await explore(options);
  expect(coverage).toMatchObject({ stopped: 'stuck', complete: false });
  expect(seen.at(-1)).toMatchObject({ end: 'stuck' });
  expect(seen.at(-1)?.steps.at(-1)).toMatchObject({ task: 0, to: 'a', end: 'stuck' });
});

test('a slow step is awaited, and the schedules are the same', async () => {
  const fresh = (): Toy => ({
    state: { value: 0 },
    tasks: [
      async (at) => {
        await at('a');
        await new Promise((resolve) => setTimeout(resolve, 20));
      },
      async (at) => at('b'),
    ],
  });
  const { seen, options } = gathering(fresh, { lateAfterMs: 5, waiting: async () => undefined });
  expect(await explore(options)).toMatchObject({ schedules: 6, complete: true });
  expect(seen.every(({ end }) => end === 'done')).toBe(true);
});

describe('replay', () => {
  test('makes the same steps again', async () => {
    const { seen, options } = gathering(branching);
    await explore(options);
    for (const run of seen.slice(0, 50)) {
      const again = await replay(
        { ...toyOptions, fresh: branching },
        run.steps.map(({ task }) => task),
      );
      expect(again.run.steps.map(stepLabel)).toEqual(run.steps.map(stepLabel));
    }
  });

  test('gives up if a choice is not possible, and says what was', async () => {
    const { run } = await replay({ ...toyOptions, fresh: walkers(0, 1) }, [0, 0]);
    expect(run).toMatchObject({ end: 'given_up', options: 0b10 });
    expect(run.steps).toHaveLength(1);
  });
});

describe('sampling', () => {
  const options = (count: number, seed: number) => ({
    ...gathering(walkers(2, 2)).options,
    fixedSteps: [3, 3],
    count,
    draw: createDraw(seed),
  });

  test('the same seed draws the same, and says how many it saw out of how many', async () => {
    const draws = await Promise.all([7, 7, 8].map((seed) => drawn(seed)));
    expect(draws[0]).toEqual(draws[1]);
    expect(draws[0]).not.toEqual(draws[2]);
    expect(await exploreSample(options(5, 1))).toMatchObject({ schedules: 5, total: 20n });
    expect(await exploreSample(options(500, 1))).toMatchObject({ distinct: 20, complete: true });
  });

  async function drawn(seed: number): Promise<readonly string[]> {
    const { seen, options: gathered } = gathering(walkers(2, 2));
    await exploreSample({ ...gathered, fixedSteps: [3, 3], count: 10, draw: createDraw(seed) });
    return seen.map(orderOf);
  }

  test('each schedule is about equally likely', async () => {
    const tally = new Map<string, number>();
    await exploreSample({
      ...options(4000, 3),
      visit: (run) => {
        tally.set(orderOf(run), (tally.get(orderOf(run)) ?? 0) + 1);
        return undefined;
      },
    });
    expect(tally.size).toBe(20);
    for (const times of tally.values()) expect(Math.abs(times - 200)).toBeLessThan(80);
  });
});

test.each([
  [[3, 3], 20n],
  [[4, 4, 4], 34_650n],
  [[3, 3, 3, 3], 369_600n],
  [[1], 1n],
  [[], 1n],
])('steps %j have %i schedules', (steps, expected) => {
  expect(countSchedules(steps)).toBe(expected);
  const [first = 1] = steps;
  expect(10 ** logSchedules(steps.length, first)).toBeCloseTo(Number(expected), 0);
});

test('the number of schedules within a bound is what the explorer finds', async () => {
  expect(countWithin([4, 4, 4], 2)).toBe(402n);
  for (const points of [
    [2, 2],
    [1, 2, 2],
    [0, 1, 3],
  ]) {
    const steps = points.map((count) => count + 1);
    for (let bound = 0; bound <= 6; bound += 1) {
      const { options } = gathering(walkers(...points), { preemptions: bound });
      expect(BigInt((await explore(options)).schedules)).toBe(countWithin(steps, bound));
    }
    expect(countWithin(steps, 20)).toBe(countSchedules(steps));
  }
});
