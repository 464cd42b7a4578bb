// What MongoDB itself says of the shard keys that docs/scaling.md proposes, and what a commit costs
// that writes to two shards. A config server and two shards, each a set of one member; there is no
// router here, so this script sends them what a router would.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { BSON, Long, MaxKey, MinKey, MongoClient, UUID } from 'mongodb';
import { ratio } from './report.js';
import { bundled, stressHost } from './stress-sources.js';

const pairs = 300;
const majority = { writeConcern: { w: 'majority' } };
const firstPort = 29_311;

const reverses = { partialFilterExpression: { reverses: { $exists: true } } };
const uniqueIndexes = {
  account_number: [{ account_number: 1 }, {}],
  postings: [
    { 'postings.branch': 1, 'postings.account_number': 1, 'postings.version': 1 },
    { sparse: true },
  ],
  reverses: [{ reverses: 1 }, reverses],
  'reverses of a home': [{ home: 1, reverses: 1 }, reverses],
  'ids of a home': [{ home: 1, _id: 1 }, {}],
  'version of an account': [{ branch: 1, account_number: 1, version: 1 }, {}],
};

/** Shard key, unique index, and whether a collection can have both. */
const shardKeys = [
  [{ account_number: 1 }, 'account_number', true],
  [{ account_number: 'hashed' }, 'account_number', true],
  [{ branch: 1, account_number: 1 }, 'account_number', false],
  [{ _id: 'hashed' }, 'account_number', false],
  [{ _id: 'hashed' }, 'postings', false],
  [{ _id: 'hashed' }, 'reverses', false],
  [{ 'postings.branch': 1 }, 'postings', false],
  [{ home: 1 }, 'postings', false],
  [{ home: 1 }, 'reverses of a home', true],
  [{ home: 1 }, 'ids of a home', true],
  [{ branch: 1, account_number: 1 }, 'version of an account', true],
];

export async function sharding() {
  const directory = await mkdtemp(join(tmpdir(), 'bankctl-bench-'));
  const { directory: built, findMongod } = await bundled();
  const open = [];
  try {
    const mongod = await findMongod(stressHost());
    const start = async (name, role, port) => {
      const set = await startSet(mongod, join(directory, name), { name, role, port });
      open.push(set);
      return set;
    };
    const config = await start('config', 'configsvr', firstPort);
    const first = await start('first', 'shardsvr', firstPort + 1);
    const second = await start('second', 'shardsvr', firstPort + 2);
    for (const { name, host } of [first, second]) {
      const add = { _configsvrAddShard: `${name}/${host}`, name, ...majority };
      await config.client.db('admin').command(add);
    }
    const create = { _configsvrCreateDatabase: 'bank', primaryShardId: 'first', ...majority };
    await config.client.db('admin').command(create);
    await checkShardKeys(config.client, first.client);
    await checkZones(config.client, first.client);
    await measureCommits(first, second);
  } finally {
    for (const { stop } of open.reverse()) await stop();
    await rm(directory, { recursive: true });
    await rm(built, { recursive: true });
  }
}

async function startSet(mongod, dbpath, { name, role, port }) {
  await mkdir(dbpath);
  const place = ['--dbpath', dbpath, '--port', `${port}`, '--bind_ip', '127.0.0.1'];
  const options = [`--${role}`, '--replSet', name, '--nounixsocket', '--quiet', ...place];
  const child = spawn(mongod, [...options, '--wiredTigerCacheSizeGB', '0.25'], { stdio: 'ignore' });
  const host = `127.0.0.1:${port}`;
  const client = await MongoClient.connect(`mongodb://${host}/?directConnection=true`);
  const admin = client.db('admin');
  const configsvr = role === 'configsvr' ? { configsvr: true } : {};
  await admin.command({
    replSetInitiate: { _id: name, ...configsvr, members: [{ _id: 0, host }] },
  });
  while (!(await admin.command({ hello: 1 })).isWritablePrimary) await pause(100);
  const stop = async () => {
    await client.close();
    child.kill('SIGKILL');
  };
  return { name, host, port, client, stop };
}

/** @throws if the server takes a shard key that the page says it refuses, or the other way round */
async function checkShardKeys(config, shard) {
  const bank = shard.db('bank');
  const posting = { branch: 'branch1', account_number: 'ACC', version: Long.ONE };
  for (const [index, [shardKey, name, wanted]] of shardKeys.entries()) {
    const collection = `c${index}`;
    const [key, options] = uniqueIndexes[name];
    await bank.collection(collection).createIndex(key, { ...options, unique: true });
    if (JSON.stringify(key) !== JSON.stringify(shardKey))
      await bank.collection(collection).createIndex(shardKey);
    await bank.collection(collection).insertOne({ ...posting, home: 'a', postings: [posting] });
    const answer = await shardCollection(config, bank, collection, shardKey).catch(
      (error) => error,
    );
    const pair = `${JSON.stringify(shardKey)} with the unique index on ${name}`;
    if ((answer.ok === 1) !== wanted) throw new Error(`${pair}: ${answer.message ?? 'taken'}`);
    console.log(`${pair}: ${wanted ? 'taken' : `refused, ${answer.message}`}`);
  }
}

