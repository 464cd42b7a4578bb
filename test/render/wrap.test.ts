import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { textWidth } from '../../src/render/unicode-width.ts';
import { wrapText } from '../../src/render/wrap.ts';

describe('a line is wrapped', () => {
  test.each([
    ['', 10, ['']],
    ['fits', 10, ['fits']],
    ['at a space', 6, ['at a', 'space']],
    ['abcdefghijk', 4, ['abcd', 'efgh', 'ijk']],
    ['a bcdefghij k', 4, ['a bc', 'defg', 'hij', 'k']],
    ['  keeps its indent', 10, ['  keeps', '  its', '  indent']],
    ['銀行銀行', 4, ['銀行', '銀行']],
    ['👩‍👩‍👧👩‍👩‍👧', 3, ['👩‍👩‍👧', '👩‍👩‍👧']],
  ])('%j at %i', (text, width, lines) => {
    expect(wrapText(text, width, textWidth)).toEqual(lines);
  });

  test('without losing text or exceeding the width', () => {
    const words = fc.array(fc.string({ unit: 'grapheme', maxLength: 30 }), { maxLength: 8 });
    fc.assert(
      fc.property(words, fc.integer({ min: 4, max: 40 }), (given, width) => {
        const text = given.join(' ').replace(/[\s\p{C}]+/gu, ' ');
        const lines = wrapText(text.trim(), width, textWidth);
        const bare = (shown: string) => shown.normalize().replaceAll(' ', '');
        expect(bare(lines.join(''))).toBe(bare(text));
        for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width);
      }),
    );
  });
});
