// Single increments by several workers of one process, each waiting for a majority: a loop over the
// bare driver, bankctl's branch model, Mongoose, MongoEngine (threads), and `post`, which does more:
// it reads the account, applies the rules, writes it and its journal in one transaction, and gathers
// what waits into one batch.
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { Decimal128, Long, MongoClient } from 'mongodb';
import mongoose from 'mongoose';
import { connect, openBank, openLedger } from '../dist/bank.cjs';
import { findConfig } from '../dist/core.cjs';
import { bankctl, inBank } from './bank.js';
import { compare, processMs } from './measure.js';
import { python } from './others.js';

const accounts = ['ACC-1', 'ACC-2', 'ACC-3', 'ACC-4'];
const branches = ['branch1', 'branch2'];
const timeoutMs = 60_000;

export async function increments(rounds = 15) {
  const snake = await python();
  await inBank(async ({ at, uri }) => {
    for (const branch of branches)
      for (const account of accounts)
        processMs([bankctl, 'open', branch, account, '--balance', '100'], at);
    for (const workers of [1, 8, 32]) await byWorkers(workers, { rounds, at, uri, snake });
  });
}

async function byWorkers(workers, { rounds, at, uri, snake }) {
  const operations = workers === 1 ? 300 : 1500;
  const own = await connect(uri, { timeoutMs, maxPoolSize: workers });
  const bare = await MongoClient.connect(uri, { maxPoolSize: workers });
  const goose = await mongoose.createConnection(uri, { maxPoolSize: workers, dbName: 'bank' });
  try {
    const settings = { timeoutMs, draw: Math.random };
    const bank = await openBank(own, await findConfig(undefined, { ...at, env: {} }), settings);
    const rate = (one) => perSecond(workers, operations, one);
    const raw = rawIncrement(bare.db('bank'));
    const model = ({ branch, account }) => bank.branches.get(branch).add(account, 1n);
    const fast = () => rate(model);
    const against = (title, ours, theirName, theirs, target) =>
      compare(`${title}, ${workers} at once`, {
        ...{ rounds, unit: 'increments/s', target, ours, theirName, theirs },
      });
    await against('branch model', fast, 'the bare driver', () => rate(raw), { atLeast: 0.95 });
    const other = mongooseIncrement(goose);
    await against('branch model', fast, 'Mongoose', () => rate(other), { atLeast: 1.1 });
    const threads = () => mongoengineRate(snake, { uri, workers, operations });
    await against('branch model', fast, 'MongoEngine', threads);
    const ledger = openLedger(bank, { by: 'bench', dryRun: false });
    const journalled = () => rate(postIncrement(ledger));
    await against('`post`, with its journal', journalled, 'the bare driver', () => rate(raw));
  } finally {
    await Promise.all([own.close(), bare.close(), goose.close()]);
  }
}

/** Operations a second, after a call by each worker has opened its connection. */
async function perSecond(workers, operations, increment) {
  const pick = (index) => ({ branch: branches[index % 2], account: accounts[(index >> 1) % 4] });
  const share = async (worker, until) => {
    for (let index = worker; index < until; index += workers) await increment(pick(index));
  };
  const all = (until) =>
    Promise.all(Array.from({ length: workers }, (_, worker) => share(worker, until)));
  await all(workers);
  const start = process.hrtime.bigint();
  await all(operations);
  return operations / (Number(process.hrtime.bigint() - start) / 1e9);
}

/** The filter and the update that the branch model sends. */
const guarded = ({ branch, account }) => ({
  account_number: account,
  branch,
  status: 'open',
  balance: {
    $gte: Decimal128.fromString('-0.01'),
    $lte: Decimal128.fromString('9999999999999999999999.98'),
  },
});
const addition = () => ({
  $inc: { balance: Decimal128.fromString('0.01'), version: Long.ONE },
  $currentDate: { posted_at: true },
});
const writeConcern = { w: 'majority' };

function rawIncrement(db) {
  const collections = Object.fromEntries(branches.map((name) => [name, db.collection(name)]));
  return (at) => collections[at.branch].updateOne(guarded(at), addition(), { writeConcern });
}

function mongooseIncrement(connection) {
  const fields = {
    account_number: String,
    branch: String,
    status: String,
    balance: mongoose.Schema.Types.Decimal128,
    version: mongoose.Schema.Types.BigInt,
    posted_at: Date,
  };
  const schema = new mongoose.Schema(fields, { versionKey: false, autoIndex: false });
  const models = Object.fromEntries(
    branches.map((name) => [name, connection.models[name] ?? connection.model(name, schema, name)]),
  );
  return (at) => models[at.branch].updateOne(guarded(at), addition(), { writeConcern });
}

function postIncrement(ledger) {
  return async ({ branch, account }) => {
    const change = { type: 'increment', branch, account, amountMinor: 1n, create: false };
    const outcome = await ledger.post({ ...change, id: crypto.randomUUID(), idGiven: false });
    if (!outcome.applied) throw outcome.error;
  };
}

/** Its plain filter, by number alone, and a model for each branch, switched once. */
function mongoengineRate(snake, { uri, workers, operations }) {
  const script = resolve('bench/mongoengine-increments.py');
  const ran = spawnSync(snake, [script, uri, `${workers}`, `${operations}`], { encoding: 'utf8' });
  if (ran.status !== 0) throw new Error(`MongoEngine failed: ${ran.stderr}`);
  return Number(ran.stdout);
}
