import fc from 'fast-check';
import { Decimal128 } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { fromDecimal, toDecimal } from '../../src/bank/decimal.ts';
import { formatAmount, maxMinor, parseAmount } from '../../src/core/money.ts';

const usd = { code: 'USD', digits: 2 };
const jpy = { code: 'JPY', digits: 0 };
const kwd = { code: 'KWD', digits: 3 };
const currency = fc.constantFrom(usd, jpy, kwd);
const minor = fc.bigInt({ min: -maxMinor, max: maxMinor });

describe('parseAmount', () => {
  test.each([
    ['50', usd, 5000n],
    ['-12.34', usd, -1234n],
    ['+1', usd, 100n],
    ['-0', usd, 0n],
    ['1.50000', usd, 150n],
    ['007', jpy, 7n],
    ['1.005', kwd, 1005n],
    ['9999999999999999999999.99', usd, maxMinor],
  ])('%s in %o is %s', (text, of, expected) => {
    expect(parseAmount(text, of)).toBe(expected);
  });

  test.each([
    ['', 'invalid_amount'],
    [' 1', 'invalid_amount'],
    ['abc', 'invalid_amount'],
    ['1e3', 'invalid_amount'],
    ['NaN', 'invalid_amount'],
    ['Infinity', 'invalid_amount'],
    ['0x10', 'invalid_amount'],
    ['1,000', 'invalid_amount'],
    ['.5', 'invalid_amount'],
    ['5.', 'invalid_amount'],
    ['١', 'invalid_amount'],
    ['1.005', 'amount_precision'],
    ['1'.repeat(40), 'invalid_amount'],
    ['10000000000000000000000', 'invalid_amount'],
  ])('%j in USD is refused as %s', (text, code) => {
    expect(() => parseAmount(text, usd)).toThrow(expect.objectContaining({ code }));
  });

  test.each([
    ['1.000', jpy, '"1.000" may be 1000 JPY, or 1.'],
    ['-2.500', usd, '"-2.500" may be -2500.00 USD, or -2.50.'],
    ['250.000', usd, '"250.000" may be 250000.00 USD, or 250.00.'],
  ])('%s in %o is refused: it may be thousands', (text, of, message) => {
    expect(() => parseAmount(text, of)).toThrow(
      expect.objectContaining({ code: 'invalid_amount', message }),
    );
  });

  test.each([
    ['1.234', usd, 'Write 1234.00 if that is meant, or else round it to the decimals of USD.'],
    ['+1.234', usd, 'Write 1234.00 if that is meant, or else round it to the decimals of USD.'],
    ['-1.234', jpy, 'Write -1234 if that is meant, or else round it to the decimals of JPY.'],
    ['0.005', usd, 'Round it to the decimals of the currency.'],
  ])('%s in %o is refused, and not only to be rounded', (text, of, hint) => {
    expect(() => parseAmount(text, of)).toThrow(
      expect.objectContaining({ code: 'amount_precision', hint }),
    );
  });

  test.each([
    ['0.500', usd, 50n],
    ['2500.000', usd, 250_000n],
    ['2.5000', usd, 250n],
    ['2.500', kwd, 2500n],
  ])('%s in %o is %s: it cannot be thousands', (text, of, expected) => {
    expect(parseAmount(text, of)).toBe(expected);
  });
});

describe('amounts', () => {
  test('what is printed is parsed back', () => {
    fc.assert(
      fc.property(minor, currency, (amount, of) => {
        expect(parseAmount(formatAmount(amount, of), of)).toBe(amount);
      }),
    );
  });

  test('what is stored is what the driver makes of the text', () => {
    fc.assert(
      fc.property(minor, currency, (amount, of) => {
        const parsed = Decimal128.fromString(formatAmount(amount, of));
        expect([...toDecimal(amount, of).bytes]).toEqual([...parsed.bytes]);
      }),
    );
  });

  test('what is stored is read back', () => {
    fc.assert(
      fc.property(minor, currency, (amount, of) => {
        expect(fromDecimal(toDecimal(amount, of), of)).toBe(amount);
      }),
    );
  });
});
