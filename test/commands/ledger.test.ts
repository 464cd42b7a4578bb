import { describe, expect, test } from 'vitest';
import { bankBalance } from '../../src/bank/balances.ts';
import { openBank } from '../../src/bank/bank.ts';
import { post } from '../../src/bank/post.ts';
import { findConfig } from '../../src/config/search.ts';
import { type Workspace, workspace } from '../workspace.ts';

const config = `branches:
  branch1: { collection: branch1 }
  branch2: { collection: branch2 }
  branch3: { collection: branch3, currency: EUR }
`;

/** Accounts with money in two currencies, one frozen, one closed. */
async function bankWithMoney(): Promise<Workspace> {
  const bank = await workspace({ config });
  for (const [branch, account] of [
    ['branch1', 'A'],
    ['branch1', 'B'],
    ['branch2', 'C'],
    ['branch3', 'E'],
    ['branch1', 'FROZEN'],
  ] as const) {
    await bank.run(['open', branch, account, '--balance', '100', '--id', `open-${account}`]);
  }
  await bank.run(['freeze', 'branch1', 'FROZEN', '--id', 'freeze-FROZEN']);
  await bank.run(['open', 'branch1', 'CLOSED']);
  await bank.run(['close', 'branch1', 'CLOSED']);
  await bank.run(['transfer', 'branch1:A', 'branch2:C', '30', '--id', 't1']);
  await bank.run(['increment', 'branch1', 'B', '5', '--id', 'i1']);
  return bank;
}

function json({ stdout }: { readonly stdout: string }) {
  return JSON.parse(stdout);
}

describe('transfer', () => {
  test('moves money, both or neither', async () => {
    const bank = await bankWithMoney();
    const line = ['transfer', 'branch1:B', 'branch2:C', '5.50', '--id', 't2', '--json'];
    const expected = {
      operation: 't2',
      replayed: false,
      dry_run: false,
      amount: '5.50',
      currency: 'USD',
      from: {
        branch: 'branch1',
        account: 'B',
        balance_before: '105.00',
        balance: '99.50',
        version: 3,
      },
      to: {
        branch: 'branch2',
        account: 'C',
        balance_before: '130.00',
        balance: '135.50',
        version: 3,
      },
    };
    expect(json(await bank.run([...line, '--dry-run']))).toEqual({ ...expected, dry_run: true });
    expect(json(await bank.run(line))).toEqual(expected);
    expect(json(await bank.run(line))).toEqual({ ...expected, replayed: true });
    const { totals } = json(await bank.run(['balance', '--json']));
    expect(totals).toEqual({ USD: '405.00', EUR: '100.00' });
  });

  test('is a record on a pipe', async () => {
    const bank = await bankWithMoney();
    const { stdout } = await bank.run(['transfer', 'branch1:B', 'branch1:A', '1', '--id', 't3']);
    expect(stdout).toBe(
      [
        'amount               1.00',
        'from                 branch1:B',
        'from balance before  105.00',
        'from balance         104.00',
        'from version         3',
        'to                   branch1:A',
        'to balance before    70.00',
        'to balance           71.00',
        'to version           3',
        'currency             USD',
        'operation            t3',
        '',
      ].join('\n'),
    );
  });
});

describe('reverse', () => {
  test('posts the opposite of a transfer, and of an increment', async () => {
    const bank = await bankWithMoney();
    expect(json(await bank.run(['reverse', 't1', '--id', 'r1', '--json']))).toEqual({
      operation: 'r1',
      reverses: 't1',
      replayed: false,
      dry_run: false,
      amount: '30.00',
      currency: 'USD',
      from: expect.objectContaining({ branch: 'branch2', account: 'C', balance: '100.00' }),
      to: expect.objectContaining({ branch: 'branch1', account: 'A', balance: '100.00' }),
    });
    expect(json(await bank.run(['reverse', 'i1', '--id', 'r2', '--json']))).toEqual({
      operation: 'r2',
      reverses: 'i1',
      replayed: false,
      dry_run: false,
      branch: 'branch1',
      account: 'B',
      amount: '-5.00',
      balance_before: '105.00',
      balance: '100.00',
      currency: 'USD',
      version: 3,
    });
    const shown = json(await bank.run(['show', 't1', '--json']));
    expect(shown).toMatchObject({ operation: 't1', type: 'transfer', reversed_by: 'r1' });
  });

  test('happens once, however many ask at once', async () => {
    const bank = await bankWithMoney();
    const answers = await Promise.all(Array.from({ length: 8 }, () => bank.run(['reverse', 't1'])));
    expect(answers.filter(({ status }) => status === 0)).toHaveLength(1);
    expect(answers.filter(({ stderr }) => stderr.includes('already reversed'))).toHaveLength(7);
  });
});

