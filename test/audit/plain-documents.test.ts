import fc from 'fast-check';
import { BSON, Decimal128, Double, Int32, Long } from 'mongodb';
import { expect, test } from 'vitest';
import { readAccount } from '../../src/bank/account.ts';
import { fromJournalDocument } from '../../src/bank/journal-document.ts';
import { plainAccounts, plainPostings } from '../../src/bank/plain-documents.ts';
import { builtInConfig } from '../../src/config/config.ts';
import { BankctlError } from '../../src/core/errors.ts';
import '../seed.ts';

const [branch = expect.fail()] = builtInConfig.branches;
const odd = fc.oneof(
  fc.constantFrom(null, undefined, true, '', 'x', '銀', new Double(1.5), new Int32(3)),
  fc.constantFrom(Long.fromNumber(-1), Long.ZERO, Long.MAX_VALUE, new Date(-1), new Date(1e15)),
  fc.constantFrom([], {}, new BSON.ObjectId(), new BSON.Binary(Buffer.from('x')), /x/),
);
const amount = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map((minor) => `${minor}E-2`),
  },
  {
    weight: 8,
    arbitrary: fc.integer({ min: -100_000, max: 100_000 }).map((minor) => `${minor}E-2`),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('-0.00', '0', '1E+2', '1.001', 'NaN', 'Infinity', '1E-6176', '1.0'),
  },
);
const decimal = amount.map((text) => Decimal128.fromString(text));
const version = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.bigInt({ min: 1n, max: 2n ** 62n }).map((value) => Long.fromBigInt(value)),
  },
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 9 }).map((value) => Long.fromNumber(value)) },
);
const text = fc.constantFrom('A', 'ACC-1', ' A', 'A', 'B', 'C', 'ACC-1', '銀行', 'a\u0007');
const time = fc.constantFrom(new Date(0), new Date('2026-01-02T03:04:05.678Z'));
const maybeOdd = <T>(usual: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 24, arbitrary: usual }, { weight: 1, arbitrary: odd });

const account = fc.record(
  {
    _id: odd,
    account_number: maybeOdd(text),
    _cls: odd,
    balance: maybeOdd(decimal),
    branch: maybeOdd(fc.constantFrom('branch1', 'branch1', 'branch1', 'branch2')),
    version: maybeOdd(version),
    status: maybeOdd(fc.constantFrom('open', 'frozen', 'closed')),
    opened_at: maybeOdd(time),
    posted_at: maybeOdd(time),
    bankctl_owner: maybeOdd(text),
    bankctl_labels: maybeOdd(fc.array(maybeOdd(text), { maxLength: 3 })),
  },
  { requiredKeys: ['account_number', 'balance', 'branch', 'version', 'status', 'opened_at'] },
);

test('an account read from its bytes is what the driver and readAccount make of it', () => {
  let plain = 0;
  const read = plainAccounts(branch);
  fc.assert(
    fc.property(account, (document) => {
      const bytes = Buffer.from(BSON.serialize(document));
      const found = read(bytes);
      if (!found) return;
      plain += 1;
      const decoded = BSON.deserialize(bytes);
      const state = readAccount(decoded, branch);
      if (state instanceof BankctlError) throw state;
      expect([decoded['branch'], decoded['account_number']]).toEqual(['branch1', found.account]);
      expect([BigInt(found.version), BigInt(found.balanceMinor)]).toEqual([
        state.version,
        state.balanceMinor,
      ]);
      expect(found.isClosed).toBe(state.status === 'closed');
      expect([found.profile, state.hasBadProfile]).toEqual([state.profile, undefined]);
    }),
    { numRuns: 3000 },
  );
  expect(plain).toBeGreaterThan(100);
});

const posting = fc.record({
  branch: maybeOdd(fc.constantFrom('branch1', 'branch1', 'branch1', 'elsewhere')),
  account_number: maybeOdd(text),
  amount: maybeOdd(decimal),
  balance_after: maybeOdd(decimal),
  version: maybeOdd(version),
});
const labelled = fc.tuple(posting, odd).map(([one, profile]) => ({ ...one, profile }));
const maybeLabelled = fc.oneof(
  { weight: 24, arbitrary: posting },
  { weight: 1, arbitrary: labelled },
);
const operation = fc.record({
  _id: maybeOdd(text),
  type: maybeOdd(fc.constantFrom('open', 'adopt')),
  at: maybeOdd(time),
  by: maybeOdd(text),
  request: maybeOdd(text),
  postings: maybeOdd(fc.array(maybeLabelled, { maxLength: 3 })),
});

test('an operation read from its bytes is what the driver and the journal make of it', () => {
  let plain = 0;
  const read = plainPostings((name) => (name === 'branch1' ? 2 : undefined));
  fc.assert(
    fc.property(operation, (document) => {
      const bytes = Buffer.from(BSON.serialize(document));
      const found: Parameters<typeof read>[1] = [];
      if (!read(bytes, found)) return;
      const decoded = BSON.deserialize(bytes);
      const own = decoded['postings'].filter((one: BSON.Document) => one['branch'] === 'branch1');
      expect(found.length).toBe(own.length);
      if (own.length === 0) return;
      plain += 1;
      const { _id, type, at, by, request } = decoded;
      const entry = fromJournalDocument(
        { _id, type, at, by, request, postings: own },
        () => branch.currency,
      );
      expect(
        found.map((one) => ({
          ...{ branch: one.branch, account: one.account, version: BigInt(one.version) },
          amountMinor: BigInt(one.amountMinor),
          balanceAfterMinor: BigInt(one.balanceAfterMinor),
          balanceBeforeMinor: BigInt(one.balanceAfterMinor - one.amountMinor),
        })),
      ).toEqual(entry.postings);
    }),
    { numRuns: 3000 },
  );
  expect(plain).toBeGreaterThan(100);
});
