import { Decimal128 } from 'mongodb';
import { expect, test } from 'vitest';
import type { Bank } from '../../src/bank/bank.ts';
import { post } from '../../src/bank/post.ts';
import { bankWith, by, operation, place, plus } from '../bank/bank-fixture.ts';
import { auditOf } from './audit-fixture.ts';

const names = Array.from({ length: 20 }, (_, index) => `branch${(index % 2) + 1}:A${index}`);

/** A bank in which somebody posts before each of an audit's reads. */
function busy(bank: Bank): { readonly bank: Bank; readonly posted: () => number } {
  let turn = 0;
  async function* after<T>(read: () => AsyncIterable<T>): AsyncIterable<T> {
    turn += 1;
    const [from = '', to = ''] = [names[turn % 20], names[(turn * 7 + 3) % 20]];
    const transfer = { type: 'transfer', from: place(from), to: place(to) } as const;
    const operations = [plus(from, 5n), operation({ ...transfer, amountMinor: 1n })];
    await post(bank, [...operations, plus('branch1:A0', 1n), plus('branch2:A1', 1n)], { by });
    yield* read();
  }
  const scan = {
    ...bank.scan,
    accounts: (...args: Parameters<typeof bank.scan.accounts>) =>
      after(() => bank.scan.accounts(...args)),
    operations: (...args: Parameters<typeof bank.scan.operations>) =>
      after(() => bank.scan.operations(...args)),
    postingsOf: (...args: Parameters<typeof bank.scan.postingsOf>) =>
      after(() => bank.scan.postingsOf(...args)),
  };
  return { bank: { ...bank, scan }, posted: () => turn };
}

test('an audit while others post finds nothing, since it reads one moment', async () => {
  const { bank } = await bankWith(names);
  const { bank: watched, posted } = busy(bank);
  expect(await auditOf(watched)).toMatchObject({ findings: [], checked: { accounts: 20 } });
  expect(posted()).toBe(3);
});

test('what is followed posting by posting is of that moment too', async () => {
  const { bank, db } = await bankWith(names);
  const $inc = { balance: Decimal128.fromString('8') };
  await db.collection('branch1').updateOne({ account_number: 'A0' }, { $inc });
  const { bank: watched, posted } = busy(bank);
  const { findings } = await auditOf(watched);
  expect(findings).toMatchObject([{ code: 'outside_write', account: 'A0', amount: '8.00' }]);
  expect(posted()).toBe(5);
});

test('a legacy program at work meanwhile is found, by no more than it wrote', async () => {
  const { bank, db } = await bankWith(['branch1:A']);
  let written = 0n;
  let over = false;
  const legacy = async () => {
    while (!over) {
      const $inc = { balance: Decimal128.fromString('0.01') };
      await db.collection('branch1').updateOne({ account_number: 'A' }, { $inc });
      written += 1n;
    }
  };
  const writer = legacy();
  const found: bigint[] = [];
  for (let round = 0; round < 10; round += 1) {
    const before = written;
    const { findings } = await auditOf(bank);
    const minor = BigInt((findings[0]?.amount ?? '0.00').replace('.', ''));
    // Of the last write the answer may still be on its way.
    expect([minor >= before, minor <= written + 1n]).toEqual([true, true]);
    found.push(minor);
  }
  over = true;
  await writer;
  expect(found.at(-1)).toBeGreaterThan(0n);
});
