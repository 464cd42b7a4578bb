import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Decimal128, MongoClient } from 'mongodb';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { startThrowaway, type Throwaway } from '../../src/database/throwaway-server.ts';
import { run, workspace } from '../workspace.ts';

describe('a server that is not there', () => {
  test.each([
    ['--uri', ['--uri', 'mongodb://127.0.0.1:1/'], {}],
    ['BANKCTL_URI', [], { BANKCTL_URI: 'mongodb://teller:hunter2@127.0.0.1:1/' }],
  ])('is reported within --timeout: %s', async (_how, argv, env) => {
    const bank = await workspace();
    const answer = await bank.run(
      ['increment', 'branch1', 'ACC', '1', '--timeout', '300ms', ...argv],
      { env },
    );
    expect(answer.status).toBe(3);
    expect(answer.stderr).toMatch(/^bankctl: .*127\.0\.0\.1:1.*\.\n.+\n$/);
    expect(answer.stderr).not.toContain('hunter2');
  });

  test('is not asked where the command line is wrong already', async () => {
    const bank = await workspace();
    const answer = await bank.run(['open', 'nowhere', 'ACC', '--uri', 'mongodb://127.0.0.1:1/']);
    expect(answer.status).toBe(2);
  });

  test('a password on the command line draws a warning, and is not shown', async () => {
    const bank = await workspace();
    const uri = 'mongodb://teller:hunter2@127.0.0.1:1/';
    const answer = await bank.run(['balance', '--timeout', '300ms', '--uri', uri]);
    expect(answer.stderr).toMatch(/Others can see a password/);
    expect(answer.stderr).not.toContain('hunter2');
  });

  test('a URI comes from a file', async () => {
    const bank = await workspace();
    const path = join(bank.directory, 'uri');
    await writeFile(path, `${bank.env['BANKCTL_URI']}\n`);
    const env = { BANKCTL_URI: 'mongodb://127.0.0.1:1/' };
    expect(await bank.run(['balance', '--uri-file', path], { env })).toMatchObject({ status: 0 });
  });
});

describe('what is said of a connection string on stderr', () => {
  const weak = 'readConcernLevel=local&%77=1&maxStalenessSeconds=120&retryWrites=false&w=0';
  const uriOf = (query: string) =>
    inject('uri').includes('?') ? `${inject('uri')}&${query}` : `${inject('uri')}?${query}`;

  test('what is ignored, once, and it is obeyed by nothing', async () => {
    const bank = await workspace();
    const env = { BANKCTL_URI: uriOf(weak) };
    const opened = await bank.run(['open', 'branch1', 'ACC', '--balance', '5'], { env });
    expect(opened.status).toBe(0);
    expect(opened.stderr.match(/Ignored in the connection string: .*/g)).toEqual([
      'Ignored in the connection string: readconcernlevel, w, maxstalenessseconds, retrywrites. ' +
        'bankctl reads and writes by majority, on the primary, within --timeout.',
    ]);
    const quiet = await bank.run(['balance', '-q'], { env });
    expect(quiet).toMatchObject({ status: 0, stderr: '' });
    const usual = { BANKCTL_URI: uriOf('retryWrites=true&w=majority') };
    expect(await bank.run(['balance'], { env: usual })).toMatchObject({ status: 0, stderr: '' });
  });

  test('the file and the host of a config that was found, not of one that was named', async () => {
    const bank = await workspace();
    const path = join(bank.directory, 'bankctl.config.yaml');
    const text = 'uri: mongodb://127.0.0.1:1/\nbranches: { b: { collection: c } }\n';
    await writeFile(path, text);
    const bare = { HOME: bank.directory };
    const argv = ['balance', '--timeout', '300ms'];
    const found = await run(argv, bank.directory, bare);
    const said = `Using the database at 127.0.0.1:1, as ${path} says.\n`;
    expect(found).toMatchObject({ status: 3, stderr: expect.stringContaining(said) });
    for (const named of [
      await run([...argv, '--config', path], bank.directory, bare),
      await run(argv, bank.directory, { ...bare, BANKCTL_CONFIG: path }),
      await run([...argv, '--uri', 'mongodb://127.0.0.1:1/'], bank.directory, bare),
    ]) {
      expect(named).toMatchObject({ status: 3, stderr: expect.not.stringContaining('Using') });
    }
  });

  test('init writes a config for the database that the URI names', async () => {
    const bank = await workspace();
    const path = join(bank.directory, 'new.yaml');
    const uri = inject('uri').replace(/\/(\?|$)/, `/${bank.db.databaseName}$1`);
    const env = { BANKCTL_URI: uri };
    expect(await bank.run(['init', '--config', path], { env })).toMatchObject({ status: 0 });
    expect(await readFile(path, 'utf8')).toContain(`\ndatabase: "${bank.db.databaseName}"\n`);
    expect(await bank.run(['open', 'branch1', 'A', '--config', path], { env })).toMatchObject({
      status: 0,
    });
  });
});

