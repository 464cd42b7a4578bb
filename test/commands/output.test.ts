import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Decimal128, Long, MongoClient } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { BankctlError } from '../../src/core/errors.ts';
import { withoutSecretsIn } from '../../src/core/redaction.ts';
import { mongodWith } from '../database/own-mongod.ts';
import { type Ran, type Workspace, workspace } from '../workspace.ts';

const program = join(import.meta.dirname, '..', '..', 'bin', 'bankctl.js');
const hostile = '\u001B]52;c;aGk=\u0007\u009B2J\u202Eevil\u2066\u200B\u2028\u{E0041}';
const invisible = /[^\n\P{C}]|[\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

/** A bank in whose documents somebody wrote whatever they liked. */
async function hostileBank(): Promise<Workspace> {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'ACC', '--balance', '5']);
  const raw = { bypassDocumentValidation: true };
  const fields = { balance: Decimal128.fromString('1'), version: Long.ONE, status: 'open' };
  const accounts = bank.db.collection('branch1');
  await accounts.insertOne({ account_number: hostile, branch: 'branch1', ...fields }, raw);
  await bank.db
    .collection('journal')
    .updateMany({}, { $set: { memo: hostile, by: `${hostile}@${hostile}` } }, raw);
  return bank;
}

describe('what a terminal would obey is shown as an escape', () => {
  test.each([
    ['documents', ['balance', 'branch1']],
    ['documents, as CSV', ['balance', 'branch1', '-o', 'csv']],
    ['documents, as JSON', ['balance', 'branch1', '--json']],
    ['documents, as NDJSON', ['balance', 'branch1', '-o', 'ndjson']],
    ['a journal', ['history', 'branch1', 'ACC']],
    ['a journal, as JSON', ['history', 'branch1', 'ACC', '--json']],
    ['exported rows', ['export', 'branch1']],
    ['exported operations', ['export', '--operations']],
    ['an argument', ['balance', hostile]],
    ['an account', ['balance', 'branch1', hostile]],
    ['a command', [hostile]],
    ['an option', ['balance', `--${hostile}`]],
    ['a path', ['apply', `${hostile}.csv`]],
    ['a config path', ['balance', '--config', hostile]],
    ['a URI', ['balance', '--uri', hostile]],
    ['a URI of a host', ['balance', '--uri', `mongodb://${hostile}/`, '--timeout', '1s']],
    ['a URI file', ['balance', '--uri-file', hostile]],
    ['an id', ['show', hostile]],
    ['a memo', ['increment', 'branch1', 'ACC', '1', '--memo', hostile]],
    ['an amount', ['increment', 'branch1', 'ACC', hostile]],
    ['a duration', ['balance', '--timeout', hostile]],
    ['a choice', ['balance', '-o', hostile]],
    ['a time', ['balance', '--at', hostile]],
  ])('%s', async (_, argv) => {
    const bank = await hostileBank();
    const { stdout, stderr } = await bank.run(['--no-color', ...argv], { terminal: true });
    expect(stdout).not.toMatch(invisible);
    expect(stderr).not.toMatch(invisible);
    expect(stdout + stderr).not.toBe('');
  });

  test('the environment, a config and the rows of a file', async () => {
    const bank = await workspace();
    await writeFile(join(bank.directory, 'a.csv'), `${hostile},b\n1,2\n`);
    await writeFile(join(bank.directory, 'b.yaml'), `database: bank\n"${hostile}": 1\n`);
    for (const [argv, env] of [
      [['balance'], { BANKCTL_URI: hostile }],
      [['balance'], { BANKCTL_CONFIG: hostile }],
      [['apply', 'a.csv'], {}],
      [['balance', '--config', 'b.yaml'], {}],
    ] as const) {
      const { status, stderr } = await bank.run(argv, { env });
      expect(status).toBeGreaterThan(0);
      expect(stderr).not.toMatch(invisible);
    }
  });

  test('in a pipe, exported accounts are exact', async () => {
    const bank = await hostileBank();
    expect((await bank.run(['export', 'branch1'])).stdout).toContain(hostile);
    expect((await bank.run(['export', 'branch1', '-o', 'csv'])).stdout).toContain(hostile);
  });

  test('an error in JSON is one line that has no such character', async () => {
    const bank = await workspace();
    const { stderr } = await bank.run(['balance', '--json', hostile]);
    expect(stderr.trimEnd()).not.toMatch(/[\n\u007F-\u009F\u2028\u202E]/);
    expect(JSON.parse(stderr).error.code).toBe('unknown_branch');
  });
});

/** Runs a process whose stdout is a full disk, or a pipe that nobody reads. */
async function withBrokenStdout(
  bank: Workspace,
  argv: readonly string[],
  broken: 'full' | 'closed',
): Promise<Ran> {
  const full = broken === 'full' ? await open('/dev/full', 'w') : undefined;
  const child = spawn(process.execPath, [program, ...argv], {
    cwd: bank.directory,
    env: bank.env,
    stdio: ['ignore', full?.fd ?? 'pipe', 'pipe'],
  });
  child.stdout?.destroy();
  await full?.close();
  let stderr = '';
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const [status] = await once(child, 'close');
  return { status, stdout: '', stderr };
}

