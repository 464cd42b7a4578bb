import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IdSet } from '../../src/stress/check/ids.ts';
import '../seed.ts';

const number = fc.oneof(fc.nat(40), fc.nat(5000), fc.maxSafeNat());
const ids = fc.oneof(
  fc.tuple(fc.constantFrom('branch', 'branch-1', ''), number).map(([name, at]) => `${name}-${at}`),
  fc.constantFrom('a-07', 'a-7', 'a', '7', 'a--7', 'a-', 'a-1e3', 'a-1000'),
);

test('a set of ids knows each id that occurred, and no other', () => {
  fc.assert(
    fc.property(fc.array(ids, { maxLength: 300 }), (all) => {
      const known = new Set<string>();
      const set = new IdSet();
      for (const id of all) {
        expect(set.add(id)).toBe(!known.has(id));
        known.add(id);
      }
    }),
  );
});

test('each id is new exactly once, in any order', () => {
  const set = new IdSet();
  const order = Array.from({ length: 20_000 }, (_, at) => (at * 7919) % 20_000);
  expect(order.every((at) => set.add(`branch-${at}`))).toBe(true);
  expect(order.some((at) => set.add(`branch-${at}`))).toBe(false);
});
