import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { expect, test } from 'vitest';
import { endAbandoned } from '../../src/bank/abandoned-transactions.ts';
import { startFaultServer } from '../fault-server.ts';
import { type Workspace, workspace } from '../workspace.ts';

/** Leaves a transaction open that has written, and waits to be killed. */
const holder = (write: string) => `
import { MongoClient } from 'mongodb';
const [uri, database] = process.argv.slice(1);
const client = await MongoClient.connect(uri, { appName: 'bankctl' });
const db = client.db(database);
const session = client.startSession();
session.startTransaction();
await ${write};
console.log('held');
setInterval(() => undefined, 1000);
`;

/** @returns kills the holder, and resolves when its process is gone */
async function startHolder({ env, db }: Workspace, write: string): Promise<() => Promise<void>> {
  const child = spawn(
    process.execPath,
    ['--input-type=module', '--eval', holder(write), env['BANKCTL_URI'] ?? '', db.databaseName],
    { cwd: join(import.meta.dirname, '..', '..'), stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(child.stdout, 'data');
  return async () => {
    const ended = once(child, 'close');
    child.kill('SIGKILL');
    await ended;
  };
}

test('an account held by a killed process can be written at once', async () => {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'ACC']);
  const held = '{ $set: { held: 1 } }, { session }';
  const kill = await startHolder(bank, `db.collection('branch1').updateMany({}, ${held})`);
  // While its process lives, the transaction is awaited.
  const line = ['increment', 'branch1', 'ACC', '5', '--json', '-q', '--timeout'];
  expect(await bank.run([...line, '700ms'])).toMatchObject({ status: 3 });
  await kill();
  const { status, stdout } = await bank.run([...line, '8s']);
  expect([status, JSON.parse(stdout)]).toMatchObject([0, { balance: '5.00', version: 2 }]);
});

test('a file whose rows a killed process has appended is applied whole', async () => {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'ACC']);
  const count = 1_500;
  const row = (index: number) =>
    JSON.stringify({ id: `row-${index}`, branch: 'branch1', account: 'ACC', amount: '0.01' });
  const rows = Array.from({ length: count }, (_, index) => `${row(index)}\n`).join('');
  await writeFile(join(bank.directory, 'rows.ndjson'), rows);
  // It dies before it writes the account, which nobody has then.
  const options = '{ session, bypassDocumentValidation: true }';
  const insert = `db.collection('journal').insertOne({ _id: 'row-700' }, ${options})`;
  const kill = await startHolder(bank, insert);
  await kill();
  const { status, stdout } = await bank.run(['apply', 'rows.ndjson', '--json', '-q']);
  expect([status, JSON.parse(stdout)]).toMatchObject([0, { applied: count, batches: 1 }]);
});

test('a collection that a killed process has read can be changed at once', async () => {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'ACC']);
  await bank.db.command({ collMod: 'branch1', validator: {} });
  await bank.db.collection('journal').dropIndex('at_seq');
  const kill = await startHolder(bank, `db.collection('branch1').findOne({}, { session })`);
  await kill();
  expect(await bank.run(['init', '--timeout', '8s', '-q'])).toMatchObject({ status: 0 });
  const { cursor } = await bank.db.command({ listCollections: 1, filter: { name: 'branch1' } });
  expect(Object.keys(cursor.firstBatch[0].options.validator)).not.toEqual([]);
});

/** So many that the server takes a while to list them, after its connections. */
const openSessions = 10_000;
const looksEach = 50;

test('clients that have just connected are not taken for gone', async () => {
  const { uri, client } = await startFaultServer();
  const things = client.db('test').collection('things');
  await things.insertOne({});
  for (let n = 0; n < openSessions; n += 100) {
    const sessions = Array.from({ length: 100 }, () => client.startSession());
    await Promise.all(
      sessions.map((session) => things.insertOne({}, { session, writeConcern: { w: 1 } })),
    );
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
