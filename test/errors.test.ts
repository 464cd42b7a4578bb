import { once } from 'node:events';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { createServer, connect as dial, type Socket } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { MongoClient, ObjectId } from 'mongodb';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { endAbandoned } from '../src/bank/abandoned-transactions.ts';
import { exitStatuses } from '../src/commands/exit-statuses.ts';
import { isRetryable } from '../src/core/error-json.ts';
import { type ErrorCode, errorTable } from '../src/core/errors.ts';
import { shellWord, visible } from '../src/core/text.ts';
import { mongodWith } from './database/own-mongod.ts';
import { startFaultServer } from './fault-server.ts';
import { type RunOptions, run, type Workspace, workspace } from './workspace.ts';

/**
 * How each code is met: the words of one command line on a bank with some accounts, or what has to
 * be done first, which then returns the code. A code without a row here does not compile, and one
 * that its row does not provoke fails: a new row of `errorTable` needs one here.
 */
const provocations: Readonly<Record<ErrorCode, string | ((bank: Workspace) => Promise<unknown>)>> =
  {
    usage: 'balance --nonsense',
    unknown_command: 'nonsense',
    unknown_branch: 'balance nowhere',
    invalid_account: (bank) => codeOf(bank, ['open', 'branch1', 'A\u202EB']),
    invalid_amount: 'increment branch1 ACC 1e3',
    invalid_operation_id: (bank) => codeOf(bank, [...increment, '--id', 'a\u200Bb']),
    invalid_memo: (bank) => codeOf(bank, [...increment, '--memo', 'a\u0007b']),
    invalid_config: (bank) => withFile(bank, 'c.yaml', 'nonsense: 1\n', 'balance --config c.yaml'),
    config_unreadable: 'balance --config nowhere.yaml',
    invalid_uri: 'balance --uri http://example.net',
    journal_disabled: (bank) => {
      const config = 'journal: false\nbranches: { branch1: { collection: branch1 } }\n';
      return withFile(bank, 'c.yaml', config, 'history branch1 ACC --config c.yaml');
    },
    file_unreadable: 'apply nowhere.csv',
    file_empty: (bank) => withFile(bank, 'a.csv', '', 'apply a.csv'),
    invalid_row: (bank) => withFile(bank, 'a.ndjson', '{"id":"a","branch":1}\n', 'apply a.ndjson'),
    not_exportable: async (bank) => {
      await bank.db
        .collection('journal')
        .updateMany({}, { $set: { type: 'odd' } }, { bypassDocumentValidation: true });
      return codeOf(bank, ['export', '--operations']);
    },
    intended_sign: async (bank) => {
      const rows = 'branch1,ACC,20.00\nbranch1,FROZEN,5.00\n';
      await writeFile(join(bank.directory, 'o.csv'), `branch,account,balance\n${rows}`);
      return withFile(bank, 'a.csv', `branch,account,amount\n${rows}`, [
        ...['audit', '--intended', 'a.csv', '--opening', 'o.csv'],
      ]);
    },
    totals_differ: (bank) =>
      withFile(bank, 'a.csv', 'id,branch,account,amount\na,branch1,ACC,1\n', [
        ...['apply', 'a.csv', '--expect-rows', '2'],
      ]),
    row_without_id: (bank) =>
      withFile(bank, 'a.csv', 'branch,account,amount\nbranch1,ACC,1\n', 'apply a.csv'),
    account_not_found: 'balance branch1 NOBODY',
    account_exists: 'open branch1 ACC',
    account_frozen: 'increment branch1 FROZEN 1',
    account_closed: 'increment branch1 CLOSED 1',
    wrong_branch: async (bank) => {
      await damage(bank, { branch: 'branch2' });
      return codeOf(bank, increment);
    },
    foreign_documents: async (bank) => {
      await bank.db.collection('branch2').drop();
      await bank.db.collection<{ _id: string }>('branch2').insertOne({ _id: 'legacy' });
      return codeOf(bank, ['open', 'branch2', 'NEW']);
    },
    bad_balance: async (bank) => {
      await damage(bank, { balance: 'much' });
      return codeOf(bank, increment);
    },
    invalid_owner: (bank) => codeOf(bank, ['label', 'branch1', 'ACC', '--owner', 'two\nlines']),
    invalid_label: 'label branch1 ACC --add ,',
    too_many_labels: async (bank) => {
      const words = Array.from({ length: 20 }, (_, index) => `w${index}`).join(',');
      await bank.run(['label', 'branch1', 'ACC', '--add', words]);
      return codeOf(bank, ['label', 'branch1', 'ACC', '--add', 'more']);
    },
    labels_unchanged: 'label branch1 ACC --owner -',
    labels_changed: async (bank) => {
      await bank.run(['label', 'branch1', 'ACC', '--owner', 'Ada', '--id', 'one']);
      await bank.run(['label', 'branch1', 'ACC', '--owner', 'Bob']);
      return codeOf(bank, ['reverse', 'one']);
    },
    account_not_frozen: 'unfreeze branch1 ACC',
    balance_not_zero: 'close branch1 ACC',
    same_account: 'transfer branch1:ACC branch1:ACC 1',
    currency_mismatch: 'transfer branch1:ACC branch2:EURO 1',
    amount_negative: 'transfer branch1:ACC branch1:FROZEN -1',
    operation_not_found: 'reverse nothing',
    not_reversible: 'reverse open-ACC',
    already_reversed: async (bank) => {
      await bank.run([...increment, '--id', 'one']);
      await bank.run(['reverse', 'one', '--id', 'two']);
      return codeOf(bank, ['reverse', 'one', '--id', 'three']);
    },
    time_out_of_range: 'balance --at 1999-12-31T00:00:00Z',
    refused_by_server: async (bank) => {
      await bank.db.command({ collMod: 'branch1', validator: { status: 'never' } });
      return codeOf(bank, increment);
    },
    batch_refused: async (bank) => {
      const file = 'id,branch,account,amount\na,branch1,ACC,1\nb,branch1,NOBODY,1\n';
      await withFile(bank, 'a.csv', file, 'apply a.csv --atomic --results r.ndjson');
      const [first = ''] = (await readFile(join(bank.directory, 'r.ndjson'), 'utf8')).split('\n');
      const { code, message } = JSON.parse(first);
      meet(bank, 'apply a.csv --atomic --results r.ndjson', { code, message });
      return code;
    },
    too_many_operations: (bank) => {
      const rows = Array.from({ length: 10_001 }, (_, index) => `${index},branch1,ACC,1\n`);
      const file = `id,branch,account,amount\n${rows.join('')}`;
      return withFile(bank, 'a.csv', file, 'apply a.csv --atomic');
    },
    amount_zero: 'increment branch1 ACC 0',
    amount_precision: 'increment branch1 ACC 0.001',
    below_minimum: 'increment branch1 ACC -10.01',
    balance_limit: 'increment branch1 ACC 9999999999999999999999.99',
    operation_id_conflict: 'increment branch1 ACC 1 --id open-ACC',
    not_writable: (bank) =>
      withFile(bank, 'a.csv', 'id,branch,account,amount\na,branch1,ACC,1\n', [
        ...['apply', 'a.csv', '--results', 'nowhere/r.ndjson'],
      ]),
    unreachable: 'balance --timeout 1s --uri mongodb://127.0.0.1:1/',
    authentication_failed: (bank) =>
      codeOf(bank, ['balance', '--uri', inject('uri').replace('://', '://nobody:nothing@')]),
    not_permitted: async (bank) => {
      const socket = encodeURIComponent(await mongodWith('--auth'));
      const client = await MongoClient.connect(`mongodb://${socket}/`);
      const roles = ['userAdminAnyDatabase'];
      await client.db('admin').command({ createUser: 'admin', pwd: 'secret-admin', roles });
      await client.close();
      return codeOf(bank, ['stress', '--uri', `mongodb://admin:secret-admin@${socket}/`]);
    },
    no_transactions: async (bank) => codeOf(bank, ['balance', '--uri', at(await mongodWith())]),
    not_initiated: async (bank) =>
      codeOf(bank, ['balance', '--uri', at(await mongodWith('--replSet', 'rs0'))]),
    timed_out: (bank) =>
      bank.db.client.withSession(async (session) => {
        session.startTransaction();
        await bank.db.collection('branch1').updateMany({}, { $set: { held: 1 } }, { session });
        return codeOf(bank, [...increment, '--timeout', '3s']);
      }),
    snapshot_too_old: async (bank) => {
      const { uri, fail } = await startFaultServer();
      await fail('alwaysOn', { failCommands: ['find', 'aggregate'], errorCode: 239 });
      return codeOf(bank, ['audit', '--uri', uri]);
    },
    outcome_unknown: async (bank) =>
      codeOf(bank, [
        ...increment,
        '--timeout',
        '3s',
        '--uri',
        await silentAfter('commitTransaction'),
      ]),
    database_failed: async (bank) => {
      const config = `database: ${bank.db.databaseName.toUpperCase()}\n${branches}`;
      return withFile(bank, 'c.yaml', config, 'open branch1 ACC --config c.yaml');
    },
    no_mongod: (bank) => codeOf(bank, ['db', 'start'], { env: { BANKCTL_MONGOD: '/nowhere' } }),
    local_database: (bank) =>
      codeOf(bank, ['db', 'start'], { env: { BANKCTL_DATA_DIR: '/dev/null' } }),
    not_ours: (bank) => codeOf(bank, ['stress', '--uri', inject('uri').replace('/?', '/mine?')]),
    config_mismatch: (bank) =>
      withFile(
        bank,
        'c.yaml',
        `database: ${bank.db.databaseName}\nbranches: { main: { collection: branch1 } }\n`,
        'balance --config c.yaml',
      ),
    config_not_trusted: async (bank) => {
      await chmod(join(bank.directory, 'bankctl.config.yaml'), 0o666);
      return codeOf(bank, ['balance']);
    },
    bad_identity: async (bank) => {
      await bank.db.collection('bankctl').updateMany({}, { $set: { branches: 7 } });
      return codeOf(bank, ['balance']);
    },
    bad_document: async (bank) => {
      await damage(bank, { version: 1.5 });
      return codeOf(bank, increment);
    },
    duplicate_account: async (bank) => {
      await bank.db.collection('branch1').dropIndexes();
      const accounts = bank.db.collection('branch1');
      const found = await accounts.findOne({ account_number: 'ACC' }, { promoteLongs: false });
      await accounts.insertOne({ ...found, _id: new ObjectId() });
      return codeOf(bank, increment);
    },
    account_moved: async (bank) => {
      await writeFile(join(bank.directory, 'plan.yaml'), await planFor(bank, { balance: '9.00' }));
      const { stdout } = await bank.run(['repair', 'plan.yaml', '--yes', '--json']);
      const [{ code, reason: message }] = JSON.parse(stdout).moved;
      meet(bank, 'repair plan.yaml', { code, message });
      return code;
    },
    invalid_plan: (bank) => withFile(bank, 'plan.yaml', 'plan: 2\n', 'repair plan.yaml --yes'),
    plan_mismatch: async (bank) =>
      withFile(bank, 'plan.yaml', await planFor(bank, { version: 7 }), 'repair plan.yaml --yes'),
    behind_journal: async (bank) => {
      await bank.db.collection('branch1').deleteMany({});
      return codeOf(bank, ['open', 'branch1', 'ACC']);
    },
    confirmation_needed: 'adopt',
    not_confirmed: async (bank) => {
      await bank.db.collection('branch2').drop();
      await bank.db.collection('branch2').insertOne({ account_number: 'OLD', balance: 1.5 });
      const asked = { canAsk: true, stdin: Readable.from(['no\n']) };
      const { stderr } = await bank.run(['adopt', 'branch2', '--json'], asked);
      const { code, message, hint } = JSON.parse(errorLine(stderr)).error;
      meet(bank, 'adopt branch2', { code, message, hint });
      return code;
    },
    capped_collection: async (bank) => {
      await bank.db.collection('branch2').drop();
      await bank.db.createCollection('branch2', { capped: true, size: 4096 });
      return codeOf(bank, ['open', 'branch2', 'NEW']);
    },
    collated_collection: async (bank) => {
      await bank.db.collection('branch2').drop();
      await bank.db.createCollection('branch2', { collation: { locale: 'en' } });
      return codeOf(bank, ['open', 'branch2', 'NEW']);
    },
    operation_ambiguous: async (bank) => {
      for (const end of ['1', '2']) await bank.run([...increment, '--id', `till-${end}`]);
      return codeOf(bank, ['show', 'till']);
    },
    invalid_history: (bank) =>
      withFile(bank, 'h.ndjson', '{"type":"ok","f":"init","time":0,"value":{}}\n', [
        ...['stress', 'check', join(bank.directory, 'h.ndjson')],
      ]),
    no_local_database: (bank) =>
      codeOf({ ...bank, run: (argv) => run(argv, bank.directory, { HOME: bank.directory }) }, [
        'balance',
      ]),
    file_format: (bank) => withFile(bank, 'a.csv', 'PK\u0003\u0004', 'apply a.csv'),
    row_repeated: (bank) => {
      const row = 'a,branch1,ACC,1\n';
      return withFile(bank, 'a.csv', `id,branch,account,amount\n${row}${row}`, 'apply a.csv');
    },
    line_cut: (bank) => {
      const rows = 'branch1,ACC,1.00\nbranch1,ACC,1';
      return withFile(bank, 'a.csv', `branch,account,amount\n${rows}`, 'apply a.csv --batch a');
    },
    file_repeated: async (bank) => {
      const file = 'branch,account,amount\nbranch1,ACC,1\n';
      await withFile(bank, 'a.csv', file, 'apply a.csv --batch one');
      return codeOf(bank, ['apply', 'a.csv', '--batch', 'two']);
    },
    interrupted: (bank) => codeOf(bank, ['balance'], { interrupted: AbortSignal.abort() }),
  };

