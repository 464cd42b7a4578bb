// How many bankctl processes one replica set bears: 1 to 16 of them apply a file each, at once.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { bankctl, inBank } from './bank.js';
import { processMs } from './measure.js';
import { amount, ratio } from './report.js';

const rounds = Number(process.env.BANKCTL_BENCH_ROUNDS ?? 2);
const counts = [1, 2, 4, 16];
/** One batch of each writer. That a process is slow until its code is warm is in every figure. */
const rows = 10_000;
const accounts = 1024;
const own = accounts / counts.at(-1);

/** Which account a row of a writer is on. */
const places = {
  'accounts of their own': (writer, row) => writer * own + (row % own),
  'the same 1,024 accounts': (writer, row) => (writer * 389 + row * 7919) % accounts,
  'one account': () => 0,
};

export async function writers() {
  await inBank(async ({ directory, at, client }) => {
    await writeFiles(directory);
    for (const place of Object.keys(places)) {
      const found = counts.map(() => ({ perSecond: [], repeated: [], lag: [] }));
      for (let round = 0; round < rounds; round += 1) {
        for (const [index, count] of counts.entries()) {
          await client.db('bank').dropDatabase();
          processMs([bankctl, 'apply', 'open.ndjson', '-q'], at);
          const { perSecond, repeated, lag } = await measure(client, count, place, at);
          await check(client.db('bank'), count);
          processMs([bankctl, 'audit', '-q'], at);
          found[index].perSecond.push(perSecond);
          found[index].repeated.push(repeated);
          found[index].lag.push(lag);
        }
      }
      report(place, found);
    }
  });
}

function report(place, found) {
  const [one] = found;
  amount({ title: `one writer on ${place}`, unit: 'operations/s', values: one.perSecond });
  for (const [index, { perSecond, repeated, lag }] of found.entries()) {
    const count = counts[index];
    if (count === 1) continue;
    const title = `${count} writers on ${place}`;
    const theirs = { theirName: 'one', theirs: one.perSecond };
    ratio({ title, unit: 'operations/s', ours: perSecond, ...theirs });
    if (count < counts.at(-1)) continue;
    amount({ title: `${title}: repeated`, unit: 'transactions', values: repeated });
    amount({ title: `${title}: the last to end`, unit: '× the first', values: lag });
  }
}

/** All start, and get their file when all of them wait for it, so start-up is not measured. */
async function measure(client, count, place, at) {
  const children = Array.from({ length: count }, (_, writer) => {
    const argv = ['apply', '-', '--batch', `writer-${writer}`, '--timeout', '2m', '-q'];
    return spawn(process.execPath, [bankctl, ...argv], {
      ...at,
      stdio: ['pipe', 'ignore', 'inherit'],
    });
  });
  await Promise.all(children.map(({ pid }) => idle(pid)));
  const before = await aborted(client);
  const start = process.hrtime.bigint();
  const seconds = await Promise.all(
    children.map(async (child, writer) => {
      const closed = once(child, 'close');
      await pipeline(createReadStream(join(at.cwd, fileOf(place, writer))), child.stdin);
      const [status] = await closed;
      if (status !== 0) throw new Error(`writer ${writer} of ${count} ended with ${status}`);
      return Number(process.hrtime.bigint() - start) / 1e9;
    }),
  );
  const [first, last] = [Math.min(...seconds), Math.max(...seconds)];
  const repeated = (await aborted(client)) - before;
  return { perSecond: (count * rows) / last, repeated, lag: last / first };
}

/** Returns when a process has used no processor time for half a second. */
async function idle(pid) {
  let ticks = -1;
  for (let unchanged = 0; unchanged < 5; ) {
    await pause(100);
    const [, text] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
    const [user, system] = text.split(' ').slice(11, 13);
    const now = Number(user) + Number(system);
    unchanged = now === ticks ? unchanged + 1 : 0;
    ticks = now;
  }
}

/** Transactions that the server aborted; each was run again. */
async function aborted(client) {
  const { transactions } = await client.db('admin').command({ serverStatus: 1 });
  return Number(transactions.totalAborted);
}

/** Each row adds 0.01, to a bank of empty accounts. */
async function check(db, count) {
  const sums = [{ $group: { _id: null, sum: { $sum: '$balance' } } }];
  let cents = 0n;
  for (const branch of ['branch1', 'branch2']) {
    const [total] = await db.collection(branch).aggregate(sums).toArray();
    cents += BigInt(`${total.sum}`.replace('.', ''));
  }
  const operations = await db.collection('journal').countDocuments({ type: 'increment' });
  if (cents !== BigInt(operations) || operations !== count * rows) {
    throw new Error(`${cents} cents by ${operations} operations, not ${count * rows}`);
  }
}

function fileOf(place, writer) {
  return `${place.replaceAll(/\W/g, '-')}-${writer}.ndjson`;
}

async function writeFiles(directory) {
  const reference = (account) => ({ branch: `branch${(account % 2) + 1}`, account: `A${account}` });
  const write = (name, length, rowOf) => {
    const lines = Array.from({ length }, (_, row) => `${JSON.stringify(rowOf(row))}\n`);
    return writeFile(join(directory, name), lines.join(''));
  };
  const open = (row) => ({ type: 'open', id: `open-${row}`, ...reference(row) });
  await write('open.ndjson', accounts, open);
  for (const [place, accountOf] of Object.entries(places)) {
    for (let writer = 0; writer < counts.at(-1); writer += 1) {
      // Without the memo, `apply` would take files for one that is applied twice.
      const memo = `writer ${writer}`;
      const row = (index) => ({ ...reference(accountOf(writer, index)), amount: '0.01', memo });
      await write(fileOf(place, writer), rows, row);
    }
  }
}
