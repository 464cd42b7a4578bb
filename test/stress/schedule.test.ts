import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BankctlError } from '../../src/core/errors.ts';
import { explore, type Run, replay } from '../../src/stress/explore/explorer.ts';
import {
  checkReplay,
  digestSteps,
  formatScheduleId,
  parseScheduleId,
  type Vocabulary,
} from '../../src/stress/explore/schedule.ts';
import { branching, gathering, type Toy, toyOptions, walkers } from './explorer-toys.ts';

const vocabulary: Vocabulary = { models: ['shared', 'branch'], points: ['a', 'b', 'written'] };

function idOf(run: Run, workers = 2) {
  return {
    model: 'shared',
    points: ['a', 'b'],
    workers,
    order: run.steps.map(({ task }) => task),
    digest: digestSteps(run.steps),
  };
}

async function runOf(fresh: () => Toy, order: readonly number[]): Promise<Run> {
  return (await replay({ ...toyOptions, fresh }, order)).run;
}

/** The message with which an id is refused. */
function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof BankctlError && error.code === 'usage') return error.message;
    throw error;
  }
  return 'accepted';
}

describe('an id', () => {
  test('contains all that is needed, and is parsed back', async () => {
    const id = idOf(await runOf(walkers(2, 2), [0, 1, 0, 1, 0, 1]));
    const text = formatScheduleId(id, vocabulary);
    expect(text).toMatch(/^s1:shared:a-b:w2:010101:[0-9a-z]{7}$/);
    expect(parseScheduleId(text, vocabulary)).toEqual(id);
    expect(parseScheduleId(` ${text.toUpperCase()} `, vocabulary)).toEqual(id);
  });

  test('of any run is parsed back', async () => {
    const { seen, options } = gathering(branching);
    await explore(options);
    fc.assert(
      fc.property(
        fc.constantFrom(...seen),
        fc.subarray(['a', 'b', 'written'], { minLength: 1 }),
        (run, points) => {
          const id = { ...idOf(run, 3), points };
          expect(parseScheduleId(formatScheduleId(id, vocabulary), vocabulary)).toEqual(id);
        },
      ),
    );
  });

  test('writes all points as one word', () => {
    const id = parseScheduleId('s1:shared:all:w2:0101:0000000', vocabulary);
    expect(id.points).toEqual(['a', 'b', 'written']);
    expect(formatScheduleId(id, vocabulary)).toBe('s1:shared:all:w2:0101:0000000');
  });

  test.each([
    ['', 'it has 1 parts and not the six of s1:MODEL:POINTS:wN:ORDER:DIGEST'],
    ['s0:shared:a:w2:01:0000000', 'it has 6 parts and not the six of s1'],
    ['s1:shred:a:w2:01:0000000', 'there is no model "shred"; did you mean shared?'],
    ['s1:shared:a-writen:w2:01:0000000', 'there is no point "writen"; did you mean written?'],
    ['s1:shared:a:2:01:0000000', '"2" is not a number of workers like w2'],
    ['s1:shared:a:w9:01:0000000', '"w9" is not a number of workers'],
    ['s1:shared:a:w2::0000000', 'it names no step'],
    ['s1:shared:a:w2:012:0000000', 'step 3 is "2", but the 2 workers are 0 to 1'],
    ['s1:shared:a:w2:0x:0000000', 'step 2 is "x", but the 2 workers are 0 to 1'],
    ['s1:shared:a:w2:01:000000', 'its digest "000000" is not 7 letters and digits'],
    ['s1:shared:a:w2:01:000000u', 'its digest "000000u" is not 7 letters and digits'],
  ])('mistyped as %j is refused', (text, message) => {
    expect(refusal(() => parseScheduleId(text, vocabulary))).toContain(message);
  });
});

describe('a replay', () => {
  const check = async (order: readonly number[], digest: string, fresh = walkers(2, 2)) => {
    const run = await runOf(fresh, order);
    const id = { ...idOf(run), order, digest };
    return refusal(() => checkReplay('ID', id, run));
  };

  test('that matches its schedule is accepted', async () => {
    const run = await runOf(walkers(2, 2), [0, 1, 0, 1, 0, 1]);
    expect(await check([0, 1, 0, 1, 0, 1], digestSteps(run.steps))).toBe('accepted');
  });

  test.each([
    [
      'a worker that has ended',
      [0, 0, 0, 0, 1, 1],
      'step 4 is of worker 1, but only worker 2 can run there',
    ],
    ['too short', [0, 0, 1], 'it ends after step 3, but then worker 1 or worker 2 can still go on'],
    ['too long', [0, 0, 0, 1, 1, 1, 1], 'its step 7 is one too many: after step 6 nobody can run'],
  ])('%s is refused, with the step and what was possible', async (_what, order, message) => {
    expect(await check(order, '0000000')).toContain(message);
  });

  test('with two digits swapped is refused near that step', async () => {
    const run = await runOf(walkers(2, 2), [0, 1, 0, 1, 0, 1]);
    const message = await check([0, 1, 1, 0, 0, 1], digestSteps(run.steps));
    expect(message).toContain('step 3, now from a to b, is not the one that was digested');
    expect(message).toContain('(possible there: worker 1 or worker 2)');
  });

  test('of a program whose steps have changed is refused', async () => {
    const before = await runOf(walkers(2, 2), [0, 1, 0, 1, 0, 1]);
    const renamed = (): Toy => ({
      state: { value: 0 },
      tasks: [1, 2].map(() => async (at) => {
        await at('a');
        await at('c');
      }),
    });
    const message = await check([0, 1, 0, 1, 0, 1], digestSteps(before.steps), renamed);
    expect(message).toContain('step 3, now from a to c, is not the one that was digested');
  });

  test('with a wrong digest is refused', async () => {
    const run = await runOf(walkers(2, 2), [0, 1, 0, 1, 0, 1]);
    const digest = digestSteps(run.steps);
    const other = digest.at(-1) === '0' ? '1' : '0';
    expect(await check([0, 1, 0, 1, 0, 1], digest.slice(0, -1) + other)).toContain('step');
  });

  test('every other order of the same length is refused', async () => {
    const { seen, options } = gathering(walkers(2, 2));
    await explore(options);
    const digests = new Set(seen.map(({ steps }) => digestSteps(steps)));
    expect(digests.size).toBe(seen.length);
  });
});
