import fc from 'fast-check';
import { Decimal128, type Document, Double, Int32, Long, MongoClient } from 'mongodb';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { amountOf, isBalance } from '../../src/bank/balance-expressions.ts';
import { fromDecimal } from '../../src/bank/decimal.ts';
import {
  fromStored,
  maxBalanceMinor,
  type Storage,
  toStored,
} from '../../src/bank/stored-balance.ts';
import { createContext } from '../../src/core/context.ts';
import { formatAmount, maxMinor } from '../../src/core/money.ts';

const usd = { code: 'USD', digits: 2 };
const currencies = [usd, { code: 'JPY', digits: 0 }, { code: 'KWD', digits: 3 }];
const doubles: Storage = { currency: usd, storage: 'double' };
const largest = 10n ** 15n - 1n;
const currency = fc.constantFrom(...currencies);
const minor = fc.bigInt({ min: -largest, max: largest });

function read(value: unknown, storage: Storage = doubles) {
  const found = fromStored(value, storage);
  return found === undefined ? undefined : formatAmount(found, storage.currency);
}

describe('a balance stored as a double', () => {
  test('is read back as it was, up to 15 digits', () => {
    fc.assert(
      fc.property(minor, currency, (amount, of) => {
        const stored = toStored(amount, { currency: of, storage: 'double' });
        expect(stored).toBeInstanceOf(Double);
        expect(fromStored(stored, { currency: of, storage: 'double' })).toBe(amount);
        expect(fromStored(stored.valueOf(), { currency: of, storage: 'double' })).toBe(amount);
      }),
      { numRuns: 2000 },
    );
  });

  test('shares no double with a balance one minor unit away', () => {
    fc.assert(
      fc.property(minor, currency, (amount, of) => {
        const storage: Storage = { currency: of, storage: 'double' };
        const [one, next] = [amount, amount - 1n].map((it) => toStored(it, storage).valueOf());
        expect(one).not.toBe(next);
      }),
      { numRuns: 2000 },
    );
  });

  test.each<[string, unknown, string | undefined]>([
    ['a sum of doubles', 0.1 + 0.2, '0.30'],
    ['a sum of many', 7044.999999999999, '7045.00'],
    ['a negative one', -0.1 - 0.2, '-0.30'],
    ['nothing below zero', -0, '0.00'],
    ['half a unit of the third decimal', 1.0005, '1.00'],
    ['more than that', 1.0006, undefined],
    ['half a cent', 1.005, undefined],
    ['an int', new Int32(5), '5.00'],
    ['a long', Long.fromNumber(5), '5.00'],
    ['a long beyond 2^53', Long.fromString('9007199254740993'), undefined],
    ['the largest', 9999999999999.99, '9999999999999.99'],
    ['the smallest', -9999999999999.99, '-9999999999999.99'],
    ['more than the largest', 1e13, undefined],
    ['a decimal that was there before', Decimal128.fromString('12.50'), '12.50'],
    ['a decimal to which a sum was added', Decimal128.fromString('12.5000000000003'), '12.50'],
    ['a decimal below a cent', Decimal128.fromString('12.501'), undefined],
    ['a decimal of 16 digits', Decimal128.fromString('10000000000000.00'), undefined],
    ['NaN', Number.NaN, undefined],
    ['infinity', Number.POSITIVE_INFINITY, undefined],
    ['text', '5.00', undefined],
    ['nothing', null, undefined],
    ['a list', [5], undefined],
  ])('%s: %s is %s', (_what, value, expected) => {
    expect(read(value)).toBe(expected);
  });
});

test('a branch of decimals reads no double', () => {
  const decimals: Storage = { currency: usd, storage: 'decimal' };
  for (const value of [5, new Double(5), new Int32(5), Long.fromNumber(5)]) {
    expect(read(value, decimals)).toBeUndefined();
  }
  expect(maxBalanceMinor(decimals)).toBe(maxMinor);
});

/** Values at and around everything that the reading distinguishes. */
function valuesFor(of: Storage['currency']): fc.Arbitrary<unknown> {
  const near = fc
    .tuple(
      minor,
      fc.constantFrom(0, 0.0499, 0.05, 0.0501, 0.1, 0.5),
      fc.integer({ min: -3, max: 3 }),
    )
    .map(([amount, share, ulps]) => {
      const value = Number(formatAmount(amount, of)) + share * 10 ** -of.digits;
      return new Double(value + ulps * Math.abs(value) * Number.EPSILON);
    });
  const small = fc
    .tuple(fc.integer({ min: -100_000, max: 100_000 }), fc.integer({ min: -60, max: 60 }))
    .map(([cents, ten]) => new Double(cents * 10 ** -of.digits + ten * 10 ** (-of.digits - 3)));
  const decimal = fc
    .tuple(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), fc.integer({ min: -6, max: 2 }))
    .map(([digits, exponent]) => Decimal128.fromString(`${digits}E${exponent}`));
  const special = fc.constantFrom<unknown>(
    ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 5e-324, 1.7e308].map(
      (it) => new Double(it),
    ),
    ...['NaN', 'Infinity', '-Infinity', '1E+6144', '1E-6176', '-0'].map(Decimal128.fromString),
    ...[Long.MAX_VALUE, Long.MIN_VALUE, new Int32(7), '5', null, true, [5], { a: 5 }, new Date(5)],
  );
  const whole = fc.maxSafeInteger().map(Long.fromNumber);
  return fc.oneof(
    { weight: 4, arbitrary: near },
    { weight: 4, arbitrary: small },
    decimal,
    whole,
    special,
  );
}

test.each(currencies)('the server reads a balance of $code as bankctl does', async (of) => {
  const client = await MongoClient.connect(inject('uri'));
  const db = client.db(`bankctl_test_${createContext().freshId().slice(0, 8)}`);
  onTestFinished(async () => {
    await db.dropDatabase();
    await client.close();
  });
  const values = fc.sample(valuesFor(of), 5000);
  const documents = values.map((balance, _id): Document => ({ _id, balance }));
  await db.collection('values').insertMany(documents);
  for (const storage of ['decimal', 'double'] as const) {
    const branch: Storage = { currency: of, storage };
    const isRead = isBalance(branch);
    const rows = await db
      .collection<{ readonly _id: number }>('values')
      .aggregate([
        { $project: { balance: 1, amount: { $cond: [isRead, amountOf(branch), null] } } },
        { $sort: { _id: 1 } },
      ])
      .toArray();
    const differing = rows
      .map(({ balance, amount }) => [balance, fromStored(balance, branch), amount] as const)
      .filter(([, own, amount]) => own !== (fromDecimal(amount, of) ?? undefined))
      .map(([balance, own, amount]) => `${String(balance)}: ${String(own)}, ${String(amount)}`);
    expect(differing).toEqual([]);
    const readable = rows.filter(({ amount }) => amount !== null).length;
    expect(readable).toBeGreaterThan(storage === 'double' ? 1000 : 10);
    expect(readable).toBeLessThan(5000);
    const [sum] = await db
      .collection('values')
      .aggregate([
        { $group: { _id: null, total: { $sum: { $cond: [isRead, amountOf(branch), 0] } } } },
      ])
      .toArray();
    const exact = values.reduce((all: bigint, it) => all + (fromStored(it, branch) ?? 0n), 0n);
    expect(fromDecimal(sum?.['total'], of)).toBe(exact);
  }
});