/** What a router sends to the primary shard of a database for `sh.shardCollection`. */
async function shardCollection(config, bank, collection, shardKey) {
  const { version } = await config.db('config').collection('databases').findOne({ _id: 'bank' });
  const shard = { _shardsvrCreateCollection: collection, shardKey, unique: false };
  return bank.command({ ...shard, databaseVersion: version, ...majority });
}

/** @throws if a zone of the page does not put all of a branch on one shard */
async function checkZones(config, shard) {
  const admin = config.db('admin');
  const catalog = config.db('config');
  const bank = shard.db('bank');
  const zone = 'branch2';
  await admin.command({ _configsvrAddShardToZone: 'second', zone, ...majority });
  const [all, end] = [{ account_number: new MinKey() }, { account_number: new MaxKey() }];
  const ranges = {
    branch2: [{ account_number: 1 }, all, end],
    postings: [
      { branch: 1, account_number: 1 },
      { branch: zone, ...all },
      { branch: zone, ...end },
    ],
    journal: [{ home: 1 }, { home: `${zone}:` }, { home: `${zone};` }],
  };
  for (const [name, [shardKey, min, max]] of Object.entries(ranges)) {
    const range = { _configsvrUpdateZoneKeyRange: `bank.${name}`, min, max, zone };
    await admin.command({ ...range, ...majority });
    await bank.collection(name).createIndex(shardKey);
    await shardCollection(config, bank, name, shardKey);
    const { uuid } = await catalog.collection('collections').findOne({ _id: `bank.${name}` });
    const chunk = await catalog.collection('chunks').findOne({ uuid, min, max });
    if (chunk?.shard !== 'second') throw new Error(`${name} of ${zone} is on ${chunk?.shard}`);
  }
}

/** Milliseconds of the commit alone, of two writes to one shard and of one to each of two. */
async function measureCommits(first, second) {
  const [one, two] = [first, second].map(({ port }) => openSocket(port));
  const found = { ours: [], theirs: [] };
  for (const shard of [one, two]) {
    await shard.send('bank', { insert: 'accounts', documents: [{ _id: 1, n: 0 }], ...majority });
    await shard.send('bank', { insert: 'journal', documents: [{}], ...majority });
  }
  const commit = async (participants) => {
    const transaction = { lsid: { id: new UUID() }, txnNumber: Long.ONE, autocommit: false };
    const begin = { ...transaction, startTransaction: true };
    const isSpread = participants.length > 1;
    const updates = [{ q: { _id: 1 }, u: { $inc: { n: 1 } } }];
    const coordinator = isSpread ? { coordinator: true } : {};
    await one.send('bank', { update: 'accounts', updates, ...begin, ...coordinator });
    const insert = { insert: 'journal', documents: [{}] };
    await (isSpread ? two : one).send('bank', { ...insert, ...(isSpread ? begin : transaction) });
    const start = process.hrtime.bigint();
    const end = isSpread
      ? { coordinateCommitTransaction: 1, participants }
      : { commitTransaction: 1 };
    await one.send('admin', { ...end, ...transaction, ...majority });
    return Number(process.hrtime.bigint() - start) / 1e6;
  };
  for (let pair = 0; pair < pairs; pair += 1) {
    found.theirs.push(await commit(['first']));
    found.ours.push(await commit([{ shardId: 'first' }, { shardId: 'second' }]));
    // The second phase goes on after the answer.
    await pause(30);
  }
  for (const { end } of [one, two]) end();
  const title = 'commit of two writes on two shards';
  ratio({ title, unit: 'ms', theirName: 'on one shard', ...found });
}

/** Commands without the driver, which does not let one session talk to two shards. */
function openSocket(port) {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  let received = Buffer.alloc(0);
  let answered;
  socket.on('data', (data) => {
    received = Buffer.concat([received, data]);
    if (received.length < 4 || received.length < received.readInt32LE(0)) return;
    // Header of 16 bytes, flags of 4, kind of section of 1, and the document.
    answered(BSON.deserialize(received.subarray(21)));
    received = Buffer.alloc(0);
  });
  const send = async (database, command) => {
    const body = BSON.serialize({ ...command, $db: database });
    const head = Buffer.alloc(21);
    head.writeInt32LE(head.length + body.length, 0);
    head.writeInt32LE(2013, 12);
    const answer = new Promise((resolve) => {
      answered = resolve;
    });
    socket.write(Buffer.concat([head, body]));
    const { ok, errmsg, writeErrors } = await answer;
    if (ok !== 1 || writeErrors) throw new Error(errmsg ?? JSON.stringify(writeErrors));
  };
  return { send, end: () => socket.end() };
}
