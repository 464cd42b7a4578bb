import { Readable } from 'node:stream';
import { Decimal128, type Document, Double, Int32, Long } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';

const oneBranch = 'branches: { branch1: { collection: branch1 } }\n';
const asDoubles = 'branches: { branch1: { collection: branch1, storage: double } }\n';

const decimal = (text: string) => Decimal128.fromString(text);

/** What `adopt` said, as JSON. */
async function adopt(bank: Workspace, ...options: readonly string[]) {
  const ran = await bank.run(['adopt', '--json', '-q', ...options]);
  return { ...ran, result: ran.stdout === '' ? undefined : JSON.parse(ran.stdout) };
}

/** The one document of the branch, and its operation. */
async function stored(bank: Workspace): Promise<readonly Document[]> {
  const options = { promoteValues: false };
  const [account] = await bank.db.collection('branch1').find({}, options).toArray();
  const [entry] = await bank.db.collection('journal').find({}, options).toArray();
  return [account ?? {}, entry ?? {}];
}

describe('a balance', () => {
  test.each<[what: string, balance: unknown, adopted: string, before?: string]>([
    ['double', new Double(12.5), '12.50'],
    ['sum of doubles', new Double(7044.999999999999), '7045.00'],
    ['double with more digits', new Double(12.345), '12.35', '12.345'],
    ['negative double', new Double(-0.07), '-0.07'],
    ['negative zero', new Double(-0), '0.00'],
    ['int', new Int32(7), '7.00'],
    ['long', Long.fromString('9007199254740993'), '9007199254740993.00'],
    ['decimal', decimal('12.50'), '12.50'],
    ['decimal with an exponent', decimal('1E+2'), '100.00'],
    ['decimal with more digits', decimal('1.005'), '1.01', '1.005'],
    ['decimal that is nearly exact', decimal('2.0000001'), '2.00'],
    ['text', '12.5', '12.50'],
    ['text with white space', ' 3 ', '3.00'],
    ['text with more digits', '-0.125', '-0.13', '-0.125'],
    ['missing one', undefined, '0.00'],
    ['null', null, '0.00'],
  ])('%s is adopted', async (_what, balance, adopted, before) => {
    const bank = await workspace({ config: oneBranch });
    const legacy = { _cls: 'BankAccount', owner: { name: 'Ann' }, account_number: 'A' };
    await bank.db
      .collection('branch1')
      .insertOne({ ...legacy, ...(balance !== undefined && { balance }) });
    const { status, stderr, result } = await adopt(bank, '--yes');
    expect([status, stderr]).toEqual([0, '']);
    const rounded =
      before === undefined
        ? []
        : [{ branch: 'branch1', account: 'A', before, after: adopted, currency: 'USD' }];
    const totals = { branch: 'branch1', currency: 'USD', before: before ?? adopted };
    expect(result).toEqual({
      ...{ adopted: 1, converted: 0, rounded, renumbered: 0, replaced: 0 },
      ...{ conflicts: [], dry_run: false },
      totals: [{ ...totals, after: adopted }],
    });
    const [account, entry] = await stored(bank);
    const version = Long.ONE;
    expect(account).toMatchObject({ ...legacy, branch: 'branch1', version, status: 'open' });
    expect(String(account?.['balance'])).toBe(adopted);
    const [posting] = entry?.['postings'] ?? [];
    expect([String(posting.amount), String(posting.balance_after)]).toEqual([adopted, adopted]);
    expect(entry).toMatchObject({ type: 'adopt', at: account?.['opened_at'], by: 'teller@desk' });
    const isDecimal = balance instanceof Decimal128;
    const isKept = balance == null || (isDecimal && String(balance) === adopted);
    expect(entry?.['was']).toEqual(isKept ? undefined : { balance });
  });

  test.each<[what: string, balance: unknown, text: string]>([
    ['NaN', Number.NaN, 'NaN'],
    ['Infinity', Number.POSITIVE_INFINITY, 'Infinity'],
    ['decimal NaN', decimal('NaN'), 'NaN'],
    ['a comma', '12,50', '"12,50"'],
    ['an array', [1, 2], 'an array'],
    ['an object', { usd: 1 }, 'an object'],
    ['a date', new Date(0), 'a date'],
    ['10^40', 1e40, '1e+40'],
    ['decimal 10^40', decimal('1E+40'), '1E+40'],
    ['true', true, 'true'],
  ])('%s is left alone', async (_what, balance, text) => {
    const bank = await workspace({ config: oneBranch });
    await bank.db.collection('branch1').insertOne({ account_number: 'A', balance });
    const before = await bank.everything();
    const { status, result } = await adopt(bank, '--yes');
    expect([status, result.adopted, result.conflicts]).toEqual([
      1,
      0,
      [
        {
          ...{ branch: 'branch1', code: 'bad_balance', account: 'A', documents: 1 },
          detail: expect.stringContaining(`has the balance ${text}, which is not an amount`),
        },
      ],
    ]);
    expect(withoutBank(await bank.everything())).toBe(withoutBank(before));
  });
});

