// Where the tutorial's database is.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';

/**
 * Does something with the tutorial's database, and prints what goes wrong.
 *
 * @param uri undefined means bankctl's own local database, which is started if need be
 */
export async function withDatabase(uri, work) {
  const client = new MongoClient(uri ?? localUri());
  try {
    await work(client.db('legacy_bank'));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  } finally {
    await client.close();
  }
}

function localUri() {
  const bankctl = join(import.meta.dirname, '../../bin/bankctl.js');
  const started = execFileSync(process.execPath, [bankctl, 'db', 'start', '--json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return JSON.parse(started).uri;
}
