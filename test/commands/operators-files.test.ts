import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';

/** A bank with the accounts branch1:A and branch2:E, and a file. */
async function bankWith(text: string, name = 'rows.csv'): Promise<Workspace> {
  const bank = await workspace();
  for (const [branch, account] of [
    ['branch1', 'A'],
    ['branch2', 'E'],
  ] as const) {
    await bank.run(['open', branch, account, '--balance', '100', '--id', `open-${account}`]);
  }
  await writeFile(join(bank.directory, name), text);
  return bank;
}

async function outOf(bank: Workspace, ...argv: readonly string[]) {
  const ran = await bank.run([...argv, '--json']);
  const lines = ran.stderr.split('\n').filter((line) => line.startsWith('{'));
  return {
    ...{ status: ran.status, stderr: ran.stderr },
    result: ran.stdout === '' ? undefined : JSON.parse(ran.stdout),
    said: lines.map((line) => JSON.parse(line)),
  };
}

const bankFile = 'Filiale;Konto;Betrag;Text;Saldo\nbranch1;A;-12,34;Kasse;1\nbranch2;E;5,00;;2\n';
const dress = [
  ...['--decimal', 'comma', '--drop', 'saldo', '--batch', 'nov'],
  ...['--columns', 'branch=FILIALE,account=Konto,amount=Betrag', '--columns', 'memo=Text'],
];

test('a file of a bank is applied, with notices of what was decided', async () => {
  const bank = await bankWith(bankFile);
  const ran = await outOf(bank, 'apply', 'rows.csv', ...dress);
  expect(ran).toMatchObject({
    ...{ status: 0, result: { applied: 2, totals: { EUR: '5.00', USD: '-12.34' } } },
    said: [
      { notice: { code: 'separator_found', separator: ';' } },
      { notice: { code: 'columns_dropped', columns: ['Saldo'] } },
    ],
  });
  const people = await bank.run(['apply', 'rows.csv', ...dress]);
  expect(people.stderr).toMatch(/^The header has semicolons between its columns\.$/m);
  expect(people.stderr).toMatch(/^Left out, as --drop says: "Saldo"\.$/m);
});

test('in another dress it is the same file', async () => {
  const bank = await bankWith(bankFile);
  await outOf(bank, 'apply', 'rows.csv', ...dress);
  const before = await bank.everything();
  const same = 'MEMO,amount,Account,branch\n,5,E,branch2\nKasse,-12.34,A,branch1\n';
  await writeFile(join(bank.directory, 'same.csv'), same);
  const again = await outOf(bank, 'apply', 'same.csv', '--batch', 'nov');
  expect(again.result).toMatchObject({ applied: 0, replayed: 2 });
  const other = await outOf(bank, 'apply', 'same.csv', '--batch', 'other');
  expect(other).toMatchObject({ status: 2, said: [{ error: { code: 'file_repeated' } }] });
  expect(await bank.everything()).toBe(before);
});

describe('what is expected of a file', () => {
  const wrong: readonly [given: readonly string[], message: RegExp, code?: string][] = [
    [
      ['--expect-rows', '3'],
      /it has 2 rows, but --expect-rows says 3\. (Nothing was|It was a dry)/,
    ],
    [
      ['--expect-rows', '3', '--expect-total', '12.34USD', '--expect-total', '5 EUR'],
      /has 2 rows.*3; it adds up to -12\.34 USD, but --expect-total says 12\.34 USD\./,
    ],
    [['--expect-total', '-12.34 USD'], /it has 5\.00 EUR too, and no --expect-total/],
    [
      ['--expect-total', '1 JPY', '--expect-total', '-12.34 USD', '--expect-total', '5 EUR'],
      /it adds up to 0 JPY, but --expect-total says 1 JPY/,
    ],
    [['--expect-total', '5'], /amounts in EUR and USD, and --expect-total 5 names/, 'usage'],
    [['--expect-total', '5 XQQ'], /names no currency of ISO 4217/, 'usage'],
    [['--expect-total', '5.001 EUR'], /^--expect-total: "5\.001" has 3 decimals/, 'usage'],
  ];

  test('is compared before anything is written', async () => {
    const bank = await bankWith(bankFile);
    const before = await bank.everything();
    for (const [given, message, code = 'totals_differ'] of wrong) {
      for (const more of [['--dry-run'], []]) {
        const ran = await outOf(bank, 'apply', 'rows.csv', ...dress, ...given, ...more);
        const { error } = ran.said.at(-1);
        expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
        expect(ran.status).toBe(2);
      }
    }
    expect(await bank.everything()).toBe(before);
    const right = ['--expect-total', '-12.34 USD', '--expect-total', '5 eur', '--expect-rows', '2'];
    for (const counts of [{ applied: 2 }, { applied: 0, replayed: 2 }]) {
      const ran = await outOf(bank, 'apply', 'rows.csv', ...dress, ...right);
      expect(ran).toMatchObject({ status: 0, result: counts });
    }
  });

  test('is the sum of the amounts of its only currency', async () => {
    const bank = await bankWith('');
    for (const [rows, total, status] of [
      ['freeze,branch1,A,\n', '1', 2],
      ['increment,branch1,A,1.50\nincrement,branch1,A,-0.50\n', '1', 0],
      ['freeze,branch1,A,\n', '0.00', 0],
    ] as const) {
      await writeFile(join(bank.directory, 'rows.csv'), `type,branch,account,amount\n${rows}`);
      const line = ['apply', 'rows.csv', '--batch', `b${status}${total}`, '--expect-total', total];
      expect([rows, (await outOf(bank, ...line)).status]).toEqual([rows, status]);
    }
  });

  test('of accounts, it is their balances', async () => {
    const bank = await bankWith('Konto\tSaldo\nX\t1,50\nY\t2\n', 'konten.txt');
    const line = ['import', 'branch1', 'konten.txt', '--columns', 'account=Konto,balance=Saldo'];
    const all = [...line, '--decimal', 'comma', '--expect-total'];
    const before = await bank.everything();
    expect((await outOf(bank, ...all, '3.49')).status).toBe(2);
    expect(await bank.everything()).toBe(before);
    const ran = await outOf(bank, ...all, '3.50', '--expect-rows', '2');
    expect(ran).toMatchObject({ status: 0, result: { created: 2, totals: { USD: '3.50' } } });
  });
});