/** Without the identity, which the first command writes. */
function withoutBank(everything: string): string {
  const collections: readonly [string, unknown][] = JSON.parse(everything);
  return JSON.stringify(collections.filter(([name]) => name !== 'bankctl'));
}

describe('an account number', () => {
  test.each<[what: string, number: unknown, account: string]>([
    ['int', new Int32(17), '17'],
    ['long', Long.fromString('9007199254740993'), '9007199254740993'],
    ['whole double', new Double(42), '42'],
    ['text with white space', '\t ACC 1 \n', 'ACC 1'],
    ['decomposed text', 'Cafe\u0301', 'Caf\u00E9'],
  ])('%s is adopted', async (_what, number, account) => {
    const bank = await workspace({ config: oneBranch });
    await bank.db.collection('branch1').insertOne({ account_number: number, balance: 1 });
    expect(await adopt(bank, '--yes')).toMatchObject({ status: 0, result: { renumbered: 1 } });
    const [document, entry] = await stored(bank);
    expect(document?.['account_number']).toBe(account);
    expect(entry?.['was'].account_number).toEqual(number);
    const posted = await bank.run(['increment', 'branch1', account, '1', '--json']);
    expect(JSON.parse(posted.stdout)).toMatchObject({ balance: '2.00', version: 2 });
  });

  test.each<[what: string, number: unknown, text: string]>([
    ['missing', undefined, 'has no account number'],
    ['a fraction', 1.5, '1.5, which is not a name'],
    ['an object', { a: 1 }, 'an object, which is not a name'],
    ['empty', '  ', 'is empty'],
    ['too long', 'A'.repeat(65), 'has 65 characters'],
    ['invisible', 'A\u202EB', '\\u202e'],
  ])('%s is left alone', async (_what, number, text) => {
    const bank = await workspace({ config: oneBranch });
    await bank.db.collection('branch1').insertOne({ account_number: number, balance: 1 });
    const before = await bank.everything();
    const { status, result } = await adopt(bank, '--yes');
    expect([status, result.conflicts]).toEqual([
      1,
      [
        {
          ...{ branch: 'branch1', code: 'invalid_account', account: null, documents: 1 },
          detail: expect.stringContaining(text),
        },
      ],
    ]);
    expect(withoutBank(await bank.everything())).toBe(withoutBank(before));
  });

  test('of several documents is never picked, in whatever spelling', async () => {
    const bank = await workspace({ config: oneBranch });
    await bank.run(['open', 'branch1', '7']);
    await bank.db.collection('branch1').dropIndexes();
    await bank.db.command({ collMod: 'branch1', validator: {} });
    await bank.db.collection<Document & { _id: number }>('branch1').insertMany([
      { _id: 1, account_number: 'A', balance: 1 },
      { _id: 2, account_number: ' A', balance: 2 },
      { _id: 3, account_number: 7, balance: 3 },
      { _id: 4, account_number: 'B', balance: 4 },
    ]);
    const { status, result } = await adopt(bank, '--yes');
    expect([status, result.adopted]).toEqual([1, 1]);
    const code = 'duplicate_account';
    expect(result.conflicts).toEqual([
      {
        ...{ branch: 'branch1', code, account: '7', documents: 2 },
        detail: expect.stringMatching(/^2 documents with the number "7": _id 3, \w{24}\.$/),
      },
      {
        ...{ branch: 'branch1', code, account: 'A', documents: 2 },
        detail: '2 documents with the number "A": _id 1, 2.',
      },
    ]);
    const adopted = await bank.db.collection('branch1').find({ version: 1 }).toArray();
    expect(adopted.map((document) => document['account_number']).sort()).toEqual(['7', 'B']);
  });
});

