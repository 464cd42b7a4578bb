// How fast `bankctl adopt` is: against the bulk writes that it needs, by the driver alone.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Long, MongoClient } from 'mongodb';
import { processMs, quantile, secondsOf, watched } from './measure.js';

const bankctl = resolve('bin/bankctl.js');
const rounds = Number(process.env.BANKCTL_BENCH_ROUNDS ?? 3);
const documents = process.env.BANKCTL_BENCH_LARGE === '1' ? 1_000_000 : 100_000;
const batchSize = 1000;

export async function adopt() {
  const directory = await mkdtemp(join(tmpdir(), 'bankctl-bench-'));
  const env = { ...process.env, BANKCTL_DATA_DIR: join(directory, 'data') };
  processMs([bankctl, 'db', 'start'], { env, cwd: directory });
  const socket = encodeURIComponent(join(directory, 'data', 'mongod.sock'));
  const uri = `mongodb://${socket}/?directConnection=true`;
  const client = await MongoClient.connect(uri, { writeConcern: { w: 'majority' } });
  try {
    const perSecond = { adopt: [], half: [], writes: [] };
    const peaks = [];
    const adopted = async (name, count) => {
      await client.db('bank').dropDatabase();
      await leave(client.db('bank'), count);
      const argv = [bankctl, 'adopt', 'branch1', '--yes', '-q'];
      const { seconds, peakMebibytes } = await watched(argv, { env, cwd: directory });
      peaks.push(peakMebibytes);
      perSecond[name].push(count / seconds);
    };
    for (let round = 0; round < rounds; round += 1) {
      await adopted('half', documents / 2);
      await adopted('adopt', documents);
      perSecond.writes.push(documents / (await bareSeconds(client)));
    }
    report('adopt', perSecond, 'adopt', 'writes', 'at least 0.5');
    report('adopt, of all to half of them', perSecond, 'adopt', 'half', 'about 1');
    console.log(`peak memory of adopt: ${Math.max(...peaks).toFixed(0)} MiB (wanted below 150)`);
  } finally {
    await client.close();
    processMs([bankctl, 'db', 'stop'], { env, cwd: directory });
    await rm(directory, { recursive: true });
  }
}

/** What MongoEngine leaves: doubles that are sums. */
async function leave(db, count) {
  for (let start = 0; start < count; start += 10_000) {
    const some = Array.from({ length: Math.min(10_000, count - start) }, (_, index) => ({
      _cls: 'BankAccount',
      account_number: `ACC-${start + index}`,
      balance: 0.1 * (((start + index) * 7919) % 100_000),
      owner: `Customer ${start + index}`,
    }));
    await db.collection('branch1').insertMany(some);
  }
}

/**
 * Seconds of the same updates and the same journal documents, in transactions of the same size. What
 * to write is read from the adopted bank before each.
 */
async function bareSeconds(client) {
  const [bank, bare] = [client.db('bank'), client.db('bare')];
  await bare.dropDatabase();
  const accounts = bare.collection('branch1');
  await leave(bare, documents);
  const ids = await accounts
    .find({}, { projection: { _id: 1 } })
    .sort({ _id: 1 })
    .toArray();
  const journal = bare.collection('journal');
  const indexes = (await bank.collection('journal').indexes()).slice(1);
  await journal.createIndexes(indexes.map(({ v: _, ...index }) => index));
  let seconds = 0;
  const entries = bank.collection('journal').find().sort({ at: 1, seq: 1 }).batchSize(batchSize);
  let batch = [];
  let done = 0;
  for await (const entry of entries) {
    batch.push(entry);
    if (batch.length < batchSize) continue;
    const updates = batch.map(({ at, postings: [posting] }, index) => ({
      updateOne: {
        filter: { _id: ids[done + index]._id },
        update: { $set: { balance: posting.amount, ...fields(at) } },
      },
    }));
    for (const { postings } of batch) postings[0].version = Long.ONE;
    const entriesOfBatch = batch;
    seconds += await secondsOf(() =>
      client.withSession((session) =>
        session.withTransaction(async () => {
          await accounts.bulkWrite(updates, { session, ordered: false });
          await journal.insertMany(entriesOfBatch, { session, ordered: false });
        }),
      ),
    );
    done += batch.length;
    batch = [];
  }
  return seconds + (await secondsOf(() => accounts.createIndex({ account_number: 1 }, unique)));
}

const unique = { unique: true };

function fields(at) {
  return { branch: 'branch1', version: Long.ONE, status: 'open', opened_at: at, posted_at: at };
}

function report(title, perSecond, ours, theirs, target) {
  const ratios = perSecond[ours].map((value, index) => value / perSecond[theirs][index]);
  const raw = (name) => `${Math.round(quantile(perSecond[name], 0.5))}/s`;
  console.log(
    `${title}, ${documents} documents: ${quantile(ratios, 0.5).toFixed(2)} x ${theirs} ` +
      `(${rounds} rounds; ${raw(ours)} against ${raw(theirs)}; wanted ${target})`,
  );
}
