import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';

let bank: Workspace;

/** A log whose calls are older or later than the adoption of their account. */
async function audit(calls: readonly string[], opening?: string) {
  const rows = calls.map((call) => `branch1,A,7,${call}T00:00:00Z\n`).join('');
  await writeFile(join(bank.directory, 'log.csv'), `branch,account,amount,time\n${rows}`);
  if (opening !== undefined) await writeFile(join(bank.directory, 'opening.csv'), opening);
  const argv = ['audit', '--json', '--intended', 'log.csv'];
  if (opening !== undefined) argv.push('--opening', 'opening.csv');
  const { status, stdout, stderr } = await bank.run(argv);
  const { findings, unread } = JSON.parse(stdout);
  return { status, stderr, findings, unread };
}

beforeEach(async () => {
  bank = await workspace({ config: 'branches: { branch1: { collection: branch1 } }\n' });
  await bank.db.collection('branch1').insertOne({ account_number: 'A', balance: 100.5 });
  expect((await bank.run(['adopt', '--yes'])).status).toBe(0);
});

const advice = 'Give the balances before that with --opening, and they do.';

test('a log that is older than the adoption says nothing, and that is said', async () => {
  expect(await audit(['2020-01-01', '2020-01-02'])).toEqual({
    ...{ status: 5, stderr: '', findings: [] },
    unread: [
      {
        reason:
          'Of 2 rows of log.csv, 2 are older than the adoption or opening of their accounts, ' +
          `and do not count. ${advice}`,
      },
    ],
  });
});

test('rows that do not count are counted beside those that do', async () => {
  const { status, stderr, findings, unread } = await audit(['2020-01-01', '9000-01-01']);
  expect(stderr).toContain(
    'Of 2 rows of log.csv, 1 is older than the adoption or opening of their accounts, and does ' +
      `not count. ${advice}`,
  );
  expect([status, unread]).toEqual([4, []]);
  expect(findings).toMatchObject([{ code: 'lost_write', amount: '7.00', certain: true }]);
});

test('--opening makes them count', async () => {
  const { stderr, findings } = await audit(
    ['2020-01-01', '2020-01-02'],
    'branch,account,balance\nbranch1,A,93.50\n',
  );
  expect(stderr).not.toContain('older');
  expect(findings).toMatchObject([{ code: 'lost_write', amount: '7.00', certain: true }]);
});

test('what was repaired since is settled, and not missed', async () => {
  const rows = ['2020-01-01'];
  await audit(rows, 'branch,account,balance\nbranch1,A,100.50\n');
  const files = ['--intended', 'log.csv', '--opening', 'opening.csv'];
  expect((await bank.run(['audit', ...files, '--plan', 'plan.yaml'])).status).toBe(4);
  expect((await bank.run(['repair', 'plan.yaml', '--yes'])).status).toBe(0);
  expect(await audit(rows)).toMatchObject({ status: 0, findings: [], unread: [] });
});