describe('a document', () => {
  test('that only says which branch it is of is adopted like any other', async () => {
    const bank = await workspace({ config: oneBranch });
    await bank.run(['open', 'branch1', 'KNOWN']);
    await bank.db.command({ collMod: 'branch1', validator: {} });
    const legacy = { account_number: 'A', balance: 1, branch: 'branch1' };
    await bank.db.collection('branch1').insertOne(legacy);
    expect(await adopt(bank, '--yes')).toMatchObject({ status: 0, result: { adopted: 1 } });
  });

  test('of another branch, of a known account, or without a version is left alone', async () => {
    const bank = await workspace({ config: oneBranch });
    for (const account of ['GONE', 'ODD', 'SPOILT']) await bank.run(['open', 'branch1', account]);
    const accounts = bank.db.collection('branch1');
    await bank.db.command({ collMod: 'branch1', validator: {} });
    await accounts.replaceOne({ account_number: 'GONE' }, { account_number: 'GONE', balance: 1 });
    await accounts.updateOne({ account_number: 'ODD' }, { $set: { version: 1.5 } });
    await accounts.updateOne({ account_number: 'SPOILT' }, { $unset: { balance: '' } });
    await accounts.insertOne({ account_number: 'AWAY', balance: 1, branch: 'branch9' });
    const oddVersion = /^The document of "ODD" \(_id \w+\) has no valid version\.$/;
    for (const options of [['--dry-run'], ['--yes']]) {
      const before = await bank.everything();
      const { status, result } = await adopt(bank, ...options);
      expect([status, result.adopted, result.converted]).toEqual([1, 0, 0]);
      expect(result.conflicts).toMatchObject([
        { code: 'bad_balance', account: 'SPOILT', detail: expect.stringContaining('no balance') },
        { code: 'bad_document', account: 'ODD', detail: expect.stringMatching(oddVersion) },
        { code: 'behind_journal', account: 'GONE', detail: expect.stringContaining('postings') },
        { code: 'misplaced_document', account: 'AWAY', detail: expect.stringContaining('branch9') },
      ]);
      expect(await bank.everything()).toBe(before);
    }
  });

  test('has fields that are written over kept in the journal', async () => {
    const bank = await workspace({ config: oneBranch });
    const own = { status: 'gold', version: 9, opened_at: 'long ago', posted_at: [1] };
    await bank.db.collection('branch1').insertOne({ account_number: 'A', balance: 1.5, ...own });
    const options = ['--replace-fields', '--yes'];
    expect(await adopt(bank, ...options)).toMatchObject({ status: 0, result: { replaced: 1 } });
    const entry = await bank.db.collection('journal').findOne();
    expect(entry?.['was']).toEqual({ balance: 1.5, ...own });
    const shown = await bank.run(['show', String(entry?._id), '--json']);
    expect(JSON.parse(shown.stdout).was).toEqual({
      ...{ balance: '1.5', status: 'gold', version: '9', opened_at: 'long ago' },
      posted_at: '[1]',
    });
  });

  test('that is no account is counted with the others, however many there are', async () => {
    const bank = await workspace({ config: oneBranch });
    const accounts = bank.db.collection('branch1');
    await accounts.insertMany(Array.from({ length: 5000 }, (_, index) => ({ order: index })));
    await accounts.insertMany(
      Array.from({ length: 500 }, (_, index) => ({ account_number: `B${index}`, balance: 'x' })),
    );
    const { status, result } = await adopt(bank, '--yes');
    expect(status).toBe(1);
    const sums = result.conflicts.filter(({ account }: Document) => account === null);
    expect(sums).toEqual([
      {
        ...{ branch: 'branch1', code: 'bad_balance', account: null, documents: 400 },
        detail: expect.stringContaining('400 more are in the same state'),
      },
      {
        ...{ branch: 'branch1', code: 'invalid_account', account: null, documents: 5000 },
        detail: expect.stringContaining('has no account number'),
      },
    ]);
    expect(result.conflicts).toHaveLength(102);
  });
});

