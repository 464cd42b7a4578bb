import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { Decimal128, MongoClient } from 'mongodb';
import { describe, expect, onTestFinished, test } from 'vitest';
import { endAbandoned } from '../../src/bank/abandoned-transactions.ts';
import { startThrowaway } from '../../src/database/throwaway-server.ts';
import { startFaultServer, startProxy } from '../fault-server.ts';
import { type Workspace, workspace } from '../workspace.ts';
import {
  correctionsFor,
  journalled,
  legacyAdd,
  planConfig,
  stored,
  type Wanted,
  writePlan,
} from './plan-fixture.ts';

const program = join(import.meta.dirname, '..', '..', 'bin', 'bankctl.js');
const yes = ['repair', 'plan.yaml', '--yes', '--json'];

function cents(minor: number): string {
  const digits = String(Math.abs(minor)).padStart(3, '0');
  return `${minor < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** A bank of many accounts in both branches, each with 100.00. */
async function bankOf(numbers: readonly string[]): Promise<Workspace> {
  const bank = await workspace({ config: planConfig });
  const rows = numbers.map((number) => `${number},100\n`).join('');
  await writeFile(join(bank.directory, 'accounts.csv'), `account,balance\n${rows}`);
  for (const branch of ['branch1', 'branch2']) {
    expect(await bank.run(['import', branch, 'accounts.csv'])).toMatchObject({ status: 0 });
  }
  return bank;
}

async function expectMended(bank: Workspace, wanted: Wanted): Promise<void> {
  for (const [name, text] of Object.entries(wanted)) {
    const [branch = '', account = ''] = name.split(':');
    const { balance } = await stored(bank, branch, account);
    const sum = await journalled(bank, branch, account);
    expect([name, balance, sum]).toEqual([name, text, BigInt(text.replace('.', ''))]);
  }
}

/** 12 numbers of which both branches are to be repaired; branch2 was written by others. */
async function damaged(size = 12) {
  const numbers = Array.from({ length: size }, (_, index) => `N${index}`);
  const bank = await bankOf(numbers);
  await bank.db
    .collection('branch2')
    .updateMany({}, { $inc: { balance: Decimal128.fromString('5') } });
  const wanted = Object.fromEntries(
    numbers.flatMap((number, index) => [
      [`branch1:${number}`, cents(10_500 + index)],
      [`branch2:${number}`, '100.00'],
    ]),
  );
  await writePlan(bank, await correctionsFor(bank, wanted));
  return { bank, wanted };
}

test('any damage is mended by its plan, which a second run leaves as it is', async () => {
  const numbers = ['A', 'B', 'C', 'D'];
  const names = ['branch1', 'branch2'].flatMap((branch) => numbers.map((it) => `${branch}:${it}`));
  const minor = fc.integer({ min: -20_000, max: 20_000 });
  const damage = fc.record({
    legacy: fc.array(fc.tuple(fc.constantFrom(...names), minor), { maxLength: 8 }),
    own: fc.array(fc.constantFrom(...names), { maxLength: 4 }),
    wanted: fc.dictionary(fc.constantFrom(...names), minor, { maxKeys: 8 }),
    isReversed: fc.boolean(),
    left: fc.nat({ max: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(damage, async ({ legacy, own, wanted, isReversed, left }) => {
      const bank = await bankOf(numbers);
      for (const [name, amount] of legacy) {
        await legacyAdd(bank, name, Decimal128.fromString(cents(amount)));
      }
      // What is posted after another program wrote takes its write into balance_after.
      for (const name of own) {
        await bank.run(['increment', ...name.split(':'), '0.01', '-q']);
      }
      const texts = Object.fromEntries(
        Object.entries(wanted).map(([name, amount]) => [name, cents(amount)]),
      );
      const all = await correctionsFor(bank, texts);
      const kept = all.filter((_, index) => index % 4 !== left);
      await writePlan(bank, isReversed ? kept.toReversed() : kept);
      const before = await bank.everything();
      const rehearsed = await bank.run(['repair', 'plan.yaml', '--dry-run', '--json']);
      expect(await bank.everything()).toBe(before);
      const ran = await bank.run(yes);
      expect(JSON.parse(rehearsed.stdout)).toEqual({ ...JSON.parse(ran.stdout), dry_run: true });
      const empty = expect.stringContaining(
        'plan.yaml has no entries: there is nothing to repair.',
      );
      expect([ran.status, ran.stderr]).toEqual([0, kept.length === 0 ? empty : '']);
      const isKept = ([name]: readonly [string, string]) =>
        kept.some(({ account }) => name.endsWith(`:${account}`));
      const changed = kept.flatMap(({ legs }) => legs.filter((it) => it.amountMinor !== 0n));
      const isChanged = ([name]: readonly [string, string]) =>
        changed.some(({ branch, account }) => name === `${branch}:${account}`);
      const mended = Object.entries(texts).filter(isKept).filter(isChanged);
      await expectMended(bank, Object.fromEntries(mended));
      const after = await bank.everything();
      const again = JSON.parse((await bank.run(yes)).stdout);
      expect(again).toMatchObject({ repaired: 0, moved: [], skipped: [] });
      expect(await bank.everything()).toBe(after);
      await bank.db.dropDatabase();
    }),
    { numRuns: 12 },
  );
}, 240_000);

describe('interrupted and run again, it ends as if never interrupted', () => {
  test('by Ctrl-C at every message', async () => {
    for (let at = 4; ; at += 19) {
      const { bank, wanted } = await damaged();
      const controller = new AbortController();
      let messages = 0;
      const countOne = () => {
        messages += 1;
        if (messages === at) controller.abort();
        return 'pass' as const;
      };
      const hooks = { request: countOne, answer: countOne };
      const uri = await startProxy(bank.env['BANKCTL_URI'] ?? '', hooks);
      const ran = await bank.run(yes, {
        env: { BANKCTL_URI: uri },
        interrupted: controller.signal,
      });
      const repairs = await bank.db.collection('journal').countDocuments({ type: 'repair' });
      if (ran.status === 0) {
        expect(repairs).toBe(12);
        if (!controller.signal.aborted) break;
      } else {
        expect(ran.status).toBe(130);
        if (ran.stdout === '') {
          expect([at, repairs]).toEqual([at, 0]);
          const { error } = JSON.parse(ran.stderr.trimEnd().split('\n').at(-1) ?? '');
          expect(error.code).toBe('interrupted');
        } else {
          const { repaired, unknown, interrupted } = JSON.parse(ran.stdout);
          expect([at, interrupted]).toEqual([at, true]);
          expect(repairs).toBeGreaterThanOrEqual(repaired);
          expect(repairs).toBeLessThanOrEqual(repaired + unknown);
          expect(ran.stderr).toMatch(/run it again: bankctl repair plan\.yaml --yes/);
        }
      }
      expect(await bank.run(yes)).toMatchObject({ status: 0 });
      await expectMended(bank, wanted);
      await bank.db.dropDatabase();
    }
  }, 240_000);

  test('by kill -9', async () => {
    const { bank, wanted } = await damaged(600);
    const journal = bank.db.collection('journal');
    for (const repairs of [1, 120, 300]) {
      const child = spawn(process.execPath, [program, ...yes], {
        ...{ cwd: bank.directory, env: bank.env, stdio: 'ignore' },
      });
      const ended = once(child, 'close');
      while ((await journal.countDocuments({ type: 'repair' })) < repairs) {
        expect(child.exitCode).toBe(null);
        await pause(2);
      }
      child.kill('SIGKILL');
      await ended;
    }
    const ran = await bank.run(yes);
    expect([ran.status, ran.stderr]).toEqual([0, '']);
    const { repaired, replayed } = JSON.parse(ran.stdout);
    expect(repaired + replayed).toBe(600);
    expect(replayed).toBeGreaterThanOrEqual(300);
    await expectMended(bank, Object.fromEntries(Object.entries(wanted).slice(0, 40)));
    const [sums] = await bank.db
      .collection('branch1')
      .aggregate([{ $group: { _id: null, total: { $sum: '$balance' } } }])
      .toArray();
    // 600 accounts of 105.00 and 0.00 to 5.99.
    expect(String(sums?.['total'])).toBe('64797.00');
    expect(await journal.countDocuments({ type: 'adopt' })).toBe(600);
    await endAbandoned(bank.db.client);
  }, 180_000);

  test('by a crash of the server, in the same run', async () => {
    const server = await startThrowaway({
      env: process.env,
      nowMs: Date.now,
      monotonicNs: process.hrtime.bigint,
      interrupted: new AbortController().signal,
      progress: () => undefined,
    });
    onTestFinished(server.stop);
    const { bank, wanted } = await damaged(600);
    const client = await MongoClient.connect(server.uri);
    onTestFinished(() => client.close());
    const copy = client.db(bank.db.databaseName);
    for (const name of ['branch1', 'branch2', 'journal', 'bankctl']) {
      const documents = await bank.db
        .collection(name)
        .find({}, { raw: false, promoteLongs: false });
      await copy.collection(name).insertMany(await documents.toArray());
    }
    const env = { BANKCTL_URI: server.uri };
    const running = bank.run([...yes, '-q', '--timeout', '30s'], { env });
    const journal = copy.collection('journal');
    while ((await journal.countDocuments({ type: 'repair' })) < 30) await pause(2);
    await server.members[0]?.kill();
    await pause(200);
    await server.members[0]?.restart();
    const { status, stdout, stderr } = await running;
    expect([status, stderr]).toEqual([0, '']);
    const { repaired, replayed } = JSON.parse(stdout);
    expect(repaired + replayed).toBe(600);
    expect(await journal.countDocuments({ type: 'repair' })).toBe(600);
    const some = Object.fromEntries(Object.entries(wanted).slice(-20));
    await expectMended({ ...bank, db: copy }, some);
  }, 180_000);

  test('by a server that is gone for good: it says what is certain', async () => {
    const { bank, wanted } = await damaged(300);
    let commits = 0;
    const uri = await startProxy(bank.env['BANKCTL_URI'] ?? '', {
      answer: (has) => {
        if (has('commitTransaction')) commits += 1;
        return commits > 2 ? 'cut' : 'pass';
      },
    });
    const ran = await bank.run([...yes, '--timeout', '2s'], { env: { BANKCTL_URI: uri } });
    expect([ran.status, ran.stdout]).toEqual([3, '']);
    const { message, hint } = JSON.parse(ran.stderr.trimEnd().split('\n').at(-1) ?? '').error;
    expect(message).toMatch(/entries are certainly done or skipped/);
    // Whatever the last attempt ended with, what an earlier one sent is not known.
    const [, done, open] = /(\d+) entries are .*; (\d+) entries may/.exec(message) ?? [];
    const repairs = await bank.db.collection('journal').countDocuments({ type: 'repair' });
    expect(repairs).toBeGreaterThanOrEqual(Number(done));
    expect(repairs).toBeLessThanOrEqual(Number(done) + Number(open));
    expect(hint).toMatch(/run it again: bankctl repair plan\.yaml --yes/);
    await endAbandoned(bank.db.client);
    expect(await bank.run(yes)).toMatchObject({ status: 0 });
    await expectMended(bank, wanted);
  }, 120_000);
});

test('what a transaction did is said even if the look for reversals fails', async () => {
  const { bank } = await damaged();
  const plan = join(bank.directory, 'plan.yaml');
  const text = await readFile(plan, 'utf8');
  // The first entry alone, then all of them in one transaction.
  const [head = '', first = ''] = text.split(/^(?= *- id:)/m);
  await writeFile(plan, head + first);
  expect(await bank.run(yes)).toMatchObject({ status: 0, stderr: '' });
  await writeFile(plan, text);
  let hasCommitted = false;
  const uri = await startProxy(bank.env['BANKCTL_URI'] ?? '', {
    request: () => (hasCommitted ? 'cut' : 'pass'),
    answer: (has) => {
      hasCommitted ||= has('commitTransaction');
      return 'pass';
    },
  });
  const ran = await bank.run([...yes, '--timeout', '3s'], { env: { BANKCTL_URI: uri } });
  const { message } = JSON.parse(ran.stderr.trimEnd().split('\n').at(-1) ?? '').error;
  expect([ran.status, message]).toEqual([3, expect.stringContaining('11 entries are certainly')]);
  expect(await bank.db.collection('journal').countDocuments({ type: 'repair' })).toBe(12);
});

test('what is refused keeps back nothing else of its transaction', async () => {
  const { bank, wanted } = await damaged(60);
  expect(await bank.run(['repair', 'plan.yaml', '--dry-run', '--json'])).toMatchObject({
    status: 0,
  });
  const again = (left: readonly string[]) =>
    Object.fromEntries(Object.entries(wanted).filter(([name]) => !left.includes(name)));
  await legacyAdd(bank, 'branch1:N7', Decimal128.fromString('1'));
  await bank.db.collection('branch1').deleteOne({ account_number: 'N9' });
  await bank.db.command({
    collMod: 'branch2',
    validator: { account_number: { $nin: ['N11', 'N53'] } },
  });
  const ran = await bank.run(yes);
  const { repaired, moved, skipped } = JSON.parse(ran.stdout);
  const accounts = (list: readonly { readonly account: string }[]) => list.map((it) => it.account);
  expect([ran.status, repaired, accounts(moved)]).toEqual([1, 56, ['N7', 'N9']]);
  expect(accounts(skipped)).toEqual(['N11', 'N53']);
  expect(skipped).toMatchObject(Array(2).fill({ code: 'refused_by_server' }));
  const left = ['N7', 'N9', 'N11', 'N53'].flatMap((it) => [`branch1:${it}`, `branch2:${it}`]);
  await expectMended(bank, again(left));
  const journal = bank.db.collection('journal');
  expect(await journal.countDocuments({ type: 'repair' })).toBe(56);
  expect(await journal.countDocuments({ type: 'adopt' })).toBe(56);
  // Taken back, one repair is no longer done, and those beside it are.
  const one = await journal.findOne({ type: 'repair', 'postings.account_number': 'N3' });
  expect(await bank.run(['reverse', String(one?._id)])).toMatchObject({ status: 0 });
  const second = JSON.parse((await bank.run(yes)).stdout);
  expect(second).toMatchObject({ repaired: 0, replayed: 55 });
  expect(accounts(second.skipped)).toEqual(['N3', 'N11', 'N53']);
}, 120_000);

test('two runs of one plan at once carry out each entry once', async () => {
  const { bank, wanted } = await damaged(30);
  const both = await Promise.all([bank.run(yes), bank.run(yes)]);
  expect(both.map(({ status }) => status)).toEqual([0, 0]);
  const [first, second] = both.map(({ stdout }) => JSON.parse(stdout));
  expect([first, second].map((it) => it.repaired + it.replayed)).toEqual([30, 30]);
  expect(first.repaired + second.repaired).toBe(30);
  expect(await bank.db.collection('journal').countDocuments({ type: 'repair' })).toBe(30);
  await expectMended(bank, wanted);
}, 120_000);

test('writers of other fields do not keep it from ending', async () => {
  const { bank, wanted } = await damaged();
  const accounts = bank.db.collection('branch2');
  let over = false;
  const write = async () => {
    for (let index = 0; !over; index += 1) {
      await accounts.updateOne({ account_number: `N${index % 12}` }, { $set: { note: index } });
    }
  };
  const writers = [write(), write(), write()];
  const ran = await bank.run(yes);
  over = true;
  await Promise.all(writers);
  expect(ran).toMatchObject({ status: 0, stderr: '' });
  expect(JSON.parse(ran.stdout)).toMatchObject({ repaired: 12, moved: [], skipped: [] });
  await expectMended(bank, wanted);
}, 120_000);

test('commits that fail, or whose answer is lost, leave each entry carried out once', async () => {
  const { bank, wanted } = await damaged();
  const server = await startFaultServer();
  const copy = server.client.db(bank.db.databaseName);
  for (const name of ['branch1', 'branch2', 'journal', 'bankctl']) {
    const documents = bank.db.collection(name).find({}, { promoteLongs: false });
    await copy.collection(name).insertMany(await documents.toArray());
  }
  const env = { BANKCTL_URI: server.uri };
  const failures: readonly object[] = [
    { errorCode: 112, errorLabels: ['TransientTransactionError'] },
    { closeConnection: true },
    { errorCode: 91, errorLabels: ['RetryableWriteError'] },
    { writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' } },
  ];
  for (const data of failures) {
    await server.fail({ times: 3 }, { failCommands: ['commitTransaction'], ...data });
    const ran = await bank.run([...yes, '-q', '--timeout', '20s'], { env });
    expect([data, ran.status, ran.stderr]).toEqual([data, 0, '']);
    const { repaired, replayed } = JSON.parse(ran.stdout);
    expect(repaired + replayed).toBe(12);
    expect(await copy.collection('journal').countDocuments({ type: 'repair' })).toBe(12);
    await expectMended({ ...bank, db: copy }, wanted);
    await server.heal();
    // Everything again, for the next failure.
    if (data === failures.at(-1)) break;
    for (const name of ['branch1', 'branch2', 'journal']) {
      await copy.collection(name).deleteMany({});
      const documents = bank.db.collection(name).find({}, { promoteLongs: false });
      await copy.collection(name).insertMany(await documents.toArray());
    }
  }
}, 240_000);

test('legacy programs may write meanwhile: nothing of theirs is lost, and it is said', async () => {
  const { bank } = await damaged(40);
  const accounts = bank.db.collection('branch1');
  let written = 0;
  let over = false;
  const write = async () => {
    for (let index = 0; !over; index += 1) {
      const account_number = `N${(index * 7) % 40}`;
      const cent = { $inc: { balance: Decimal128.fromString('0.01') } };
      const { modifiedCount } = await accounts.updateOne({ account_number }, cent);
      written += modifiedCount;
    }
  };
  const sumOf = async () => {
    const [sums] = await accounts
      .aggregate([{ $group: { _id: null, total: { $sum: '$balance' } } }])
      .toArray();
    return Math.round(Number(String(sums?.['total'])) * 100);
  };
  const before = await sumOf();
  const writers = [write(), write()];
  const ran = await bank.run(yes);
  over = true;
  await Promise.all(writers);
  const { repaired, moved, skipped } = JSON.parse(ran.stdout);
  expect(repaired + moved.length).toBe(40);
  expect([skipped, written > 0]).toEqual([[], true]);
  const isRepaired = (index: number) =>
    !moved.some(({ account }: { account: string }) => account === `N${index}`);
  const corrected = Array.from({ length: 40 }, (_, index) =>
    isRepaired(index) ? 500 + index : 0,
  ).reduce((sum, amount) => sum + amount, 0);
  expect(await sumOf()).toBe(before + written + corrected);
});
