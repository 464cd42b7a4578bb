import fc from 'fast-check';
import { Decimal128, Double } from 'mongodb';
import { expect, test } from 'vitest';
import { exactOf, exactOfMinor, formatExact } from '../../src/bank/adoption/exact-amount.ts';
import { formatAmount } from '../../src/core/money.ts';

test.each<[value: unknown, digits: number, text: string]>([
  ['12.345', 2, '12.345'],
  [' 12 ', 2, '12.00'],
  ['12', 0, '12'],
  ['-0.5', 0, '-0.5'],
  ['1.5e3', 2, '1500.00'],
  ['125E-3', 2, '0.125'],
  [Decimal128.fromString('1E+3'), 3, '1000.000'],
  [new Double(0.1 + 0.2), 2, '0.30000000000000004'],
  [new Double(1e-7), 2, '0.0000001'],
  [new Double(-1e20), 2, '-100000000000000000000.00'],
])('%s', (value, digits, text) => {
  expect(formatExact(exactOf(value), { digits })).toBe(text);
});

test('minor units are shown as amounts are', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }), fc.nat(4), (minor, digits) => {
      const exact = exactOfMinor(minor, { digits });
      expect(formatExact(exact, { digits })).toBe(formatAmount(minor, { digits }));
      expect(exactOf(formatAmount(minor, { digits }))).toBe(exact);
    }),
  );
});
