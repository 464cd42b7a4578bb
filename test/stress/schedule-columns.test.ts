import { describe, expect, test } from 'vitest';
import { scheduleColumns } from '../../src/render/schedule-columns.ts';
import { explainSchedule, type ScheduleStory } from '../../src/stress/story.ts';

const mark = (name: string) => (text: string) => `<${name}>${text}</${name}>`;
const coloured = { head: mark('h'), good: mark('g'), bad: mark('b'), faint: mark('f') };
const plain = (text: string) => text;
const bare = { head: plain, good: plain, bad: plain, faint: plain };

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

test('one column a worker, time running down', () => {
  const shown = { ...story, reason: explainSchedule(story.steps) };
  expect(scheduleColumns(shown, bare, 80)).toEqual([
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
  expect(withoutMarks.slice(0, 13)).toEqual(scheduleColumns(story, bare, 80).slice(0, 13));
  expect(lines.at(-1)).toMatch(/^<b>It was run twice, and did not end the same/);
});

describe.each([2, 3, 4])('%i workers', (count) => {
  test.each([60, 80, 120])('fit %i columns', (width) => {
    const workers = Array.from({ length: count }, (_, index) => ({
      worker: index + 1,
      branch: 'a-branch-with-a-very-long-name',
    }));
    const steps = story.steps.flatMap((step) => workers.map(({ worker }) => ({ ...step, worker })));
    const lines = scheduleColumns({ ...story, workers, steps }, bare, width);
    for (const line of lines.slice(0, -2)) expect([...line].length).toBeLessThanOrEqual(width);
  });
});

test('nothing wrong needs no reason', () => {
  expect(explainSchedule(story.steps.slice(0, 2))).toBeNull();
  expect(scheduleColumns(story, bare, 80).some((line) => line.startsWith('Worker 1'))).toBe(false);
});
