import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test as base, beforeAll, expect, inject } from 'vitest';
import { until } from '../database/host.ts';
import { type Workspace, workspace } from '../workspace.ts';
import { amountText } from './damage.ts';
import { type LegacyProgram, startNode, startPython } from './programs.ts';
import { legacyPython } from './python.ts';

// Installing takes longer than a test may.
beforeAll(async () => {
  await legacyPython();
}, 300_000);

interface Finding {
  readonly code: string;
  readonly account: string | null;
  readonly amount?: string;
  readonly documents?: number;
}

/** How often bankctl does its part while another program runs. */
const rounds = 5;

const config = `branches:
  main: { collection: main, storage: double }
  other: { collection: other, storage: double }
`;

const test = base.extend<{ bank: Workspace }>({
  // biome-ignore lint/correctness/noEmptyPattern: the runner reads the parameter's names
  bank: async ({}, use) => use(await workspace({ config })),
});

/** Runs a line that must succeed, and gives its result. */
async function done(bank: Workspace, line: string) {
  const { status, stdout, stderr } = await bank.run([...line.split(' '), '--json']);
  expect([line, status, status === 0 ? '' : stderr]).toEqual([line, 0, '']);
  return JSON.parse(stdout);
}

async function audit(bank: Workspace): Promise<readonly Finding[]> {
  const { status, stdout } = await bank.run(['audit', '--json']);
  const { findings } = JSON.parse(stdout);
  expect(status).toBe(findings.length === 0 ? 0 : 4);
  return findings;
}

/** What other programs added, by account, in cents, as the audit says. */
function outside(findings: readonly Finding[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    findings
      .filter(({ code }) => code === 'outside_write')
      .map(({ account, amount }) => [account, Math.round(100 * Number(amount))]),
  );
}

/** Does bankctl's part so many times while the other program runs. Returns what that printed. */
async function during(program: LegacyProgram, work: (round: number) => Promise<void>) {
  await program.ready;
  for (let round = 0; round < rounds; round += 1) await work(round);
  program.finish();
  return JSON.parse(await program.ended);
}

async function cents(bank: Workspace, account: string): Promise<number> {
  const [branch, number] = account.split(':');
  const { balance } = await done(bank, `balance ${branch} ${number}`);
  const stored = await bank.db.collection(branch ?? '').findOne({ account_number: number });
  // Not only near it: the double that is the amount, as the old program expects it.
  expect([account, stored?.['balance']]).toEqual([account, Number(balance)]);
  return Math.round(100 * Number(balance));
}

test('MongoEngine and bankctl write the same accounts at the same time', async ({ bank }) => {
  await done(bank, 'open main A --balance 1000.10');
  await done(bank, 'open main B --balance 1000.20');
  await done(bank, 'open other C --balance 5');
  const program = await startPython('incrementing.py', [
    ...['--uri', inject('uri'), '--database', bank.db.databaseName, '--collection', 'main'],
    ...['--accounts', 'A', 'B', '--amount', '0.10', '--threads', '2'],
  ]);
  const printed = await during(program, async (round) => {
    const file = join(bank.directory, `batch-${round}.csv`);
    const rows = [
      `i-${round},increment,main,A,,,0.01`,
      `t-${round},transfer,,,main:B,other:C,0.02`,
    ];
    await writeFile(file, `id,type,branch,account,from,to,amount\n${rows.join('\n')}\n`);
    await done(bank, 'increment main A 0.07');
    await done(bank, 'transfer main:A main:B 0.03');
    await done(bank, `apply ${file}`);
  });
  const { made, types } = printed;
  expect(types).toEqual(['Decimal']);
  // Else they did not run at the same time, and nothing was tried.
  expect(Math.min(made.A, made.B)).toBeGreaterThan(0);
  const findings = await audit(bank);
  expect(findings.map(({ code }) => code)).toEqual(['outside_write', 'outside_write']);
  expect(outside(findings)).toEqual({ A: 10 * made.A, B: 10 * made.B });

  await done(bank, 'adopt --outside-writes --yes');
  expect(await audit(bank)).toEqual([]);
  expect(await cents(bank, 'main:A')).toBe(100_010 + 10 * made.A + rounds * (7 - 3 + 1));
  expect(await cents(bank, 'main:B')).toBe(100_020 + 10 * made.B + rounds * (3 - 2));
  expect(await cents(bank, 'other:C')).toBe(500 + rounds * 2);
});

