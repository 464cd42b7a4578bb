// Whether a row costs the same in a large bank as in a small one, and takes no more memory.
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Double } from 'mongodb';
import { leave } from './adopt.js';
import { bankctl, inBank } from './bank.js';
import { processMs, quantile, watched } from './measure.js';
import { amount, ratio } from './report.js';

const rounds = Number(process.env.BANKCTL_BENCH_ROUNDS ?? 5);
const small = 10_000;
const sizes = [100_000, ...(process.env.BANKCTL_BENCH_LARGE === '1' ? [1_000_000] : [])];
const accounts = 1000;
const target = { atMost: 1.15 };

/** What is measured, in this order, in a bank of as many accounts or rows as `watched` is given. */
const commands = {
  adopt: { argv: ['adopt', 'branch1', '--yes'] },
  audit: { argv: ['audit'] },
  export: { argv: ['export'] },
  'audit --plan of damage': { argv: ['audit', '--plan', 'plan.yaml'], status: 4 },
  apply: { argv: ['apply', 'rows.ndjson', '--batch', 'growth'] },
};

export async function growth() {
  await inBank(
    async (bank) => {
      for (const size of sizes) {
        const found = { one: [], few: [], many: [] };
        // A million take minutes, in which a machine drifts less than between short runs.
        for (let round = 0; round < (size > 100_000 ? 1 : rounds); round += 1) {
          found.one.push(await measure(bank, 1));
          found.few.push(await measure(bank, small));
          found.many.push(await measure(bank, size));
        }
        for (const name of Object.keys(commands)) report(name, size, found);
      }
    },
    { writeConcern: { w: 'majority' } },
  );
}

/** Microseconds of an item are those of the command without those that it takes for one item. */
function report(name, size, found) {
  const seconds = (results) => results.map((it) => it[name].seconds);
  const startUp = quantile(seconds(found.one), 0.5);
  const each = (results, count) => seconds(results).map((it) => ((it - startUp) / count) * 1e6);
  const title = `${name}, ${size.toLocaleString('en')} items`;
  const [ours, theirs] = [each(found.many, size), each(found.few, small)];
  const theirName = `at ${small.toLocaleString('en')}`;
  ratio({ title, unit: 'µs an item', ours, theirs, theirName, target });
  const values = found.many.map((it) => it[name].peakMebibytes);
  amount({ title: `${title}: memory`, unit: 'MiB', values, target: { atMost: 150 } });
}

/** Seconds and memory of each command for so many items. */
async function measure({ directory, at, client }, size) {
  const db = client.db('bank');
  const found = {};
  const run = async (name) => {
    const { argv, status = 0 } = commands[name];
    found[name] = await watched([bankctl, ...argv, '--timeout', '10m', '-q'], at, [status]);
  };
  await db.dropDatabase();
  await leave(db, size);
  await run('adopt');
  await run('audit');
  await run('export');
  await db.collection('branch1').updateMany({}, { $inc: { balance: new Double(1) } });
  await rm(join(directory, 'plan.yaml'), { force: true });
  await run('audit --plan of damage');
  await db.dropDatabase();
  await write(join(directory, 'open.ndjson'), accounts, (row) => ({ type: 'open', ...place(row) }));
  await write(join(directory, 'rows.ndjson'), size, (row) => ({ ...place(row), amount: '0.01' }));
  processMs([bankctl, 'apply', 'open.ndjson', '--batch', 'open', '-q'], at);
  await run('apply');
  return found;
}

function place(row) {
  const account = (row * 7919) % accounts;
  return { branch: `branch${(account % 2) + 1}`, account: `A${account}` };
}

function write(path, count, rowOf) {
  const lines = function* () {
    for (let row = 0; row < count; row += 1) yield `${JSON.stringify(rowOf(row))}\n`;
  };
  return pipeline(Readable.from(lines()), createWriteStream(path));
}
