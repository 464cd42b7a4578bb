import fc from 'fast-check';
import { expect, test } from 'vitest';
import { oneMistakeAway } from '../src/core/near-names.ts';
import './seed.ts';

const letter = fc.constantFrom(...'abcxyz0189-_ABZ');
const id = fc.array(letter, { minLength: 2, maxLength: 40 }).map((parts) => parts.join(''));

test('every single mistake in an id leads back to it', () => {
  fc.assert(
    fc.property(id, fc.nat(), fc.constantFrom(...'kq7-'), (meant, place, other) => {
      const at = place % meant.length;
      const [before, current, after] = [meant.slice(0, at), meant.charAt(at), meant.slice(at + 1)];
      const typed = {
        wrong: before + other + after,
        missing: before + after,
        extra: before + other + current + after,
        swapped: before + after.slice(0, 1) + current + after.slice(1),
        small: meant.toLowerCase(),
      };
      for (const [mistake, text] of Object.entries(typed)) {
        // A letter is only found if the rest of the id has one of its kind.
        const kinds = /[A-Z]/.test(meant) === /[A-Z]/.test(text) && /[a-z]/.test(text);
        const capitals = meant.replace(/[^A-Z]/g, '').length;
        if (text === meant || (mistake === 'small' && capitals > 1) || !kinds) continue;
        expect(oneMistakeAway(text), mistake).toContain(meant);
      }
    }),
  );
});

test.each([
  ['till-7-ab', 'Till-7-aB'],
  ['ORDER-2026-NOVEMBER-CORRECTION', 'order-2026-november-correction'],
  ['order-2026-november-correction', 'Order-2026-November-Correction'],
  ['Order-2026-november-correction', 'order-2026-november-correction'],
])('%s is the other case of %s', (typed, meant) => {
  expect(oneMistakeAway(typed)).toContain(meant);
});

test('the longest id has a bounded number of neighbours, and is none of them', () => {
  const longest = 'aB'.repeat(64);
  const found = oneMistakeAway(longest);
  expect(found.length).toBeLessThan(20_000);
  expect(found).not.toContain(longest);
});
