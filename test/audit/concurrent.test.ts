import { Decimal128 } from 'mongodb';
import { expect, test } from 'vitest';
import { post } from '../../src/bank/post.ts';
import { bankWith, by, operation, place, plus } from '../bank/bank-fixture.ts';
import { auditOf } from './audit-fixture.ts';

const names = Array.from({ length: 20 }, (_, index) => `branch${(index % 2) + 1}:A${index}`);

test('an audit while others post finds nothing, since it reads one moment', async () => {
  const { bank } = await bankWith(names);
  let posted = 0;
  let over = false;
  const write = async (worker: number) => {
    for (let turn = worker; !over; turn += 1) {
      const [from = '', to = ''] = [names[turn % 20], names[(turn * 7 + 3) % 20]];
      const transfer = { type: 'transfer', from: place(from), to: place(to) } as const;
      const operations = [plus(from, 5n), operation({ ...transfer, amountMinor: 1n })];
      await post(bank, operations, { by });
      posted += operations.length;
    }
  };
  const writers = [1, 2, 3].map(write);
  const seen: number[] = [];
  for (let round = 0; round < 15; round += 1) {
    const { findings, checked } = await auditOf(bank);
    expect(findings).toEqual([]);
    expect(checked.accounts).toBe(20);
    seen.push(checked.operations);
  }
  over = true;
  await Promise.all(writers);
  // The writers were at work all the while.
  expect(new Set(seen).size).toBeGreaterThan(5);
  expect(posted).toBeGreaterThan(20);
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
