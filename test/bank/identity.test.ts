import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Decimal128, Long } from 'mongodb';
import { describe, expect, inject, test } from 'vitest';
import { run as runIn, type Workspace, workspace } from '../workspace.ts';

const two = 'branches: { a: { collection: c1 }, b: { collection: c2, currency: EUR } }';

/** Replaces the config of a workspace, whose database stays. */
async function reconfigure(bank: Workspace, config: string): Promise<void> {
  const path = join(bank.directory, 'bankctl.config.yaml');
  await writeFile(path, `database: ${bank.db.databaseName}\n${config}\n`);
}

async function errorOf(bank: Workspace, line: string) {
  const { status, stderr, stdout } = await bank.run([...line.split(' '), '--json', '-q']);
  expect(stdout).toBe('');
  return { status, ...JSON.parse(stderr).error };
}

const identityOf = (bank: Workspace) => bank.db.collection('bankctl').find().toArray();

/** A bank with one account in each of its branches. */
async function claimedBank(config = two): Promise<Workspace> {
  const bank = await workspace({ config });
  for (const branch of ['a', 'b']) {
    expect(await bank.run(['open', branch, 'ACC', '--balance', '5'])).toMatchObject({ status: 0 });
  }
  return bank;
}

describe('the identity', () => {
  test('is written with the first operation, and only then', async () => {
    const bank = await claimedBank();
    const [identity, ...others] = await identityOf(bank);
    expect(others).toEqual([]);
    expect(identity).toEqual({
      _id: 'bank',
      database_id: expect.stringMatching(/^[\da-f-]{36}$/),
      journal: 'journal',
      branches: [
        { branch: 'a', collection: 'c1', currency: 'USD' },
        { branch: 'b', collection: 'c2', currency: 'EUR' },
      ],
    });
    expect(await bank.run(['increment', 'a', 'ACC', '1'])).toMatchObject({ status: 0 });
    expect(await identityOf(bank)).toEqual([identity]);
  });

  test.each([
    'increment a NOBODY 1',
    'increment a ACC 0 --create',
    'open a ACC --dry-run',
    'balance',
    'increment nowhere ACC 1',
  ])('is not written by %s', async (line) => {
    for (const journal of ['', 'journal: false\n']) {
      const bank = await workspace({ config: journal + two });
      await bank.run(line.split(' '));
      expect(await bank.everything()).toBe('[]');
    }
  });

  test('is written by init, even without a journal', async () => {
    const made = await workspace({ config: two });
    expect(await made.run(['init'])).toMatchObject({ status: 0 });
    expect(await identityOf(made)).toHaveLength(1);
    const plain = await workspace({ config: `journal: false\n${two}` });
    expect(await plain.run(['open', 'a', 'ACC'])).toMatchObject({ status: 0 });
    expect(await identityOf(plain)).toMatchObject([{ journal: false }]);
    await reconfigure(plain, two);
    expect(await errorOf(plain, 'open a X')).toMatchObject({ code: 'config_mismatch' });
  });

  test('gains a new branch of the config with the next write', async () => {
    const bank = await claimedBank();
    const third = two.replace(' }}', ' }').replace(/\}$/, ', c: { collection: c3 } }');
    await reconfigure(bank, third);
    expect(await bank.run(['balance'])).toMatchObject({ status: 0 });
    expect((await identityOf(bank))[0]?.['branches']).toHaveLength(2);
    expect(await bank.run(['increment', 'a', 'ACC', '1'])).toMatchObject({ status: 0 });
    expect((await identityOf(bank))[0]?.['branches']).toHaveLength(3);
    await reconfigure(bank, two.replace('c1', 'c3').replace('a:', 'c:'));
    const left = await bank.run(['balance']);
    expect(left).toMatchObject({ status: 0, stderr: expect.stringContaining('leaves out "a"') });
  });
});

