// How many bankctl processes one replica set bears: 1 to 16 of them apply a file each, at once.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { processMs, quantile } from './measure.js';

const bankctl = resolve(process.env.BIN ?? 'bin/bankctl.js');
const rounds = Number(process.env.BANKCTL_BENCH_ROUNDS ?? 3);
const counts = (process.env.COUNTS ?? '1,2,4,8,16').split(',').map(Number);
const each = Number(process.env.BANKCTL_BENCH_WRITER_ROWS ?? 20_000);
const accounts = 1024;
const most = counts.at(-1);

/** Which account the row of a writer is on. */
const allPlaces = {
  'accounts of their own': (writer, row) => writer * (accounts / most) + (row % (accounts / most)),
  'the same 1,024 accounts': (writer, row) => (writer * 389 + row * 7919) % accounts,
  'one account': () => 0,
};

const places = Object.fromEntries(Object.entries(allPlaces).filter(([n]) => n.includes(process.env.PLACE ?? '')));
export async function writers() {
  const directory = await mkdtemp(join(tmpdir(), 'bankctl-bench-'));
  const env = { ...process.env, BANKCTL_DATA_DIR: join(directory, 'data') };
  const run = (...argv) => processMs([bankctl, ...argv], { env, cwd: directory });
  run('db', 'start');
  const socket = encodeURIComponent(join(directory, 'data', 'mongod.sock'));
  const client = await MongoClient.connect(`mongodb://${socket}/?directConnection=true`);
  try {
    await writeFiles(directory);
    const raw = {};
    for (let round = 0; round < rounds; round += 1) {
      for (const name of Object.keys(places)) {
        for (const count of counts) {
          await client.db('bank').dropDatabase();
          run('apply', join(directory, 'open.ndjson'), '-q');
          const result = await measure(client, count, name, { env, directory });
          await check(client, count);
          run('audit', '-q');
          raw[name] ??= {};
          raw[name][count] ??= [];
          raw[name][count].push(result);
          if (process.env.TRACE) console.log(name, count, JSON.stringify(result));
        }
      }
    }
    report(raw);
    return raw;
  } finally {
    await client.close();
    run('db', 'stop');
    await rm(directory, { recursive: true });
  }
}

/** All start, and get their file only when all of them wait for it: start-up is not measured. */
async function measure(client, count, name, { env, directory }) {
  const children = Array.from({ length: count }, (_, writer) =>
    spawn(
      process.execPath,
      [bankctl, 'apply', '-', '--batch', `writer-${writer}`, '--timeout', '2m', '-q'],
      { env, cwd: directory, stdio: ['pipe', 'ignore', 'inherit'] },
    ),
  );
  await Promise.all(children.map(({ pid }) => idle(pid)));
  const before = await transactions(client);
  const start = process.hrtime.bigint();
  const secondsOfEach = await Promise.all(
    children.map(async (child, writer) => {
      const closed = once(child, 'close');
      await pipeline(createReadStream(join(directory, fileOf(name, writer))), child.stdin);
      const [status] = await closed;
      if (status !== 0) throw new Error(`writer ${writer} of ${count} ended with ${status}`);
      return Number(process.hrtime.bigint() - start) / 1e9;
    }),
  );
  const after = await transactions(client);
  return {
    secondsOfEach,
    operationsPerSecond: (count * each) / Math.max(...secondsOfEach),
    committed: after.committed - before.committed,
    aborted: after.aborted - before.aborted,
  };
}

/** Returns when a process has used no processor time for half a second. */
async function idle(pid) {
  for (let [ticks, unchanged] = [-1, 0]; unchanged < 5; ) {
    await pause(100);
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    const now = Number(fields[11]) + Number(fields[12]);
    unchanged = now === ticks ? unchanged + 1 : 0;
    ticks = now;
  }
}

async function transactions(client) {
  const { transactions: counted } = await client.db('admin').command({ serverStatus: 1 });
  return { committed: Number(counted.totalCommitted), aborted: Number(counted.totalAborted) };
}

/** Each row adds 0.01, to a bank of empty accounts. */
async function check(client, count) {
  const db = client.db('bank');
  const totals = await Promise.all(
    ['branch1', 'branch2'].map((branch) =>
      db
        .collection(branch)
        .aggregate([{ $group: { _id: null, sum: { $sum: '$balance' } } }])
        .toArray(),
    ),
  );
  const cents = totals.flat().reduce((sum, it) => sum + BigInt(`${it.sum}`.replace('.', '')), 0n);
  const operations = await db.collection('journal').countDocuments({ type: 'increment' });
  if (cents !== BigInt(count * each) || operations !== count * each) {
    throw new Error(`${cents} cents by ${operations} operations, not ${count * each}`);
  }
}

function fileOf(name, writer) {
  return `${name.replaceAll(/\W/g, '-')}-${writer}.ndjson`;
}

async function writeFiles(directory) {
  const place = (account) => ({ branch: `branch${(account % 2) + 1}`, account: `A${account}` });
  const lines = (length, rowOf) =>
    Array.from({ length }, (_, row) => `${JSON.stringify(rowOf(row))}\n`).join('');
  const open = (account) => ({ type: 'open', id: `open-${account}`, ...place(account) });
  await writeFile(join(directory, 'open.ndjson'), lines(accounts, open));
  for (const [name, accountOf] of Object.entries(places)) {
    for (let writer = 0; writer < most; writer += 1) {
      const memo = `writer ${writer}`;
      const row = (index) => ({ ...place(accountOf(writer, index)), amount: '0.01', memo });
      await writeFile(join(directory, fileOf(name, writer)), lines(each, row));
    }
  }
}

function report(raw) {
  for (const [name, byCount] of Object.entries(raw)) {
    for (const [count, results] of Object.entries(byCount)) {
      const ratios = results.map(
        (it, round) => it.operationsPerSecond / byCount[1][round].operationsPerSecond,
      );
      const median = (of) => quantile(results.map(of), 0.5);
      const slowest = median((it) => Math.max(...it.secondsOfEach) / Math.min(...it.secondsOfEach));
      console.log(
        `${count} writers on ${name}: ${Math.round(median((it) => it.operationsPerSecond))}/s, ` +
          `${quantile(ratios, 0.5).toFixed(2)} x one writer; ` +
          `${median((it) => it.committed)} transactions, ${median((it) => it.aborted)} repeated; ` +
          `the last took ${slowest.toFixed(1)} x as long as the first`,
      );
    }
  }
}