test('Mongoose and bankctl write the same accounts at the same time', async ({ bank }) => {
  await done(bank, 'open main A --balance 0.30');
  const program = startNode('mongoose-program.js', [
    ...[inject('uri'), bank.db.databaseName, 'main', 'A', '0.1'],
  ]);
  const printed = await during(program, async (round) => {
    await done(bank, 'increment main A 0.20');
    await done(bank, `open main BANKCTL-${round} --balance 1.10`);
  });
  const { increments, opened, type } = printed;
  expect(type).toBe('number');
  expect(increments).toBeGreaterThan(0);
  const findings = await audit(bank);
  expect(outside(findings)).toEqual({ A: 10 * increments });
  expect(findings.filter(({ code }) => code === 'unstamped_document')).toMatchObject([
    { documents: opened.length },
  ]);

  const { adopted } = await done(bank, 'adopt --outside-writes --yes');
  expect(adopted).toBe(opened.length);
  expect(await audit(bank)).toEqual([]);
  expect(await cents(bank, 'main:A')).toBe(30 + 10 * increments + rounds * 20);
  for (const account of opened) expect(await cents(bank, `main:${account}`)).toBe(30);
  const { totals } = await done(bank, 'balance');
  const total = 30 + 10 * increments + rounds * (20 + 110) + 30 * opened.length;
  expect(totals).toEqual({ USD: amountText(total) });
});

test('accounts are adopted while MongoEngine writes to them', async ({ bank }) => {
  const accounts = Array.from({ length: 40 }, (_, n) => `L-${n}`);
  await bank.db
    .collection('main')
    .insertMany(accounts.map((account_number) => ({ account_number, balance: 0.1 })));
  const program = await startPython('incrementing.py', [
    ...['--uri', inject('uri'), '--database', bank.db.databaseName, '--collection', 'main'],
    ...['--amount', '0.10', '--threads', '4', '--accounts', ...accounts],
  ]);
  const { made } = await during(program, async () => {
    await done(bank, 'adopt --outside-writes --yes');
    await done(bank, 'increment main L-0 0.01');
  });
  await done(bank, 'adopt --outside-writes --yes');
  expect(await audit(bank)).toEqual([]);
  for (const account of accounts) {
    const expected = 10 + 10 * made[account] + (account === 'L-0' ? rounds : 0);
    expect([account, await cents(bank, `main:${account}`)]).toEqual([account, expected]);
  }
});

test('a repair leaves alone what MongoEngine is writing to', async ({ bank }) => {
  const accounts = ['A', 'B'].map((account_number) => ({ account_number, balance: 100 }));
  await bank.db.collection('main').insertMany(accounts);
  await done(bank, 'adopt --yes');
  const path = (name: string) => join(bank.directory, name);
  const both = (rest: string) => ['A', 'B'].map((account) => `main,${account},${rest}\n`).join('');
  await writeFile(path('opening.csv'), `branch,account,balance\n${both('100.00')}`);
  await writeFile(path('log.csv'), `branch,account,amount\n${both('5.00')}`);
  const sources = `--intended ${path('log.csv')} --opening ${path('opening.csv')}`;
  const found = await bank.run(`audit ${sources} --plan ${path('plan.yaml')} --json`.split(' '));
  expect(JSON.parse(found.stdout).findings).toMatchObject([
    { code: 'lost_write', account: 'A', amount: '5.00', certain: true },
    { code: 'lost_write', account: 'B', amount: '5.00', certain: true },
  ]);

  const program = await startPython('incrementing.py', [
    ...['--uri', inject('uri'), '--database', bank.db.databaseName, '--collection', 'main'],
    ...['--accounts', 'A', '--amount', '0.10', '--threads', '2'],
  ]);
  await program.ready;
  const balanceOfA = async () =>
    (await bank.db.collection('main').findOne({ account_number: 'A' }))?.['balance'];
  await until(async () => (await balanceOfA()) !== 100);
  const repaired = await bank.run(['repair', path('plan.yaml'), '--yes', '--json']);
  program.finish();
  const { made } = JSON.parse(await program.ended);
  expect(repaired.status).toBe(1);
  expect(JSON.parse(repaired.stdout)).toMatchObject({ repaired: 1, moved: [{ account: 'A' }] });
  await done(bank, 'adopt --outside-writes --yes');
  expect(await cents(bank, 'main:A')).toBe(10_000 + 10 * made.A);
  expect(await cents(bank, 'main:B')).toBe(10_500);
  expect(await audit(bank)).toEqual([]);
});
