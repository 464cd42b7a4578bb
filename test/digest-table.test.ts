import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDigestTable } from '../src/core/digest-table.ts';

const half = fc.oneof(fc.nat({ max: 3 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }));

test('counts like a map of lists', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(half, half), { maxLength: 300 }), (digests) => {
      const table = createDigestTable();
      const expected = new Map<string, number>();
      for (const [high, low] of digests) {
        const key = `${high}:${low}`;
        const before = expected.get(key) ?? 0;
        expected.set(key, before + 1);
        expect(table.update(high, low, (number) => number + 1)).toBe(before);
      }
      expect(table.size()).toBe(expected.size);
    }),
  );
});

test('grows, and forgets nothing', () => {
  const table = createDigestTable();
  const digests = 20_000;
  for (let round = 0; round < 2; round += 1) {
    for (let index = 0; index < digests; index += 1) {
      // Four of them want the same slot.
      const low = Math.imul(index >> 2, 0x9e3779b1) >>> 0;
      expect(table.update(index, low, (number) => number + 1)).toBe(round);
    }
  }
  expect(table.size()).toBe(digests);
});
