import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Decimal128 } from 'mongodb';
import { describe, expect, test } from 'vitest';
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

/** An account that bankctl opened and posted to, and files about it. */
async function bankWithFiles(files: Readonly<Record<string, string>>, config = '') {
  const bank = await workspace({
    config: `branches: { branch1: { collection: branch1${config} } }\n`,
  });
  await bank.run(['open', 'branch1', 'A', '--balance', '100']);
  await bank.run(['increment', 'branch1', 'A', '50', '--id', 'op-1']);
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(bank.directory, name), text);
  }
  return bank;
}

type Bank = Awaited<ReturnType<typeof bankWithFiles>>;

function add(bank: Bank, amount: string) {
  const change = { $inc: { balance: Decimal128.fromString(amount) } };
  return bank.db.collection('branch1').updateOne({ account_number: 'A' }, change);
}

/** What an audit with a plan calls certain, and whether it planned anything. */
async function audit(bank: Bank, line: string) {
  const argv = ['audit', ...line.split(' '), '--plan', 'plan.yaml', '--json'];
  const { stdout, stderr } = await bank.run(argv);
  const findings: readonly { code: string; certain?: boolean; detail: string }[] =
    JSON.parse(stdout).findings;
  const certain = findings.filter((one) => one.certain).map(({ detail }) => detail);
  const codes = findings.map(({ code }) => code);
  return { certain, codes, planned: stderr.includes('Wrote a plan'), stderr, stdout };
}

describe('nothing is certain or planned', () => {
  test('if an opening without a time may be from after what bankctl posted', async () => {
    const bank = await bankWithFiles({
      'opening.csv': 'branch,account,balance\nbranch1,A,150\n',
      'log.csv': 'branch,account,amount\nbranch1,A,200\n',
    });
    await add(bank, '200');
    const found = await audit(bank, '--intended log.csv --opening opening.csv');
    expect([found.certain, found.planned]).toEqual([[], false]);
    expect(found.stdout).toContain('may be from after what bankctl posted');
  });

  test('if a statement may be from before what bankctl posted', async () => {
    const bank = await bankWithFiles({ 'e.csv': 'branch,account,balance\nbranch1,A,100\n' });
    const found = await audit(bank, '--expected e.csv');
    expect([found.certain, found.planned]).toEqual([[], false]);
  });

  test('if the opening has a time and a row has none', async () => {
    const bank = await bankWithFiles({
      'opening.csv': 'branch,account,balance,time\nbranch1,A,180,2100-01-01T00:00:00Z\n',
      'log.csv': 'branch,account,amount\nbranch1,A,30\nbranch1,A,40\n',
    });
    await add(bank, '70');
    const found = await audit(bank, '--intended log.csv --opening opening.csv');
    expect([found.certain, found.planned]).toEqual([[], false]);
    expect(found.stdout).toContain('has no time');
  });

  test('if the balances cannot be what became of the calls', async () => {
    const bank = await workspace({ config: 'branches: { branch1: { collection: branch1 } }\n' });
    await bank.db.collection('branch1').insertOne({ account_number: 'A', balance: 155.5 });
    await bank.run(['adopt', '--yes']);
    await writeFile(join(bank.directory, 'o.csv'), 'branch,account,balance\nbranch1,A,300\n');
    await writeFile(join(bank.directory, 'l.csv'), 'branch,account,amount\nbranch1,A,5\n');
    const found = await audit(bank, '--intended l.csv --opening o.csv');
    expect([found.certain, found.planned]).toEqual([[], false]);
    expect(found.codes).not.toEqual([]);
  });
});

test("a row that is an operation of bankctl is no call of the old program's", async () => {
  const bank = await bankWithFiles({
    'opening.csv': 'branch,account,balance\n',
    'log.csv': 'branch,account,amount,id\nbranch1,A,50,op-1\nbranch1,A,7,other\n',
  });
  await add(bank, '7');
  const found = await audit(bank, '--intended log.csv --opening opening.csv');
  expect(found.codes).toEqual(['outside_write']);
  expect(found.stderr).toContain('1 row of the log is an operation of bankctl itself');
});

test.each([
  ['a source of intentions is given', '', '--expected e.csv', false],
  ['the old program goes on beside bankctl', ', storage: double', 'branch1', false],
  ['there is nothing but the journal', '', 'branch1', true],
])('what another program wrote is planned to be taken back: %s', async (_, config, line, is) => {
  const bank = await bankWithFiles(
    { 'e.csv': 'branch,account,balance\n' + 'branch1,B,0\n' },
    config,
  );
  await add(bank, '5');
  const found = await audit(bank, line);
  expect(found.codes).toContain('outside_write');
  expect(found.planned).toBe(is);
});

test('a statement of an account that bankctl opened is certain', async () => {
  const bank = await bankWithFiles({ 'e.csv': 'branch,account,balance\nbranch1,A,157\n' });
  const found = await audit(bank, '--expected e.csv');
  expect(found.certain).toEqual(['A: 7.00 lost (certain).']);
  expect(found.planned).toBe(true);
});
