import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Decimal128, Long } from 'mongodb';
import { describe, expect, inject, test } from 'vitest';
import { listening } from './database/stand-in-server.ts';
import { type Ran, type Workspace, workspace } from './workspace.ts';

const program = join(import.meta.dirname, '..', 'bin', 'bankctl.js');

function start(bank: Workspace, argv: readonly string[]): ChildProcess {
  return spawn(process.execPath, [program, ...argv], { cwd: bank.directory, env: bank.env });
}

async function ended(child: ChildProcess): Promise<Ran> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const [status] = await once(child, 'close');
  return { status, stdout, stderr };
}

describe('separate processes', () => {
  test('fifty increments of one account at once: the exact sum', async () => {
    const bank = await workspace();
    await bank.run(['open', 'branch1', 'ACC']);
    const children = Array.from({ length: 50 }, (_, index) =>
      start(bank, [
        'increment',
        'branch1',
        'ACC',
        `${index}.01`,
        '--timeout',
        '120s',
        '--json',
        '-q',
      ]),
    );
    const answers = await Promise.all(children.map(ended));
    expect(answers.map(({ status, stderr }) => [status, stderr])).toEqual(Array(50).fill([0, '']));
    const versions = answers.map(({ stdout }) => JSON.parse(stdout).version);
    expect(versions.sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i + 2));
    const { stdout } = await bank.run(['balance', 'branch1', 'ACC', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ balance: '1225.50', version: 51 });
    expect(await bank.db.collection('journal').countDocuments()).toBe(51);
  }, 180_000);
});

const saysNothing = (socket: Socket) => socket.on('error', () => undefined);

test('a server that says nothing keeps no command that is done', async () => {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'ACC']);
  const silent = createServer(saysNothing);
  const meeting = once(silent, 'connection');
  const uri = inject('uri').replace('://', `://${await listening(silent)},`);
  const line = ['increment', 'branch1', 'ACC', '5', '--uri', uri, '--timeout', '10m', '--json'];
  const { status, stdout } = await ended(start(bank, line));
  await meeting;
  expect([status, JSON.parse(stdout)]).toMatchObject([0, { balance: '5.00' }]);
});

describe('Ctrl-C', () => {
  test.each([
    ['hangs up', (socket: Socket) => socket.destroy()],
    ['says nothing', saysNothing],
  ])('while a server %s: 130, at once', async (_, meet) => {
    const bank = await workspace();
    const server = createServer(meet);
    const uri = `mongodb://${await listening(server)}/`;
    const child = start(bank, ['balance', '--uri', uri, '--timeout', '10m']);
    const end = ended(child);
    // What connects is past its start, and hears Ctrl-C.
    await once(server, 'connection');
    child.kill('SIGINT');
    expect(await end).toMatchObject({ status: 130, stdout: '' });
  });

  test('while another transaction holds the account: 130, and nothing half done', async () => {
    const bank = await workspace();
    await bank.run(['open', 'branch1', 'ACC']);
    const before = await bank.everything();
    const { client } = bank.db;
    await client.withSession(async (session) => {
      session.startTransaction();
      await bank.db.collection('branch1').updateOne({}, { $set: { held: 1 } }, { session });
      const child = start(bank, ['increment', 'branch1', 'ACC', '5', '--id', 'x']);
      const end = ended(child);
      await untilWorking(child);
      child.kill('SIGINT');
      const { status, stderr } = await end;
      expect([status, stderr]).toEqual([
        130,
        expect.stringContaining('operation x was not applied'),
      ]);
      await session.abortTransaction();
    });
    expect(await bank.everything()).toBe(before);
    expect(await bank.run(['increment', 'branch1', 'ACC', '5', '--id', 'x'])).toMatchObject({
      status: 0,
    });
  });

  /** The line that bankctl prints once a write takes long. */
  async function untilWorking(child: ChildProcess): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      child.stderr?.on('data', (chunk) => String(chunk).includes('Still working') && resolve());
      child.on('close', () => reject(new Error('it ended before it worked for long')));
    });
  }
});

describe('stress from the bundle', () => {
  test('over threads of its own: the bug, and its cure', async () => {
    const bank = await workspace();
    const child = start(bank, ['stress', '--threads', '2', '--uri', inject('uri'), '--json', '-q']);
    const { status, stdout, stderr } = await ended(child);
    expect([status, stderr]).toEqual([0, '']);
    const { verdict, models } = JSON.parse(stdout);
    expect(verdict).toBe('demonstrated');
    expect(models).toMatchObject([{ model: 'shared' }, { model: 'branch', wrong: 0 }]);
    expect(models[0].wrong).toBeGreaterThan(0);
  });
});

describe('a full disk under stdout', () => {
  test('does not make an applied operation look like one that failed', async () => {
    const bank = await workspace();
    await bank.run(['open', 'branch1', 'ACC']);
    const full = await open('/dev/full', 'w');
    const child = spawn(process.execPath, [program, 'increment', 'branch1', 'ACC', '5'], {
      cwd: bank.directory,
      env: bank.env,
      stdio: ['ignore', full.fd, 'pipe'],
    });
    const { status, stderr } = await ended(child);
    await full.close();
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^(?:Still working.*\n)*bankctl: Operation (\S+) was applied\. .*\n.*bankctl show \1;/,
    );
    const { stdout } = await bank.run(['balance', 'branch1', 'ACC', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ balance: '5.00', version: 2 });
  });
});

describe('a closed stdout', () => {
  test('ends a long list quietly', async () => {
    const bank = await workspace();
    await bank.run(['open', 'branch1', 'ACC']);
    const accounts = Array.from({ length: 20_000 }, (_, index) => ({
      account_number: `A${index}`,
      balance: Decimal128.fromString('1.00'),
      branch: 'branch1',
      version: Long.ONE,
      status: 'open',
      opened_at: new Date(),
    }));
    await bank.db.collection('branch1').insertMany(accounts);
    const child = start(bank, ['balance', 'branch1', '--json']);
    const [first] = await Promise.race([
      once(child.stdout ?? child, 'data'),
      once(child, 'close').then(() => ['ended without a word']),
    ]);
    expect(String(first)).toMatch(/^\[/);
    child.stdout?.destroy();
    let stderr = '';
    child.stderr?.on('data', (chunk) => {
      stderr += chunk;
    });
    const [status] = await once(child, 'close');
    expect([status, stderr]).toEqual([0, '']);
  });
});
