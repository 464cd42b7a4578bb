import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FaultServer, startFaultServer, startProxy } from '../fault-server.ts';
import { type Workspace, workspace } from '../workspace.ts';

let server: FaultServer;
let end = async () => {};

beforeAll(async () => {
  server = await startFaultServer((stop) => {
    end = stop;
  });
});
afterAll(() => end());

const line = ['increment', 'branch1', 'ACC', '5', '--id', 'x', '--timeout', '2s'];

async function bankWith(config?: string): Promise<Workspace> {
  const bank = await workspace(config === undefined ? {} : { config });
  await server.heal();
  await bank.run(['open', 'branch1', 'ACC'], { env: { BANKCTL_URI: server.uri } });
  return bank;
}

function journal(bank: Workspace) {
  return server.client.db(bank.db.databaseName).collection<{ _id: string }>('journal');
}

/** The address of a proxy that loses the first answer to a command that the server carried out. */
function losing(name: string, lost: () => Promise<void>): Promise<string> {
  let done = false;
  return startProxy(server.uri, {
    answer: async (has) => {
      if (done || !has(name)) return 'pass';
      done = true;
      await lost();
      return 'cut';
    },
  });
}

describe('after a commit whose answer was lost', () => {
  test.each([13, 18, 20, 59, 72, 225, 26, 8000, 112])(
    'error %i says nothing of it: outcome_unknown, with the id',
    async (errorCode) => {
      const bank = await bankWith();
      const fail = { failCommands: ['commitTransaction'], errorCode };
      const BANKCTL_URI = await losing('commitTransaction', () => server.fail('alwaysOn', fail));
      const ran = await bank.run([...line, '--json', '-q'], { env: { BANKCTL_URI } });
      await server.heal();
      const { error } = JSON.parse(ran.stderr);
      expect([ran.status, error.code]).toEqual([3, 'outcome_unknown']);
      expect(error.message).toContain('The operation x may or may not be applied');
      expect(error.hint).toContain('--id x');
      expect([error.retryable, error.operations]).toEqual([true, ['x']]);
      expect(await journal(bank).countDocuments({ _id: 'x' })).toBe(1);
    },
  );

  test('an error that passes is waited out, and the answer is the first one', async () => {
    const bank = await bankWith();
    const fail = { failCommands: ['commitTransaction'], errorCode: 13 };
    const BANKCTL_URI = await losing('commitTransaction', () => server.fail({ times: 1 }, fail));
    const ran = await bank.run([...line, '--json', '-q', '--timeout', '60s'], {
      env: { BANKCTL_URI },
    });
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(ran.stdout)).toMatchObject({ replayed: false, balance: '5.00', version: 2 });
  });
});

describe('a file whose commit went unanswered', () => {
  test.each([
    ['apply', ['apply', 'rows.ndjson'], '"id":"x","amount":"5"'],
    ['import', ['import', 'branch1', 'rows.ndjson'], '"balance":"5"'],
  ])('%s says so, whatever error ends the attempts after it', async (_verb, words, fields) => {
    const bank = await bankWith();
    const account = words[0] === 'apply' ? 'ACC' : 'NEW';
    await writeFile(
      join(bank.directory, 'rows.ndjson'),
      `{"branch":"branch1","account":"${account}",${fields}}\n`,
    );
    const fail = { failCommands: ['commitTransaction'], errorCode: 72 };
    const operations = await journal(bank).countDocuments();
    const BANKCTL_URI = await losing('commitTransaction', () => server.fail('alwaysOn', fail));
    const argv = [...words, '--timeout', '3s', '--json', '-q'];
    const ran = await bank.run(argv, { env: { BANKCTL_URI } });
    await server.heal();
    const { error } = JSON.parse(ran.stderr);
    expect(ran.status).toBe(3);
    expect(error.message).toContain('may or may not be applied');
    expect(error.message).not.toMatch(/\. [a-z]/);
    expect(error.hint).toContain(`run it again: bankctl ${words.join(' ')}`);
    expect(await journal(bank).countDocuments()).toBe(operations + 1);
  });
});

test('an import that is interrupted before it froze says what is open', async () => {
  const bank = await bankWith();
  await writeFile(join(bank.directory, 'rows.csv'), 'account,balance,status\nNEW,5,frozen\n');
  const controller = new AbortController();
  let commits = 0;
  const BANKCTL_URI = await startProxy(server.uri, {
    request: (has) => {
      if (has('commitTransaction')) commits += 1;
      // The opening is answered; what freezes it is not sent yet.
      else if (commits === 1 && has('find')) controller.abort('SIGINT');
      return 'pass';
    },
  });
  const argv = ['import', 'branch1', 'rows.csv', '--json'];
  const interrupted = controller.signal;
  const ran = await bank.run(argv, { env: { BANKCTL_URI }, interrupted });
  expect(ran.status).toBe(130);
  expect(JSON.parse(ran.stdout)).toMatchObject({ created: 1, interrupted: true });
  expect(ran.stderr).toMatch(
    /0 rows are certainly done: 1 account was created, 1 of which may not be frozen or closed/,
  );
  const again = await bank.run([...argv, '-q'], { env: { BANKCTL_URI: server.uri } });
  expect(again).toMatchObject({ status: 0, stderr: '' });
});

