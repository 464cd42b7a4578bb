// How fast `bankctl apply` is: against the least that it can take, and against what one would use
// in its place.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Book, initModels } from 'medici';
import { Decimal128, Long } from 'mongodb';
import mongoose from 'mongoose';
import { bankctl, inBank } from './bank.js';
import { floor } from './floor.js';
import { processMs, quantile, secondsOf, watched } from './measure.js';
import { amount, ratio } from './report.js';

const rounds = Number(process.env.BANKCTL_BENCH_ROUNDS ?? 5);
const large = process.env.BANKCTL_BENCH_LARGE === '1';
const inFlight = 32;
const accounts = 1000;

/** Operations of each part; some are too slow for as many as `apply` gets. */
const operations = {
  apply: Number(process.env.BANKCTL_BENCH_ROWS ?? 200_000),
  updates: 10_000,
  transactions: 2000,
  medici: 2000,
};

/** What `apply` puts into one transaction. */
const batchSize = 10_000;

const accountOf = (index) => (index * 7919) % accounts;
const branchOf = (account) => `branch${(account % 2) + 1}`;
const places = Array.from({ length: accounts }, (_, index) => place(index));

export function apply() {
  return inBank(measureApply, { maxPoolSize: inFlight });
}

async function measureApply({ directory, at, uri, client }) {
  const file = (name) => join(directory, name);
  await writeFiles(file);
  await mongoose.connect(uri, { dbName: 'medici', maxPoolSize: inFlight });
  const perSecond = { updates: [], transactions: [], medici: [], imported: [] };
  const applied = { narrow: [], wide: [], hot: [] };
  const floors = { narrow: [], wide: [] };
  const peaks = { batch: [], ids: [], dry: [] };
  const run = (name, ...options) => watched([bankctl, 'apply', file(name), ...options, '-q'], at);
  try {
    await initModels();
    for (let round = 0; round < rounds; round += 1) {
      const rate = async (name, work) =>
        perSecond[name].push(operations[name] / (await secondsOf(work)));
      const database = async (name) => {
        await openAccounts(name, { file, at });
        return name;
      };
      const again = async (name, argv, key) => {
        const [from, to] = [await database(`bank_${name}`), await database(`floor_${name}`)];
        await config(from, file);
        const { seconds, peakMebibytes } = await run(...argv);
        applied[name].push(operations.apply / seconds);
        peaks[key].push(megabytes(peakMebibytes));
        const whole = { from, to, accounts: places, ofBatch: { type: 'increment' } };
        floors[name].push(operations.apply / (await floor(uri, { ...whole, size: batchSize })));
        await client.db(to).dropDatabase();
      };
      await again('narrow', ['narrow.ndjson', '--batch', 'narrow'], 'batch');
      await rate('updates', await updates(client.db('updates'), operations.updates));
      await rate('medici', entries(operations.medici));
      await again('wide', ['wide.csv'], 'ids');
      await rate('transactions', await transactions(client, operations.transactions));
      const dry = await run('narrow.ndjson', '--batch', 'dry', '--dry-run', '--again');
      peaks.dry.push(megabytes(dry.peakMebibytes));
      applied.hot.push(operations.apply / (await run('hot.ndjson', '--batch', 'hot')).seconds);
      const imported = importPlain(uri, file('narrow.ndjson'));
      if (imported !== undefined) perSecond.imported.push(operations.apply / imported);
      for (const name of ['bank_narrow', 'bank_wide']) await client.db(name).dropDatabase();
    }
    report(applied, floors, perSecond);
    if (large) await growth({ file, at, run, peaks });
    reportPeaks(peaks);
  } finally {
    await mongoose.disconnect();
  }
}

function report({ narrow, wide, hot }, floors, { updates: raw, ...perSecond }) {
  const many = operations.apply.toLocaleString('en');
  const unit = 'a second';
  const compared = (title, ours, theirs, theirName, target) =>
    ratio({ title, unit, ours, theirs, theirName, target });
  const title = `apply, ${many} over 1,000 accounts`;
  compared(title, narrow, floors.narrow, 'the floor', { atLeast: 0.8 });
  compared(`${title}, CSV with ids and memos`, wide, floors.wide, 'the floor', { atLeast: 0.8 });
  compared(title, narrow, raw, 'single updates, 32 in flight', { atLeast: 8 });
  compared(title, narrow, perSecond.medici, 'medici', { atLeast: 20 });
  compared(title, narrow, perSecond.transactions, 'a transaction for each');
  if (perSecond.imported.length > 0) {
    compared(title, narrow, perSecond.imported, 'mongoimport of the plain rows');
  }
  compared(`apply, ${many} on one account`, hot, narrow, 'over 1,000 accounts', { atLeast: 0.7 });
}

function reportPeaks({ batch, ids, dry }) {
  const shown = (title, values) =>
    amount({ title: `peak memory of apply${title}`, unit: 'MB', values, target: { atMost: 150 } });
  shown(' --batch', batch);
  shown(' with ids', ids);
  shown(' --batch --dry-run', dry);
}

function megabytes(mebibytes) {
  return (mebibytes * 2 ** 20) / 1e6;
}

