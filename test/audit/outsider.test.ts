import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Decimal128 } from 'mongodb';
import { expect, test } from 'vitest';
import type { Finding } from '../../src/audit/finding.ts';
import { workspace } from '../workspace.ts';

const twoBranches =
  'branches: { branch1: { collection: branch1 }, branch2: { collection: branch2 } }\n';

test.each([['--intended log.csv --opening opening.csv'], ['--expected expected.csv']])(
  'what somebody else took away is no certain loss of a call: %s',
  async (files) => {
    const bank = await workspace({ config: 'branches: { branch1: { collection: branch1 } }\n' });
    await bank.db.collection('branch1').insertOne({ account_number: 'A', balance: 150.5 });
    expect((await bank.run(['adopt', '--yes'])).status).toBe(0);
    const taken = { $inc: { balance: Decimal128.fromString('-50') } };
    await bank.db.collection('branch1').updateOne({ account_number: 'A' }, taken);
    for (const [name, text] of [
      ['opening.csv', 'branch,account,balance\nbranch1,A,100.50\n'],
      ['log.csv', 'branch,account,amount\nbranch1,A,50\n'],
      ['expected.csv', 'branch,account,balance\nbranch1,A,150.50\n'],
    ] as const) {
      await writeFile(join(bank.directory, name), text);
    }
    const argv = ['audit', ...files.split(' '), '--plan', 'plan.yaml', '--json'];
    const { stdout, status } = await bank.run(argv);
    expect(status).toBe(4);
    const { findings } = JSON.parse(stdout);
    expect(findings.filter(({ certain }: { certain?: boolean }) => certain)).toEqual([]);
    expect(stdout).toContain('another program took away');
  },
);

test('what somebody else moved is no certain mistake of a call, if the history tells', async () => {
  const bank = await workspace({ config: twoBranches });
  for (const name of ['branch1', 'branch2']) {
    await bank.db.collection(name).insertMany([
      { account_number: 'E', balance: 100 },
      { account_number: 'F', balance: 100 },
    ]);
  }
  expect((await bank.run(['adopt', '--yes'])).status).toBe(0);
  const add = (name: string, account_number: string, amount: string) =>
    bank.db
      .collection(name)
      .updateOne({ account_number }, { $inc: { balance: Decimal128.fromString(amount) } });
  await add('branch1', 'E', '10');
  await add('branch2', 'F', '10');
  await add('branch1', 'E', '-10');
  await add('branch2', 'E', '10');
  const opening = ['branch1,E', 'branch1,F', 'branch2,E', 'branch2,F'].map((it) => `${it},100\n`);
  await writeFile(
    join(bank.directory, 'opening.csv'),
    `branch,account,balance\n${opening.join('')}`,
  );
  await writeFile(
    join(bank.directory, 'log.csv'),
    'branch,account,amount\nbranch1,E,10\nbranch1,F,10\n',
  );
  const argv = ['audit', '--intended', 'log.csv', '--opening', 'opening.csv', '--trace'];
  const { stdout, status } = await bank.run([...argv, '--plan', 'plan.yaml', '--json']);
  expect(status).toBe(4);
  const { findings }: { findings: Finding[] } = JSON.parse(stdout);
  const moved = findings.filter(({ code, line }) => code === 'misplaced_write' && !line);
  expect(moved).toMatchObject([
    {
      ...{ account: 'E', amount: '10.00', certain: false },
      detail: "E: one of several explanations: 10.00 of branch1's money is in branch2.",
      cause: "Nothing is certain: the server's history contradicts the log.",
      repair: "It is not planned: the server's history contradicts the log.",
    },
    { account: 'F', amount: '10.00', certain: true },
  ]);
  const plan = await readFile(join(bank.directory, 'plan.yaml'), 'utf8');
  expect(plan.match(/account: .*/g)).toEqual(['account: "F"']);
});