describe('a config that contradicts the identity', () => {
  const contradictions: readonly [what: string, config: string, both: readonly string[]][] = [
    [
      'collections swapped',
      two.replace('c1', 'x').replace('c2', 'c1').replace('x', 'c2'),
      [
        'the collection of a is "c2" in the config and "c1" in the database',
        'the collection of b is "c1" in the config and "c2" in the database',
      ],
    ],
    [
      'a branch renamed',
      two.replace('a:', 'main:'),
      ['the branch of the collection "c1" is "main" in the config and "a" in the database'],
    ],
    [
      'two names',
      two.replace('a:', 'x:').replace('b:', 'a:').replace('x:', 'b:'),
      ['"c1"', '"c2"'],
    ],
    ['a collection moved', two.replace('c1', 'c9'), ['"c9"', '"c1"']],
    ['the journal renamed', `journal: j2\n${two}`, ['the journal is "j2"', 'and "journal" in']],
    ['no journal', `journal: false\n${two}`, ['the journal is false', 'and "journal" in']],
    ['the currency changed', two.replace('EUR', 'USD'), ['currency of b is "USD"', '"EUR"']],
    ['the currency of the bank', `currency: GBP\n${two}`, ['currency of a is "GBP"', '"USD"']],
    ['the journal as a branch', `journal: j2\n${two.replace('c1', 'journal')}`, ['"j2"']],
  ];
  const commands = [
    'increment a ACC 1',
    'increment a ACC 1 --dry-run',
    'balance',
    'branches',
    'export',
    'export --operations',
    'init',
    'balance a ACC',
    'history a ACC',
    'show X',
  ];

  test.each(contradictions)('is refused, naming both values: %s', async (_what, config, both) => {
    const bank = await claimedBank();
    const before = await bank.everything();
    await reconfigure(bank, config);
    for (const command of commands) {
      const line = /\ba: /.test(config) ? command : command.replace(' a ', ' b ');
      const error = await errorOf(bank, line);
      if (error.code === 'journal_disabled') continue;
      expect([line, error.status, error.code]).toEqual([line, 2, 'config_mismatch']);
      for (const value of both) expect(error.message).toContain(value);
    }
    expect(await bank.everything()).toBe(before);
  });

  test('lets exactly one of two first commands win', async () => {
    for (let round = 0; round < 10; round += 1) {
      const bank = await workspace({ config: two });
      const other = join(bank.directory, 'other.yaml');
      const config = `database: ${bank.db.databaseName}\n${two.replace('c1', 'c3')}`;
      await writeFile(other, config);
      const both = await Promise.all([
        bank.run(['open', 'a', 'ACC', '--balance', '5']),
        bank.run(['open', 'a', 'ACC', '--balance', '7', '--config', other]),
      ]);
      expect(both.map(({ status }) => status).sort()).toEqual([0, 2]);
      expect(both.map(({ stderr }) => stderr).join()).toMatch(/"c[13]" in the config and "c[13]"/);
      expect(await bank.db.collection('journal').countDocuments()).toBe(1);
      const [identity] = await identityOf(bank);
      const { collection } = identity?.['branches'][0] ?? {};
      expect(await bank.db.collection(collection).countDocuments()).toBe(1);
    }
  });

  test('lets eight identical first commands all succeed', async () => {
    const bank = await workspace({ config: two });
    const opened = await Promise.all(
      Array.from({ length: 8 }, (_, index) => bank.run(['open', 'a', `ACC${index}`])),
    );
    expect(opened.map(({ status }) => status)).toEqual(Array(8).fill(0));
    expect(await identityOf(bank)).toHaveLength(1);
    expect(await bank.db.collection('journal').countDocuments()).toBe(8);
  });

  test('agrees even without a journal, when no transaction decides', async () => {
    for (let round = 0; round < 10; round += 1) {
      const bank = await workspace({ config: `journal: false\n${two}` });
      const other = join(bank.directory, 'other.yaml');
      const config = two.replace('c1', 'c3');
      await writeFile(other, `database: ${bank.db.databaseName}\njournal: false\n${config}`);
      const both = await Promise.all([
        bank.run(['open', 'a', 'ACC', '--balance', '5']),
        bank.run(['open', 'a', 'ACC', '--balance', '7', '--config', other]),
      ]);
      expect(both.map(({ status }) => status).sort()).toEqual([0, 2]);
    }
  });
});

describe('a database of an earlier version, without an identity', () => {
  async function earlier(): Promise<Workspace> {
    const bank = await claimedBank();
    await bank.db.collection('bankctl').drop();
    return bank;
  }

  test('is read as before, and claimed by the first write', async () => {
    const bank = await earlier();
    expect(await bank.run(['balance'])).toMatchObject({ status: 0 });
    expect(await identityOf(bank)).toEqual([]);
    expect(await bank.run(['increment', 'a', 'ACC', '1'])).toMatchObject({ status: 0 });
    expect(await identityOf(bank)).toHaveLength(1);
  });

  test('is claimed once by eight concurrent writes, none of which is lost', async () => {
    const bank = await claimedBank();
    for (let index = 0; index < 8; index += 1) await bank.run(['open', 'a', `ACC${index}`]);
    await bank.db.collection('bankctl').drop();
    const written = await Promise.all(
      Array.from({ length: 8 }, (_, index) => bank.run(['increment', 'a', `ACC${index}`, '1'])),
    );
    expect(written.map(({ status }) => status)).toEqual(Array(8).fill(0));
    expect(await identityOf(bank)).toHaveLength(1);
    expect(await bank.db.collection('journal').countDocuments({ type: 'increment' })).toBe(8);
  });

  test.each([
    ['collections swapped', two.replace('c1', 'x').replace('c2', 'c1').replace('x', 'c2')],
    ['a branch renamed', two.replace('a:', 'main:')],
    ['the journal renamed', `journal: j2\n${two}`],
    ['no journal', `journal: false\n${two}`],
  ])('is not claimed by a config that its documents contradict: %s', async (_what, config) => {
    const bank = await earlier();
    const before = await bank.everything();
    await reconfigure(bank, config);
    for (const line of [
      'open b NEW',
      'open b NEW --dry-run',
      'init',
      'increment b NEW 1 --create',
    ]) {
      expect([line, await errorOf(bank, line)]).toMatchObject([
        line,
        { status: 2, code: 'config_mismatch' },
      ]);
    }
    expect(await bank.everything()).toBe(before);
    expect(await bank.db.listCollections({ name: 'j2' }).toArray()).toEqual([]);
  });

  test('is claimed despite one misplaced document among many', async () => {
    const bank = await earlier();
    await bank.db.collection('c1').insertOne(
      {
        account_number: 'LOST',
        branch: 'b',
        balance: Decimal128.fromString('1'),
        version: Long.ONE,
      },
      { bypassDocumentValidation: true },
    );
    expect(await bank.run(['increment', 'a', 'ACC', '1'])).toMatchObject({ status: 0 });
  });
});

