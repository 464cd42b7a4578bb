import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Decimal128, Double, Long, MongoClient, ObjectId } from 'mongodb';
import { expect, onTestFinished, test } from 'vitest';
import type { OutsideWrite } from '../../src/audit/trace/follow.ts';
import { until } from '../database/host.ts';
import { run, workspace } from '../workspace.ts';
import { startFollowing } from './following.ts';

const config = `branches:
  branch1: { collection: branch1 }
  branch2: { collection: branch2, minBalance: "-100.00" }
`;

/** What is compared, apart from the time. */
function facts({ branch, account, write, amount, balance }: OutsideWrite) {
  return [branch, account, write, amount, balance].join(' ');
}

test('it prints each write past bankctl, and none of its own', async () => {
  const bank = await workspace({ config });
  await bank.run(['open', 'branch1', 'ACC', '--balance', '100']);
  await bank.run(['open', 'branch2', 'OTHER', '--balance', '50']);
  const [branch1, branch2] = ['branch1', 'branch2'].map((name) => bank.db.collection(name));
  const stray = bank.db.collection('bank_account');
  await stray.insertOne({ account_number: 12, balance: 7044.999999999999 });
  const before = Date.now();
  const followed = await startFollowing(bank);
  await branch1?.updateOne({ account_number: 'ACC' }, { $inc: { balance: 0.1 } });
  await bank.run(['increment', 'branch1', 'ACC', '1']);
  await branch1?.updateOne({ account_number: 'ACC' }, { $inc: { balance: 0.2 } });
  await branch1?.updateOne({ account_number: 'ACC' }, { $set: { owner: 'Ada' } });
  await bank.run(['freeze', 'branch2', 'OTHER']);
  await branch2?.updateOne({ account_number: 'OTHER' }, { $inc: { balance: new Double(-70.5) } });
  await stray.updateOne({ account_number: 12 }, { $inc: { balance: 5 } });
  await stray.replaceOne({ account_number: 12 }, { account_number: 12, balance: '3.5' });
  await branch1?.insertOne(
    { account_number: 'NEW', balance: 12 },
    { bypassDocumentValidation: true },
  );
  await branch1?.deleteOne({ account_number: 'NEW' });
  await bank.db.collection('letters').insertOne({ account_number: 'ACC', text: 'Dear' });
  await bank.db.collection('letters').deleteMany({});
  await branch1?.insertOne(
    { account_number: 'END', balance: 1 },
    { bypassDocumentValidation: true },
  );
  await followed.seen('END');
  const { status, stderr } = await followed.stop();
  expect([status, stderr]).toEqual([0, expect.not.stringContaining('bankctl: ')]);
  expect(followed.writes.map(facts)).toEqual([
    'branch1 ACC changed 0.10 100.10',
    'branch1 ACC changed 0.20 101.30',
    'branch2 OTHER changed -70.50 -20.50',
    'bank_account 12 changed 5.00 7050.00',
    'bank_account 12 replaced -7046.50 3.50',
    'branch1 NEW inserted 12.00 12.00',
    'branch1 NEW deleted -12.00 ',
    'branch1 END inserted 1.00 1.00',
  ]);
  for (const { at, currency } of followed.writes) {
    expect(Date.parse(at)).toBeGreaterThanOrEqual(before - 1000);
    expect(currency).toBe('USD');
  }
});

test('on a terminal each write is a sentence', async () => {
  const bank = await workspace({ config });
  const branch1 = bank.db.collection('branch1');
  await branch1.insertOne({ account_number: 'A', balance: 5 });
  let shown = '';
  const written = (text: string) => {
    shown += text;
  };
  const followed = await startFollowing({
    run: (argv, options) =>
      bank.run(
        argv.filter((word) => word !== '-o' && word !== 'ndjson'),
        { ...options, terminal: true, written },
      ),
  });
  await branch1.updateOne({ account_number: 'A' }, { $inc: { balance: 2.5 } });
  await branch1.updateOne({ account_number: 'A' }, { $set: { balance: 'much' } });
  await branch1.updateOne({ account_number: 'A' }, { $set: { balance: 12 } });
  await branch1.deleteOne({ account_number: 'A' });
  await branch1.insertOne({ account_number: 'B', balance: 1 });
  await branch1.drop();
  await until(() => shown.includes('dropped'));
  const { stdout } = await followed.stop();
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z {2}/;
  expect(stdout.split('\n').map((line) => line.replace(time, ''))).toEqual(
    expect.arrayContaining([
      'branch1:A  changed by 2.50 to 7.50 USD',
      'branch1:A  changed to what cannot be read',
      'branch1:A  changed to 12.00 USD',
      'branch1:A  deleted with 12.00 USD',
      'branch1:B  inserted with 1.00 USD',
      'branch1  dropped',
    ]),
  );
});