describe('a broken stdout never hides what was applied', () => {
  const increment = ['increment', 'branch1', 'ACC', '1', '--id', 'op-1', '-q'];
  const rows =
    'type,branch,account,amount,id\nincrement,branch1,ACC,1,a\nincrement,branch1,NO,1,b\n';

  async function bankWithFile(): Promise<Workspace> {
    const bank = await workspace();
    await bank.run(['open', 'branch1', 'ACC']);
    await writeFile(join(bank.directory, 'a.csv'), rows);
    await writeFile(join(bank.directory, 'i.csv'), 'account,balance\nNEW,5\n');
    return bank;
  }

  test.each([
    ['an increment', increment, 'full', 1, /Operation op-1 was applied\..*ENOSPC/],
    ['an increment', increment, 'closed', 0, /^Operation op-1 was applied\.\n$/],
    ['a file', ['apply', 'a.csv', '-q'], 'full', 1, /The result is \{"applied":1,.*ENOSPC/],
    [
      'a file',
      ['apply', 'a.csv', '-q'],
      'closed',
      1,
      /^Line 3 .*\nThe result is \{"applied":1,.*\}\.\n$/,
    ],
    ['an import', ['import', 'branch1', 'i.csv', '-q'], 'full', 1, /"created":1,.*ENOSPC/],
    ['an import', ['import', 'branch1', 'i.csv', '-q'], 'closed', 0, /"created":1,/],
  ] as const)('of %s: %j, %s', async (_, argv, broken, status, told) => {
    const bank = await bankWithFile();
    const ran = await withBrokenStdout(bank, argv, broken);
    expect(ran).toMatchObject({ status, stderr: expect.stringMatching(told) });
  });

  test('nor does an error in JSON have two lines', async () => {
    const bank = await bankWithFile();
    const ran = await withBrokenStdout(bank, [...increment, '--json'], 'full');
    expect(ran.status).toBe(1);
    const { error } = JSON.parse(ran.stderr);
    expect(error).toMatchObject({ code: 'not_writable' });
    expect(error.message).toContain('Operation op-1 was applied.');
    expect(error.hint).toContain('do not repeat it without --id');
  });

  test.each([['--version'], ['--help'], ['balance', '--help']])('%s says why', async (...argv) => {
    const bank = await workspace();
    const full = await withBrokenStdout(bank, argv, 'full');
    expect(full).toMatchObject({ status: 1, stderr: expect.stringContaining('ENOSPC') });
    expect(await withBrokenStdout(bank, argv, 'closed')).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('what must be mended is said before what is to be typed', () => {
  test('the role that an increment lacks, and that the command is to be repeated', async () => {
    const branches = 'branches: { branch1: { collection: branch1 } }\n';
    const bank = await workspace({ config: `journal: false\n${branches}` });
    const socket = encodeURIComponent(await mongodWith('--auth'));
    const admin = await MongoClient.connect(`mongodb://${socket}/`);
    const command = { createUser: 'me', pwd: 'hunter2hunter', roles: ['readAnyDatabase'] };
    await admin.db('admin').command({ ...command, roles: ['root'], createUser: 'root' });
    await admin.close();
    const root = await MongoClient.connect(`mongodb://root:hunter2hunter@${socket}/`);
    await root.db('admin').command(command);
    await root.close();
    const uri = (user: string) => `mongodb://${user}:hunter2hunter@${socket}/`;
    await bank.run(['open', 'branch1', 'ACC'], { env: { BANKCTL_URI: uri('root') } });
    const env = { BANKCTL_URI: uri('me') };
    const { status, stderr } = await bank.run(['increment', 'branch1', 'ACC', '1'], { env });
    expect(status).toBe(3);
    expect(stderr).toMatch(/The database user may not findAndModify in \S+\.branch1\./);
    expect(stderr).toMatch(/Give the user me the role readWrite on the database .*repeat/);
    expect(stderr).not.toContain('hunter2');
  });
});

describe('no secret reaches a person', () => {
  test.each([new TypeError('x hunter2hunter y'), new BankctlError('usage', 'hunter%32hunter.')])(
    'in %s, whose URI was in a file',
    (error) => {
      const uri = 'mongodb://me:hunter%32hunter@host/';
      const shown = withoutSecretsIn(error, [uri]);
      expect(shown).toBeInstanceOf(Error);
      const { message, stack } = shown instanceof Error ? shown : error;
      expect(`${message} ${stack}`).not.toMatch(/hunter/);
      const harmless = new TypeError('x');
      expect(withoutSecretsIn(harmless, [uri])).toBe(harmless);
    },
  );

  const uri = 'mongodb://me:hunter2hunter@127.0.0.1:1/';

  test.each([
    ['an argument', ['balance', uri], {}],
    ['a command', [uri], {}],
    ['a part of the environment', ['balance', 'hunter2hunter'], { BANKCTL_URI: uri }],
    ['an option', ['balance', '--timeout', 'hunter2hunter', '--uri', uri], {}],
    ['a path', ['apply', 'hunter2hunter.csv'], { BANKCTL_URI: uri }],
  ])('in %s', async (_, argv, env) => {
    const bank = await workspace();
    for (const mode of [[], ['--json']]) {
      const { status, stdout, stderr } = await bank.run([...argv, ...mode], { env });
      expect(status).toBeGreaterThan(0);
      expect(stdout + stderr).not.toContain('hunter2');
    }
  });
});
