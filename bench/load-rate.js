// The branch model under load against a loop over the bare driver: the same server, collections,
// filters, updates, number of workers and connections.
import { rm } from 'node:fs/promises';
import { Decimal128, Long, MongoClient } from 'mongodb';
import { compare } from './measure.js';
import { bundled, stressHost } from './stress-sources.js';

const workers = 8;
const operations = 3000;

/** Prints operations a second of `increment` in load mode, as a share of the raw loop's. */
export async function branchRate(rounds = 21) {
  const { directory, load, models, throwaway } = await bundled();
  const host = stressHost();
  const server = await throwaway.startThrowaway(host, { replicas: 0 });
  const connect = (options) =>
    MongoClient.connect(server.uri, { maxPoolSize: workers, ...options });
  const client = await connect({});
  // The history is made from the commands that the driver reports.
  const monitored = await connect({ monitorCommands: true });
  for (const event of ['commandStarted', 'commandSucceeded', 'commandFailed']) {
    monitored.on(event, () => undefined);
  }
  try {
    const ours = async () => {
      const options = { seed: 1, operations, workers, models: ['branch'], uri: server.uri };
      const report = await load.runLoad(options, host);
      if (report.verdict !== 'clean') throw new Error(`the run was ${report.verdict}`);
      return report.models[0].throughput;
    };
    const title = 'branch model under load';
    const common = { rounds, unit: 'increments/s', ours };
    await compare(title, {
      ...common,
      target: { atLeast: 0.95 },
      theirs: () => rawLoop(client, models),
      theirName: 'a raw loop',
    });
    await compare(title, {
      ...common,
      theirs: () => rawLoop(monitored, models),
      theirName: 'a raw loop with monitored commands',
    });
  } finally {
    await client.close();
    await monitored.close();
    await server.stop();
    await rm(directory, { recursive: true });
  }
}

const seedBalanceMinor = 10_000n;
const largest = 10n ** 24n - 1n;

async function rawLoop(client, { prepareModel }) {
  const db = client.db('bankctl_raw_loop');
  const branches = ['branch1', 'branch2'];
  const accounts = ['ACC-1', 'ACC-2', 'ACC-3', 'ACC-4'];
  await prepareModel(db, 'branch', { branchNames: branches, accounts, seedBalanceMinor });
  const collections = branches.map((branch) => db.collection(branch));
  await Promise.all(Array.from({ length: workers }, () => db.command({ ping: 1 })));
  // As in a plan: two workers may meet on one account.
  const picks = Array.from({ length: operations }, () => Math.floor(Math.random() * 8));
  const start = process.hrtime.bigint();
  await Promise.all(
    Array.from({ length: workers }, async (_, worker) => {
      for (let index = worker; index < operations; index += workers) {
        const branch = picks[index] % 2;
        const amount = BigInt(10_000 + index);
        await collections[branch].updateOne(
          {
            account_number: accounts[picks[index] >> 1],
            branch: branches[branch],
            status: 'open',
            balance: { $gte: decimal(-amount), $lte: decimal(largest - amount) },
          },
          {
            $inc: { balance: decimal(amount), version: Long.ONE },
            $currentDate: { posted_at: true },
          },
        );
      }
    }),
  );
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  await db.dropDatabase();
  return operations / seconds;
}

function decimal(minor) {
  const sign = minor < 0n ? '-' : '';
  const digits = `${minor < 0n ? -minor : minor}`.padStart(3, '0');
  return Decimal128.fromString(`${sign}${digits.slice(0, -2)}.${digits.slice(-2)}`);
}
