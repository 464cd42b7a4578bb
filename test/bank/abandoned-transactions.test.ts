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

test('an account held by a killed process can be written at once', async () => {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'ACC']);
  const uri = bank.env['BANKCTL_URI'] ?? '';
  const child = spawn(
    process.execPath,
    ['--input-type=module', '--eval', holder, uri, bank.db.databaseName],
    { cwd: join(import.meta.dirname, '..', '..'), stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(child.stdout, 'data');
  // While its process lives, the transaction is awaited.
  const line = ['increment', 'branch1', 'ACC', '5', '--json', '-q', '--timeout'];
  expect(await bank.run([...line, '700ms'])).toMatchObject({ status: 3 });
  const ended = once(child, 'close');
  child.kill('SIGKILL');
  await ended;
  const { status, stdout } = await bank.run([...line, '8s']);
  expect([status, JSON.parse(stdout)]).toMatchObject([0, { balance: '5.00', version: 2 }]);
});
