import { MongoClient } from 'mongodb';
import { expect, test } from 'vitest';
import { endAbandoned } from '../../src/bank/abandoned-transactions.ts';
import { startFaultServer } from '../fault-server.ts';

/** So many that the server takes a while to list them, after its connections. */
const openSessions = 10_000;
const looksEach = 50;

test('clients that have just connected are not taken for gone', async () => {
  const { uri, client } = await startFaultServer();
  const things = client.db('test').collection('things');
  await things.insertOne({});
  for (let n = 0; n < openSessions; n += 100) {
    const sessions = Array.from({ length: 100 }, () => client.startSession());
    await Promise.all(sessions.map((session) => things.insertOne({}, { session })));
  }
  let isOver = false;
  let commits = 0;
  const failures: string[] = [];
  const clients = Array.from({ length: 16 }, async () => {
    while (!isOver) {
      const own = await MongoClient.connect(uri, { appName: 'bankctl' });
      const session = own.startSession();
      const mine = own.db('test').collection('things');
      try {
        session.startTransaction();
        for (let n = 0; n < 3; n += 1) await mine.insertOne({}, { session });
        await session.commitTransaction();
        commits += 1;
      } catch (error) {
        failures.push(String(error));
      } finally {
        await own.close();
      }
    }
  });
  const watchers = Array.from({ length: 6 }, async () => {
    for (let n = 0; n < looksEach; n += 1) await endAbandoned(client);
  });
  await Promise.all(watchers);
  isOver = true;
  await Promise.all(clients);
  expect(failures).toEqual([]);
  expect(commits).toBeGreaterThan(0);
});
