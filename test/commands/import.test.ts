import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Decimal128, Long } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';

async function lines(bank: Workspace, ...argvs: readonly string[]): Promise<void> {
  for (const argv of argvs) expect(await bank.run([...argv.split(' '), '-q'])).toMatchObject(done);
}

const done = { status: 0 };

async function results(bank: Workspace): Promise<{ line: number; outcome: string }[]> {
  const out = await readFile(join(bank.directory, 'out'), 'utf8');
  return out
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text));
}

async function filled(): Promise<Workspace> {
  const bank = await workspace();
  await lines(
    bank,
    'open branch1 A --balance 100 --id o1',
    'open branch1 B --id o2',
    'increment branch2 é 12.5 --create --id i1 --memo hello',
    'transfer branch1:A branch1:B 30 --id t1',
    'reverse t1 --id r1',
    'increment branch2 é -40 --id i2',
    'freeze branch1 A --id f1',
    'close branch1 B --id c1',
  );
  return bank;
}

describe('import', () => {
  const counts = async (bank: Workspace, ...argv: readonly string[]) =>
    JSON.parse((await bank.run(['import', ...argv, '--json', '-q'])).stdout);

  test('takes back what export writes, to the same balances and statuses', async () => {
    const from = await filled();
    const state = async (bank: Workspace) => [
      (await bank.run(['balance', '--json'])).stdout,
      (await bank.run(['balance', 'branch1', '--json'])).stdout,
      (await bank.run(['balance', 'branch2', '--json'])).stdout,
    ];
    for (const format of ['table', 'csv', 'ndjson']) {
      const to = await workspace();
      const { stdout } = await from.run(['export', '-o', format]);
      await writeFile(join(to.directory, 'bank'), stdout);
      const whole = ['branch1', 'bank', '--any-branch'];
      const all = { read: 3, created: 3, duplicate: 0, conflict: 0, rejected: 0 };
      expect(await counts(to, ...whole)).toMatchObject(all);
      expect(await state(to)).toEqual(await state(from));
      expect(await counts(to, ...whole)).toMatchObject({ ...all, created: 0, duplicate: 3 });
      expect((await to.run(['export', '-o', format])).stdout).toBe(stdout);
    }
  });

  test('accounts for every row, and changes no account that is there', async () => {
    const bank = await workspace();
    await lines(bank, 'open branch1 SAME --balance 1', 'open branch1 OTHER --balance 1');
    const rows = [
      'account,balance,status,branch,currency',
      'NEW,5,,,',
      'SAME,1.00,open,branch1,USD',
      'OTHER,2,frozen,,',
      'NEW,5,,,',
      'NEW,6,,,',
      'MINUS,-1,frozen,,',
      'LAST,0,frozen,,',
    ];
    await writeFile(join(bank.directory, 'in.csv'), rows.join('\n'));
    const dry = await counts(bank, 'branch1', 'in.csv', '--dry-run');
    const ran = await bank.run(['import', 'branch1', 'in.csv', '--json', '--results', 'out']);
    const result = {
      ...{ read: 7, created: 2, duplicate: 2, conflict: 2, rejected: 1 },
      ...{ totals: { USD: '18.00' }, refused_totals: { USD: '7.00' } },
    };
    expect([ran.status, JSON.parse(ran.stdout)]).toEqual([1, result]);
    expect(dry).toEqual({ ...result, dry_run: true });
    expect(ran.stderr).toContain(
      'Line 4, conflict: branch1:OTHER already exists with 1.00 and open',
    );
    expect(ran.stderr).toContain(
      'Line 7, rejected: The account branch1:MINUS would begin with -1.00 USD',
    );
    expect((await results(bank)).map(({ outcome }) => outcome[0]).join('')).toBe('cdcdcrc');
    const { stdout } = await bank.run(['balance', 'branch1', '-o', 'csv']);
    expect(stdout).toBe(
      'account,balance,status\nLAST,0.00,frozen\nNEW,5.00,open\nOTHER,1.00,open\nSAME,1.00,open\n',
    );
  });

  test('lists every faulty line, and then opens nothing', async () => {
    const bank = await workspace();
    const before = await bank.everything();
    const faults: readonly (readonly [row: string, expected: RegExp])[] = [
      ['FULL,1,closed,,', /is closed and has 1/],
      ['ABROAD,1,,branch2,EUR', /is an account of branch2.*--any-branch/],
      ['EURO,1,,,EUR', /is in "EUR", and branch1 keeps USD/],
      ['ODD,1,asleep,,', /has the status "asleep"/],
      [',1,,,', /has no value for "account"/],
      ['SHORT,1', /has 2 of the 5 cells/],
      ['Q,1,"open\nQ2,1000000.00,open\n",,', /has the status "open\\nQ2/],
    ];
    const text = faults.map(([row]) => `GOOD,1,,,\n${row}\n`).join('');
    await writeFile(
      join(bank.directory, 'in.csv'),
      `account,balance,status,branch,currency\n${text}`,
    );
    const ran = await bank.run(['import', 'branch1', 'in.csv', '--results', 'out']);
    expect([ran.status, ran.stdout]).toEqual([2, '']);
    expect(ran.stderr).toMatch(/in\.csv, line 3 is closed.*; 6 other lines are faulty too/);
    expect(ran.stderr).toContain('Nothing was imported by this run.');
    const listed = await results(bank);
    for (const [index, [, expected]] of faults.entries()) {
      const line = 3 + 2 * index;
      const said = ran.stderr.split('\n').find((text) => text.startsWith(`Line ${line} `));
      expect(said).toMatch(expected);
      expect(listed[index]).toMatchObject({ line, outcome: 'faulty', code: 'invalid_row' });
    }
    expect(await bank.everything()).toBe(before);
  });

  test('two at once: each account is created by exactly one of them', async () => {
    const bank = await workspace();
    const rows = Array.from({ length: 400 }, (_, index) => `A${index},1.00,frozen\n`).join('');
    await writeFile(join(bank.directory, 'in.csv'), `account,balance,status\n${rows}`);
    const ran = await Promise.all([1, 2, 3].map(() => counts(bank, 'branch1', 'in.csv')));
    const sum = (name: string) => ran.reduce((total, one) => total + one[name], 0);
    expect([sum('created'), sum('duplicate')]).toEqual([400, 800]);
    const { stdout } = await bank.run(['balance', 'branch1', '-o', 'csv']);
    expect(stdout.match(/,1\.00,frozen/g)).toHaveLength(400);
  });

  test('an account whose document is gone or moved on is not created, and not frozen', async () => {
    const bank = await workspace();
    await writeFile(
      join(bank.directory, 'in.csv'),
      'account,balance,status\nA,1.00,frozen\nB,2.00,\n',
    );
    expect(await counts(bank, 'branch1', 'in.csv')).toMatchObject({ created: 2 });
    await bank.db.collection('branch1').deleteOne({ account_number: 'A' });
    await lines(bank, 'increment branch1 B 5');
    const result = { read: 2, created: 0, duplicate: 0, conflict: 1, rejected: 1 };
    expect(await counts(bank, 'branch1', 'in.csv', '--dry-run')).toMatchObject(result);
    const before = await bank.everything();
    expect(await counts(bank, 'branch1', 'in.csv')).toMatchObject(result);
    expect(await bank.everything()).toBe(before);
  });

  test('an import that was ended before the status is completed by the next', async () => {
    const bank = await workspace();
    await writeFile(
      join(bank.directory, 'in.csv'),
      'account,balance,status\nA,1.00,frozen\nB,0,closed\n',
    );
    await counts(bank, 'branch1', 'in.csv');
    // As the kill between the two transactions leaves it.
    await bank.db
      .collection<{ _id: string }>('journal')
      .deleteMany({ type: { $in: ['freeze', 'close'] } });
    const open = { $set: { status: 'open', version: Long.fromNumber(1) } };
    await bank.db.collection('branch1').updateMany({}, open);
    expect(await counts(bank, 'branch1', 'in.csv')).toMatchObject({ read: 2, duplicate: 2 });
    const { stdout } = await bank.run(['balance', 'branch1', '-o', 'csv']);
    expect(stdout).toBe('account,balance,status\nA,1.00,frozen\nB,0.00,closed\n');
  });

  test('a dry run knows rows that are repeated far apart', async () => {
    const bank = await workspace();
    const rows = Array.from({ length: 5_100 }, (_, index) => `A${index},1.00\n`).join('');
    await writeFile(join(bank.directory, 'in.csv'), `account,balance\n${rows}A1,1.00\nA2,2.00\n`);
    const dry = await counts(bank, 'branch1', 'in.csv', '--dry-run');
    const real = await counts(bank, 'branch1', 'in.csv');
    expect(real).toMatchObject({
      read: 5_102,
      created: 5_100,
      duplicate: 1,
      conflict: 1,
      rejected: 0,
    });
    expect(dry).toEqual({ ...real, dry_run: true });
  });

  test('leaves out what a spreadsheet adds, and says so', async () => {
    const bank = await workspace();
    const text = '\uFEFFsep=,\r\naccount,balance,,\r\nA,5.00,,\r\nB,6.00\r\n,,,\r\n,\r\n';
    await writeFile(join(bank.directory, 'in.csv'), text);
    const ran = await bank.run(['import', 'branch1', 'in.csv', '--json']);
    expect([ran.status, JSON.parse(ran.stdout)]).toMatchObject([0, { read: 2, created: 2 }]);
    expect(ran.stderr).toContain('they hold nothing: 2 rows and 2 columns without a name');
    await writeFile(join(bank.directory, 'in.csv'), 'account,balance,\nC,5.00,x\n');
    const wrong = await bank.run(['import', 'branch1', 'in.csv']);
    expect(wrong.stderr).toContain('line 2 has "x" in a column without a name');
  });
});

describe('export', () => {
  test('writes CSV unless asked otherwise, one branch or all', async () => {
    const bank = await filled();
    const head = 'branch,account,balance,currency,status,owner,labels\n';
    const one = 'branch1,A,100.00,USD,frozen,,\nbranch1,B,0.00,USD,closed,,\n';
    const other = 'branch2,é,-27.50,EUR,open,,\n';
    expect((await bank.run(['export'])).stdout).toBe(head + one + other);
    expect((await bank.run(['export', 'branch2'])).stdout).toBe(head + other);
    const { stdout } = await bank.run(['export', 'branch2', '-o', 'ndjson']);
    expect(JSON.parse(stdout)).toEqual({
      branch: 'branch2',
      account: 'é',
      balance: '-27.50',
      currency: 'EUR',
      status: 'open',
    });
  });

  test('--operations gives an empty database the same history, by apply', async () => {
    const from = await filled();
    for (const format of ['table', 'csv', 'ndjson']) {
      const to = await workspace();
      const { stdout } = await from.run(['export', '--operations', '-o', format]);
      await writeFile(join(to.directory, 'all'), stdout);
      const ran = await to.run(['apply', 'all', '--json', '-q']);
      expect(JSON.parse(ran.stdout)).toMatchObject({ applied: 8, refused: 0 });
      const accounts = [
        ['branch1', 'A'],
        ['branch1', 'B'],
        ['branch2', 'é'],
      ] as const;
      for (const account of accounts) {
        const read = async (bank: Workspace) => {
          const history = await bank.run(['history', ...account, '--json']);
          return JSON.parse(history.stdout).map(({ at: _, ...row }: { at: string }) => row);
        };
        expect(await read(to)).toEqual(await read(from));
      }
      expect((await to.run(['export'])).stdout).toBe((await from.run(['export'])).stdout);
    }
    const refused = await from.run(['export', 'branch1', '--operations']);
    expect([refused.status, refused.stdout]).toEqual([2, '']);
  });

  test('what the bank cannot vouch for is named, with status 1', async () => {
    const bank = await workspace();
    for (const account of ['A', 'B', 'C']) await bank.run(['open', 'branch1', account]);
    const accounts = bank.db.collection('branch1', { promoteValues: false });
    await bank.db.command({ collMod: 'branch1', validator: {} });
    await accounts.dropIndexes();
    const { _id: _, ...copy } = (await accounts.findOne({ account_number: 'A' })) ?? {};
    await accounts.insertOne({ ...copy, balance: Decimal128.fromString('500.00') });
    await accounts.updateOne({ account_number: 'B' }, { $unset: { status: '' } });
    await accounts.updateOne({ account_number: 'C' }, { $unset: { account_number: '' } });
    for (const output of ['csv', 'ndjson', 'table']) {
      const { status, stdout, stderr } = await bank.run(['export', '-o', output]);
      expect(status, stderr).toBe(1);
      expect(stdout).toContain('500.00');
      expect(stdout).not.toMatch(/undefined|B/);
      expect(stderr).toMatch(/branch1: 2 documents share account numbers: A\./);
      expect(stderr).toMatch(/branch1: 2 documents with fields missing or wrong: _id \w+, B/);
    }
  });

  test('an empty bank has a head and no rows', async () => {
    const bank = await workspace();
    expect((await bank.run(['export'])).stdout).toBe(
      'branch,account,balance,currency,status,owner,labels\n',
    );
    expect((await bank.run(['export', '--operations'])).stdout).toBe('');
  });
});
