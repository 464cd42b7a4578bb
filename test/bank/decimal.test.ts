import fc from 'fast-check';
import { Decimal128, Double, Long } from 'mongodb';
import { expect, test } from 'vitest';
import { fromDecimal, toDecimal } from '../../src/bank/decimal.ts';
import { formatAmount } from '../../src/core/money.ts';

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

test('an amount is stored as the driver would store its text, and read back', () => {
  const edge = BigInt(Number.MAX_SAFE_INTEGER);
  const minor = fc.oneof(
    fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }),
    fc.bigInt({ min: -edge - 2n, max: edge + 2n }),
    fc.bigInt({ min: -300n, max: 300n }),
    fc.constantFrom(
      0n,
      edge,
      edge + 1n,
      -edge,
      2n ** 32n,
      2n ** 32n - 1n,
      2n ** 56n,
      2n ** 56n - 1n,
    ),
  );
  fc.assert(
    fc.property(minor, fc.integer({ min: 0, max: 4 }), (value, digits) => {
      const stored = toDecimal(value, { digits });
      const text = Decimal128.fromString(formatAmount(value, { digits }));
      expect([...stored.bytes]).toEqual([...text.bytes]);
      expect(fromDecimal(stored, { digits })).toBe(value);
    }),
    { numRuns: 2000 },
  );
});
