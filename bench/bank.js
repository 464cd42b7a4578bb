// A bank on a local mongod of its own, for as long as a benchmark lasts.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { MongoClient } from 'mongodb';
import { processMs } from './measure.js';

export const bankctl = resolve('bin/bankctl.js');

/** Does work in an empty bank; `options` are the driver's, of the client beside bankctl. */
export async function inBank(work, options = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'bankctl-bench-'));
  const env = { ...process.env, BANKCTL_DATA_DIR: join(directory, 'data') };
  const at = { env, cwd: directory };
  processMs([bankctl, 'db', 'start'], at);
  const socket = encodeURIComponent(join(directory, 'data', 'mongod.sock'));
  const uri = `mongodb://${socket}/?directConnection=true`;
  const client = await MongoClient.connect(uri, options);
  try {
    return await work({ directory, at, uri, client });
  } finally {
    await client.close();
    processMs([bankctl, 'db', 'stop'], at);
    await rm(directory, { recursive: true });
  }
}