const increment = ['increment', 'branch1', 'ACC', '1'];

const branches = `branches:
  branch1: { collection: branch1 }
  branch2: { collection: branch2, currency: EUR }
`;

async function bankWithAccounts(): Promise<Workspace> {
  const bank = await workspace({ config: branches });
  await bank.run(['open', 'branch1', 'ACC', '--balance', '10', '--id', 'open-ACC']);
  for (const account of ['FROZEN', 'CLOSED']) await bank.run(['open', 'branch1', account]);
  await bank.run(['freeze', 'branch1', 'FROZEN']);
  await bank.run(['close', 'branch1', 'CLOSED']);
  await bank.run(['open', 'branch2', 'EURO']);
  return bank;
}

/** The last error among what a command said; empty if there is none. */
function errorLine(stderr: string): string {
  return stderr.split('\n').findLast((text) => text.startsWith('{"error"')) ?? '';
}

/** The code of the error that a command line ends with, whatever else it says. */
async function codeOf(
  bank: Workspace,
  argv: readonly string[],
  options?: RunOptions,
): Promise<unknown> {
  const { status, stderr } = await bank.run(['--json', ...argv], options);
  const last = errorLine(stderr);
  if (last === '') return `no error, but status ${status}: ${stderr}`;
  const { code, message, hint } = JSON.parse(last).error;
  const typed = argv.map((word) => shellWord(word)).join(' ');
  meet(bank, typed, { code, message, hint, status });
  expect([message, hint]).toEqual([
    expect.stringMatching(/^\S.*\.$/s),
    expect.stringMatching(/\S/),
  ]);
  return code;
}

