import { writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MongoClient, type Timestamp } from 'mongodb';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryDirectory, until } from '../database/host.ts';
import { mongodWith } from '../database/own-mongod.ts';
import { run } from '../workspace.ts';
import { falseStatements, type LegacyCall, runLegacy, traceLegacy } from './legacy-run.ts';

/** A bank on a server with users and a history of about a megabyte. */
async function guardedBank() {
  const directory = temporaryDirectory();
  const key = join(directory, 'key');
  writeFileSync(key, 'a'.repeat(64), { mode: 0o600 });
  // The server keeps what it has written since the last checkpoint: one is made each second.
  const history = ['--oplogSize', '1', '--syncdelay', '1'];
  const socket = await mongodWith('--replSet', 'rs0', '--keyFile', key, ...history);
  const uriOf = (user: string) =>
    `mongodb://${user}${encodeURIComponent(socket)}/?directConnection=true`;
  const bare = new MongoClient(uriOf(''));
  const admin = bare.db('admin');
  const members = [{ _id: 0, host: socket }];
  await admin.command({ replSetInitiate: { _id: 'rs0', members } });
  await until(async () => (await admin.command({ hello: 1 }))['isWritablePrimary'] === true);
  await admin.command({ createUser: 'root', pwd: 'pw', roles: ['root'] });
  await bare.close();
  const root = await MongoClient.connect(uriOf('root:pw@'));
  onTestFinished(() => root.close());
  const users = root.db('admin');
  for (const [user, db] of [
    ['reader', 'bank'],
    ['stranger', 'other'],
  ] as const) {
    await users.command({ createUser: user, pwd: 'pw', roles: [{ role: 'read', db }] });
  }
  const db = root.db('bank');
  const rows = [];
  for (const branch of ['branch1', 'branch2']) {
    await db.collection(branch).insertOne({ account_number: 'A', balance: 100 });
    rows.push(`${branch},A,100.00`);
  }
  await writeFile(
    join(directory, 'opening.csv'),
    ['branch,account,balance', ...rows, ''].join('\n'),
  );
  const runAs = (user: string) => (argv: readonly string[]) =>
    run(argv, directory, { BANKCTL_URI: uriOf(`${user}:pw@`), HOME: directory });
  const bank = { directory, db, run: runAs('reader') };
  return { bank, root, runAs };
}

const calls: readonly LegacyCall[] = Array.from({ length: 30 }, (_, index) => ({
  branch: 'branch1',
  account: 'A',
  cents: 100 + index,
  landed: [undefined, 'branch2', 'branch1'][index % 3],
}));

test('the role read on the database is enough', async () => {
  const { bank, runAs } = await guardedBank();
  const log = await runLegacy(bank, calls);
  const { traced, outside, unread } = await traceLegacy(bank, log);
  expect([outside, unread]).toEqual([[], []]);
  expect(falseStatements(log, traced)).toEqual([]);
  expect(traced.filter(({ certain }) => certain)).toHaveLength(20);
  const stranger = await traceLegacy({ ...bank, run: runAs('stranger') }, log).catch(
    (error: Error) => error,
  );
  expect(String(stranger)).toContain('not_permitted');
});

test('of what is older than the history nothing is said, and where it begins is', async () => {
  const { bank, root } = await guardedBank();
  const early = await runLegacy(bank, calls);
  const { operationTime } = await root.db('bank').command({ ping: 1 });
  await fillHistory(root, operationTime);
  // The beginning is known to the second, and the clocks may differ by one.
  const filledMs = Date.now();
  await until(async () => Date.now() > filledMs + 3000);
  const more = calls.map((call) => ({ ...call, cents: call.cents + 50 }));
  // The first write of each document has no amount, so any call of that time may have been it.
  const first = await runLegacy(bank, more.slice(0, 3), 1);
  const firstMs = Date.now();
  await until(async () => Date.now() > firstMs + 100);
  const rest = await runLegacy(bank, more.slice(3), 1);
  const late = [first, rest].flatMap((part, index) =>
    part.map((call) => ({ ...call, id: `late-${index}-${call.id}` })),
  );
  const log = [...early, ...late];
  const sharp = ['--opening', 'opening.csv', '--clock-skew', '1ms'];
  for (const times of ['both', 'none'] as const) {
    const { traced, unread } = await traceLegacy(bank, log, { times }, sharp);
    expect(falseStatements(log, traced)).toEqual([]);
    expect(unread.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(
        /^The server's history may not reach \d+ calls of the log: it begins at 20/,
      ),
    ]);
    const certain = traced.filter((finding) => finding.certain);
    expect(certain.every(({ operation }) => operation?.startsWith('late-'))).toBe(true);
    const ofRest = certain.filter(({ operation }) => operation?.startsWith('late-1-'));
    if (times === 'both') expect(ofRest).toHaveLength(18);
  }
});

/** Writes elsewhere until the server has forgotten that time. */
async function fillHistory(root: MongoClient, time: Timestamp): Promise<void> {
  const other = root.db('other').collection('filler');
  const text = 'x'.repeat(100_000);
  await until(async () => {
    await other.insertMany(Array.from({ length: 30 }, () => ({ text })));
    const stream = root.db('bank').watch([], { startAtOperationTime: time });
    try {
      await stream.tryNext();
      return false;
    } catch {
      return true;
    } finally {
      await stream.close();
    }
  });
}

test('a standalone server keeps no history, which is said', async () => {
  const directory = temporaryDirectory();
  const socket = await mongodWith();
  const uri = `mongodb://${encodeURIComponent(socket)}/?directConnection=true`;
  const client = await MongoClient.connect(uri);
  onTestFinished(() => client.close());
  const db = client.db('bank');
  await db.collection('branch1').insertOne({ account_number: 'A', balance: 100 });
  await writeFile(
    join(directory, 'bankctl.config.yaml'),
    'journal: false\nbranches: { branch1: { collection: branch1 } }\n',
  );
  await writeFile(join(directory, 'opening.csv'), 'branch,account,balance\nbranch1,A,100.00\n');
  const env = { BANKCTL_URI: uri, HOME: directory };
  const bank = { directory, db, run: (argv: readonly string[]) => run(argv, directory, env) };
  const log = await runLegacy(bank, calls.slice(0, 3));
  const { unread, traced } = await traceLegacy(bank, log);
  expect(traced).toEqual([]);
  expect(unread).toContainEqual({
    reason: 'The server is a standalone, which keeps no history of changes.',
  });
  const followed = await bank.run(['audit', '--follow']);
  expect([followed.status, followed.stdout]).toEqual([3, '']);
  expect(followed.stderr).toContain('keeps no history of changes');
});