describe('with --quiet', () => {
  test('refused rows are still named, and how many more there are', async () => {
    const rows = Array.from({ length: 12 }, (_, index) => `r${index},branch1,NOBODY,1\n`);
    const bank = await bankWith(`id,branch,account,amount\n${rows.join('')}`);
    const { status, stderr } = await bank.run(['apply', 'rows.csv', '-q']);
    const lines = stderr.trimEnd().split('\n');
    expect([status, lines.length]).toEqual([1, 11]);
    expect(lines[0]).toMatch(/^Line 2 was refused: There is no account NOBODY/);
    expect(lines[10]).toBe('... and 2 more refused rows; --results FILE lists them all.');
  });

  test('faulty lines are all listed at once, the first of them here', async () => {
    const rows = Array.from({ length: 25 }, (_, index) => `r${index},branch1,A,1,5\n`);
    const bank = await bankWith(`id;branch;account;amount\n${rows.join('').replaceAll(',', ';')}`);
    const before = await bank.everything();
    const text = await readFile(join(bank.directory, 'rows.csv'), 'utf8');
    const oneFewer = text.replace(/;1;5/g, ';1,5');
    await writeFile(join(bank.directory, 'rows.csv'), oneFewer);
    const { status, stderr } = await bank.run(['apply', 'rows.csv', '-q', '--results', 'out']);
    const lines = stderr.trimEnd().split('\n');
    expect([status, lines.length]).toEqual([2, 23]);
    expect(lines[0]).toMatch(/^Line 2 .*"1,5" is not an amount of money\.$/);
    expect(stderr.split('say so: --decimal comma.')).toHaveLength(2);
    expect(lines[20]).toBe('... and 5 more faulty lines; see the results.');
    const results = await readFile(join(bank.directory, 'out'), 'utf8');
    expect(results.trimEnd().split('\n')).toHaveLength(25);
    expect(await bank.everything()).toBe(before);
  });
});

test('--type is that of all rows', async () => {
  const bank = await bankWith('Branch;Account\nbranch1;A\nbranch2;E\n');
  const line = ['apply', 'rows.csv', '--type', 'freeze', '--batch', 'b'];
  expect((await outOf(bank, ...line)).result).toMatchObject({ applied: 2 });
  const { stdout } = await bank.run(['accounts', '--status', 'frozen', '--json']);
  expect(JSON.parse(stdout)).toHaveLength(2);
});

test('what can be said only of a CSV is refused of NDJSON', async () => {
  const bank = await bankWith('{"branch":"branch1","account":"A","amount":"1"}\n', 'r.ndjson');
  const before = await bank.everything();
  for (const option of [...[['--decimal', 'comma']], ['--columns', 'id=a'], ['--drop', 'a']]) {
    const ran = await outOf(bank, 'apply', 'r.ndjson', '--batch', 'b', ...option);
    expect(ran).toMatchObject({ status: 2, said: [{ error: { code: 'usage' } }] });
  }
  expect(await bank.everything()).toBe(before);
});