describe('a standalone server', () => {
  let standalone: Throwaway;

  beforeAll(async () => {
    standalone = await startThrowaway(
      {
        env: process.env,
        nowMs: Date.now,
        monotonicNs: process.hrtime.bigint,
        interrupted: new AbortController().signal,
        progress: () => undefined,
      },
      { replicas: 0 },
    );
    return standalone.stop;
  });

  test.each([
    ['open branch1 ACC'],
    ['increment branch1 ACC 1 --create'],
    ['increment branch1 ACC 1 --dry-run'],
    ['balance'],
    ['balance branch1'],
    ['branches'],
  ])('%s: one sentence and the cure', async (line) => {
    const bank = await workspace();
    const answer = await bank.run(line.split(' '), { env: { BANKCTL_URI: standalone.uri } });
    expect(answer.status).toBe(3);
    expect(answer.stderr).toMatch(/^bankctl: .*standalone.*\.\n.*replSet.*\n$/);
  });

  test('journal: false does without transactions', async () => {
    const bank = await workspace({
      config: 'journal: false\nbranches: { branch1: { collection: b1 } }',
    });
    const env = { BANKCTL_URI: standalone.uri };
    const run = (line: string) => bank.run([...line.split(' '), '--json'], { env });
    expect(await run('open branch1 ACC --balance 10')).toMatchObject({ status: 0 });
    const incremented = JSON.parse((await run('increment branch1 ACC 5')).stdout);
    expect(incremented).toMatchObject({
      operation: null,
      amount: '5.00',
      balance_before: '10.00',
      balance: '15.00',
      version: 2,
    });
    expect(JSON.parse((await run('increment branch1 NEW 1 --create')).stdout)).toMatchObject({
      balance: '1.00',
      version: 1,
    });
    expect(JSON.parse((await run('increment branch1 ACC -15 --dry-run')).stdout)).toMatchObject({
      balance: '0.00',
      dry_run: true,
    });
    const refusals = {
      'increment branch1 ACC -15.01': 'below_minimum',
      'increment branch1 ACC 1 --id x': 'journal_disabled',
      'increment branch1 NOBODY 1': 'account_not_found',
      'open branch1 ACC': 'account_exists',
    };
    for (const [line, code] of Object.entries(refusals)) {
      expect([line, JSON.parse((await run(line)).stderr).error.code]).toEqual([line, code]);
    }
    const inexact = { $set: { balance: Decimal128.fromString('1.005') } };
    const standaloneClient = await MongoClient.connect(standalone.uri);
    const accounts = standaloneClient.db(bank.db.databaseName).collection('b1');
    await accounts.updateOne({ account_number: 'NEW' }, inexact);
    const refused = await run('increment branch1 NEW 1');
    expect(JSON.parse(refused.stderr).error.code).toBe('bad_balance');
    expect(String((await accounts.findOne({ account_number: 'NEW' }))?.['balance'])).toBe('1.005');
    const exact = { $set: { balance: Decimal128.fromString('1.00') } };
    await accounts.updateOne({ account_number: 'NEW' }, exact);
    await standaloneClient.close();
    const { stdout } = await run('balance');
    expect(JSON.parse(stdout)).toEqual({
      branches: [{ branch: 'branch1', currency: 'USD', accounts: 2, total: '16.00' }],
      totals: { USD: '16.00' },
    });
    const client = await MongoClient.connect(standalone.uri);
    await client.db(bank.db.databaseName).dropDatabase();
    await client.close();
  });
});
