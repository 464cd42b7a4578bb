import { describe, expect, test } from 'vitest';
import { collectTimeline, type EventTimeline } from '../../src/stress/check/timeline.ts';
import { readHistoryEvent } from '../../src/stress/history/event.ts';

/** One operation per millisecond, each half a millisecond long; every tenth gets no answer. */
function timeline(operations: number, faultAt?: number, wrongAt?: number): EventTimeline {
  const { take, timeline: finish } = collectTimeline();
  const tell = (process: number | string, type: string, f: string, ms: number) => {
    const asked = { id: `op-${Math.floor(ms)}`, account: 'branch1:ACC', amount: '1.00' };
    const given = type === 'ok' ? { balance: '1.00', version: 2 } : {};
    const value = process === 'nemesis' ? { pid: 7 } : { ...asked, ...given };
    const event = readHistoryEvent(JSON.stringify({ process, type, f, value, time: ms * 1e6 }));
    if (typeof event === 'string') return;
    const isWrong = type !== 'invoke' && process === 1 && Math.floor(ms) === wrongAt;
    take(event, isWrong ? 'lost' : undefined);
  };
  for (let index = 0; index < operations; index += 1) {
    if (index === faultAt) tell('nemesis', 'invoke', 'kill', index);
    tell(1, 'invoke', 'increment', index);
    tell(1, index % 10 === 9 ? 'info' : 'ok', 'increment', index + 0.5);
    if (faultAt !== undefined && index === faultAt + 2)
      tell('nemesis', 'info', 'down', index + 0.6);
    if (faultAt !== undefined && index === faultAt + 5)
      tell('nemesis', 'info', 'kill', index + 0.6);
  }
  return finish();
}

const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);

describe('a timeline of events', () => {
  test.each([0, 1, 199, 201, 12_345])('counts every one of %i operations', (operations) => {
    const { ended, unanswered, window, max_ms, p50_ms } = timeline(operations);
    expect(sum(ended)).toBe(operations);
    expect(sum(unanswered)).toBe(Math.floor(operations / 10));
    expect(window.total).toBe(operations);
    expect(ended.length).toBeLessThanOrEqual(200);
    for (const latency of [...max_ms, ...p50_ms]) expect(latency ?? 0.5).toBeCloseTo(0.5, 5);
  });

  test('its size does not grow with the run', () => {
    const size = (operations: number) => JSON.stringify(timeline(operations)).length;
    expect(size(60_000)).toBeLessThan(size(3000) * 1.5);
  });

  test('the window is around the first fault, which is a band', () => {
    const { faults, window } = timeline(5000, 3000);
    expect(faults).toEqual([{ label: 'kill', from_ms: 3000, to_ms: 3005.6 }]);
    expect(window).toMatchObject({ around: 'first_fault', total: 5000 });
    const begins = window.operations.map(({ from_ms }) => from_ms);
    expect([begins.length, begins[0], begins.at(-1)]).toEqual([160, 2920, 3079]);
    expect(window.operations.filter(({ type }) => type === 'info')).toHaveLength(16);
  });

  test('the window is around the first wrong operation, even if a fault came before it', () => {
    const { wrong, window } = timeline(5000, 1000, 3000);
    expect(sum(wrong)).toBe(1);
    expect(window).toMatchObject({ around: 'first_wrong', total: 5000 });
    const shown = window.operations.find((operation) => operation.wrong !== null);
    expect(shown).toMatchObject({ operation: 'op-3000', wrong: 'lost', from_ms: 3000 });
    const begins = window.operations.map(({ from_ms }) => from_ms);
    expect([begins.length, begins[0], begins.at(-1)]).toEqual([160, 2921, 3080]);
  });

  test.each([
    ['beginning', 3, 0, 159],
    ['end', 4990, 4840, 4999],
  ])('a window near the %s is as long as any other', (_where, wrongAt, first, last) => {
    const begins = timeline(5000, -1, wrongAt).window.operations.map(({ from_ms }) => from_ms);
    expect([begins.length, begins[0], begins.at(-1)]).toEqual([160, first, last]);
  });

  test('a short run is shown whole; a long one without a fault, from its beginning', () => {
    expect(timeline(160).window).toMatchObject({ around: 'all' });
    const { window } = timeline(3000);
    expect(window).toMatchObject({ around: 'beginning' });
    expect(window.operations.map(({ from_ms }) => from_ms)).toEqual(
      Array.from({ length: 160 }, (_, index) => index),
    );
  });
});
