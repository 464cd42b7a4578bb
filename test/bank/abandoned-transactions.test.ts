import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { workspace } from '../workspace.ts';

/** Leaves a transaction open that has written every account, and waits to be killed. */
const holder = `
import { MongoClient } from 'mongodb';
const [uri, database] = process.argv.slice(1);
const client = await MongoClient.connect(uri, { appName: 'bankctl' });
const session = client.startSession();
session.startTransaction();
const accounts = client.db(database).collection('branch1');
await accounts.updateMany({}, { $set: { held: 1 } }, { session });
console.log('held');
setInterval(() => undefined, 1000);
`;

/** A bank with an account that another process holds. */
async function heldBank() {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'ACC']);
  const uri = bank.env['BANKCTL_URI'] ?? '';
  const child = spawn(
    process.execPath,
    ['--input-type=module', '--eval', holder, uri, bank.db.databaseName],
    { cwd: join(import.meta.dirname, '..', '..'), stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(child.stdout, 'data');
  const kill = async () => {
    const ended = once(child, 'close');
    child.kill('SIGKILL');
    await ended;
  };
  const increment = (timeout: string) =>
    bank.run(['increment', 'branch1', 'ACC', '5', '--json', '-q', '--timeout', timeout]);
  return { child, kill, increment };
}

test('an account held by a killed process can be written at once', async () => {
  const { kill, increment } = await heldBank();
  // While its process lives, the transaction is awaited.
  expect(await increment('700ms')).toMatchObject({ status: 3 });
  await kill();
  const { status, stdout } = await increment('8s');
  expect([status, JSON.parse(stdout)]).toMatchObject([0, { balance: '5.00', version: 2 }]);
});

test('an account held by a stopped process can be written within the default time', async () => {
  const { child, kill, increment } = await heldBank();
  child.kill('SIGSTOP');
  try {
    const { status, stdout } = await increment('10s');
    expect([status, JSON.parse(stdout)]).toMatchObject([0, { balance: '5.00', version: 2 }]);
  } finally {
    await kill();
  }
});