test('only the branches asked for are followed', async () => {
  const bank = await workspace({ config });
  const followed = await startFollowing(bank, 'branch2');
  await bank.db.collection('branch1').insertOne({ account_number: 'A', balance: 1 });
  await bank.db.collection('bank_account').insertOne({ account_number: 'B', balance: 1 });
  await bank.db.collection('branch2').insertOne({ account_number: 'C', balance: 1 });
  await followed.seen('C');
  await followed.stop();
  expect(followed.writes.map(facts)).toEqual(['branch2 C inserted 1.00 1.00']);
});

test('single changes of a transaction, odd values and dropped collections are shown', async () => {
  const bank = await workspace({ config });
  const branch1 = bank.db.collection('branch1');
  await branch1.insertMany([
    { account_number: 'A', balance: 1 },
    { account_number: 'B', balance: Number.NaN },
    { account_number: ['C'], balance: 1 },
  ]);
  const followed = await startFollowing(bank);
  await bank.db.client.withSession((session) =>
    session.withTransaction(async () => {
      await branch1.updateOne({ account_number: 'A' }, { $inc: { balance: 1 } }, { session });
      await branch1.updateOne({ account_number: 'A' }, { $inc: { balance: 2 } }, { session });
    }),
  );
  await branch1.updateOne({ account_number: 'B' }, { $set: { balance: 3 } });
  await branch1.updateOne({ account_number: 'B' }, { $unset: { balance: 1 } });
  await branch1.updateOne({ account_number: 'B' }, { $set: { account_number: 'D' } });
  await branch1.updateOne({ account_number: 'A' }, { $set: { balance: '12,50' } });
  await branch1.updateOne({ account_number: ['C'] }, { $inc: { balance: 1 } });
  await bank.db.collection('other').insertOne({ account_number: 'X', text: 'no account' });
  await bank.db.collection('other').drop();
  await branch1.drop();
  await bank.db.collection('branch2').insertOne({ account_number: 'END', balance: 1 });
  await followed.seen('END');
  await followed.stop();
  expect(followed.writes.map(facts)).toEqual([
    'branch1 A changed 1.00 2.00',
    'branch1 A changed 2.00 4.00',
    'branch1 B changed  3.00',
    'branch1 B changed -3.00 0.00',
    'branch1 D changed 0.00 0.00',
    'branch1 A changed  ',
    'branch1  changed 1.00 2.00',
    'branch1  dropped  ',
    'branch2 END inserted 1.00 1.00',
  ]);
});

test('a balance that only changes its form is no write', async () => {
  const bank = await workspace({ config });
  const branch1 = bank.db.collection('branch1');
  await branch1.insertOne({ account_number: 'A', balance: 7044.999999999999 });
  const followed = await startFollowing(bank);
  await branch1.updateOne({}, { $set: { balance: Decimal128.fromString('7045.00') } });
  await branch1.updateOne({}, { $set: { balance: 7045.004 } });
  await branch1.insertOne({ account_number: 'END', balance: 1 });
  await followed.seen('END');
  await followed.stop();
  expect(followed.writes.map(facts)).toEqual([
    'branch1 A changed 0.00 7045.00',
    'branch1 END inserted 1.00 1.00',
  ]);
});

test('it goes on after the database was dropped', async () => {
  const bank = await workspace({ config });
  await bank.db.collection('branch1').insertOne({ account_number: 'A', balance: 1 });
  const followed = await startFollowing(bank);
  await bank.db.dropDatabase();
  await bank.db.collection('branch1').insertOne({ account_number: 'END', balance: 1 });
  await followed.seen('END');
  await followed.stop();
  expect(followed.writes.map(facts)).toContain('branch1  dropped  ');
});