/** Time for each operation, start-up taken away, at three sizes; and the memory of the largest. */
async function growth({ file, at, run, peaks }) {
  await write(file('10000.ndjson'), 10_000, row);
  await write(file('100000.ndjson'), 100_000, row);
  await write(file('1000000.ndjson'), 1_000_000, row);
  await openAccounts('growth', { file, at });
  const timed = async (name, times) => {
    const seconds = [];
    for (let round = 0; round < times; round += 1) {
      const done = await run(`${name}.ndjson`, '--batch', `${name}-${round}`, '--again');
      seconds.push(done.seconds);
      if (name === '1000000') peaks.batch.push(megabytes(done.peakMebibytes));
    }
    return quantile(seconds, 0.5);
  };
  const startUp = await timed('one', 9);
  const each = async (count, times) => ((await timed(String(count), times)) - startUp) / count;
  const small = (await each(10_000, 9)) * 1e6;
  const unit = 'µs';
  const compared = (count, ours) =>
    ratio({
      title: `an operation of ${count}`,
      unit,
      ours: [ours],
      theirs: [small],
      theirName: 'one of 10,000',
      target: { atMost: 1.15 },
    });
  compared('100,000', (await each(100_000, 3)) * 1e6);
  compared('1,000,000', (await each(1_000_000, 1)) * 1e6);
  const dry = await run('1000000.ndjson', '--batch', 'dry', '--dry-run', '--again');
  peaks.dry.push(megabytes(dry.peakMebibytes));
}

async function config(database, file) {
  const branches = '{ branch1: { collection: branch1 }, branch2: { collection: branch2 } }';
  await writeFile(file('bankctl.config.yaml'), `database: ${database}\nbranches: ${branches}\n`);
}

/** A fresh bank with the accounts, which commands use from now on. */
async function openAccounts(database, { file, at }) {
  await config(database, file);
  processMs([bankctl, 'apply', file('open.ndjson'), '-q'], at);
}

async function writeFiles(file) {
  const { apply: count } = operations;
  const opening = (index) => ({ type: 'open', id: `o${index}`, ...place(index) });
  await write(file('open.ndjson'), accounts, opening);
  await write(file('one.ndjson'), 1, row);
  await write(file('narrow.ndjson'), count, row);
  await write(file('hot.ndjson'), count, () => ({ ...place(0), amount: '0.01' }));
  await writeLines(file('wide.csv'), count + 1, (index) => {
    if (index === 0) return 'id,branch,account,amount,memo';
    const { branch, account, amount: paid } = row(index);
    return `invoice-${index},${branch},${account},${paid},"Invoice ${index}, November 2026"`;
  });
}

function place(index) {
  const account = accountOf(index);
  return { branch: branchOf(account), account: `A${account}` };
}

function row(index) {
  return { ...place(index), amount: ((index % 500) / 100 + 0.01).toFixed(2) };
}

function write(path, count, rowOf) {
  return writeLines(path, count, (index) => JSON.stringify(rowOf(index)));
}

async function writeLines(path, count, lineOf) {
  const stream = createWriteStream(path);
  for (let index = 0; index < count; index += 1) {
    if (!stream.write(`${lineOf(index)}\n`)) await once(stream, 'drain');
  }
  stream.end();
  await once(stream, 'close');
}

async function plainAccounts(db) {
  await db.dropDatabase();
  for (const branch of ['branch1', 'branch2']) {
    const numbers = places.filter((it) => it.branch === branch).map(({ account }) => account);
    await db.collection(branch).createIndex({ account_number: 1 }, { unique: true });
    const balance = Decimal128.fromString('0.00');
    await db
      .collection(branch)
      .insertMany(
        numbers.map((account_number) => ({ account_number, balance, version: Long.ONE })),
      );
  }
}

const cent = Decimal128.fromString('0.01');

/** The fastest that single updates can be: no journal, no guard, no id. */
async function updates(db, count) {
  await plainAccounts(db);
  return () =>
    together(count, (index) => {
      const { branch, account } = place(index);
      return db
        .collection(branch)
        .updateOne({ account_number: account }, { $inc: { balance: cent } });
    });
}

/** As one writes it by hand: for each operation a transaction that updates and notes it down. */
async function transactions(client, count) {
  const db = client.db('by_hand');
  await plainAccounts(db);
  await db.createCollection('journal');
  const durable = { readConcern: { level: 'snapshot' }, writeConcern: { w: 'majority' } };
  return () =>
    together(count, (index) =>
      client.withSession((session) =>
        session.withTransaction(async () => {
          const { branch, account } = place(index);
          const after = await db
            .collection(branch)
            .findOneAndUpdate(
              { account_number: account },
              { $inc: { balance: cent, version: 1 } },
              { session, returnDocument: 'after' },
            );
          const { balance, version } = after;
          const entry = { branch, account, amount: cent, balance, version, at: new Date() };
          await db.collection('journal').insertOne(entry, { session });
        }, durable),
      ),
    );
}

function entries(count) {
  const book = new Book('bench');
  return () =>
    together(count, (index) => {
      const { branch, account } = place(index);
      return book.entry('').credit(`${branch}:${account}`, 0.01).debit('Till', 0.01).commit();
    });
}

/** Seconds of the usual bulk tool with the same rows: no accounts, no rules, no transaction. */
function importPlain(uri, file) {
  const argv = [`--uri=${uri}`, '--db=imported', '--collection=rows', '--drop', `--file=${file}`];
  const start = process.hrtime.bigint();
  const ran = spawnSync('mongoimport', [...argv, '--writeConcern={w:"majority"}']);
  if (ran.error?.code === 'ENOENT') {
    console.error('NOT COMPARED WITH mongoimport: there is none on the PATH.');
    return undefined;
  }
  if (ran.status !== 0) throw new Error(`mongoimport ended with ${ran.status}: ${ran.stderr}`);
  return Number(process.hrtime.bigint() - start) / 1e9;
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
