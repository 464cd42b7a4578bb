// Reads: as the journal grows, and `balance` against the aggregate that one would write by hand.
// In this process, through dist: the start of a process would hide what grows.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { Decimal128, Long, MongoClient } from 'mongodb';
import { createContext, main } from '../dist/main.cjs';
import { bankctl, inBank } from './bank.js';
import { processMs, watched } from './measure.js';
import { amount, ratio } from './report.js';

const isLarge = process.env.BANKCTL_BENCH_LARGE === '1';
const rounds = Number(process.env.BANKCTL_BENCH_ROUNDS ?? 15);
const journals = [1000, 10_000, 100_000, ...(isLarge ? [1_000_000] : [])];
const accountCounts = [1000, 10_000, 100_000, ...(isLarge ? [1_000_000] : [])];
const branchCounts = [2, 100, ...(isLarge ? [1000] : [])];
const perDay = 1000;
const firstDay = Date.UTC(2023, 0, 1);
const text = new Intl.NumberFormat('en');

/** Reports what each read takes, as a share of the same at 1,000 operations or by hand. */
export async function reads() {
  await inBank(async (place) => {
    for (const size of journals) {
      const db = await bankOf(place, `journal${size}`, ['branch1', 'branch2']);
      await fillJournal(db, size);
    }
    for (const [name, argv] of asked) await growthOf(place, name, () => argv, { atMost: 1.15 });
    for (const [name, argvAt] of past) await growthOf(place, name, argvAt);
    await manyAccounts(place);
    await memoryOf(place, journals.at(-1));
    for (const size of accountCounts) await againstHand(place, size, 2);
    for (const count of branchCounts.slice(1)) await againstHand(place, 10_000, count);
  });
}

const account = ['branch1', 'ACC-0'];
const asked = [
  ['balance of one account', ['balance', ...account]],
  ['history --limit 20', ['history', ...account, '--limit', '20']],
  ['history of a day', ['history', ...account, '--since', '2023-01-01', '--until', '2023-01-01']],
  [
    'operations of an account, --limit 20',
    ['operations', '--account', 'branch1:ACC-0', '--limit', '20'],
  ],
  ['operations of a batch', ['operations', '--batch', 'batch-5']],
  ['operations of a day', ['operations', '--on', '2023-01-01']],
  ['show', ['show', `batch-5:${id(510)}`]],
];
// These may grow with the accounts, of which there are as many in each journal.
const past = [
  ['balance --at, 50 accounts', (size) => ['balance', '--at', lateIn(size)]],
  ['balance BRANCH --at, 25 accounts', (size) => ['balance', 'branch1', '--at', lateIn(size)]],
];
const context = createContext();

async function growthOf(place, name, argvOf, target) {
  const [smallest, ...larger] = journals;
  for (const size of larger) {
    const figures = await inTurn(
      () => millisecondsOf(place, `journal${size}`, argvOf(size)),
      () => millisecondsOf(place, `journal${smallest}`, argvOf(smallest)),
    );
    ratio({
      title: `${name}: ${text.format(size)} operations`,
      unit: 'ms',
      theirName: `at ${text.format(smallest)}`,
      target,
      ...figures,
    });
  }
}

/** The same for 1,000 accounts, as a multiple of what 50 take in a journal of the same size. */
async function manyAccounts(place) {
  const [size, accounts] = [100_000, 1000];
  const db = await bankOf(place, 'many', ['branch1', 'branch2']);
  await fillJournal(db, size, accounts);
  const argv = ['balance', '--at', lateIn(size)];
  const figures = await inTurn(
    () => millisecondsOf(place, 'many', argv),
    () => millisecondsOf(place, `journal${size}`, argv),
  );
  ratio({
    title: `balance --at, 1,000 accounts: ${text.format(size)} operations`,
    unit: 'ms',
    theirName: 'of 50 accounts',
    target: { atMost: accounts / 50 },
    ...figures,
  });
}

async function memoryOf({ at, directory }, size) {
  const config = join(directory, `journal${size}.yaml`);
  for (const argv of [['history', ...account], ['operations']]) {
    const { peakMebibytes } = await watched(
      [bankctl, ...argv, '-o', 'csv', '--config', config],
      at,
    );
    const title = `${argv[0]}, all of it: ${text.format(size)} operations: memory`;
    amount({ title, unit: 'MiB', values: [peakMebibytes], target: { atMost: 150 } });
  }
}

/** The whole bank, against the one aggregate that adds up its collections. */
async function againstHand(place, accounts, branches) {
  const names = Array.from({ length: branches }, (_, index) => `branch${index + 1}`);
  const database = `accounts${accounts}of${branches}`;
  const db = await bankOf(place, database, names);
  await fillAccounts(db, names, accounts);
  const figures = await inTurn(
    () => millisecondsOf(place, database, ['balance']),
    () => byHand(place, database, names),
  );
  ratio({
    title: `balance: ${text.format(accounts)} accounts in ${text.format(branches)} branches`,
    unit: 'ms',
    theirName: 'the aggregate by hand',
    target: { atMost: 1.1 },
    ...figures,
  });
  await db.dropDatabase();
}

