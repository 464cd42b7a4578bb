import { describe, expect, test } from 'vitest';
import { drawLane } from '../../src/render/lane-picture.ts';
import type { Paint } from '../../src/render/paint.ts';
import { firstWrongLane, scheduleLane } from '../../src/render/story-lane.ts';
import { nowhere, type OperationRecord } from '../../src/stress/check/increment.ts';
import type { ScheduleStory } from '../../src/stress/check/story.ts';
import {
  explainFirstWrong,
  explainSchedule,
  type FirstWrong,
} from '../../src/stress/check/story.ts';
import { makePlan } from '../../src/stress/plan/increments.ts';
import type { LoadEvent } from '../../src/stress/subjects/event-window.ts';

const plain: Paint = { head: String, good: String, bad: String, warn: String, faint: String };

function swimlane(wrong: FirstWrong, paint: Paint, width: number) {
  return drawLane(firstWrongLane(wrong, 'title'), paint, width);
}

function scheduleColumns(shown: ScheduleStory, paint: Paint, width: number) {
  return drawLane(scheduleLane(shown, 'title'), paint, width);
}

const plan = makePlan({ seed: 3, operations: 8, branches: 2, accountsPerBranch: 2, workers: 4 });
const first = [0, 1, 2, 3].find((index) => plan.at(index).branch === 0) ?? 0;
const second = [0, 1, 2, 3].find((index) => plan.at(index).branch === 1) ?? 1;

type Step = readonly [
  index: number,
  kind: LoadEvent['kind'],
  collection?: string | undefined,
  name?: string,
];

function events(...steps: readonly Step[]): readonly LoadEvent[] {
  return steps.map(([index, kind, collection, name], at) => ({
    atNs: at * 250_000,
    worker: plan.at(index).worker,
    index,
    kind,
    collection,
    name,
  }));
}

const own = 'bank_account';
const record: OperationRecord = {
  index: first,
  landed: 2,
  matched: 1,
  type: 'ok',
};
const misplaced = explainFirstWrong(
  plan,
  { ...record, wrong: 'misplaced' },
  events(
    [first, 'captured', own, own],
    [first, 'switched', undefined, 'branch1'],
    [second, 'captured', 'branch1', 'branch1'],
    [second, 'switched', undefined, 'branch2'],
    [first, 'resolved', 'branch2'],
    [second, 'resolved', 'branch2'],
    [first, 'sent', 'branch2'],
    [first, 'written', 'branch2'],
    [first, 'restored', own, own],
  ),
  'branch2',
  undefined,
);
const lost = explainFirstWrong(
  plan,
  { ...record, landed: 0, matched: 0, wrong: 'lost' },
  events(
    [second, 'captured', own, own],
    [second, 'switched', undefined, 'branch2'],
    [first, 'captured', own, own],
    [first, 'switched', undefined, 'branch1'],
    [second, 'restored', own, own],
    [first, 'resolved', own],
    [first, 'sent', own],
    [first, 'written', own],
  ),
  own,
  undefined,
);
const crashed = explainFirstWrong(
  plan,
  { ...record, landed: nowhere, matched: 0, type: 'fail', wrong: 'crashed' },
  events(
    [first, 'switched', undefined, 'branch1'],
    [second, 'switched', undefined, 'branch2'],
    [first, 'resolved'],
    [first, 'crashed'],
    [first, 'restored', own, own],
  ),
  undefined,
  'the model has no collection to write to',
);

describe('the first wrong write as a swimlane', () => {
  test.each([
    ['misplaced', misplaced],
    ['lost', lost],
    ['crashed', crashed],
  ])('%s', (name, wrong) => {
    expect(swimlane(wrong, plain, 80).join('\n')).toMatchSnapshot(name);
  });

  test.each([40, 60, 80, 120])('fits %i columns', (width) => {
    for (const line of swimlane(misplaced, plain, width)) {
      expect(line.length).toBeLessThanOrEqual(width);
    }
  });

  test("colour marks the other worker's step and its consequence", () => {
    const marked = swimlane(misplaced, { ...plain, bad: (text) => `<${text}>` }, 80);
    const bad = marked.flatMap((line) => /<(.*)>/.exec(line)?.[1] ?? []);
    expect(bad).toEqual([
      'switches the model to branch2',
      'takes branch2 ✗',
      '✗ writes to branch2, not branch1',
    ]);
  });

  test('the sentence is there even without events', () => {
    const wrong = explainFirstWrong(
      plan,
      { ...record, wrong: 'misplaced' },
      [],
      'branch2',
      undefined,
    );
    expect(swimlane(wrong, plain, 80)).toContain(wrong.reason);
  });
});

