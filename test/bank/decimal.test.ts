import { Decimal128, Double, Long } from 'mongodb';
import { expect, test } from 'vitest';
import { fromDecimal } from '../../src/bank/decimal.ts';

const usd = { digits: 2 };

test.each([
  ['1E+2', 10000n],
  ['1.230', 123n],
  ['-0', 0n],
  ['0E-20', 0n],
  ['0E+6000', 0n],
  ['100E-2', 100n],
])('%s is read exactly', (text, expected) => {
  expect(fromDecimal(Decimal128.fromString(text), usd)).toBe(expected);
});

test.each([
  [Decimal128.fromString('NaN')],
  [Decimal128.fromString('Infinity')],
  [Decimal128.fromString('1.005')],
  [Decimal128.fromString('1E+6000')],
  [new Double(1.5)],
  [Long.ONE],
  [1.5],
  ['1.50'],
  [null],
  [undefined],
])('%o is no balance', (value) => {
  expect(fromDecimal(value, usd)).toBeUndefined();
});
