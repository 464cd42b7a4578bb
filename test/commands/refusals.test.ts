import { Decimal128, Long } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';

/** An account in each situation that a command can meet. */
async function bankInEverySituation(): Promise<Workspace> {
  const bank = await workspace();
  for (const account of ['OPEN', 'FROZEN', 'CLOSED', 'WRONG', 'NAN', 'FINE']) {
    await bank.run(['open', 'branch1', account, '--balance', '10', '--id', `open-${account}`]);
  }
  const accounts = bank.db.collection('branch1');
  const raw = { bypassDocumentValidation: true };
  const set = (account_number: string, fields: object) =>
    accounts.updateOne({ account_number }, { $set: fields }, raw);
  await set('FROZEN', { status: 'frozen' });
  await set('CLOSED', { status: 'closed', balance: Decimal128.fromString('0') });
  await set('WRONG', { branch: 'branch2' });
  await set('NAN', { balance: Decimal128.fromString('NaN') });
  await set('FINE', { balance: Decimal128.fromString('1.005') });
  await accounts.insertOne(
    { account_number: 'LEGACY', balance: 5.5, version: Long.ONE },
    { bypassDocumentValidation: true },
  );
  return bank;
}

const refusals: readonly [argv: string, code: string, status: number][] = [
  // The rules: status 1.
  ['increment branch1 NOBODY 1', 'account_not_found', 1],
  ['increment branch1 FROZEN 1', 'account_frozen', 1],
  ['increment branch1 CLOSED 1', 'account_closed', 1],
  ['increment branch1 WRONG 1', 'wrong_branch', 1],
  ['increment branch1 LEGACY 1', 'wrong_branch', 1],
  ['increment branch1 LEGACY 1 --create', 'wrong_branch', 1],
  ['increment branch1 NAN 1', 'bad_balance', 1],
  ['increment branch1 FINE 1', 'bad_balance', 1],
  ['increment branch1 OPEN -10.01', 'below_minimum', 1],
  ['increment branch1 OPEN 0', 'amount_zero', 1],
  ['increment branch1 OPEN -0', 'amount_zero', 1],
  ['increment branch1 OPEN 1.005', 'amount_precision', 1],
  ['increment branch1 OPEN 9999999999999999999999.99', 'balance_limit', 1],
  ['increment branch1 NEW -1 --create', 'below_minimum', 1],
  ['increment branch1 OPEN 1 --id open-OPEN', 'operation_id_conflict', 1],
  ['open branch1 OPEN', 'account_exists', 1],
  ['open branch1 WRONG', 'wrong_branch', 1],
  ['open branch1 NEW --balance -1', 'below_minimum', 1],
  ['open branch2 NEW --balance -100.01', 'below_minimum', 1],
  ['open branch1 OPEN --balance 11 --id open-OPEN', 'operation_id_conflict', 1],
  ['balance branch1 NOBODY', 'account_not_found', 1],
  ['balance branch1 LEGACY', 'wrong_branch', 1],
  // The command line: status 2.
  ['increment brnach1 OPEN 1', 'unknown_branch', 2],
  ['increment branch1 OPEN abc', 'invalid_amount', 2],
  ['increment branch1 OPEN 1e3', 'invalid_amount', 2],
  ['increment branch1 OPEN NaN', 'invalid_amount', 2],
  ['increment branch1 OPEN 1111111111111111111111111111111111111111', 'invalid_amount', 2],
  ['increment branch1 OPEN', 'usage', 2],
  ['increment branch1 OPEN 1 2', 'usage', 2],
  ['increment branch1 OPEN 1 --nonsense', 'usage', 2],
  ['increment branch1 OPEN 1 --timeout never', 'usage', 2],
  ['increment branch1 OPEN 1 --uri mongodb://a --uri-file b', 'usage', 2],
  ['balance branch1 OPEN -o xml', 'usage', 2],
  ['increment branch1 OPEN 1 --config nowhere.yaml', 'config_unreadable', 2],
  ['increment branch1 OPEN 1 --config .', 'config_unreadable', 2],
  ['increment branch1 OPEN 1 --uri-file nowhere', 'invalid_uri', 2],
  ['increment branch1 OPEN 1 --uri http://example.net', 'invalid_uri', 2],
  ['incremnt branch1 OPEN 1', 'unknown_command', 2],
];

