// How fast `bankctl apply` is: against single updates by the driver alone, and against medici.
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Book, initModels } from 'medici';
import { Decimal128, MongoClient } from 'mongodb';
import mongoose from 'mongoose';
import { processMs, quantile, watched } from './measure.js';

const bankctl = resolve('bin/bankctl.js');
const rounds = Number(process.env.BANKCTL_BENCH_ROUNDS ?? 5);
const large = process.env.BANKCTL_BENCH_LARGE === '1';
const inFlight = 32;
const accounts = 1000;

/** Operations of each part; the slow ones are too slow for 200,000. */
const operations = { apply: 200_000, updates: 10_000, medici: 2000 };

const accountOf = (index) => (index * 7919) % accounts;
const branchOf = (account) => `branch${(account % 2) + 1}`;

export async function apply() {
  const directory = await mkdtemp(join(tmpdir(), 'bankctl-bench-'));
  const env = { ...process.env, BANKCTL_DATA_DIR: join(directory, 'data') };
  const file = (name) => join(directory, name);
  processMs([bankctl, 'db', 'start'], { env, cwd: directory });
  const socket = encodeURIComponent(join(directory, 'data', 'mongod.sock'));
  const uri = `mongodb://${socket}/?directConnection=true`;
  const client = await MongoClient.connect(uri, { maxPoolSize: inFlight });
  try {
    const opening = (index) => ({ type: 'open', id: `o${index}`, ...place(index) });
    await write(file('open.ndjson'), accounts, opening);
    await write(file('one.ndjson'), 1, row);
    await write(file('spread.ndjson'), operations.apply, row);
    await write(file('hot.ndjson'), operations.apply, () => ({ ...place(0), amount: '0.01' }));
    processMs([bankctl, 'apply', file('open.ndjson')], { env, cwd: directory });
    await mongoose.connect(uri, { dbName: 'medici', maxPoolSize: inFlight });
    await initModels();

    const perSecond = { updates: [], medici: [], spread: [], hot: [] };
    const peaks = [];
    const applied = async (name, round) => {
      const argv = [bankctl, 'apply', file(`${name}.ndjson`), '--batch', `${name}-${round}`, '-q'];
      const { seconds, peakMebibytes } = await watched(argv, { env, cwd: directory });
      peaks.push(peakMebibytes);
      return seconds;
    };
    for (let round = 0; round < rounds; round += 1) {
      const n = operations;
      perSecond.updates.push(n.updates / (await seconds(() => updates(client, n.updates))));
      perSecond.spread.push(n.apply / (await applied('spread', round)));
      perSecond.medici.push(n.medici / (await seconds(() => entries(n.medici))));
      perSecond.hot.push(n.apply / (await applied('hot', round)));
    }
    report('apply, 200,000 over 1,000 accounts', perSecond, 'spread', 'updates', 'at least 5');
    report('apply, 200,000 over 1,000 accounts', perSecond, 'spread', 'medici', 'at least 15');
    report('apply, 200,000 on one account', perSecond, 'hot', 'spread', 'at least 0.7');
    if (large) await growth(file, applied);
    console.log(`peak memory of apply: ${Math.max(...peaks).toFixed(0)} MiB (wanted below 200)`);
  } finally {
    await mongoose.disconnect();
    await client.close();
    processMs([bankctl, 'db', 'stop'], { env, cwd: directory });
    await rm(directory, { recursive: true });
  }
}

/** Time for each operation, start-up taken away, of a million and of ten thousand. */
async function growth(file, applied) {
  await write(file('small.ndjson'), 10_000, row);
  await write(file('large.ndjson'), 1_000_000, row);
  const start = [];
  const small = [];
  for (let round = 0; round < 9; round += 1) {
    start.push(await applied('one', round));
    small.push(await applied('small', round));
  }
  const startUp = quantile(start, 0.5);
  const each = (quantile(small, 0.5) - startUp) / 10_000;
  const ofLarge = ((await applied('large', 0)) - startUp) / 1_000_000;
  const us = (value) => `${(value * 1e6).toFixed(1)} us`;
  console.log(
    `an operation at 1,000,000: ${(ofLarge / each).toFixed(2)} x one at 10,000 ` +
      `(${us(ofLarge)} against ${us(each)}; wanted at most 1.15)`,
  );
}

function place(index) {
  const account = accountOf(index);
  return { branch: branchOf(account), account: `A${account}` };
}

function row(index) {
  return { ...place(index), amount: ((index % 500) / 100 + 0.01).toFixed(2) };
}

async function write(path, count, rowOf) {
  const stream = createWriteStream(path);
  for (let index = 0; index < count; index += 1) {
    if (!stream.write(`${JSON.stringify(rowOf(index))}\n`)) await once(stream, 'drain');
  }
  stream.end();
  await once(stream, 'close');
}

/** The fastest that single updates can be: no journal, no guard, no id. */
async function updates(client, count) {
  const db = client.db('updates');
  await db.dropDatabase();
  for (const branch of ['branch1', 'branch2']) {
    await db.collection(branch).createIndex({ account_number: 1 }, { unique: true });
  }
  const documents = Array.from({ length: accounts }, (_, index) => index);
  for (const account of documents) {
    const document = { account_number: `A${account}`, balance: Decimal128.fromString('0.00') };
    await db.collection(branchOf(account)).insertOne(document);
  }
  const amount = Decimal128.fromString('0.01');
  return () =>
    together(count, (index) => {
      const account = accountOf(index);
      return db
        .collection(branchOf(account))
        .updateOne({ account_number: `A${account}` }, { $inc: { balance: amount } });
    });
}

async function entries(count) {
  const book = new Book('bench');
  return () =>
    together(count, (index) => {
      const { branch, account } = place(index);
      return book.entry('').credit(`${branch}:${account}`, 0.01).debit('Till', 0.01).commit();
    });
}

async function together(count, work) {
  let next = 0;
  const worker = async () => {
    while (next < count) {
      next += 1;
      await work(next);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}

/** Seconds that the work takes, without making it ready. */
async function seconds(ready) {
  const work = await ready();
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1e9;
}

function report(title, perSecond, ours, theirs, target) {
  const ratios = perSecond[ours].map((value, index) => value / perSecond[theirs][index]);
  const raw = (name) => `${Math.round(quantile(perSecond[name], 0.5))}/s`;
  const spread = `${quantile(ratios, 0.25).toFixed(2)}-${quantile(ratios, 0.75).toFixed(2)}`;
  console.log(
    `${title}: ${quantile(ratios, 0.5).toFixed(2)} x ${theirs} (quartiles ${spread}, ` +
      `${rounds} rounds; ${raw(ours)} against ${raw(theirs)}; wanted ${target})`,
  );
}