async function byHand({ uri }, database, [first, ...rest]) {
  const start = process.hrtime.bigint();
  const client = await MongoClient.connect(uri);
  const sum = (branch) => [
    { $match: { branch } },
    { $group: { _id: branch, accounts: { $sum: 1 }, total: { $sum: '$balance' } } },
  ];
  const unions = rest.map((coll) => ({ $unionWith: { coll, pipeline: sum(coll) } }));
  const some = 900;
  // A pipeline has at most 1,000 stages.
  const stages = [...sum(first), ...unions.slice(0, some)];
  const others = unions.slice(some);
  if (others.length > 0) {
    const [{ $unionWith }, ...last] = others;
    $unionWith.pipeline.push(...last);
    stages.push({ $unionWith });
  }
  await client.withSession({ snapshot: true }, (session) =>
    client.db(database).collection(first).aggregate(stages, { session }).toArray(),
  );
  await client.close();
  return Number(process.hrtime.bigint() - start) / 1e6;
}

async function inTurn(ours, theirs) {
  const figures = { ours: [], theirs: [] };
  await ours();
  await theirs();
  for (let round = 0; round < rounds; round += 1) {
    figures.theirs.push(await theirs());
    figures.ours.push(await ours());
  }
  return figures;
}

/** Of one command, its connection included. */
async function millisecondsOf({ directory, at }, database, argv) {
  const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
  let said = '';
  const stderr = new Writable({
    write: (chunk, _encoding, done) => {
      said += chunk;
      done();
    },
  });
  const inside = {
    ...context,
    ...{ stdout: sink, stderr, stdoutIsTerminal: false, stderrIsTerminal: false },
    ...{ env: at.env, cwd: directory },
  };
  const start = process.hrtime.bigint();
  const status = await main(
    [...argv, '--json', '--config', join(directory, `${database}.yaml`)],
    inside,
  );
  const took = Number(process.hrtime.bigint() - start) / 1e6;
  if (status !== 0) throw new Error(`${argv.join(' ')} ended with ${status}: ${said}`);
  return took;
}

/** An empty bank in a database of its own. */
async function bankOf({ directory, at, client }, database, names) {
  const config = join(directory, `${database}.yaml`);
  const branches = names.map((name) => `  ${name}: { collection: ${name} }\n`).join('');
  await writeFile(config, `database: ${database}\nbranches:\n${branches}`);
  processMs([bankctl, 'init', '--config', config, '--timeout', '10m'], at);
  return client.db(database);
}

/** Accounts that are each incremented in turn, 1,000 operations a day, 100 in a batch. */
async function fillJournal(db, size, accounts = 50) {
  for (let start = 0; start < size; start += 5000) {
    const operations = Array.from(
      { length: Math.min(5000, size - start) },
      (_, row) => start + row,
    );
    await db.collection('journal').insertMany(
      operations.map((index) => ({
        _id: `batch-${Math.floor(index / 100)}:${id(index)}`,
        type: index < accounts ? 'open' : 'increment',
        at: timeOf(index),
        ...{ seq: index % 100, by: 'bench@bench', request: id(index) },
        postings: [
          {
            ...numbered(index % accounts),
            ...{ amount: decimal(100), balance_after: decimal(100 * versionAt(index, accounts)) },
            version: Long.fromNumber(versionAt(index, accounts)),
          },
        ],
      })),
    );
  }
  for (const branch of ['branch1', 'branch2']) {
    const own = Array.from({ length: accounts }, (_, index) => numbered(index)).filter(
      (it) => it.branch === branch,
    );
    const version = size / accounts;
    await db.collection(branch).insertMany(own.map((it) => accountOf(it, 100 * version, version)));
  }
}

async function fillAccounts(db, names, accounts) {
  const each = accounts / names.length;
  for (const branch of names) {
    for (let start = 0; start < each; start += 10_000) {
      const rows = Array.from({ length: Math.min(10_000, each - start) }, (_, row) => start + row);
      const own = rows.map((row) => ({ branch, account_number: `ACC-${row}` }));
      await db.collection(branch).insertMany(own.map((it) => accountOf(it, 12_345, 1)));
    }
  }
}

function timeOf(index) {
  return new Date(firstDay + index * (86_400_000 / perDay));
}

/** A time after three quarters of a journal; near its beginning there is little to read. */
function lateIn(size) {
  return timeOf(0.75 * size).toISOString();
}

function accountOf(numbers, minor, version) {
  return {
    ...{ ...numbers, balance: decimal(minor), version: Long.fromNumber(version), status: 'open' },
    ...{ opened_at: new Date(firstDay), posted_at: new Date(firstDay) },
  };
}

function numbered(index) {
  return { branch: index % 2 === 0 ? 'branch1' : 'branch2', account_number: `ACC-${index}` };
}

function versionAt(index, accounts) {
  return Math.floor(index / accounts) + 1;
}

function id(index) {
  return index.toString(16).padStart(32, '0');
}

function decimal(minor) {
  return Decimal128.fromString((minor / 100).toFixed(2));
}
