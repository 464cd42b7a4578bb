import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';

async function lines(bank: Workspace, ...argvs: readonly string[]): Promise<void> {
  for (const argv of argvs) expect(await bank.run([...argv.split(' '), '-q'])).toMatchObject(done);
}

const done = { status: 0 };

async function filled(): Promise<Workspace> {
  const bank = await workspace();
  await lines(
    bank,
    'open branch1 A --balance 100 --id o1',
    'open branch1 B --id o2',
    'increment branch2 é 12.5 --create --id i1 --memo hello',
    'transfer branch1:A branch1:B 30 --id t1',
    'reverse t1 --id r1',
    'increment branch2 é -40 --id i2',
    'freeze branch1 A --id f1',
    'close branch1 B --id c1',
  );
  return bank;
}

describe('import', () => {
  const counts = async (bank: Workspace, ...argv: readonly string[]) =>
    JSON.parse((await bank.run(['import', ...argv, '--json', '-q'])).stdout);

  test('takes back what export writes, to the same balances and statuses', async () => {
    const from = await filled();
    const state = async (bank: Workspace) => [
      (await bank.run(['balance', '--json'])).stdout,
      (await bank.run(['balance', 'branch1', '--json'])).stdout,
      (await bank.run(['balance', 'branch2', '--json'])).stdout,
    ];
    for (const format of ['table', 'csv', 'ndjson']) {
      const to = await workspace();
      const { stdout } = await from.run(['export', '-o', format]);
      await writeFile(join(to.directory, 'bank'), stdout);
      const whole = ['branch1', 'bank', '--any-branch'];
      const all = { read: 3, created: 3, duplicate: 0, conflict: 0, rejected: 0 };
      expect(await counts(to, ...whole)).toEqual(all);
      expect(await state(to)).toEqual(await state(from));
      expect(await counts(to, ...whole)).toEqual({ ...all, created: 0, duplicate: 3 });
      expect((await to.run(['export', '-o', format])).stdout).toBe(stdout);
    }
  });

  test('accounts for every row, and changes no account that is there', async () => {
    const bank = await workspace();
    await lines(bank, 'open branch1 SAME --balance 1', 'open branch1 OTHER --balance 1');
    const rows = [
      'account,balance,status,branch,currency',
      'NEW,5,,,',
      'SAME,1.00,open,branch1,USD',
      'OTHER,2,,,',
      'NEW,5,,,',
      'NEW,6,,,',
      'MINUS,-1,,,',
      'FULL,1,closed,,',
      'ABROAD,1,,branch2,EUR',
      'EURO,1,,,EUR',
      'ODD,1,asleep,,',
      ',1,,,',
      'SHORT,1',
      'LAST,0,frozen,,',
    ];
    await writeFile(join(bank.directory, 'in.csv'), rows.join('\n'));
    const dry = await counts(bank, 'branch1', 'in.csv', '--dry-run');
    const ran = await bank.run(['import', 'branch1', 'in.csv', '--json', '--results', 'out']);
    const result = { read: 13, created: 2, duplicate: 2, conflict: 2, rejected: 7 };
    expect([ran.status, JSON.parse(ran.stdout)]).toEqual([1, result]);
    expect(dry).toEqual({ ...result, dry_run: true });
    expect(ran.stderr).toContain('Line 4, conflict: branch1:OTHER is there with 1.00 and open');
    expect(ran.stderr).toContain('Line 13, rejected: it has 2 of the 5 cells');
    const out = await readFile(join(bank.directory, 'out'), 'utf8');
    const outcomes = out
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text));
    expect(outcomes.map(({ outcome }) => outcome[0]).join('')).toBe('cdcdcrrrrrrrc');
    const { stdout } = await bank.run(['balance', 'branch1', '-o', 'csv']);
    expect(stdout).toBe(
      'account,balance,status\nLAST,0.00,frozen\nNEW,5.00,open\nOTHER,1.00,open\nSAME,1.00,open\n',
    );
  });
});

describe('export', () => {
  test('writes CSV unless asked otherwise, one branch or all', async () => {
    const bank = await filled();
    const head = 'branch,account,balance,currency,status\n';
    const one = 'branch1,A,100.00,USD,frozen\nbranch1,B,0.00,USD,closed\n';
    const other = 'branch2,é,-27.50,EUR,open\n';
    expect((await bank.run(['export'])).stdout).toBe(head + one + other);
    expect((await bank.run(['export', 'branch2'])).stdout).toBe(head + other);
    const { stdout } = await bank.run(['export', 'branch2', '-o', 'ndjson']);
    expect(JSON.parse(stdout)).toEqual({
      branch: 'branch2',
      account: 'é',
      balance: '-27.50',
      currency: 'EUR',
      status: 'open',
    });
  });

  test('--operations gives an empty database the same history, by apply', async () => {
    const from = await filled();
    for (const format of ['table', 'csv', 'ndjson']) {
      const to = await workspace();
      const { stdout } = await from.run(['export', '--operations', '-o', format]);
      await writeFile(join(to.directory, 'all'), stdout);
      const ran = await to.run(['apply', 'all', '--json', '-q']);
      expect(JSON.parse(ran.stdout)).toMatchObject({ applied: 8, refused: 0 });
      const accounts = [
        ['branch1', 'A'],
        ['branch1', 'B'],
        ['branch2', 'é'],
      ] as const;
      for (const account of accounts) {
        const read = async (bank: Workspace) => {
          const history = await bank.run(['history', ...account, '--json']);
          return JSON.parse(history.stdout).map(({ at: _, ...row }: { at: string }) => row);
        };
        expect(await read(to)).toEqual(await read(from));
      }
      expect((await to.run(['export'])).stdout).toBe((await from.run(['export'])).stdout);
    }
    const refused = await from.run(['export', 'branch1', '--operations']);
    expect([refused.status, refused.stdout]).toEqual([2, '']);
  });

  test('an empty bank has a head and no rows', async () => {
    const bank = await workspace();
    expect((await bank.run(['export'])).stdout).toBe('branch,account,balance,currency,status\n');
    expect((await bank.run(['export', '--operations'])).stdout).toBe('');
  });
});