describe('a hostile identity', () => {
  const branch = { branch: 'a', collection: 'c1', currency: 'USD' };
  const id = '0f0e0d0c-0000-4000-8000-000000000000';
  const sound = { database_id: id, journal: 'journal', branches: [branch] };
  test.each([
    ['nothing', {}],
    ['no array', { ...sound, branches: { 0: branch } }],
    ['null', { ...sound, branches: null }],
    ['wrong types', { ...sound, branches: [{ ...branch, collection: 7 }] }],
    ['a branch that is no document', { ...sound, branches: [null] }],
    ['a branch twice', { ...sound, branches: [branch, { ...branch, collection: 'c9' }] }],
    ['a collection twice', { ...sound, branches: [branch, { ...branch, branch: 'z' }] }],
    ['a journal that is true', { ...sound, journal: true }],
    ['an id that is no UUID', { ...sound, database_id: '\u001b[31m' }],
  ])('is refused by every command: %s', async (_what, document) => {
    const bank = await workspace({ config: two });
    await bank.db.collection<{ _id: string }>('bankctl').insertOne({ _id: 'bank', ...document });
    for (const line of ['balance', 'open a ACC', 'init']) {
      expect(await errorOf(bank, line)).toMatchObject({ status: 1, code: 'bad_identity' });
    }
    expect(await bank.run(['init', '--rename'])).toMatchObject({ status: 0 });
    expect(await bank.run(['open', 'a', 'ACC'])).toMatchObject({ status: 0 });
  });

  test('may be huge and have unknown fields', async () => {
    const bank = await workspace({ config: two });
    await bank.db
      .collection<{ _id: string; later: string }>('bankctl')
      .insertOne({ _id: 'bank', ...sound, later: 'x'.repeat(10_000_000) });
    expect(await bank.run(['open', 'b', 'ACC'])).toMatchObject({ status: 0 });
    expect((await identityOf(bank))[0]).toMatchObject({ later: /^x/, database_id: id });
  });

  test('has its names shown with terminal codes escaped', async () => {
    const bank = await claimedBank();
    const name = `\u001b]52;c;\u0007${'x'.repeat(1000)}`;
    await bank.db.collection('bankctl').updateOne({}, { $set: { journal: name } });
    const { stderr } = await bank.run(['balance']);
    expect(stderr.replaceAll('\n', '')).not.toMatch(/\p{Cc}|x{100}/u);
  });
});

