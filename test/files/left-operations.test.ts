import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';

const head = 'branch,account,amount\n';
const payroll = `${head}branch1,A,31\nbranch1,B,20\nbranch1,B,20\nbranch1,NOBODY,9\n`;

/** A bank that applied a pay-roll without ids, of which one row was refused. */
async function bankPaid(): Promise<Workspace> {
  const bank = await workspace();
  await writeFile(join(bank.directory, 'open.csv'), 'account,balance\nA,100\nB,100\n');
  await bank.run(['import', 'branch1', 'open.csv']);
  expect(await apply(bank, payroll)).toMatchObject({ status: 1, counts: { applied: 3 } });
  return bank;
}

async function apply(bank: Workspace, text: string, ...more: readonly string[]) {
  await writeFile(join(bank.directory, 'pay.csv'), text);
  return jsonOf(await bank.run(['apply', 'pay.csv', '--batch', 'pay', ...more, '--json']));
}

function jsonOf({ status, stdout, stderr }: Awaited<ReturnType<Workspace['run']>>) {
  const said = stderr.split('\n').flatMap((it) => (it.startsWith('{') ? [JSON.parse(it)] : []));
  const counts = stdout === '' ? undefined : JSON.parse(stdout);
  return { status, counts, said, error: said.find((it) => it.error)?.error };
}

async function balances(bank: Workspace) {
  const ran = await bank.run(['accounts', 'branch1', '--json']);
  const accounts: { account: string; balance: string }[] = JSON.parse(ran.stdout);
  return Object.fromEntries(accounts.map(({ account, balance }) => [account, balance]));
}

const changed: Readonly<Record<string, readonly [text: string, message: RegExp]>> = {
  'with another amount': [
    payroll.replace('A,31', 'A,31.10'),
    /^1 operation that was applied with --batch "pay" and still stands is in no row of pay\.csv /,
  ],
  'with another account': [
    payroll.replace('A,31', 'B,31'),
    /"pay:\w{32}", 31\.00 USD on branch1:A/,
  ],
  'without a row': [
    payroll.replace('branch1,A,31\n', ''),
    /^1 operation .* 31\.00 USD on branch1:A/,
  ],
  'without one of two equal rows': [
    payroll.replace('branch1,B,20\n', ''),
    /^1 operation .*"pay:[0-9a-f]{32}:2", 20\.00 USD on branch1:B/,
  ],
  'with ids in a new column': [
    'id,branch,account,amount\na,branch1,A,31\nb,branch1,B,20\nc,branch1,B,20\n',
    /^3 operations that were applied .* still stand are in no row .* any more: first, "pay:/,
  ],
  'that is wholly another': [`${head}branch1,A,1\n`, /^3 operations /],
  'that moves no money': ['type,branch,account\nfreeze,branch1,A\n', /^3 operations /],
};

describe('a file under a name of which operations stand that are in no row of it', () => {
  test.each(Object.entries(changed))('is refused: one %s', async (_, [text, message]) => {
    const bank = await bankPaid();
    const before = await bank.everything();
    for (const more of [['--dry-run'], ['--quiet'], ['--retry-refused']]) {
      const { status, error } = await apply(bank, text, ...more);
      expect([status, error]).toMatchObject([2, { code: 'file_repeated' }]);
      expect(error.message).toMatch(message);
    }
    const line = ['apply', '-', '--batch', 'pay', '--format', 'csv', '--json'];
    const piped = jsonOf(await bank.run(line, { stdin: Readable.from([text]) }));
    expect(piped.error?.code).toBe('file_repeated');
    expect(await bank.everything()).toBe(before);
  });

  test('is applied once the operation is reversed, as the hint says', async () => {
    const bank = await bankPaid();
    const corrected = payroll.replace('A,31', 'A,31.10');
    const { error } = await apply(bank, corrected);
    const [, id = ''] = /type bankctl reverse (\S+) and apply/.exec(error.hint) ?? [];
    expect(error.operations ?? error.operation_ids).toEqual([id]);
    expect((await bank.run(['reverse', id])).status).toBe(0);
    const counts = { applied: 1, replayed: 2, refused: 1, reversed: 0 };
    for (const again of [counts, { ...counts, applied: 0, replayed: 3 }]) {
      expect(await apply(bank, corrected)).toMatchObject({ counts: again });
    }
    expect(await balances(bank)).toEqual({ A: '131.10', B: '140.00' });
    const old = await apply(bank, payroll, '--retry-refused');
    expect(old.error?.message).toMatch(/31\.10 USD on branch1:A/);
  });

  test('is applied with --again, which says what stands besides', async () => {
    const bank = await bankPaid();
    const other = `${head}branch1,A,31.10\n`;
    for (const applied of [1, 0]) {
      const { status, counts, said } = await apply(bank, other, '--again');
      expect([status, counts]).toMatchObject([0, { applied, totals: { USD: '31.10' } }]);
      expect(said).toContainEqual({
        notice: {
          ...{ code: 'rows_gone', operations: 3 },
          message: '3 operations of --batch "pay" are in no row of this file: they stay applied.',
        },
      });
    }
    expect(await balances(bank)).toMatchObject({ A: '162.10' });
  });

  test('is not told to reverse what cannot be reversed', async () => {
    const bank = await workspace();
    const open = 'type,branch,account,amount\nopen,branch1,N,5\n';
    await apply(bank, open);
    const { error } = await apply(bank, open.replace('N,5', 'N,6'));
    expect(error.message).toMatch(/^1 operation .*5\.00 USD on branch1:N/);
    expect(error.hint).toMatch(/^If that row was corrected or removed, put it back as it was\. /);
  });
});

const unharmed: Readonly<Record<string, readonly [text: string, applied: number]>> = {
  'that has grown': [`${payroll}branch1,A,31\nbranch1,B,7\n`, 2],
  'that was sorted': [`${head}branch1,NOBODY,9\nbranch1,B,20\nbranch1,A,31\nbranch1,B,20\n`, 0],
  'with its refused row corrected': [payroll.replace('NOBODY', 'A'), 1],
  'without its refused row': [payroll.replace('branch1,NOBODY,9\n', ''), 0],
  'written otherwise': ['account,amount,branch\nA,+31.00,branch1\nB,20,branch1\nB,20,branch1\n', 0],
};

describe('under the same name', () => {
  test.each(Object.entries(unharmed))('a file is applied %s', async (_, [text, applied]) => {
    const bank = await bankPaid();
    const { counts, said } = await apply(bank, text);
    expect([counts, JSON.stringify(said)]).toEqual([
      expect.objectContaining({ applied, replayed: 3 }),
      expect.not.stringContaining('rows_gone'),
    ]);
  });

  test('a file is applied when all that was applied before is reversed', async () => {
    const bank = await bankPaid();
    await bank.run(['reverse', '--batch', 'pay', '--yes']);
    const { status, counts } = await apply(bank, `${head}branch1,A,1\n`);
    expect([status, counts]).toMatchObject([0, { applied: 1 }]);
  });
});
