// Bytes that an account and an operation take, from which a bank's disk and memory can be computed.
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bankctl, inBank } from './bank.js';
import { processMs } from './measure.js';
import { amount } from './report.js';

const accounts = 30_000;
const operations = 90_000;

export async function sizes() {
  await inBank(async ({ directory, at, client }) => {
    const apply = async (name, count, rowOf) => {
      const lines = Array.from({ length: count }, (_, row) => `${JSON.stringify(rowOf(row))}\n`);
      await writeFile(join(directory, name), lines.join(''));
      processMs([bankctl, 'apply', name, '--timeout', '5m', '-q'], at);
    };
    // As long as an IBAN, in the order of nothing.
    const account = (row) => `DE${`${(row * 7919) % accounts}`.padStart(20, '0')}`;
    const place = (row) => ({ id: randomUUID(), branch: 'branch1', account: account(row) });
    await apply('open.ndjson', accounts, (row) => ({ type: 'open', ...place(row) }));
    const rest = { amount: '12.34', memo: 'salary November' };
    await apply('rows.ndjson', operations, (row) => ({ ...place(row), ...rest }));
    await client.db('admin').command({ fsync: 1 });
    await report(client.db('bank').collection('branch1'), 'an account');
    await report(client.db('bank').collection('journal'), 'an operation');
    const { size } = await statsOf(client.db('local').collection('oplog.rs'));
    byte('an operation in the oplog', size / (accounts + operations));
  });
}

async function report(collection, what) {
  const { count, size, storageSize, indexSizes } = await statsOf(collection);
  byte(`${what}, as BSON`, size / count);
  byte(`${what}, compressed on disk`, storageSize / count);
  for (const [name, bytes] of Object.entries(indexSizes)) {
    if (bytes > count) byte(`${what}, in the index \`${name}\``, bytes / count);
  }
}

async function statsOf(collection) {
  const [found] = await collection.aggregate([{ $collStats: { storageStats: {} } }]).toArray();
  return found.storageStats;
}

function byte(title, value) {
  amount({ title, unit: 'bytes', values: [value] });
}