describe('a refusal moves nothing', () => {
  const refusals: readonly [argv: string, code: string, status: number][] = [
    ['transfer branch1:A branch1:A 1', 'same_account', 1],
    ['transfer branch1:A branch3:E 1', 'currency_mismatch', 1],
    ['transfer branch1:A branch1:FROZEN 1', 'account_frozen', 1],
    ['transfer branch1:FROZEN branch1:A 1', 'account_frozen', 1],
    ['transfer branch1:A branch1:CLOSED 1', 'account_closed', 1],
    ['transfer branch1:A branch1:NOBODY 1', 'account_not_found', 1],
    ['transfer branch1:A branch2:C 70.01', 'below_minimum', 1],
    ['transfer branch1:A branch2:C 0', 'amount_zero', 1],
    ['transfer branch1:A branch2:C -1', 'amount_negative', 1],
    ['transfer branch1:A branch2:C 31 --id t1', 'operation_id_conflict', 1],
    ['transfer A branch2:C 1', 'invalid_account', 2],
    ['transfer branch1: branch2:C 1', 'invalid_account', 2],
    ['transfer branch9:A branch2:C 1', 'unknown_branch', 2],
    ['reverse nothing', 'operation_not_found', 1],
    ['reverse open-A', 'not_reversible', 1],
    ['reverse freeze-FROZEN', 'not_reversible', 1],
    ['reverse r0', 'not_reversible', 1],
    ['reverse i0', 'already_reversed', 1],
    ['freeze branch1 FROZEN', 'account_frozen', 1],
    ['freeze branch1 CLOSED', 'account_closed', 1],
    ['unfreeze branch1 A', 'account_not_frozen', 1],
    ['unfreeze branch1 CLOSED', 'account_closed', 1],
    ['close branch1 A', 'balance_not_zero', 1],
    ['close branch1 FROZEN', 'account_frozen', 1],
    ['close branch1 CLOSED', 'account_closed', 1],
    ['close branch1 NOBODY', 'account_not_found', 1],
    ['show nothing', 'operation_not_found', 1],
    ['history branch1 NOBODY', 'account_not_found', 1],
    ['history branch1 A --limit 0', 'usage', 2],
    ['history branch1 A --since yesterday', 'usage', 2],
    ['history branch1 A --since 2026-02-30', 'usage', 2],
    ['balance --at 2999-01-01', 'time_out_of_range', 1],
    ['balance --at 2001-01-01', 'time_out_of_range', 1],
    ['balance branch1 --at 2001-01-01', 'time_out_of_range', 1],
    ['balance branch1 A --at 2001-01-01', 'time_out_of_range', 1],
    ['balance --at 2001-01-01 --watch', 'usage', 2],
  ];

  test('whatever is asked', async () => {
    const bank = await bankWithMoney();
    await bank.run(['increment', 'branch1', 'A', '1', '--id', 'i0']);
    await bank.run(['reverse', 'i0', '--id', 'r0']);
    const before = await bank.everything();
    for (const [line, code, status] of refusals) {
      const refused = await bank.run(['--json', '-q', ...line.split(' ')]);
      expect([line, JSON.parse(refused.stderr).error.code, refused.status]).toEqual([
        line,
        code,
        status,
      ]);
    }
    expect(await bank.everything()).toBe(before);
  });

  test('nor a reversal that the money no longer covers', async () => {
    const bank = await bankWithMoney();
    await bank.run(['transfer', 'branch2:C', 'branch1:B', '101']);
    const refused = await bank.run(['reverse', 't1', '--json']);
    expect(JSON.parse(refused.stderr).error.code).toBe('below_minimum');
  });
});

describe('looking back', () => {
  test('balance --at, history and show agree with what was', async () => {
    const bank = await bankWithMoney();
    const history = json(await bank.run(['history', 'branch1', 'A', '--json']));
    expect(history).toEqual([
      expect.objectContaining({ operation: 'open-A', amount: '100.00', balance: '100.00' }),
      expect.objectContaining({ operation: 't1', amount: '-30.00', balance: '70.00', version: 2 }),
    ]);
    const [opened, transferred] = history;
    const at = async (...words: string[]) => json(await bank.run(['balance', ...words, '--json']));
    expect(await at('branch1', 'A', '--at', opened.at)).toMatchObject({
      balance: '100.00',
      version: 1,
    });
    expect(await at('branch1', 'A', '--at', transferred.at)).toMatchObject({ balance: '70.00' });
    expect((await at('--at', transferred.at)).totals).toEqual({ USD: '400.00', EUR: '100.00' });
    const now = new Date().toISOString();
    const moment = { at: now, final: false };
    expect(await at('--at', now)).toEqual({ ...(await at()), ...moment });
    const rows: readonly object[] = await at('branch1');
    expect(await at('branch1', '--at', now)).toEqual(rows.map((row) => ({ ...row, ...moment })));
    const newest = await bank.run(['history', 'branch1', 'A', '--limit', '1', '--json']);
    expect(json(newest)).toEqual([transferred]);
    const range = ['history', 'branch1', 'A', '--since', transferred.at, '--json'];
    expect(json(await bank.run(range))).toEqual([transferred]);
  });
});

describe('one snapshot', () => {
  test('while transfers run between branches, no reading shows another total', async () => {
    const bank = await bankWithMoney();
    const frozen = await findConfig(undefined, { cwd: bank.directory, env: {} });
    const { client } = bank.db;
    const opened = await openBank(client, frozen, { timeoutMs: 20_000, draw: () => 0.5 });
    let running = true;
    const transfers = async () => {
      for (let round = 0; running; round += 1) {
        const ends = [
          { branch: 'branch1', account: 'A' },
          { branch: 'branch2', account: 'C' },
        ] as const;
        const [from, to] = round % 2 === 0 ? [ends[1], ends[0]] : ends;
        const id = `t-${round}`;
        const transfer = { type: 'transfer', from, to, amountMinor: 1000n } as const;
        await post(opened, [{ ...transfer, id, idGiven: false, memo: undefined }], { by: 'test' });
      }
    };
    const done = transfers();
    const readings = new Set<string>();
    const splits = new Set<string>();
    for (let count = 0; count < 150; count += 1) {
      const { totals, branches } = await bankBalance(opened);
      readings.add(String(totals['USD']));
      splits.add(branches.map(({ total }) => total).join());
    }
    running = false;
    await done;
    expect([...readings]).toEqual(['405.00']);
    // Had nothing moved between the readings, they would prove nothing.
    expect(splits.size).toBeGreaterThan(1);
  });
});
