// What a replica set of three costs and bears: apply on it and on one member alone, and apply while
// the primary is killed or told to step down.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { bankctl } from './bank.js';
import { processMs } from './measure.js';
import { amount, ratio } from './report.js';
import { bundled, stressHost } from './stress-sources.js';

const rounds = Number(process.env.BANKCTL_BENCH_ROUNDS ?? 3);
const rows = 60_000;
const accounts = 1000;

export async function replicaSet() {
  const directory = await mkdtemp(join(tmpdir(), 'bankctl-bench-'));
  const { directory: built, throwaway } = await bundled();
  const open = [];
  try {
    await writeFiles(directory);
    const start = async (replicas) => {
      const server = await throwaway.startThrowaway(stressHost(), { replicas });
      open.push(server);
      const client = await MongoClient.connect(server.uri);
      open.push({ stop: () => client.close() });
      return { server, client, at: atServer(server.uri, directory) };
    };
    const [three, one] = [await start(3), await start(1)];
    await waitLikeMongodb(three.client);
    const perSecond = { ours: [], theirs: [] };
    for (let round = 0; round < rounds; round += 1) {
      perSecond.ours.push(rows / (await applied(three)).seconds);
      perSecond.theirs.push(rows / (await applied(one)).seconds);
    }
    const title = `apply, ${rows.toLocaleString('en')} rows, on three members`;
    ratio({ title, unit: 'operations/s', theirName: 'on one', ...perSecond });
    const kinds = { undisturbed: undefined, 'told to step down': stepDown, killed: killPrimary };
    for (const [kind, disturb] of Object.entries(kinds)) {
      const found = [];
      for (let round = 0; round < rounds; round += 1) found.push(await disturbed(three, disturb));
      const title = `apply, primary ${kind}`;
      const [seconds, repeated] = [found.map((it) => it.seconds), found.map((it) => it.repeated)];
      amount({ title: `${title}: longest time between batches`, unit: 's', values: seconds });
      amount({ title: `${title}: command repeated`, unit: 'times', values: repeated });
    }
  } finally {
    for (const { stop } of open.reverse()) await stop();
    await rm(directory, { recursive: true });
    await rm(built, { recursive: true });
  }
}

function atServer(uri, cwd) {
  return { cwd, env: { ...process.env, BANKCTL_URI: uri } };
}

/** Throwaway sets elect a primary after 2 s without one; MongoDB waits for 10 s by default. */
async function waitLikeMongodb(client) {
  const admin = client.db('admin');
  const { config } = await admin.command({ replSetGetConfig: 1 });
  config.version += 1;
  config.settings.electionTimeoutMillis = 10_000;
  await admin.command({ replSetReconfig: config });
}

/** Seconds of `apply` in an empty bank, start-up included; meanwhile, `disturb` is called once. */
async function applied({ server, client, at }, disturb) {
  const db = client.db('bank');
  await db.dropDatabase();
  processMs([bankctl, 'apply', 'open.ndjson', '--batch', 'open', '-q'], at);
  const start = process.hrtime.bigint();
  const running = applyRows(at);
  const restore = disturb && (await whenBegun(db).then(() => disturb(server, client)));
  const disturbedAt = new Date();
  const repeated = await running;
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  await restore?.();
  await check(db);
  if (disturb && !(await db.collection('journal').findOne({ at: { $gt: disturbedAt } }))) {
    throw new Error('nothing was left to apply when the primary went');
  }
  processMs([bankctl, 'audit', '-q'], at);
  return { seconds, repeated };
}

/** Repeats the command as long as it says that the server does not answer; returns how often. */
async function applyRows(at) {
  const argv = [bankctl, 'apply', 'rows.ndjson', '--batch', 'rows', '-q'];
  for (let repeated = 0; ; repeated += 1) {
    const child = spawn(process.execPath, argv, { ...at, stdio: ['ignore', 'ignore', 'inherit'] });
    const [status] = await once(child, 'close');
    if (status === 0) return repeated;
    if (status !== 3) throw new Error(`apply ended with ${status}`);
  }
}

/** Returns when a fifth of the rows is applied. An estimate would count what is not committed. */
async function whenBegun(db) {
  const limit = accounts + rows / 5;
  while ((await db.collection('journal').countDocuments({}, { limit })) < limit) await pause(50);
}

async function memberOf(server, client) {
  const { me, primary } = await client.db('admin').command({ hello: 1 });
  const member = server.members.find(({ port }) => primary?.endsWith(`:${port}`));
  if (!member || me !== primary) throw new Error(`${me} says that ${primary} is the primary`);
  return member;
}

async function killPrimary(server, client) {
  const member = await memberOf(server, client);
  await member.kill();
  return async () => {
    await member.restart();
    await caughtUp(client);
  };
}

async function stepDown(_server, client) {
  // The primary answers, and then closes no connection; from then on it refuses writes.
  await client.db('admin').command({ replSetStepDown: 30, secondaryCatchUpPeriodSecs: 10 });
  return () => caughtUp(client);
}

/** Returns when there is one primary and two secondaries. */
async function caughtUp(client) {
  for (;;) {
    const states = await client
      .db('admin')
      .command({ replSetGetStatus: 1 })
      .then(({ members }) => members.map(({ stateStr }) => stateStr).sort())
      .catch(() => []);
    if (`${states}` === 'PRIMARY,SECONDARY,SECONDARY') return;
    await pause(200);
  }
}

/**
 * The longest time between two batches, in seconds, and how often the command had to be repeated. A
 * batch has one time, which is the server's.
 */
async function disturbed(set, disturb) {
  const { repeated } = await applied(set, disturb);
  const times = await set.client
    .db('bank')
    .collection('journal')
    .aggregate([
      { $match: { type: 'increment' } },
      { $group: { _id: '$at' } },
      { $sort: { _id: 1 } },
    ])
    .toArray();
  const gaps = times.slice(1).map(({ _id }, index) => _id - times[index]._id);
  return { seconds: Math.max(...gaps) / 1000, repeated };
}

/** Nothing is lost, nothing doubled: each row added 0.01, to a bank of empty accounts. */
async function check(db) {
  const sums = [{ $group: { _id: null, sum: { $sum: '$balance' } } }];
  const [total] = await db.collection('branch1').aggregate(sums).toArray();
  const operations = await db.collection('journal').countDocuments({ type: 'increment' });
  const wanted = (rows / 100).toFixed(2);
  if (`${total.sum}` !== wanted || operations !== rows)
    throw new Error(`${total.sum} by ${operations} operations, not ${rows}`);
}

async function writeFiles(directory) {
  const reference = (row) => ({ branch: 'branch1', account: `A${(row * 7919) % accounts}` });
  const write = (name, length, rowOf) => {
    const lines = Array.from({ length }, (_, row) => `${JSON.stringify(rowOf(row))}\n`);
    return writeFile(join(directory, name), lines.join(''));
  };
  await write('open.ndjson', accounts, (row) => ({ type: 'open', ...reference(row) }));
  await write('rows.ndjson', rows, (row) => ({ ...reference(row), amount: '0.01' }));
}
