// How fast `bankctl adopt` is: against the bulk writes that it needs, by the driver alone.
import { Long } from 'mongodb';
import { bankctl, inBank } from './bank.js';
import { secondsOf, watched } from './measure.js';
import { amount, ratio } from './report.js';

const documents = process.env.BANKCTL_BENCH_LARGE === '1' ? 1_000_000 : 100_000;
// A million take minutes, in which a machine drifts less than between short runs.
const rounds = documents > 100_000 ? 1 : Number(process.env.BANKCTL_BENCH_ROUNDS ?? 3);
const batchSize = 1000;

export async function adopt() {
  await inBank(
    async ({ at, client }) => {
      const perSecond = { adopt: [], half: [], writes: [] };
      const peaks = [];
      const adopted = async (name, count) => {
        await client.db('bank').dropDatabase();
        await leave(client.db('bank'), count);
        const argv = [bankctl, 'adopt', 'branch1', '--yes', '-q'];
        const { seconds, peakMebibytes } = await watched(argv, at);
        peaks.push(peakMebibytes);
        perSecond[name].push(count / seconds);
      };
      for (let round = 0; round < rounds; round += 1) {
        await adopted('half', documents / 2);
        await adopted('adopt', documents);
        perSecond.writes.push(documents / (await bareSeconds(client)));
      }
      const title = `adopt, ${documents} documents`;
      const pair = (theirs) => ({ unit: '/s', ours: perSecond.adopt, theirs: perSecond[theirs] });
      const writes = 'the same writes by the driver';
      ratio({ title, theirName: writes, target: { atLeast: 0.5 }, ...pair('writes') });
      ratio({ title, theirName: 'half of them', target: { atLeast: 0.87 }, ...pair('half') });
      amount({ title: 'adopt: memory', unit: 'MiB', values: peaks, target: { atMost: 150 } });
    },
    { writeConcern: { w: 'majority' } },
  );
}

/** What MongoEngine leaves: doubles that are sums. */
export async function leave(db, count) {
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
