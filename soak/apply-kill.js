// kill -9 of `bankctl apply` at random moments, over and over, on one file. Each row must be in the
// journal once in the end, and the balances exact. BANKCTL_SOAK_KILLS says how often: 200.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Long, MongoClient } from 'mongodb';

const bankctl = resolve('bin/bankctl.js');
const mostKills = Number(process.env.BANKCTL_SOAK_KILLS ?? 200);
const seed = Number(process.env.BANKCTL_SOAK_SEED ?? Date.now() % 2 ** 31);
const rows = 50_000;
const accounts = 100;

/** A small generator of chance, so that a run can be repeated as nearly as kills allow. */
function createChance(start) {
  let state = start >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const chance = createChance(seed);
console.log(`BANKCTL_SOAK_SEED=${seed}, ${mostKills} kills`);
const directory = await mkdtemp(join(tmpdir(), 'bankctl-soak-'));
const env = { ...process.env, BANKCTL_DATA_DIR: join(directory, 'data') };

/** Runs a command line; kills it after so long, unless it has ended. */
async function run(argv, killAfterMs) {
  const child = spawn(process.execPath, [bankctl, ...argv], { cwd: directory, env });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].on('data', (chunk) => {
      output[name] += chunk;
    });
  }
  const ended = once(child, 'close');
  if (killAfterMs !== undefined) {
    await Promise.race([ended, pause(killAfterMs)]);
    child.kill('SIGKILL');
  }
  const [status, signal] = await ended;
  return { ...output, status, killed: signal === 'SIGKILL' };
}

async function succeed(argv) {
  const ran = await run(argv);
  if (ran.status !== 0) throw new Error(`bankctl ${argv.join(' ')}: ${ran.stderr}`);
  return ran.stdout;
}

function row(index) {
  const account = (index * 31) % accounts;
  return { branch: `branch${(account % 2) + 1}`, account: `A${account}`, amount: '0.01' };
}

/** Every operation once, every balance the sum of its postings, every version without a gap. */
async function check(client, finished) {
  const db = client.db('bank');
  const operations = await db.collection('journal').countDocuments({});
  const wanted = accounts + finished * rows;
  if (operations !== wanted) throw new Error(`${operations} operations instead of ${wanted}`);
  for (const branch of ['branch1', 'branch2']) {
    const documents = await db.collection(branch).find({}, { promoteLongs: false }).toArray();
    for (const { account_number, balance, version } of documents) {
      const postings = (finished * rows) / accounts;
      const exact = (postings / 100).toFixed(2);
      const right = String(balance) === exact && version.equals(Long.fromNumber(postings + 1));
      if (!right) throw new Error(`${branch}:${account_number} has ${balance}, not ${exact}`);
    }
  }
}

let client;
try {
  await succeed(['db', 'start']);
  const openings = Array.from({ length: accounts }, (_, index) => {
    const { branch, account } = row(index);
    return { type: 'open', id: `open-${index}`, branch, account };
  });
  const json = (list) => list.map((it) => `${JSON.stringify(it)}\n`).join('');
  await writeFile(join(directory, 'open.ndjson'), json(openings));
  const all = Array.from({ length: rows }, (_, index) => row(index));
  await writeFile(join(directory, 'rows.ndjson'), json(all));
  await succeed(['apply', 'open.ndjson']);
  const socket = encodeURIComponent(join(directory, 'data', 'mongod.sock'));
  client = await MongoClient.connect(`mongodb://${socket}/?directConnection=true`);

  let kills = 0;
  let finished = 0;
  let longestMs = 0;
  while (kills < mostKills) {
    const line = ['apply', 'rows.ndjson', '--batch', `soak-${finished}`, '--json', '-q'];
    const ran = await run(line, 200 + chance() * 2500);
    if (ran.killed) {
      kills += 1;
      // Every tenth time the file is finished at once, which shows what a killed one left behind.
      if (kills % 10 !== 0 && kills < mostKills) continue;
      const started = performance.now();
      await succeed(line);
      longestMs = Math.max(longestMs, performance.now() - started);
    } else if (ran.status !== 0) throw new Error(ran.stderr);
    finished += 1;
    await check(client, finished);
  }
  console.log(
    `${kills} kills, ${finished} files of ${rows} rows: each row once, all balances exact; ` +
      `the longest run after a kill took ${(longestMs / 1000).toFixed(1)} s`,
  );
} finally {
  await client?.close();
  await run(['db', 'stop']);
  await rm(directory, { recursive: true, force: true });
}
