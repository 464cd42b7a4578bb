import { describe, expect, test } from 'vitest';
import { swimlane } from '../../src/render/swimlane.ts';
import { nowhere, type OperationRecord } from '../../src/stress/check/increment.ts';
import type { LoadEvent } from '../../src/stress/load/event-window.ts';
import { explain } from '../../src/stress/load/explain.ts';
import { makePlan } from '../../src/stress/plan/increments.ts';

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
const misplaced = explain(
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
const lost = explain(
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
const crashed = explain(
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

const plain = { head: String, bad: String, faint: String };

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

  test('colour marks the step of the other and what came of it', () => {
    const marked = swimlane(misplaced, { ...plain, bad: (text) => `<${text}>` }, 80);
    const bad = marked.flatMap((line) => /<(.*)>/.exec(line)?.[1] ?? []);
    expect(bad).toEqual([
      'switches the model to branch2',
      'takes branch2 ✗',
      '✗ writes to branch2, not branch1',
    ]);
  });

  test('without events there is still the sentence', () => {
    const wrong = explain(plan, { ...record, wrong: 'misplaced' }, [], 'branch2', undefined);
    expect(swimlane(wrong, plain, 80)).toContain(wrong.reason);
  });
});