describe('a schedule as columns', () => {
  const mark = (name: string) => (text: string) => `<${name}>${text}</${name}>`;
  const coloured = { ...plain, head: mark('h'), good: mark('g'), bad: mark('b'), faint: mark('f') };

  const story: ScheduleStory = {
    id: 's1:shared:switched:w2:0101:0000000',
    workers: [
      { worker: 1, branch: 'branch1' },
      { worker: 2, branch: 'branch2' },
    ],
    steps: [
      {
        step: 1,
        worker: 1,
        from: 'start',
        to: 'switched',
        actions: [
          { does: 'remembers', name: 'bank_account', cached: 'bank_account' },
          { does: 'switches', name: 'branch1' },
        ],
        model: { name: 'branch1', cached: null },
      },
      {
        step: 2,
        worker: 2,
        from: 'start',
        to: 'switched',
        actions: [
          { does: 'indexes', collection: 'branch1' },
          { does: 'remembers', name: 'branch1', cached: null },
          { does: 'switches', name: 'branch2' },
        ],
        model: { name: 'branch2', cached: null },
      },
      {
        step: 3,
        worker: 1,
        from: 'switched',
        to: 'ended',
        actions: [
          { does: 'takes', collection: 'branch2' },
          {
            does: 'writes',
            collection: 'branch2',
            should_be: 'branch1',
            matched: 1,
            wrong: 'misplaced',
          },
          { does: 'restores', name: 'bank_account', cached: 'bank_account' },
        ],
        model: { name: 'bank_account', cached: 'bank_account' },
      },
    ],
    reason: null,
    replay: 'bankctl stress --schedule s1:shared:switched:w2:0101:0000000',
    same_again: true,
  };

  test('there is one column per worker, with time running down', () => {
    const shown = { ...story, reason: explainSchedule(story.steps) };
    expect(scheduleColumns(shown, plain, 80)).toEqual([
      '   │ worker 1 → branch1                  │ worker 2 → branch2',
      ' 1 │ remembers bank_account              │',
      '   │ switches the model to branch1       │',
      '   │ at switched                         │',
      ' 2 │                                     │ caches branch1, ensures its index',
      '   │                                     │ remembers branch1, nothing cached',
      '   │                                     │ switches the model to branch2',
      '   │                                     │ at switched',
      ' 3 │ takes branch2                       │',
      '   │ ✗ writes to branch2                 │',
      '   │   should be branch1                 │',
      '   │ restores bank_account               │',
      '   │ ended                               │',
      '',
      "Worker 1 wrote to branch2 instead of branch1, because worker 2's step 2",
      "re-pointed the model between worker 1's steps 1 and 3.",
      'Again: bankctl stress --schedule s1:shared:switched:w2:0101:0000000',
      'It was run twice, and ended the same both times.',
    ]);
  });

  test('colour marks the moment it goes wrong, and does not move the columns', () => {
    const lines = scheduleColumns({ ...story, same_again: false }, coloured, 80);
    expect(lines).toContain(`   <f>│</f> <b>✗ writes to branch2</b>${' '.repeat(16)} <f>│</f>`);
    const withoutMarks = lines.map((line) => line.replace(/<\/?\w>/g, '').trimEnd());
    expect(withoutMarks.slice(0, 13)).toEqual(scheduleColumns(story, plain, 80).slice(0, 13));
    expect(lines.at(-1)).toMatch(/^<b>It was run twice, and did not end the same/);
  });

  describe.each([2, 3, 4])('%i workers', (count) => {
    test.each([60, 80, 120])('fit %i columns', (width) => {
      const workers = Array.from({ length: count }, (_, index) => ({
        worker: index + 1,
        branch: 'a-branch-with-a-very-long-name',
      }));
      const steps = story.steps.flatMap((step) =>
        workers.map(({ worker }) => ({ ...step, worker })),
      );
      const lines = scheduleColumns({ ...story, workers, steps }, plain, width);
      for (const line of lines.slice(0, -2)) expect([...line].length).toBeLessThanOrEqual(width);
    });
  });

  test('nothing wrong needs no reason', () => {
    expect(explainSchedule(story.steps.slice(0, 2))).toBeNull();
    expect(scheduleColumns(story, plain, 80).some((line) => line.startsWith('Worker 1'))).toBe(
      false,
    );
  });
});
