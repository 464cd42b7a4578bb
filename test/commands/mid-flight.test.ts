import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { endAbandoned } from '../../src/bank/abandoned-transactions.ts';
import { createContext } from '../../src/core/context.ts';
import { startThrowaway } from '../../src/database/throwaway-server.ts';
import { type Workspace, workspace } from '../workspace.ts';

const context = createContext();
const line = ['increment', 'branch1', 'ACC', '5', '--id', 'x'];

/** Runs commands against another address than that of the workspace. */
function at(bank: Workspace, uri: string) {
  return (argv: readonly string[]) => bank.run(argv, { env: { BANKCTL_URI: uri } });
}

/**
 * An address of the run's server that falls silent for good once a connection has sent a command of
 * that name: the server does it, and its answer never comes.
 */
async function silencedBy(command: string): Promise<string> {
  const target = new URL(inject('uri'));
  const sockets: Socket[] = [];
  let silent = false;
  const server = createServer((near) => {
    const far = dial(Number(target.port), target.hostname);
    sockets.push(near, far);
    for (const socket of [near, far]) socket.on('error', () => socket.destroy());
    near.on('data', (data) => {
      if (silent) return;
      silent = data.includes(command);
      far.write(data);
    });
    far.on('data', (data) => {
      if (!silent) near.write(data);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    // Its transaction would keep the database from being dropped, for a minute.
    const client = await MongoClient.connect(inject('uri'));
    await endAbandoned(client);
    await client.close();
  });
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return `mongodb://127.0.0.1:${port}/?directConnection=true`;
}

describe('an answer that never comes', () => {
  test('to the commit: not known, and repeating it with its id settles it', async () => {
    const bank = await workspace();
    await bank.run(['open', 'branch1', 'ACC']);
    const cut = await at(bank, await silencedBy('commitTransaction'))([...line, '--timeout', '3s']);
    expect(cut.status).toBe(3);
    expect(cut.stderr).toMatch(/The operation x may or may not be applied/);
    expect(cut.stderr).toMatch(/repeat the command with --id x: it is applied once/);
    const again = await bank.run([...line, '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ replayed: true, balance: '5.00', version: 2 });
  });

  test('to what comes before it: not applied, with the id', async () => {
    const bank = await workspace();
    await bank.run(['open', 'branch1', 'ACC']);
    const before = await bank.everything();
    const cut = await at(bank, await silencedBy('startTransaction'))([...line, '--timeout', '3s']);
    expect(cut.status).toBe(3);
    expect(cut.stderr).toMatch(/The operation x was not applied/);
    expect(cut.stderr).toMatch(/repeat the command with --id x/);
    expect(await bank.everything()).toBe(before);
    expect((await bank.run(line)).status).toBe(0);
  });

  test('without a journal: not known, and nothing but the balance tells', async () => {
    const branches = 'branches: { branch1: { collection: branch1 } }\n';
    const bank = await workspace({ config: `journal: false\n${branches}` });
    await bank.run(['open', 'branch1', 'ACC']);
    const plain = ['increment', 'branch1', 'ACC', '5', '--timeout', '3s'];
    const cut = await at(bank, await silencedBy('findAndModify'))(plain);
    expect(cut.status).toBe(3);
    expect(cut.stderr).toMatch(/Whether branch1:ACC was changed is not known/);
    expect(cut.stderr).toMatch(/bankctl balance branch1 ACC/);
  });
});

describe('a server that dies in the middle', () => {
  /** A server of its own, and an account that somebody's open transaction holds. */
  async function heldAccount() {
    const quiet = { ...context, progress: () => undefined };
    const server = await startThrowaway(quiet);
    onTestFinished(server.stop);
    const bank = await workspace();
    const run = at(bank, server.uri);
    await run(['open', 'branch1', 'ACC']);
    const client = await MongoClient.connect(server.uri, { serverSelectionTimeoutMS: 1000 });
    onTestFinished(() => client.close());
    const session = client.startSession();
    session.startTransaction();
    const accounts = client.db(bank.db.databaseName).collection('branch1');
    await accounts.updateOne({}, { $set: { status: 'frozen' } }, { session });
    const [member] = server.members;
    if (!member) throw new Error('a deployment without a server');
    const begun = async () =>
      (await client.db('admin').command({ serverStatus: 1 }))['transactions'].totalStarted;
    /** Runs the line, and returns once its transaction has begun, which then meets the other. */
    const begin = async (...more: readonly string[]) => {
      const before = await begun();
      const running = run([...line, ...more]);
      while ((await begun()) === before) await pause(20);
      return { running };
    };
    return { run, begin, member };
  }

  test('by SIGSTOP or kill -9: not applied; and once it is back, applied once', async () => {
    const { run, begin, member } = await heldAccount();
    const stopped = await begin('--timeout', '2s');
    process.kill(member.pid() ?? 0, 'SIGSTOP');
    const silent = await stopped.running;
    process.kill(member.pid() ?? 0, 'SIGCONT');
    const killed = await begin('--timeout', '2s');
    await member.kill();
    for (const { status, stderr } of [silent, await killed.running]) {
      expect(status, stderr).toBe(3);
      expect(stderr).toMatch(/The operation x was not applied by this command\./);
      expect(stderr).toMatch(/repeat the command with --id x/);
    }
    await member.restart();
    const [first, second] = [await run(line), await run([...line, '--json'])];
    expect(first.status, first.stderr).toBe(0);
    expect(JSON.parse(second.stdout)).toMatchObject({ replayed: true, balance: '5.00' });
  });

  test('and comes back in time: the command goes through by itself', async () => {
    const { begin, member } = await heldAccount();
    const { running } = await begin('--timeout', '20s', '--json');
    await member.kill();
    await member.restart();
    const { status, stdout, stderr } = await running;
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ replayed: false, balance: '5.00', version: 2 });
  });
});