describe('a branch of doubles', () => {
  test('keeps doubles, and refuses what they cannot hold', async () => {
    const bank = await workspace({ config: asDoubles });
    await bank.db.collection('branch1').insertMany([
      { account_number: 'A', balance: new Double(0.1 + 0.2) },
      { account_number: 'B', balance: decimal('5.00') },
      { account_number: 'C', balance: decimal('9999999999999.99') },
      { account_number: 'D', balance: decimal('10000000000000.00') },
    ]);
    const { status, result } = await adopt(bank, '--yes');
    expect([status, result.adopted]).toEqual([1, 3]);
    expect(result.conflicts).toMatchObject([{ code: 'balance_limit', account: 'D' }]);
    const options = { promoteValues: false, sort: { account_number: 1 } } as const;
    const documents = await bank.db.collection('branch1').find({}, options).toArray();
    expect(documents.map(({ balance }) => balance)).toEqual([
      new Double(0.3),
      new Double(5),
      new Double(9999999999999.99),
      decimal('10000000000000.00'),
    ]);
  });

  test('becomes one of decimals and back, without a posting', async () => {
    const bank = await workspace({ config: oneBranch });
    await bank.run(['open', 'branch1', 'A', '--balance', '12.50']);
    await bank.db.command({ collMod: 'branch1', validator: {} });
    const accounts = bank.db.collection('branch1');
    await accounts.updateOne({}, { $set: { balance: new Double(12.499999999999998) } });
    const journal = await bank.db.collection('journal').find().toArray();
    expect(await adopt(bank, '--dry-run')).toMatchObject({ result: { adopted: 0, converted: 1 } });
    expect(await adopt(bank, '--yes')).toMatchObject({ status: 0, result: { converted: 1 } });
    expect(await adopt(bank, '--yes')).toMatchObject({ status: 0, result: { converted: 0 } });
    const [account] = await stored(bank);
    expect([account?.['balance'], account?.['version']]).toEqual([decimal('12.50'), Long.ONE]);
    expect(await bank.db.collection('journal').find().toArray()).toEqual(journal);
  });
});

describe('the question', () => {
  async function asked(answer: string, ...options: readonly string[]) {
    const bank = await workspace({ config: oneBranch });
    await bank.db.collection('branch1').insertMany([
      { account_number: 'A', balance: 1.5 },
      { account_number: 'B', balance: '12.345' },
      { account_number: 'C', balance: 'x' },
    ]);
    const before = await bank.everything();
    const stdin = Readable.from([answer]);
    const ran = await bank.run(['adopt', ...options], { canAsk: true, stdin });
    return { bank, ran, isSame: (await bank.everything()) === before };
  }

  test.each(['y\n', 'YES\n', ' yes \n', 'y'])('is answered with %j', async (answer) => {
    const { ran, isSame } = await asked(answer);
    expect([ran.status, isSame]).toEqual([1, false]);
    expect(ran.stderr).toContain('Adopt these? [y/N] ');
    expect(ran.stderr).toContain(
      'branch1: 2 documents to adopt, 1 balance to round, 1 document to leave alone; ' +
        'the total is 13.85, instead of 13.845 (USD).',
    );
    expect(ran.stderr).toContain('branch1, bad_balance: The document of "C"');
  });

  test.each(['n\n', '\n', '', 'yess\n', 'no\ny\n'])('is answered with %j', async (answer) => {
    const { ran, isSame } = await asked(answer);
    expect([ran.status, ran.stdout, isSame]).toEqual([1, '', true]);
    expect(ran.stderr).toContain('Nothing was changed');
  });

  test('is followed by another look at what was put there meanwhile', async () => {
    const bank = await workspace({ config: oneBranch });
    const branch1 = bank.db.collection('branch1');
    await branch1.insertOne({ account_number: 'A', balance: 1.5 });
    await branch1.insertOne({ account_number: 'B', balance: 2.5 });
    async function* answer() {
      await branch1.insertOne({ account_number: 'A', balance: 9 });
      yield 'y\n';
    }
    const stdin = Readable.from(answer());
    const ran = await bank.run(['adopt', '--json'], { canAsk: true, stdin });
    const { status, stdout, stderr } = ran;
    expect(stderr).toContain('{"notice":{"code":"question","message":"Adopt these? [y/N]"}}\n');
    const { adopted, conflicts } = JSON.parse(stdout);
    expect([status, adopted, conflicts]).toEqual([
      ...[1, 1, [expect.objectContaining({ code: 'duplicate_account', account: 'A' })]],
    ]);
  });

  test('is shown with --quiet too, and not asked with --yes', async () => {
    expect((await asked('', '--quiet')).ran.stderr).toContain('Adopt these? [y/N]');
    const { ran, isSame } = await asked('', '--yes');
    expect([ran.status, isSame]).toEqual([1, false]);
    expect(ran.stderr).not.toContain('Adopt these?');
  });

  test('is ended by Ctrl-C', async () => {
    const bank = await workspace({ config: oneBranch });
    await bank.db.collection('branch1').insertOne({ account_number: 'A', balance: 1.5 });
    const before = await bank.everything();
    const controller = new AbortController();
    const stdin = new Readable({ read: () => controller.abort() });
    const options = { canAsk: true, stdin, interrupted: controller.signal };
    const { status, stdout, stderr } = await bank.run(['adopt'], options);
    expect([status, stdout]).toEqual([130, '']);
    expect(stderr).toContain('Interrupted');
    expect(await bank.everything()).toBe(before);
  });

  test('cannot be asked of a program', async () => {
    const bank = await workspace({ config: oneBranch });
    await bank.db.collection('branch1').insertOne({ account_number: 'A', balance: 1.5 });
    const before = await bank.everything();
    const { status, stdout, stderr } = await adopt(bank);
    expect([status, stdout]).toEqual([2, '']);
    expect(JSON.parse(stderr).error).toMatchObject({
      code: 'confirmation_needed',
      hint: expect.stringContaining('--yes'),
    });
    expect(await bank.everything()).toBe(before);
  });
});