describe('a refusal', () => {
  test('has one sentence, a next step and its status, and moves nothing', async () => {
    const bank = await bankInEverySituation();
    const before = await bank.everything();
    for (const [line, code, status] of refusals) {
      const refused = await bank.run(['--json', '--quiet', ...line.split(' ')]);
      const { error } = JSON.parse(refused.stderr);
      expect([line, error.code, refused.status]).toEqual([line, code, status]);
      expect(error.message).toMatch(/^[A-Z"/-].*\.$/s);
      expect(error.hint).toMatch(/\S/);
      expect(refused.stdout).toBe('');
    }
    expect(await bank.everything()).toBe(before);
  });

  test('is the same for a dry run', async () => {
    const bank = await bankInEverySituation();
    const before = await bank.everything();
    const writing = refusals.filter(([line]) => !line.startsWith('balance'));
    for (const [line, code, status] of writing) {
      const refused = await bank.run(['--json', '-q', ...line.split(' '), '--dry-run']);
      const { error } = JSON.parse(refused.stderr);
      expect([line, error.code, refused.status]).toEqual([line, code, status]);
    }
    expect(await bank.everything()).toBe(before);
  });
});

describe('names', () => {
  const refused: readonly [why: string, account: string][] = [
    ['empty', ''],
    ['NUL', 'A\0B'],
    ['newline', 'A\nB'],
    ['tab', 'A\tB'],
    ['escape', 'A\u001B[31mB'],
    ['line separator', 'A\u2028B'],
    ['right-to-left override', 'A\u202EB'],
    ['lone surrogate', 'A\uD800'],
    ['65 characters', 'x'.repeat(65)],
    ['space before', ' A'],
    ['space behind', 'A '],
  ];

  test.each(refused)('%s is refused', async (_why, account) => {
    const bank = await workspace();
    const answer = await bank.run(['open', 'branch1', account, '-q']);
    expect(answer.status).toBe(2);
    expect(answer.stderr).toMatch(/^bankctl: The account number ".*" .*\.\n.+\n$/);
    expect(await bank.everything()).toBe('[]');
  });

  test.each([
    'open branch1:-x',
    'increment branch1:-y 1',
    'increment branch1:-x -500',
    'freeze branch1:-f',
    'unfreeze branch1:-x',
    'label branch1:-x --remove vip',
  ])('%s: a name like an option stays a name in the hint', async (line) => {
    const bank = await workspace();
    for (const words of ['open branch1:-x', 'open branch1:-f', 'freeze branch1:-f']) {
      expect(await bank.run(words.split(' '))).toMatchObject({ status: 0 });
    }
    const { stderr } = await bank.run(line.split(' '));
    const [, hinted = expect.fail(stderr)] = /bankctl (\w+ branch1:-\w)[. ]/.exec(stderr) ?? [];
    expect(await bank.run([...hinted.split(' '), '-q'])).toMatchObject({ status: 0, stderr: '' });
  });

  test('a name is a literal string, whatever it looks like', async () => {
    const bank = await workspace();
    const names = ['$where', 'a.b', '.*', '{"$gt":""}', '-', '__proto__', 'é'.repeat(64), '1:2'];
    for (const name of names) {
      expect(await bank.run(['open', 'branch1', '--', name])).toMatchObject({ status: 0 });
      expect(await bank.run(['increment', 'branch1', '--', name, '1'])).toMatchObject({
        status: 0,
      });
    }
    const { stdout } = await bank.run(['balance', 'branch1', '--json']);
    const accounts = JSON.parse(stdout);
    expect(accounts.map(({ account }: { account: string }) => account).sort()).toEqual(
      names.sort(),
    );
    expect(new Set(accounts.map(({ balance }: { balance: string }) => balance))).toEqual(
      new Set(['1.00']),
    );
  });

  test('a composed and a decomposed spelling are one account', async () => {
    const bank = await workspace();
    await bank.run(['open', 'branch1', 'caf\u00E9']);
    await bank.run(['increment', 'branch1', 'cafe\u0301', '5']);
    const { stdout } = await bank.run(['balance', 'branch1', 'caf\u00E9', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ balance: '5.00', version: 2 });
  });

  test('an unknown branch and an unknown command name the nearest', async () => {
    const bank = await workspace();
    const branch = await bank.run(['balance', 'brnach2', '-q']);
    expect(branch.stderr).toContain('Did you mean bankctl balance branch2?');
    const command = await bank.run(['ballance']);
    expect(command.stderr).toContain('Did you mean bankctl balance?');
  });
});

describe('a document that another program wrote', () => {
  const raw = { bypassDocumentValidation: true };
  const commands = [
    'increment branch1 ACC 1',
    'increment branch1 ACC 1 --create',
    'transfer branch1:ACC branch1:OTHER 1',
    'transfer branch1:OTHER branch1:ACC 1',
    'freeze branch1 ACC',
    'close branch1 ACC',
    'reverse first',
  ];

  async function bankWithAccounts(): Promise<Workspace> {
    const bank = await workspace();
    await bank.run(['open', 'branch1', 'ACC', '--balance', '10']);
    await bank.run(['open', 'branch1', 'OTHER', '--balance', '10']);
    await bank.run(['increment', 'branch1', 'ACC', '1', '--id', 'first']);
    return bank;
  }

  async function expectAllRefused(bank: Workspace, code: string, naming: string): Promise<void> {
    const before = await bank.everything();
    for (const line of commands) {
      for (const dry of [[], ['--dry-run']]) {
        const refused = await bank.run(['--json', '-q', ...line.split(' '), ...dry]);
        const { error } = JSON.parse(refused.stderr);
        expect([line, error.code, refused.status]).toEqual([line, code, 1]);
        expect(error.message).toContain(naming);
      }
    }
    expect(await bank.everything()).toBe(before);
  }

  test.each([
    ['no version', { version: undefined }, 'bad_document', 'version'],
    ['version 1.5', { version: 1.5 }, 'bad_document', 'version'],
    ['version NaN', { version: Number.NaN }, 'bad_document', 'version'],
    ['version 0', { version: 0 }, 'bad_document', 'version'],
    ['version "2"', { version: '2' }, 'bad_document', 'version'],
    ['the largest version', { version: Long.MAX_VALUE }, 'bad_document', 'version'],
    ['no status', { status: undefined }, 'bad_document', 'status'],
    ['an unknown status', { status: 'asleep' }, 'bad_document', 'status'],
    ['no opened_at', { opened_at: undefined, posted_at: undefined }, 'bad_document', 'opened_at'],
    ['opened_at as text', { opened_at: '2026-01-01' }, 'bad_document', 'opened_at'],
    ['posted_at as text', { posted_at: 'today' }, 'bad_document', 'posted_at'],
    ['posted_at beyond all times', { posted_at: new Date(8.64e15) }, 'bad_document', 'posted_at'],
    [
      '2^96 cents',
      { balance: Decimal128.fromString('7.9228162514264337593543950336E+26') },
      'bad_balance',
      'branch1:ACC',
    ],
    [
      '2^96 + 500 cents',
      { balance: Decimal128.fromString('792281625142643375935439508.36') },
      'bad_balance',
      'branch1:ACC',
    ],
    [
      'a balance below all',
      { balance: Decimal128.fromString('-10000000000000000000000.00') },
      'bad_balance',
      'branch1:ACC',
    ],
    ['its number in a list', { account_number: ['ACC'] }, 'bad_document', 'account_number'],
    ['its stamp in a list', { branch: ['branch1'] }, 'wrong_branch', 'ACC'],
  ])('with %s is refused by name', async (_what, fields, code, naming) => {
    const bank = await bankWithAccounts();
    const present = Object.entries(fields).filter(([, value]) => value !== undefined);
    const absent = Object.entries(fields).filter(([, value]) => value === undefined);
    await bank.db.collection('branch1').updateOne(
      { account_number: 'ACC' },
      {
        ...(present.length > 0 ? { $set: Object.fromEntries(present) } : {}),
        ...(absent.length > 0 ? { $unset: Object.fromEntries(absent) } : {}),
      },
      raw,
    );
    await expectAllRefused(bank, code, naming);
  });

  test.each([['branch1'], ['branch2'], [undefined]])(
    'as a second one of a number, stamped %s, is refused, naming both',
    async (stamp) => {
      const bank = await bankWithAccounts();
      const accounts = bank.db.collection('branch1');
      await accounts.dropIndex('account_number');
      const { _id, ...first } = { ...(await accounts.findOne({ account_number: 'ACC' })) };
      const { branch: _branch, ...unstamped } = { branch: undefined, ...first };
      const second = { ...unstamped, ...(stamp === undefined ? {} : { branch: stamp }) };
      const { insertedId } = await accounts.insertOne(second, raw);
      await expectAllRefused(bank, 'duplicate_account', String(insertedId));
      await expectAllRefused(bank, 'duplicate_account', String(_id));
    },
  );

  test('as a second one of a number is refused without a journal, too', async () => {
    const config = 'journal: false\nbranches: { branch1: { collection: branch1 } }\n';
    const bank = await workspace({ config });
    await bank.run(['open', 'branch1', 'ACC', '--balance', '10']);
    const accounts = bank.db.collection('branch1');
    await accounts.dropIndex('account_number');
    const { _id, ...first } = { ...(await accounts.findOne({}, { promoteLongs: false })) };
    const balance = Decimal128.fromString('500.00');
    await accounts.insertOne({ ...first, balance });
    const before = await bank.everything();
    for (const line of ['increment branch1 ACC 1', 'increment branch1 ACC 1 --create']) {
      const refused = await bank.run(['--json', '-q', ...line.split(' ')]);
      expect(JSON.parse(refused.stderr).error.code).toBe('duplicate_account');
    }
    expect(await bank.everything()).toBe(before);
  });

  test.each([
    ['no postings', { postings: 5 }],
    ['a posting without version', { 'postings.0.version': null }],
    ['text for a time', { at: 'today' }],
    ['a number for its author', { by: 5 }],
    ['a list for its memo', { memo: [] }],
  ])('in the journal, with %s, is refused by name', async (_what, fields) => {
    const bank = await bankWithAccounts();
    const journal = bank.db.collection<{ _id: string }>('journal');
    await journal.updateOne({ _id: 'first' }, { $set: fields }, raw);
    for (const line of [
      'reverse first',
      'increment branch1 ACC 1 --id first',
      'export --operations',
      'history branch1 ACC',
    ]) {
      const refused = await bank.run(['-q', ...line.split(' ')]);
      if (line.startsWith('history') && 'postings' in fields) continue;
      expect([line, refused.status, refused.stderr]).toEqual([
        line,
        1,
        expect.stringMatching(/^bankctl: The journal document "first" has no valid \S+\.\n/),
      ]);
    }
  });

  test.each([
    ['open branch1 GONE', 'behind_journal'],
    ['increment branch1 GONE 1 --create', 'behind_journal'],
    ['increment branch1 GONE 1', 'account_not_found'],
    ['increment branch1 BACK 1', 'behind_journal'],
    ['freeze branch1 BACK', 'behind_journal'],
  ])('deleted, or put back as it was: %s is %s, dry or not', async (line, code) => {
    const bank = await workspace();
    const accounts = bank.db.collection('branch1');
    await bank.run(['open', 'branch1', 'GONE', '--balance', '10']);
    await bank.run(['open', 'branch1', 'BACK', '--balance', '10']);
    const backup = await accounts.findOne({ account_number: 'BACK' }, { promoteLongs: false });
    await bank.run(['increment', 'branch1', 'BACK', '5']);
    await accounts.replaceOne({ account_number: 'BACK' }, { ...backup });
    await accounts.deleteOne({ account_number: 'GONE' });
    const before = await bank.everything();
    for (const dry of [['--dry-run'], []]) {
      const refused = await bank.run(['--json', '-q', ...line.split(' '), ...dry]);
      expect([JSON.parse(refused.stderr).error.code, refused.status]).toEqual([code, 1]);
    }
    expect(await bank.everything()).toBe(before);
  });
});

describe('a capped collection', () => {
  test.each(['journal', 'branch1'])('as %s is refused before money is lost', async (capped) => {
    const bank = await workspace();
    await bank.run(['open', 'branch1', 'ACC', '--balance', '10']);
    await bank.db.command({ convertToCapped: capped, size: 4096 });
    const before = await bank.everything();
    for (const line of ['open branch1 NEW', 'increment branch1 ACC 1', 'freeze branch1 ACC']) {
      for (const dry of [[], ['--dry-run']]) {
        const refused = await bank.run(['--json', '-q', ...line.split(' '), ...dry]);
        expect([line, JSON.parse(refused.stderr).error]).toEqual([
          line,
          expect.objectContaining({
            code: 'capped_collection',
            message: expect.stringContaining(`The collection ${capped} is capped`),
          }),
        ]);
      }
    }
    expect(await bank.everything()).toBe(before);
  });

  test('is refused without a journal, too', async () => {
    const config = 'journal: false\nbranches: { branch1: { collection: branch1 } }\n';
    const bank = await workspace({ config });
    await bank.db.createCollection('branch1', { capped: true, size: 4096 });
    const refused = await bank.run(['open', 'branch1', 'ACC', '--json', '-q']);
    expect(JSON.parse(refused.stderr).error.code).toBe('capped_collection');
  });
});
