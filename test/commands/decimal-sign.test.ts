import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';

const config = `branches:
  bh: { collection: bh, currency: BHD }
  us: { collection: us }
`;

async function bankWith(text: string): Promise<Workspace> {
  const bank = await workspace({ config });
  await bank.run(['open', 'bh', 'A']);
  await bank.run(['open', 'us', 'A']);
  await writeFile(join(bank.directory, 'f.csv'), text);
  return bank;
}

const balances = async (bank: Workspace) =>
  (await bank.run(['balance', 'bh', '-o', 'csv'])).stdout.split('\n').slice(1, -1);

const rows = 'branch;account;amount\nbh;A;1.500\n';

test('a point that may be one between thousands has to be explained', async () => {
  const bank = await bankWith(rows);
  const before = await bank.everything();
  for (const more of [['--dry-run'], []]) {
    const { status, stderr } = await bank.run(['apply', 'f.csv', '--batch', 'b', ...more]);
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(
        /line 2 cannot be used: "1\.500" may be 1500, since .*, or 1\.500\..*\nSay --decimal/s,
      ),
    ]);
  }
  expect(await bank.everything()).toBe(before);
  const said = await bank.run(['apply', 'f.csv', '--batch', 'b', '--decimal', 'point']);
  expect([said.status, await balances(bank)]).toEqual([0, ['A,1.500,open']]);
});

test.each([
  [rows, '--decimal comma', 'leave out --decimal'],
  [rows.replaceAll(';', ','), '', undefined],
  [rows.replaceAll(';', '\t'), '', undefined],
  [rows, '--separator semicolon', undefined],
  [`sep=;\n${rows}`, '', 'may be 1500'],
  [rows.replace('1.500', '0.500'), '', undefined],
  [rows.replace('1.500', '1.50'), '', undefined],
  [rows.replace('1.500', '-12.500'), '', 'may be -12500'],
  [rows.replace('bh', 'us'), '', 'may be 1500.00 USD, or 1.50'],
])('of %j with %j says %s', async (text, options, expected) => {
  const bank = await bankWith(text);
  const words = options === '' ? [] : options.split(' ');
  const { status, stderr } = await bank.run(['apply', 'f.csv', '--batch', 'b', ...words]);
  if (expected === undefined)
    expect([status, stderr]).toEqual([0, expect.not.stringMatching('bankctl:')]);
  else expect([status, stderr]).toEqual([2, expect.stringContaining(expected)]);
});

test('in a balance it has to be explained too', async () => {
  const bank = await bankWith('account;balance\nX;1.500\n');
  const before = await bank.everything();
  const { status, stderr } = await bank.run(['import', 'bh', 'f.csv']);
  expect([status, stderr]).toEqual([2, expect.stringContaining('may be 1500, since')]);
  expect(await bank.everything()).toBe(before);
  const { stdout } = await bank.run(['import', 'bh', 'f.csv', '--decimal', 'point', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ created: 1, totals: { BHD: '1.500' } });
});
