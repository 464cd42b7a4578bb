import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';

async function bankWith(text: string | Uint8Array): Promise<Workspace> {
  const bank = await workspace();
  await writeFile(join(bank.directory, "Ada's.csv"), text);
  return bank;
}

const file = "Ada's.csv";

async function importOf(bank: Workspace, ...more: readonly string[]) {
  const { status, stdout, stderr } = await bank.run(['import', 'branch1', file, ...more, '--json']);
  const [said] = stderr.split('\n').filter((line) => line.startsWith('{"error"'));
  const { error } = said === undefined ? { error: undefined } : JSON.parse(said);
  return { status, result: stdout === '' ? undefined : JSON.parse(stdout), error };
}

/** Amounts with marks between thousands, what stands before their cents, and what they are. */
const grouped: readonly (readonly [amount: string, decimal: string, plain: string])[] = [
  ['1.250,00', 'comma', '1250.00'],
  ['-1.234.567,5', 'comma', '-1234567.50'],
  ['1,250.00', 'point', '1250.00'],
  ['+12,345,678.9', 'point', '12345678.90'],
];

describe('an amount with marks between thousands', () => {
  test.each(grouped)(
    'is read if its decimal sign is said: %s, %s',
    async (amount, decimal, plain) => {
      const bank = await bankWith(`branch,account,amount\nbranch1,A,"${amount}"\n`);
      const line = ['apply', file, '--batch', 'b', '--json', '--dry-run'];
      const before = await bank.everything();
      for (const more of [[], ['--decimal', decimal === 'comma' ? 'point' : 'comma']]) {
        expect((await bank.run([...line, ...more])).status).toBe(2);
      }
      const { stdout } = await bank.run([...line, '--decimal', decimal]);
      expect(JSON.parse(stdout).totals).toEqual({ USD: plain });
      expect(await bank.everything()).toBe(before);
    },
  );

  test.each([
    ...['1.250', '1.25,00', '12.50,00', '1.250.00', '1.2500,00', '0.250,00', '1,250.00', '.250,00'],
    ...['1250.000,00', "1'250,00", '1..250,00', '1.250,', '1.250,00,00', '1.250,-5', '1.250.5,00'],
  ])('is refused if the marks do not fit: %s', async (amount) => {
    const bank = await bankWith(`account,balance\nA,"${amount}"\n`);
    const before = await bank.everything();
    const { status, error } = await importOf(bank, '--decimal', 'comma');
    expect([status, error?.code]).toEqual([2, 'invalid_row']);
    expect(await bank.everything()).toBe(before);
  });

  test('is refused without quotation marks, as two cells', async () => {
    const bank = await bankWith('account,balance,owner\nA,1,250.00\n');
    const { status, error } = await importOf(bank, '--decimal', 'point');
    expect([status, error.message]).toEqual([
      2,
      expect.stringContaining('1,250.00 without quotation marks: it may be one balance, or two'),
    ]);
    expect((await importOf(bank)).result).toMatchObject({ totals: { USD: '1.00' } });
  });
});

test('a file in Windows-1252 is refused with the command that converts it, once', async () => {
  const rows = '\nA,Caf\xe9 \x80\nB,O\x92Neil\nC,\x8cuvre\n';
  const bank = await bankWith(Buffer.from(`account,owner,balance${rows}`, 'latin1'));
  const { stderr } = await bank.run(['import', 'branch1', file]);
  const command = "iconv -f WINDOWS-1252 -t UTF-8 'Ada'\\''s.csv' > 'Ada'\\''s-utf8.csv'";
  expect(stderr.split(command)).toHaveLength(2);
  expect(stderr).toMatch(/^Line 3 is not UTF-8 text: its byte 4 is not part of a character\.$/m);
  const utf16 = await bankWith(Buffer.from('\ufeffaccount,balance\nA,1\n', 'utf16le'));
  const { error } = await importOf(utf16);
  expect(error.hint).toBe(
    `Convert it, and give the result: ${command.replace('WINDOWS-1252', 'UTF-16')}`,
  );
});

test('columns that are missing are asked for before others are left out', async () => {
  const bank = await bankWith('Konto,Saldo (EUR),Notiz\nA,1,x\n');
  const { error } = await importOf(bank, '--columns', 'account=Konto');
  expect(error.message).toContain('unknown columns, "Saldo (EUR)", "Notiz"');
  expect(error.hint).toBe(
    'Say which column is the balance, with --columns balance=NAME; then leave out what is not ' +
      'needed with --drop NAME,NAME.',
  );
});

test('an empty --batch name is called one', async () => {
  const bank = await bankWith('branch,account,amount\nbranch1,A,1\n');
  const { status, stderr } = await bank.run(['apply', file, '--batch=']);
  expect([status, stderr]).toEqual([
    2,
    expect.stringContaining('The name after --batch is empty.'),
  ]);
});

test('operations --batch says what was reversed, and by what', async () => {
  const bank = await bankWith('branch,account,amount\nbranch1,A,5\nbranch1,A,6\n');
  await bank.run(['open', 'branch1', 'A']);
  await bank.run(['apply', file, '--batch', 'b', '--results', 'out']);
  const [first = ''] = (await readFile(join(bank.directory, 'out'), 'utf8')).split('\n');
  const { id } = JSON.parse(first);
  await bank.run(['reverse', id, '--id', 'undo']);
  const list = async (...more: readonly string[]) =>
    JSON.parse((await bank.run(['operations', ...more, '--json'])).stdout);
  expect(await list('--batch', 'b')).toMatchObject([
    { operation: id, reversed_by: 'undo' },
    { reversed_by: null },
  ]);
  expect(JSON.stringify(await list('--account', 'branch1:A'))).not.toContain('reversed_by');
  const { stdout } = await bank.run(['operations', '--batch', 'b', '-o', 'csv']);
  const [header = '', row = ''] = stdout.split('\n');
  expect(row.split(',')[header.split(',').indexOf('reversed_by')]).toBe('undo');
});
