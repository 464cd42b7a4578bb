// How fast `bankctl audit` is: against reading the same collections with the driver alone.
import { resolve } from 'node:path';
import { Decimal128, Double, Long } from 'mongodb';
import { bankctl, inBank } from './bank.js';
import { processMs, watched } from './measure.js';
import { amount, ratio } from './report.js';

const bareScan = resolve('bench/bare-scan.js');
const sizes = process.env.BANKCTL_BENCH_LARGE === '1' ? [100_000, 1_000_000] : [100_000];
const branches = ['branch1', 'branch2'];

export async function audit() {
  for (const size of sizes) await auditOf(size);
}

async function auditOf(size) {
  // A million take minutes, in which a machine drifts less than between short runs.
  const rounds = size > 100_000 ? 1 : Number(process.env.BANKCTL_BENCH_ROUNDS ?? 5);
  await inBank(async ({ at, uri, client }) => {
    processMs([bankctl, 'init'], at);
    const db = client.db('bank');
    await fill(db, size);
    const bare = [bareScan, uri, 'bank', ...branches, 'journal'];
    const audited = [bankctl, 'audit', '--quiet', '--timeout', '10m'];
    const measure = async (what, wanted, target) => {
      const title = `audit, ${what}: ${size} accounts, ${2 * size} operations`;
      const seconds = { ours: [], theirs: [] };
      const peaks = [];
      for (let round = 0; round < rounds; round += 1) {
        seconds.theirs.push((await watched(bare, at)).seconds);
        const ours = await watched(audited, at, wanted);
        seconds.ours.push(ours.seconds);
        peaks.push(ours.peakMebibytes);
      }
      ratio({ title, unit: 's', theirName: 'a bare scan', target, ...seconds });
      amount({ title: `${title}: memory`, unit: 'MiB', values: peaks, target: { atMost: 150 } });
    };
    await measure('clean', [0], { atMost: 2 });
    await db.collection('branch1').updateMany({}, { $inc: { balance: new Double(1) } });
    await measure('every account of a branch damaged', [4]);
  });
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
