// How fast `bankctl audit` is: against reading the same collections with the driver alone.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Decimal128, Double, Long, MongoClient } from 'mongodb';
import { processMs, quantile, watched } from './measure.js';

const bankctl = resolve('bin/bankctl.js');
const bareScan = resolve('bench/bare-scan.js');
const rounds = Number(process.env.BANKCTL_BENCH_ROUNDS ?? 5);
const sizes = process.env.BANKCTL_BENCH_LARGE === '1' ? [100_000, 1_000_000] : [100_000];
const branches = ['branch1', 'branch2'];

export async function audit() {
  for (const size of sizes) await auditOf(size);
}

async function auditOf(size) {
  const directory = await mkdtemp(join(tmpdir(), 'bankctl-bench-'));
  const env = { ...process.env, BANKCTL_DATA_DIR: join(directory, 'data') };
  processMs([bankctl, 'init'], { env, cwd: directory });
  const socket = encodeURIComponent(join(directory, 'data', 'mongod.sock'));
  const uri = `mongodb://${socket}/?directConnection=true`;
  const client = await MongoClient.connect(uri);
  try {
    const db = client.db('bank');
    await fill(db, size);
    const bare = [bareScan, uri, 'bank', ...branches, 'journal'];
    const clean = [bankctl, 'audit', '--quiet', '--timeout', '10m'];
    const measure = async (title, argv, wanted, target) => {
      const ratios = [];
      const peaks = [];
      for (let round = 0; round < rounds; round += 1) {
        const theirs = await watched(bare, { env, cwd: directory });
        const ours = await watched(argv, { env, cwd: directory }, wanted);
        ratios.push(ours.seconds / theirs.seconds);
        peaks.push(ours.peakMebibytes);
      }
      console.log(
        `${title}, ${size} accounts and ${2 * size} operations: ` +
          `${quantile(ratios, 0.5).toFixed(2)} x a bare scan (${rounds} rounds; wanted ${target}); ` +
          `peak memory ${Math.max(...peaks).toFixed(0)} MiB (wanted below 150)`,
      );
    };
    await measure('audit, clean', clean, [0], 'at most 2');
    await db.collection('branch1').updateMany({}, { $inc: { balance: new Double(1) } });
    await measure('audit, every account of a branch damaged', clean, [4], 'linear');
  } finally {
    await client.close();
    processMs([bankctl, 'db', 'stop'], { env, cwd: directory });
    await rm(directory, { recursive: true });
  }
}

/** Each account is opened, and then incremented once. */
async function fill(db, size) {
  const at = new Date(Date.UTC(2026, 0, 1));
  const decimal = (minor) => Decimal128.fromString((minor / 100).toFixed(2));
  for (let start = 0; start < size; start += 10_000) {
    const rows = Array.from({ length: Math.min(10_000, size - start) }, (_, row) => start + row);
    for (const [place, branch] of branches.entries()) {
      const own = rows.filter((row) => row % 2 === place);
      await db.collection(branch).insertMany(
        own.map((row) => ({
          ...{ account_number: `ACC-${row}`, branch, opened_at: at, balance: decimal(row + 100) },
          ...{ version: Long.fromNumber(2), status: 'open', posted_at: at },
        })),
      );
    }
    const posting = (row, amount, after, version) => ({
      ...{ branch: branches[row % 2], account_number: `ACC-${row}`, amount: decimal(amount) },
      ...{ balance_after: decimal(after), version: Long.fromNumber(version) },
    });
    const operation = (type, row, seq, one) => ({
      ...{ _id: `${type}-${row}`, type, at, seq, by: 'bench@bench', request: `${row}`.repeat(8) },
      postings: [one],
    });
    await db
      .collection('journal')
      .insertMany([
        ...rows.map((row) => operation('open', row, row, posting(row, 100, 100, 1))),
        ...rows.map((row) => operation('increment', row, row, posting(row, row, row + 100, 2))),
      ]);
  }
}