test('without a journal, nothing is adopted', async () => {
  const bank = await workspace({ config: `journal: false\n${oneBranch}` });
  await bank.db.collection('branch1').insertOne({ account_number: 'A', balance: 1.5 });
  const before = await bank.everything();
  for (const option of ['--yes', '--dry-run']) {
    const { status, stderr } = await adopt(bank, option);
    expect([status, JSON.parse(stderr).error.code]).toEqual([2, 'journal_disabled']);
  }
  expect(await bank.everything()).toBe(before);
});

test('a capped collection is refused before anything is written', async () => {
  const bank = await workspace({ config: oneBranch });
  await bank.db.createCollection('branch1', { capped: true, size: 4096 });
  await bank.db.collection('branch1').insertOne({ account_number: 'A', balance: 1.5 });
  const before = await bank.everything();
  for (const option of ['--yes', '--dry-run']) {
    const { status, stderr } = await adopt(bank, option);
    expect([status, JSON.parse(stderr).error.code]).toEqual([1, 'capped_collection']);
  }
  expect(await bank.everything()).toBe(before);
});

describe('the guards of a collection', () => {
  const guards = async ({ db }: Workspace) => {
    const [found] = await db.listCollections({ name: 'branch1' }).toArray();
    const indexes = await db.collection('branch1').indexes();
    const validator = found && 'options' in found ? found.options?.['validator'] : undefined;
    return [validator !== undefined, indexes.some(({ unique }) => unique === true)];
  };

  test('are made when nothing breaks them', async () => {
    const bank = await workspace({ config: oneBranch });
    await bank.db.collection('branch1').insertOne({ account_number: 'A', balance: 1.5 });
    expect((await adopt(bank, '--yes')).status).toBe(0);
    expect(await guards(bank)).toEqual([true, true]);
  });

  test('are made as far as possible, and the rest is said', async () => {
    const bank = await workspace({ config: oneBranch });
    await bank.db.collection('branch1').insertOne({ account_number: 'A', balance: 'x' });
    const { stderr } = await bank.run(['adopt', '--yes']);
    expect(await guards(bank)).toEqual([false, true]);
    expect(stderr).toContain('branch1 has no validator yet: The collection branch1 holds');
    expect(stderr).not.toContain('no index');
    const twice = { account_number: 'T', balance: 1 };
    await bank.db.collection('branch1').dropIndexes();
    await bank.db.collection('branch1').insertMany([{ ...twice }, { ...twice }]);
    const again = await bank.run(['adopt', '--yes']);
    expect(again.stderr).toContain('branch1 has no index yet: The collection branch1 has two');
    expect(await guards(bank)).toEqual([false, false]);
  });
});