describe('a commit', () => {
  test('that the server refuses at once is not applied', async () => {
    const bank = await bankWith();
    await server.fail('alwaysOn', { failCommands: ['commitTransaction'], errorCode: 13 });
    const ran = await bank.run(line, { env: { BANKCTL_URI: server.uri } });
    await server.heal();
    expect([ran.status, ran.stderr]).toEqual([3, expect.stringContaining('was not applied')]);
    expect(await journal(bank).countDocuments({ _id: 'x' })).toBe(0);
  });

  test('of a transaction that is gone is made again', async () => {
    const bank = await bankWith();
    await server.fail({ times: 1 }, { failCommands: ['commitTransaction'], errorCode: 251 });
    const env = { BANKCTL_URI: server.uri };
    expect(await bank.run(line, { env })).toMatchObject({ status: 0 });
    expect(await journal(bank).countDocuments({ _id: 'x' })).toBe(1);
  });

  test.each([
    [{ times: 1 }, 0],
    ['alwaysOn', 3],
  ] as const)('that no majority has yet (%o) ends with %i', async (mode, status) => {
    const bank = await bankWith();
    const writeConcernError = { code: 64, errmsg: 'waiting for replication timed out' };
    await server.fail(mode, { failCommands: ['commitTransaction'], writeConcernError });
    const ran = await bank.run([...line], { env: { BANKCTL_URI: server.uri } });
    await server.heal();
    expect([ran.status, ran.stderr]).toEqual([
      status,
      expect.stringMatching(status === 0 ? /^(?!.*bankctl: )/ : /may or may not be applied/),
    ]);
    expect(await journal(bank).countDocuments({ _id: 'x' })).toBe(1);
  });
});

describe('without a journal', () => {
  const plain = ['increment', 'branch1', 'ACC', '5', '--timeout', '2s'];
  const config = 'journal: false\nbranches: { branch1: { collection: branch1 } }\n';

  test.each([
    ['a write concern error', { writeConcernError: { code: 64, errmsg: 'timed out' } }],
    ['a server that is ending', { errorCode: 91 }],
    ['a cut line', { closeConnection: true }],
  ])('%s leaves the outcome open', async (_what, data) => {
    const bank = await bankWith(config);
    await server.fail('alwaysOn', { failCommands: ['findAndModify'], ...data });
    const ran = await bank.run(plain, { env: { BANKCTL_URI: server.uri } });
    await server.heal();
    expect([ran.status, ran.stderr]).toEqual([
      3,
      expect.stringContaining('Whether branch1:ACC was changed is not known'),
    ]);
  });

  test('an answer that is lost leaves it open, whatever another attempt would meet', async () => {
    const bank = await bankWith(config);
    const fail = { failCommands: ['findAndModify'], errorCode: 13 };
    const BANKCTL_URI = await losing('findAndModify', () => server.fail('alwaysOn', fail));
    const ran = await bank.run([...plain, '--json', '-q'], { env: { BANKCTL_URI } });
    await server.heal();
    expect(ran.status).toBe(3);
    const { error } = JSON.parse(ran.stderr);
    expect(error.message).toContain('Whether branch1:ACC was changed is not known');
    // Without an id, a second try could pay twice.
    expect([error.retryable, 'operations' in error]).toEqual([false, false]);
  });

  test('a write that the server refuses changed nothing', async () => {
    const bank = await bankWith(config);
    await server.fail('alwaysOn', { failCommands: ['findAndModify'], errorCode: 13 });
    const ran = await bank.run(plain, { env: { BANKCTL_URI: server.uri } });
    await server.heal();
    expect([ran.status, ran.stderr]).toEqual([3, expect.stringContaining('was not changed')]);
  });

  test('opening with a write concern error leaves it open', async () => {
    const bank = await bankWith(config);
    const writeConcernError = { code: 64, errmsg: 'timed out' };
    await server.fail('alwaysOn', { failCommands: ['insert'], writeConcernError });
    const ran = await bank.run(['increment', 'branch1', 'NEW', '5', '--create'], {
      env: { BANKCTL_URI: server.uri },
    });
    await server.heal();
    expect([ran.status, ran.stderr]).toEqual([
      3,
      expect.stringContaining('Whether branch1:NEW was changed is not known'),
    ]);
  });
});