/** A code as it was met: the command line, and what it said. */
interface Met {
  readonly line: string;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly status?: number;
}

/** Each code as its row provoked it, and the last of what was said so far. */
const gallery = new Map<string, Met>();
const heard: Met[] = [];

function meet(bank: Workspace, line: string, { code, ...said }: Omit<Met, 'line'>): void {
  const stable = (text: string) => visible(withoutChance(text, bank));
  const hint = said.hint === undefined ? {} : { hint: stable(said.hint) };
  heard.push({ ...said, ...hint, code, line: stable(line), message: stable(said.message) });
}

/** What differs from run to run: places, ports, times, and ids that nobody chose. */
function withoutChance(text: string, { db, directory }: Workspace): string {
  return text
    .replaceAll(db.databaseName.toUpperCase(), 'BANK')
    .replaceAll(db.databaseName, 'bank')
    .replaceAll(directory, '~/bank')
    .replaceAll(`belongs to ${userInfo().username} `, 'belongs to teller ')
    .replace(/(?<=mongodb:\/\/)[^\s/?'"]*%2F[^\s/?'"]*/g, 'SOCKET')
    .replace(/\/\S*\.sock/g, 'SOCKET')
    .replace(/(?<=127\.0\.0\.1:)\d{2,5}/g, '27017')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z(?<!1999.*)/g, '2026-11-24T18:30:00.000Z')
    .replace(/\b[\da-f]{24}\b/g, '6b0984b99700c3e64c6790c0')
    .replace(/[\da-f]{8}-[\da-f]{4}-[\da-f-]{22}/g, '3ac70ef4-aa62-47e4-885e-800e7012ebb9');
}

async function withFile(
  bank: Workspace,
  name: string,
  content: string,
  argv: string | readonly string[],
): Promise<unknown> {
  await writeFile(join(bank.directory, name), content);
  return codeOf(bank, typeof argv === 'string' ? argv.split(' ') : argv);
}

/** A plan that gives ACC 5.00, with a change that may be other than what is stored. */
async function planFor({ db }: Workspace, changed: object): Promise<string> {
  const identity = await db.collection('bankctl').findOne();
  const change = { branch: 'branch1', amount: '5.00', balance: '10.00', version: 1, ...changed };
  const findings = ['lost_write'];
  const repairs = [{ id: 'fix-1', findings, account: 'ACC', why: 'lost', changes: [change] }];
  const head = { plan: 1, database: db.databaseName, made: '2026-01-02', by: 'clerk@desk' };
  return JSON.stringify({ ...head, database_id: identity?.['database_id'], repairs });
}

async function damage(bank: Workspace, fields: object): Promise<void> {
  await bank.db
    .collection('branch1')
    .updateOne({ account_number: 'ACC' }, { $set: fields }, { bypassDocumentValidation: true });
}

function at(socket: string): string {
  return `mongodb://${encodeURIComponent(socket)}/?directConnection=true`;
}

/** An address of the run's server that says nothing more once it was sent such a command. */
async function silentAfter(command: string): Promise<string> {
  const target = new URL(inject('uri'));
  const sockets: Socket[] = [];
  let silent = false;
  const server = createServer((near) => {
    const far = dial(Number(target.port), target.hostname);
    sockets.push(near, far);
    for (const socket of [near, far]) socket.on('error', () => socket.destroy());
    near.on('data', (data) => {
      if (!silent) far.write(data);
      silent ||= data.includes(command);
    });
    far.on('data', (data) => !silent && near.write(data));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    const client = await MongoClient.connect(inject('uri'));
    await endAbandoned(client);
    await client.close();
  });
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return `mongodb://127.0.0.1:${port}/?directConnection=true`;
}

describe('each code of the table has a way to it', () => {
  test.each(Object.entries(provocations))('%s', async (code, provocation) => {
    const bank = await bankWithAccounts();
    const met =
      typeof provocation === 'string'
        ? await codeOf(bank, provocation.split(' '))
        : await provocation(bank);
    expect(met).toBe(code);
    const last = heard.findLast((one) => one.code === code);
    if (last) gallery.set(code, last);
  });

  test('none is left out', () => {
    expect(Object.keys(provocations).sort()).toEqual(Object.keys(errorTable).sort());
  });
});

/** `npm run docs` writes the page anew. */
test('docs/errors.md shows each code as it was met', async () => {
  const ofStatus = (of: number) =>
    Object.entries(errorTable).filter(([, { status }]) => status === of);
  const sections = exitStatuses.flatMap(({ status, meaning }) => {
    const codes = ofStatus(status);
    if (codes.length === 0) return [];
    const entries = codes.map(([code, row]) => entryOf(code, row));
    return [`## Status ${status}: ${meaning}`, ...entries];
  });
  const page = `${[intro, ...sections].join('\n\n')}\n`;
  await expect(page).toMatchFileSnapshot('../docs/errors.md');
});

const intro = `# Errors

Every error code, provoked for real by a test, with what it said. \`npm run docs\` writes this page
anew; paths, ports, times and made-up ids are replaced, so that it stays the same.

On stderr, an error is a sentence and a line with what to type next, as below. With \`--json\`, it
is one line, \`{"error":{"code","message","hint","retryable"}}\`, with the \`operations\` that it is
about. "May succeed later" is \`retryable\`: what stood in the way was of the moment, and the same
command, with its \`--id\` or \`--batch\`, is safe to repeat.`;

function entryOf(code: string, { meaning, hint }: { meaning: string; hint: string }): string {
  const met = gallery.get(code);
  if (!met) throw new Error(`${code} was not met.`);
  const retryable = isRetryable(code) ? ' May succeed later.' : '';
  const said = [`$ bankctl ${met.line}`, `bankctl: ${met.message}`, met.hint ?? hint];
  return `### \`${code}\`\n\n${meaning}${retryable}\n\n\`\`\`console\n${said.join('\n')}\n\`\`\``;
}

describe('a hint of the table, which stands wherever its code is thrown,', () => {
  test.each(Object.entries(errorTable))('of %s claims no fate', (_, { hint, meaning }) => {
    expect(hint).not.toMatch(
      /\b(nothing|not) (was|is|were) (applied|written|changed)|never arrived/i,
    );
    expect(meaning).not.toMatch(/never arrived/);
    if (/\b(repeat|again)\b/i.test(hint) && !/file|batch/.test(hint)) expect(hint).toMatch(/--id/);
    expect(hint).toMatch(/^\S.*\.$/);
  });
});
