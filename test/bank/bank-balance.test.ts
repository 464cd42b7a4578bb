import { Decimal128, Long, MongoClient, Timestamp } from 'mongodb';
import { expect, inject, onTestFinished, test } from 'vitest';
import { bankBalance } from '../../src/bank/balances.ts';
import { openBank } from '../../src/bank/bank.ts';
import { builtInConfig } from '../../src/config/config.ts';
import { createContext } from '../../src/core/context.ts';

const context = createContext();

/** A bank of many branches with two accounts each, and the commands that its balance takes. */
async function balanceOf(count: number, { indexed = true } = {}) {
  const client = await MongoClient.connect(inject('uri'), { monitorCommands: true });
  const database = `bankctl_test_${context.freshId().slice(0, 8)}`;
  const db = client.db(database);
  onTestFinished(async () => {
    await db.dropDatabase();
    await client.close();
  });
  const [model] = builtInConfig.branches;
  const names = Array.from({ length: count }, (_, index) => `b${index}`);
  const branches = names.flatMap((name) => (model ? [{ ...model, name, collection: name }] : []));
  const config = { ...builtInConfig, database, branches };
  const bank = await openBank(client, config, { timeoutMs: 60_000, draw: Math.random });
  const balance = Decimal128.fromString('1.25');
  const fill = async (branch: string) => {
    const common = { branch, balance, version: Long.ONE, status: 'open', opened_at: new Date(0) };
    await db.collection(branch).insertMany([
      { account_number: 'A', ...common },
      { account_number: 'B', ...common },
    ]);
    if (indexed) await db.collection(branch).createIndex({ account_number: 1 }, { unique: true });
  };
  await Promise.all(names.map(fill));
  const commands: string[] = [];
  const moments: unknown[] = [];
  client.on('commandStarted', ({ command, commandName }) => {
    commands.push(commandName);
    const { readConcern } = command;
    if (readConcern?.level === 'snapshot') moments.push(readConcern.atClusterTime);
  });
  const { totals, branches: rows } = await bankBalance(bank);
  return { totals, rows, commands, moments };
}

test('the balances of all branches take the same round trips, up to 250 branches', async () => {
  const [few, many] = [await balanceOf(2), await balanceOf(105)];
  expect(few.totals).toEqual({ USD: '5.00' });
  expect(many.totals).toEqual({ USD: '262.50' });
  expect(many.rows.map(({ total }) => total)).toEqual(Array(105).fill('2.50'));
  expect(many.commands).toEqual(few.commands);
  expect(few.commands).toEqual(['aggregate', 'aggregate']);
});

test('the balances of more than 250 branches are from one moment too', async () => {
  const { totals, rows, commands, moments } = await balanceOf(251);
  expect(totals).toEqual({ USD: '627.50' });
  expect(rows.map(({ branch }) => branch)).toEqual(Array.from({ length: 251 }, (_, i) => `b${i}`));
  expect(rows.map(({ total }) => total)).toEqual(Array(251).fill('2.50'));
  expect(commands).toEqual(Array(4).fill('aggregate'));
  expect(moments).toHaveLength(2);
  // The first call finds the moment, and the second asks for it.
  expect(moments[1]).toBeInstanceOf(Timestamp);
});

test('a branch whose index is gone is asked for duplicates', async () => {
  const { totals, commands } = await balanceOf(2, { indexed: false });
  expect(totals).toEqual({ USD: '5.00' });
  expect(commands.filter((name) => name === 'listIndexes')).toHaveLength(2);
});
