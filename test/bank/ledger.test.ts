import { type Db, MongoClient } from 'mongodb';
import { expect, inject, onTestFinished, test } from 'vitest';
import { type Bank, openBank } from '../../src/bank/bank.ts';
import { openLedger } from '../../src/bank/ledger.ts';
import type { Operation } from '../../src/bank/operations/operation.ts';
import { post } from '../../src/bank/post.ts';
import { builtInConfig } from '../../src/config/config.ts';
import { createContext } from '../../src/core/context.ts';

const context = createContext();
const by = 'teller@desk';

async function bankWith(accounts: readonly string[]): Promise<{ bank: Bank; db: Db }> {
  const client = await MongoClient.connect(inject('uri'), { writeConcern: { w: 'majority' } });
  const database = `bankctl_test_${context.freshId().slice(0, 8)}`;
  const db = client.db(database);
  onTestFinished(async () => {
    await db.dropDatabase();
    await client.close();
  });
  const config = { ...builtInConfig, database };
  const bank = await openBank(client, config, { timeoutMs: 2500, draw: () => 0.1 });
  await post(
    bank,
    accounts.map((account) => operation(account, { type: 'open' })),
    { by },
  );
  return { bank, db };
}

function operation(account: string, { type = 'increment', branch = 'branch1' } = {}): Operation {
  const common = { branch, account, amountMinor: 500n, id: context.freshId(), idGiven: false };
  return type === 'open'
    ? { ...common, type, memo: undefined }
    : { ...common, type: 'increment', create: false, memo: undefined };
}

test('a caller whose part is applied learns that even if another part fails', async () => {
  const { bank, db } = await bankWith(['FREE', 'HELD']);
  await db.client.withSession(async (session) => {
    session.startTransaction();
    const held = { account_number: 'HELD' };
    await db.collection('branch1').updateOne(held, { $set: { status: 'frozen' } }, { session });
    const ledger = openLedger(bank, { by });
    // The first one goes alone; the two after it are one batch, which conflicts and is split.
    const first = ledger.post(operation('FREE'));
    const free = ledger.post(operation('FREE'));
    const stuck = ledger.post(operation('HELD'));
    stuck.catch(() => undefined);
    await expect(first).resolves.toMatchObject({ applied: true });
    await expect(free).resolves.toMatchObject({ applied: true });
    await expect(stuck).rejects.toMatchObject({ code: 'timed_out' });
    await session.abortTransaction();
  });
  const free = await db.collection('branch1').findOne({ account_number: 'FREE' });
  expect(String(free?.['balance'])).toBe('15.00');
});

test("no caller waits or pays for another caller's mistake", async () => {
  const { bank } = await bankWith(['A']);
  const ledger = openLedger(bank, { by });
  const asked = [
    operation('A'),
    operation('A'),
    operation('A', { branch: 'nowhere' }),
    operation('MISSING'),
    operation('A'),
  ];
  const outcomes = await Promise.all(asked.map((one) => ledger.post(one)));
  expect(outcomes.map((outcome) => (outcome.applied ? 'applied' : outcome.error.code))).toEqual([
    'applied',
    'applied',
    'unknown_branch',
    'account_not_found',
    'applied',
  ]);
});
