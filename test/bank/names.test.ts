import { describe, expect, test } from 'vitest';
import {
  parseAccountNumber,
  parseMemo,
  parseOperationId,
} from '../../src/bank/operations/names.ts';

describe('an unusable name is quoted, with what is wrong with it', () => {
  const parsers = { parseAccountNumber, parseOperationId, parseMemo };

  test.each([
    ['parseAccountNumber', '', 'The account number "" is empty.'],
    [
      'parseAccountNumber',
      'a\u202Eb',
      String.raw`has the character \u202e, which cannot be printed`,
    ],
    ['parseAccountNumber', 'a\uFFFDb', String.raw`has the character \ufffd, which cannot`],
    ['parseAccountNumber', ' a', 'begins or ends with a space'],
    ['parseAccountNumber', 'x'.repeat(65), 'has 65 characters, but the maximum is 64'],
    ['parseOperationId', 'a\u200Bb', String.raw`has the character \u200b, which`],
    ['parseOperationId', 'x'.repeat(129), 'has 129 characters, but the maximum is 128'],
    ['parseMemo', '', 'The memo "" is empty.'],
    ['parseMemo', 'می\u200Cخواهم\u202E', String.raw`has the character \u202e, which`],
    ['parseMemo', 'x'.repeat(501), 'has 501 characters, but the maximum is 500'],
  ] as const)('%s(%j)', (name, text, message) => {
    expect(() => parsers[name](text)).toThrow(message);
  });

  test('a memo may contain whatever text needs, and spaces at its ends', () => {
    for (const memo of ['می\u200Cخواهم', '👩\u200D👧 ❤\uFE0F', ' for rent ']) {
      expect(parseMemo(memo)).toBe(memo.normalize('NFC'));
    }
  });
});