test('a program that follows more than it remembers still knows each amount', async () => {
  const bank = await workspace({ config });
  const branch1 = bank.db.collection('branch1');
  const numbers = Array.from({ length: 300 }, (_, index) => `N${index}`);
  await branch1.insertMany(
    numbers.map((account_number) => ({ _id: new ObjectId(), account_number, balance: 1 })),
  );
  const followed = await startFollowing(bank);
  await branch1.updateMany({}, { $inc: { balance: 0.01 } });
  await branch1.updateMany({}, { $inc: { balance: 0.02 } });
  await branch1.insertOne({ account_number: 'END', balance: 1 });
  await followed.seen('END');
  await followed.stop();
  expect(new Set(followed.writes.slice(0, 300).map(({ amount }) => amount))).toEqual(
    new Set(['0.01']),
  );
  expect(new Set(followed.writes.slice(300, 600).map(({ amount }) => amount))).toEqual(
    new Set(['0.02']),
  );
});

test('it goes on where it was after the server was killed', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'bankctl-follow-'));
  const dataDir = join(directory, 'data');
  const env = { HOME: directory, PATH: process.env['PATH'] ?? '', BANKCTL_DATA_DIR: dataDir };
  const bankctl = (...argv: string[]) => run(argv, directory, env);
  onTestFinished(async () => {
    await bankctl('db', 'stop');
    await rm(directory, { recursive: true });
  });
  await bankctl('open', 'branch1', 'ACC');
  const { stdout } = await bankctl('db', 'status', '--json');
  const { uri, pid } = JSON.parse(stdout);
  const client = await MongoClient.connect(uri, { serverSelectionTimeoutMS: 30_000 });
  onTestFinished(() => client.close());
  const branch1 = client.db('bank').collection('branch1');
  const followed = await startFollowing({
    run: (argv, options) => run(argv, directory, env, options),
  });
  await branch1.updateOne({}, { $inc: { balance: 1 } });
  await followed.seen('ACC');
  process.kill(pid, 'SIGKILL');
  await until(() => !isRunning(pid));
  await bankctl('db', 'start');
  await branch1.insertOne(
    { account_number: 'AFTER', balance: 3 },
    { bypassDocumentValidation: true },
  );
  await followed.seen('AFTER');
  expect((await followed.stop()).status).toBe(0);
  expect(followed.writes.map(facts)).toEqual([
    'branch1 ACC changed 1.00 1.00',
    'branch1 AFTER inserted 3.00 3.00',
  ]);
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('a document saved as it was once read, or with a version never posted, is shown', async () => {
  const bank = await workspace({ config });
  await bank.run(['open', 'branch1', 'A', '--balance', '100']);
  const branch1 = bank.db.collection('branch1');
  const followed = await startFollowing(bank);
  const { _id, ...loaded } = (await branch1.findOne({ account_number: 'A' })) ?? expect.fail();
  await bank.run(['increment', 'branch1', 'A', '5']);
  await bank.run(['increment', 'branch1', 'A', '6']);
  const stale = { ...loaded, version: Long.ONE, posted_at: new Date() };
  await branch1.updateOne({ _id }, { $set: stale });
  const forged = { balance: Decimal128.fromString('9999'), version: Long.fromNumber(9) };
  await branch1.updateOne({ _id }, { $set: { ...forged, posted_at: new Date() } });
  const rows = ['first', 'second', 'third'].map((id) => `increment,${id},branch2,B,1\n`).join('');
  await writeFile(join(bank.directory, 'rows.csv'), `type,id,branch,account,amount\n${rows}`);
  await bank.run(['open', 'branch2', 'B']);
  expect((await bank.run(['apply', 'rows.csv'])).status).toBe(0);
  const end = { account_number: 'END', balance: 1 };
  await bank.db.collection('branch2').insertOne(end, { bypassDocumentValidation: true });
  await followed.seen('END');
  await followed.stop();
  expect(followed.writes.map(facts)).toEqual([
    'branch1 A changed -11.00 100.00',
    'branch1 A changed 9899.00 9999.00',
    'branch2 END inserted 1.00 1.00',
  ]);
});
