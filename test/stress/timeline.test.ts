import { describe, expect, test } from 'vitest';
import { makePlan } from '../../src/stress/load/plan.ts';
import { Recorder } from '../../src/stress/load/record.ts';
import { type Timeline, timelineOf } from '../../src/stress/load/timeline.ts';

/** A run of one operation a millisecond, each of two milliseconds; some miss their branch. */
function timeline(operations: number, missed: (index: number) => boolean, threads = 1): Timeline {
  const plan = makePlan({ seed: 1, operations, branches: 2, accountsPerBranch: 2, workers: 2 });
  const recorders = Array.from({ length: threads }, () => new Recorder());
  for (let index = 0; index < operations; index += 1) {
    const { branch } = plan.at(index);
    const landed = missed(index) ? 2 - branch : branch + 1;
    const startNs = 5e6 + index * 1e6;
    const outcome = { index, landed, matched: 1, ending: 'acknowledged', startNs } as const;
    recorders[index % threads]?.add({ ...outcome, endNs: startNs + 2e6 }, undefined);
  }
  const wrong = Array.from({ length: operations }, (_, index) => index).find(missed);
  const startNs = 5e6 + (wrong ?? 0) * 1e6;
  const firstWrong = wrong === undefined ? undefined : { startNs, endNs: startNs + 2e6 };
  return timelineOf({ plan, records: recorders.map((each) => each.columns()), firstWrong });
}

const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);

describe('a time line', () => {
  test.each([0, 1, 7, 160, 161, 5000])('counts every one of %i operations', (operations) => {
    const { ended, wrong, window, p50_ms } = timeline(operations, (index) => index % 5 === 4, 2);
    expect(sum(ended)).toBe(operations);
    expect(sum(wrong)).toBe(Math.floor(operations / 5));
    expect(window.total).toBe(operations);
    expect(window.operations).toHaveLength(Math.min(operations, 160));
    expect(ended).toHaveLength(200);
    expect(new Set(p50_ms.filter((latency) => latency !== null))).toEqual(
      new Set(operations === 0 ? [] : [2]),
    );
  });

  test('its size does not grow with the run', () => {
    const size = (operations: number) => JSON.stringify(timeline(operations, () => false)).length;
    expect(size(40_000)).toBeLessThan(size(2000) * 1.2);
  });

  test('the window is around the first that went wrong, in order', () => {
    const { window } = timeline(5000, (index) => index === 3000);
    expect(window.around).toBe('first_wrong');
    expect(window.operations.find(({ wrong }) => wrong)?.operation).toBe(3000);
    const begins = window.operations.map(({ from_ms }) => from_ms);
    expect(begins).toEqual([...begins].sort((left, right) => left - right));
    expect(begins[0]).toBe(window.from_ms);
    expect(begins[0]).toBeGreaterThan(2900);
  });

  test('around the slowest where nothing went wrong; a short run is shown whole', () => {
    expect(timeline(500, () => false).window.around).toBe('slowest');
    expect(timeline(20, () => false).window.around).toBe('all');
  });
});
