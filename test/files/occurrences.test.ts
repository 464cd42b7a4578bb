import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countOccurrences } from '../../src/files/occurrences.ts';

const half = fc.oneof(fc.nat({ max: 3 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }));

test('counts as a map of lists would', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(half, half), { maxLength: 300 }), (digests) => {
      const occurrences = countOccurrences();
      const expected = new Map<string, number>();
      for (const [high, low] of digests) {
        const key = `${high}:${low}`;
        expected.set(key, (expected.get(key) ?? 0) + 1);
        expect(occurrences.count(high, low)).toBe(expected.get(key));
      }
      expect(occurrences.distinct()).toBe(expected.size);
    }),
  );
});

test('grows, and forgets nothing', () => {
  const occurrences = countOccurrences();
  const digests = 20_000;
  for (let round = 1; round <= 2; round += 1) {
    for (let index = 0; index < digests; index += 1) {
      // Four of them want the same slot.
      expect(occurrences.count(index, Math.imul(index >> 2, 0x9e3779b1) >>> 0)).toBe(round);
    }
  }
  expect(occurrences.distinct()).toBe(digests);
});
