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
    expect(branch.stderr).toContain('Did you mean branch2?');
    const command = await bank.run(['ballance']);
    expect(command.stderr).toContain('Did you mean balance?');
  });
});
