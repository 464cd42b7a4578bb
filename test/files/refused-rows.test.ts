import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';

async function bankWithA(): Promise<Workspace> {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'A', '--balance', '100']);
  return bank;
}

/** Applies rows, with the words of the last refusals on stderr, line by line. */
async function apply(bank: Workspace, text: string, ...more: readonly string[]) {
  await writeFile(join(bank.directory, 'f.csv'), text);
  const { status, stdout, stderr } = await bank.run(['apply', 'f.csv', ...more, '-o', 'json']);
  const said = stderr.split('\n').filter((line) => line !== '');
  const sentences = said.map((it) =>
    it.startsWith('{') ? (JSON.parse(it).notice?.message ?? it) : it,
  );
  return { status, result: stdout === '' ? undefined : JSON.parse(stdout), said: sentences };
}

const derived = 'branch,account,amount\nbranch1,N,5\n';
const own = 'id,branch,account,amount\nx-1,branch1,N,5\n';
const noAccount = 'There is no account N in branch1.';
const open = 'Open it with bankctl open branch1 N.';
const retry = 'Once the cause is removed, --retry-refused tries an unchanged row again.';
const inPlace = 'Correct a refused row in place.';

describe('what is said of a refused row', () => {
  test('is to correct it, and that it stays refused without --retry-refused', async () => {
    const bank = await bankWithA();
    const refused = `Line 2 was refused: ${noAccount} ${open}`;
    expect((await apply(bank, derived, '--batch', 'p')).said).toEqual([refused, inPlace, retry]);
    const both = (await apply(bank, `${own},branch1,N,6\n`, '--batch', 'q')).said;
    expect(both[2]).toBe('Correct a refused row in place, and keep an id of its own.');
    const atomic = await apply(bank, derived, '--batch', 'r', '--again', '--atomic');
    expect(atomic.said).toEqual([refused, inPlace]);
    const dry = await apply(bank, derived, '--batch', 's', '--again', '--dry-run');
    expect(dry.said.slice(0, 2)).toEqual([refused, inPlace]);
  });

  test('is true after the cause was removed, and the row is applied as it says', async () => {
    const bank = await bankWithA();
    await apply(bank, derived, '--batch', 'p');
    await bank.run(['open', 'branch1', 'N']);
    const { said } = await apply(bank, derived, '--batch', 'p');
    expect(said).toEqual([
      `Line 2 was refused before: ${noAccount}`,
      inPlace,
      expect.stringMatching(/^1 row is still refused, .*; --retry-refused tries it again\.$/),
    ]);
    const retried = await apply(bank, derived, '--batch', 'p', '--retry-refused');
    expect([retried.status, retried.said]).toEqual([0, []]);
  });

  test('is how to correct an applied one, if its id is in use', async () => {
    const bank = await bankWithA();
    await apply(bank, own.replace('N', 'A'));
    const edited = await apply(bank, own.replace('N,5', 'A,6'));
    expect(edited.said).toEqual([
      'Line 2 was refused: The operation id "x-1" was used for another request: its amount was ' +
        '5.00, now it is 6.00. See it with bankctl show x-1; to correct it, reverse it and give ' +
        'the row a new id.',
      'A row whose id was used for another request needs a new id.',
    ]);
    await bank.run(['reverse', 'x-1']);
    const corrected = await apply(bank, own.replace('x-1', 'x-2').replace('N,5', 'A,6'));
    expect(corrected).toMatchObject({ status: 0, result: { applied: 1 } });
  });
});

test('--results say what a refused row asked for, and the account of an imported one', async () => {
  const bank = await bankWithA();
  const lines = async () => {
    const text = await readFile(join(bank.directory, 'out'), 'utf8');
    return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
  };
  const { result } = await apply(bank, `${own}x-2,branch1,A,7\n`, '--results', 'out');
  expect(result).toMatchObject({
    ...{ totals: { USD: '12.00' }, applied_totals: { USD: '7.00' } },
    refused_totals: { USD: '5.00' },
  });
  expect(await lines()).toMatchObject([
    { line: 2, id: 'x-1', asked: { branch: 'branch1', account: 'N', amount: '5.00' } },
    { line: 3, id: 'x-2', postings: [{ branch: 'branch1', account: 'A', balance: '107.00' }] },
  ]);
  await writeFile(join(bank.directory, 'i.csv'), 'account,balance\nNEW,1\nA,1\n');
  await bank.run(['import', 'branch1', 'i.csv', '--results', 'out']);
  expect(await lines()).toMatchObject([
    { line: 2, branch: 'branch1', account: 'NEW', outcome: 'created' },
    { line: 3, branch: 'branch1', account: 'A', outcome: 'conflict' },
  ]);
});
