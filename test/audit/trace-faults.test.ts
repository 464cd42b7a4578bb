import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Document } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../database/host.ts';
import { startFaultServer } from '../fault-server.ts';
import { run } from '../workspace.ts';
import { startFollowing } from './following.ts';
import { runLegacy, traceLegacy } from './legacy-run.ts';

/** A legacy bank on a server that fails on demand. */
async function faultyBank() {
  const server = await startFaultServer();
  const directory = temporaryDirectory();
  const db = server.client.db('bank');
  const rows = [];
  for (const branch of ['branch1', 'branch2']) {
    await db.collection(branch).insertOne({ account_number: 'A', balance: 100 });
    rows.push(`${branch},A,100.00`);
  }
  await writeFile(
    join(directory, 'opening.csv'),
    ['branch,account,balance', ...rows, ''].join('\n'),
  );
  const env = { BANKCTL_URI: server.uri, HOME: directory };
  const bank = {
    directory,
    db,
    run: (argv: readonly string[], options = {}) => run(argv, directory, env, options),
  };
  return { server, bank };
}

const cut = { closeConnection: true };
const steppedDown = { errorCode: 189, errorLabels: ['ResumableChangeStreamError'] };

describe('a trace', () => {
  test.each<[string, number, Document]>([
    ['a lost connection while it reads', 1, { failCommands: ['getMore'], ...cut }],
    ['a lost connection as it begins', 1, { failCommands: ['aggregate'], ...cut }],
    ['a change of primary', 1, { failCommands: ['getMore'], ...steppedDown }],
  ])('is the same in spite of %s', async (_name, times, fault) => {
    const { server, bank } = await faultyBank();
    const calls = Array.from({ length: 30 }, (_, index) => ({
      ...{ branch: 'branch1', account: 'A', cents: 100 + index },
      landed: ['branch1', 'branch2', undefined][index % 3],
    }));
    const log = await runLegacy(bank, calls);
    const whole = await traceLegacy(bank, log);
    expect(whole.traced.filter(({ certain }) => certain)).toHaveLength(20);
    await server.fail({ times }, fault);
    const { traced, unread } = await traceLegacy(bank, log);
    await server.heal();
    expect([traced, unread]).toEqual([whole.traced, []]);
  });

  test('of a history that the server forgets meanwhile says so', async () => {
    const { server, bank } = await faultyBank();
    const call = { branch: 'branch1', account: 'A', cents: 100, landed: 'branch1' };
    const log = await runLegacy(bank, [call]);
    const streams = { failCommands: ['aggregate'], namespace: 'bank.$cmd.aggregate' };
    await server.fail('alwaysOn', { ...streams, errorCode: 286 });
    const { unread, traced } = await traceLegacy(bank, log);
    await server.heal();
    expect([traced, unread.map(({ reason }) => reason)]).toEqual([
      [],
      ["The server's change history is lost faster than it can be read: enlarge its oplog."],
    ]);
  });
});

describe('following', () => {
  test.each<[string, Document]>([
    ['a lost connection', { failCommands: ['getMore'], ...cut }],
    ['two lost connections', { failCommands: ['getMore', 'aggregate'], ...cut }],
    ['a lost connection while it looks up a balance', { failCommands: ['find'], ...cut }],
    ['a change of primary', { failCommands: ['getMore', 'aggregate'], errorCode: 189 }],
  ])('misses nothing in spite of %s', async (_name, fault) => {
    const { server, bank } = await faultyBank();
    const followed = await startFollowing(bank);
    const branch1 = bank.db.collection('branch1');
    for (let round = 1; round <= 5; round += 1) {
      await server.fail({ times: round }, fault);
      await branch1.updateOne({ account_number: 'A' }, { $inc: { balance: round } });
      await server.heal();
    }
    await branch1.insertOne({ account_number: 'END', balance: 1 });
    await followed.seen('END');
    await followed.stop();
    expect(followed.writes.map(({ amount }) => amount)).toEqual([
      ...['1.00', '2.00', '3.00', '4.00', '5.00', '1.00'],
    ]);
  });

  test('it says when the server has forgotten the place, and goes on', async () => {
    const { server, bank } = await faultyBank();
    const followed = await startFollowing(bank);
    await server.fail({ times: 1 }, { failCommands: ['getMore'], errorCode: 286 });
    const said = followed.said('Lost the place');
    const branch1 = bank.db.collection('branch1');
    await branch1.updateOne({ account_number: 'A' }, { $inc: { balance: 1 } });
    await said;
    await server.heal();
    await branch1.insertOne({ account_number: 'END', balance: 1 });
    await followed.seen('END');
    expect((await followed.stop()).status).toBe(0);
  });
});
