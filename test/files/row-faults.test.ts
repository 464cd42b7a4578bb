import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { workspace } from '../workspace.ts';

const noBranch = 'There is no branch "nowhere"';
const noAmount = '"1,5" is not an amount of money';

test.each<[name: string, command: string, text: string, said: readonly string[]]>([
  [
    'of an operation',
    'apply f.csv --batch b',
    'branch,account,amount,memo\nnowhere,"A\u0007","1,5",\nbranch1,"A\u0007","1,5","x\u0007"\n',
    [
      `Line 2 cannot be used: ${noBranch}`,
      'The account number "A',
      'Line 3 cannot be used: The memo',
      noAmount,
      'Write a point before the cents',
    ],
  ],
  [
    'of a transfer',
    'apply f.csv --batch b',
    'from,to,amount\nbranch1:A,nowhere,1.999\nnowhere:A,branch2:A,1\n',
    ['Line 2 cannot be used', '"1.999" has 3 decimals', `Line 3 cannot be used: ${noBranch}`],
  ],
  [
    'of a row that lacks something too',
    'apply f.csv --batch b',
    'type,branch,account,amount\nopen,nowhere,,"1,5"\nincrement,branch1,A,\n',
    [
      'Line 2 has no value for "account": an operation open needs branch, account, and cannot be ' +
        `used: ${noBranch}`,
      'Line 3 has no value for "amount"',
    ],
  ],
  [
    'of an account',
    'import branch1 f.csv',
    'account,balance,status,owner\n"A\u0007","1,5",gone," x"\nB,"1,5",open,\n',
    [
      'Line 2 has the status "gone", not open, frozen or closed, and cannot be used: The account',
      'The owner " x" begins or ends with a space',
      noAmount,
      `Line 3 cannot be used: ${noAmount}`,
    ],
  ],
])('all faults of a row are said at once: %s', async (_, command, text, said) => {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'A']);
  const before = await bank.everything();
  await writeFile(join(bank.directory, 'f.csv'), text);
  const { status, stderr } = await bank.run(command.split(' '));
  expect(status).toBe(2);
  for (const words of said) expect(stderr).toContain(words);
  expect(await bank.everything()).toBe(before);
});

test('a fault is said once, and nothing of a sound row', async () => {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'A']);
  const text = 'branch,account,amount,memo\nbranch1,A,1e3,m\nbranch1,A,1,m\nbranch1,B,1,m\n';
  await writeFile(join(bank.directory, 'f.csv'), text);
  const { stderr } = await bank.run(['apply', 'f.csv', '--batch', 'b', '--json']);
  expect(JSON.parse(stderr).error).toMatchObject({
    code: 'invalid_row',
    message:
      'f.csv, line 2 cannot be used: "1e3" is not an amount of money. Nothing was applied by ' +
      'this run.',
    hint: 'Write all its digits; a spreadsheet shortens them in a column of numbers.',
  });
});