describe('init --rename', () => {
  async function renamed(bank: Workspace, config: string) {
    await reconfigure(bank, config);
    return bank.run(['init', '--rename']);
  }

  test('follows a collection and a journal that were moved in the database', async () => {
    const bank = await claimedBank();
    const [before] = await identityOf(bank);
    await bank.db.collection('c1').rename('moved');
    await bank.db.collection('journal').rename('j2');
    const config = `journal: j2\n${two.replace('c1', 'moved')}`;
    await reconfigure(bank, config);
    expect(await bank.run(['init', '--rename', '--dry-run'])).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/Would change: the journal is "j2".* and "journal" in/),
    });
    expect(await identityOf(bank)).toEqual([before]);
    const answer = await renamed(bank, config);
    expect(answer).toMatchObject({ status: 0, stderr: expect.stringContaining('"c1"') });
    const [after] = await identityOf(bank);
    expect(after).toMatchObject({ database_id: before?.['database_id'], journal: 'j2' });
    expect(await bank.run(['increment', 'a', 'ACC', '1'])).toMatchObject({ status: 0 });
  });

  test('follows an empty branch that was renamed, and a currency with as many digits', async () => {
    const bank = await workspace({ config: two });
    await bank.run(['init']);
    expect(await renamed(bank, two.replace('a:', 'main:'))).toMatchObject({ status: 0 });
    expect(await bank.run(['open', 'main', 'ACC'])).toMatchObject({ status: 0 });
    expect(await renamed(bank, two.replace('a:', 'main:').replace('EUR', 'GBP'))).toMatchObject({
      status: 0,
    });
    expect((await identityOf(bank))[0]?.['branches']).toEqual([
      { branch: 'main', collection: 'c1', currency: 'USD' },
      { branch: 'b', collection: 'c2', currency: 'GBP' },
    ]);
  });

  test.each([
    ['collections swapped', two.replace('c1', 'x').replace('c2', 'c1').replace('x', 'c2')],
    ['a branch renamed', two.replace('a:', 'main:')],
    ['a collection left behind', two.replace('c1', 'c9')],
    ['the journal left behind', `journal: j2\n${two}`],
    ['no journal', `journal: false\n${two}`],
    ['other digits', two.replace('EUR', 'JPY')],
  ])('is refused if a document contradicts it: %s', async (_what, config) => {
    const bank = await claimedBank();
    const before = await bank.everything();
    await reconfigure(bank, config);
    expect(await bank.run(['init', '--rename', '--dry-run'])).toMatchObject({ status: 2 });
    const answer = await renamed(bank, config);
    expect(answer).toMatchObject({ status: 2, stderr: expect.not.stringContaining('Changed') });
    expect(await bank.everything()).toBe(before);
  });
});

test('a copy under another database name is the same bank', async () => {
  const bank = await claimedBank();
  const copy = await workspace({ config: two });
  for (const name of ['c1', 'c2', 'journal', 'bankctl']) {
    await copy.db.collection(name).insertMany(await bank.db.collection(name).find().toArray());
  }
  expect(await copy.run(['increment', 'a', 'ACC', '1'])).toMatchObject({ status: 0 });
  expect(await identityOf(copy)).toEqual(await identityOf(bank));
});

describe('the database of the URI', () => {
  const uriOf = (database: string, query = '') =>
    inject('uri')
      .replace(/\/(\?|$)/, `/${database}?${query}&`)
      .replace(/[?&]+$/, '');

  test.each(['increment a ACC 1 --create', 'balance', 'init', 'export'])(
    'is refused if the config file names another: %s',
    async (line) => {
      const bank = await workspace({ config: two });
      const env = { BANKCTL_URI: uriOf('other_bank') };
      const answer = await bank.run([...line.split(' '), '--json', '-q'], { env });
      expect(answer.status).toBe(2);
      const { error } = JSON.parse(answer.stderr);
      expect(error.code).toBe('config_mismatch');
      expect(error.message).toContain('"other_bank"');
      expect(error.message).toContain(bank.db.databaseName);
      expect(await bank.everything()).toBe('[]');
    },
  );

  test('is used if the config names none, and may repeat the one it names', async () => {
    const bank = await workspace({ config: two });
    const { databaseName } = bank.db;
    const env = { BANKCTL_URI: uriOf(databaseName), HOME: bank.directory };
    expect(await bank.run(['open', 'a', 'ACC'], { env })).toMatchObject({ status: 0 });
    await writeFile(join(bank.directory, 'bankctl.config.yaml'), two);
    expect(await bank.run(['open', 'a', 'ACC2'], { env })).toMatchObject({ status: 0 });
    expect(await bank.db.collection('c1').countDocuments()).toBe(2);
    const builtIn = await workspace();
    const elsewhere = { BANKCTL_URI: uriOf(builtIn.db.databaseName) };
    expect(await runIn(['open', 'branch1', 'A'], '/', elsewhere)).toMatchObject({ status: 0 });
    expect(await builtIn.db.collection('branch1').countDocuments()).toBe(1);
  });

  test.each(['admin', '%61dmin'])('/%s gets a hint about authSource', async (name) => {
    const bank = await workspace({ config: two });
    const env = { BANKCTL_URI: uriOf(name) };
    const answer = await bank.run(['balance'], { env });
    expect(answer).toMatchObject({ status: 2 });
    expect(answer.stderr).toContain('authSource=admin');
    const builtIn = await runIn(['balance'], '/', env);
    expect(builtIn).toMatchObject({ status: 2 });
    expect(builtIn.stderr).toContain('authSource=admin');
  });

  test.each(['a%2Fb', 'a.b', '%24x', 'x'.repeat(64), 'local'])('%s is refused', async (name) => {
    const answer = await runIn(['balance'], '/', { BANKCTL_URI: uriOf(name) });
    expect(answer).toMatchObject({ status: 2, stderr: expect.stringContaining('The URI names') });
  });
});
