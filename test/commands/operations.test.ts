import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Decimal128, Long } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { examinedBy } from '../examined.ts';
import { type Workspace, workspace } from '../workspace.ts';

const rows = 'branch,account,amount\nbranch1,A,7\nbranch1,NOBODY,5\n';

/** A day in the life of a bank, with one operation that the tests look for. */
async function busyBank(): Promise<Workspace> {
  const bank = await workspace({
    config:
      'timezone: Europe/Paris\n' +
      'branches: { branch1: { collection: branch1 }, branch2: { collection: branch2 } }\n',
  });
  const lines = [
    'open branch1 A --balance 1000 --id open-A',
    'open branch2 B --balance 1000 --id open-B --memo Opened',
    'increment branch1 A 500 --id in-500',
    'increment branch2 B -500 --id out-500 --memo cash.desk',
    'transfer branch2:B branch1:A 20.50 --id move-1',
    'freeze branch1 A --id halt-1',
    'unfreeze branch1 A --id go-1',
    'reverse move-1 --id back-1',
  ];
  for (const [index, line] of lines.entries()) {
    const { status, stderr } = await bank.run(line.split(' '));
    expect(stderr + String(status)).toBe('0');
    const id = line.match(/--id (\S+)/)?.[1] ?? '';
    const at = new Date(Date.UTC(2026, 10, 23 + (index >> 2), 22, index));
    await bank.db.collection<{ _id: string }>('journal').updateOne({ _id: id }, { $set: { at } });
  }
  await writeFile(join(bank.directory, 'rows.csv'), rows);
  expect((await bank.run(['apply', 'rows.csv', '--batch', 'pay.1', '-q'])).status).toBe(1);
  return bank;
}

async function list(bank: Workspace, line: string): Promise<readonly string[]> {
  const { status, stdout, stderr } = await bank.run(['operations', ...line.split(' '), '--json']);
  expect(`${status}${stderr.includes('error')}`).toBe('0false');
  return JSON.parse(stdout).map(({ operation }: { readonly operation: string }) => operation);
}

describe('operations', () => {
  test('finds what is asked for, in the order of application', async () => {
    const bank = await busyBank();
    const applied = ['open-A', 'open-B', 'in-500', 'out-500', 'move-1', 'halt-1', 'go-1', 'back-1'];
    const [paid = '', ...more] = (await list(bank, '--batch pay.1')).filter((id) => id !== '');
    expect(more).toEqual([]);
    expect(paid).toMatch(/^pay\.1:[0-9a-f]{32}$/);
    const everything = [...applied, paid];
    for (const [line, expected] of [
      ['--limit 10000', everything],
      ['--limit 3', ['go-1', 'back-1', paid]],
      ['--branch branch2 --amount -500 --on 2026-11-23', ['out-500']],
      ['--branch branch2 --amount=+500', []],
      ['--amount 500', ['in-500', 'out-500']],
      ['--amount 500.000', ['in-500', 'out-500']],
      ['--branch branch2 --amount 500', ['out-500']],
      ['--account branch1:A --amount 20.5', ['move-1', 'back-1']],
      ['--branch branch1 --account A --type transfer', ['move-1']],
      ['--account B', ['open-B', 'out-500', 'move-1', 'back-1']],
      ['--min 500 --max 999.99', ['in-500', 'out-500']],
      ['--max 6', ['halt-1', 'go-1']],
      ['--memo CASH.D', ['out-500']],
      ['--memo cash_desk', []],
      ['--memo opened', ['open-B']],
      ['--type freeze', ['halt-1']],
      ['--until 2026-11-23', ['open-A', 'open-B', 'in-500', 'out-500']],
      ['--since 2026-11-24T23:06 --until 2026-11-25T00:00+01:00', ['go-1', 'back-1']],
      ['--on 2020-01-01', []],
      ['--batch pay', []],
    ] as const) {
      expect([line, await list(bank, line)]).toEqual([line, expected]);
    }
    const [first] = JSON.parse((await bank.run(['operations', '--json'])).stdout);
    const by: string = first.by;
    expect(await list(bank, `--by ${by}`)).toEqual(everything);
    expect(await list(bank, `--by ${by.split('@')[0]}`)).toEqual(everything);
    expect(await list(bank, `--by ${by.slice(0, 2)}\u00B7`)).toEqual([]);
  });

  test('lists refusals with what was asked and why', async () => {
    const bank = await busyBank();
    const { stdout, status } = await bank.run(['operations', '--refused', '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([
      {
        type: 'increment',
        asked: { branch: 'branch1', account: 'NOBODY', amount: '5.00' },
        refused: { code: 'account_not_found' },
      },
    ]);
    const table = await bank.run(['operations', '--refused', '--batch', 'pay.1']);
    expect(table.stdout).toContain('There is no account NOBODY in branch1.');
    expect((await bank.run(['operations', '--refused', '--by', 'nobody'])).stderr).toContain(
      'No operation matches.',
    );
  });

  test('writes both sides, amounts and balances for an auditor', async () => {
    const bank = await busyBank();
    const { stdout } = await bank.run(['operations', '--account', 'branch1:A', '-o', 'csv']);
    const [head, ...lines] = stdout.trimEnd().split(/\r?\n/);
    expect(head).toBe(
      'at,operation,type,by,account,amount,balance,currency,' +
        'counter_account,counter_amount,counter_balance,counter_currency,' +
        'memo,reverses,owner,labels',
    );
    const move = lines.find((line) => line.includes('move-1,transfer')) ?? '';
    expect(move).toContain('2026-11-24T22:04:00.000Z');
    // The account that was asked for comes first, though the money came from the other.
    expect(move).toContain('branch1:A,20.50,1520.50,USD,branch2:B,-20.50,479.50,USD,,');
    expect(lines.find((line) => line.includes('back-1'))).toMatch(/,move-1,,$/);
  });

  test('shows the posting that was looked for, and the other as the counterparty', async () => {
    const bank = await busyBank();
    const cells = async (line: string) => {
      const { stdout } = await bank.run(['operations', ...line.split(' ')]);
      const row = stdout.split('\n').find((text) => / (?:move|back)-1 /.test(text)) ?? '';
      return row.trim().split(/ {2,}/).slice(4, 9);
    };
    const [a, b] = ['branch1:A', 'branch2:B'];
    const asA = [a, '20.50', '1520.50', 'USD', b];
    const asB = [b, '-20.50', '479.50', 'USD', a];
    expect(await cells('--type transfer')).toEqual(asB);
    expect(await cells('--account branch1:A --type transfer')).toEqual(asA);
    expect(await cells('--account B --type transfer')).toEqual(asB);
    expect(await cells('--branch branch1 --type transfer')).toEqual(asA);
    expect(await cells('--amount=20.5 --type transfer')).toEqual(asB);
    expect(await cells('--amount=+20.5 --type transfer')).toEqual(asA);
    expect(await cells('--amount=-20.500 --type reverse')).toEqual([
      ...[a, '-20.50', '1500.00', 'USD', b],
    ]);
    expect(await cells('--branch branch1 --min 20 --max 21 --type transfer')).toEqual(asA);
    const { stdout } = await bank.run(['operations', '--account', 'A', '--json']);
    const move = JSON.parse(stdout).find((it: { operation: string }) => it.operation === 'move-1');
    expect(move.postings.map((it: { account: string }) => it.account)).toEqual(['B', 'A']);
  });

  test('writes every posting of a repair, two to a line', async () => {
    const bank = await busyBank();
    const posting = (account_number: string, version: number) => ({
      ...{ branch: 'branch1', account_number, version: Long.fromNumber(version) },
      ...{ amount: Decimal128.fromString('1.00'), balance_after: Decimal128.fromString('1.00') },
    });
    await bank.db.collection<{ _id: string }>('journal').insertOne({
      _id: 'repair-1',
      ...{ type: 'repair', at: new Date(), seq: 0, by: 'a@b', request: 'x' },
      postings: [posting('X', 1), posting('Y', 1), posting('Z', 1)],
    } as never);
    const { stdout } = await bank.run(['operations', '--type', 'repair', '-o', 'csv']);
    for (const account of ['X', 'Y', 'Z']) expect(stdout).toContain(`branch1:${account},1.00`);
    expect(stdout.trimEnd().split('\n')).toHaveLength(3);
  });

  test('names a damaged document, and lists the others', async () => {
    const bank = await busyBank();
    await bank.db.command({ collMod: 'journal', validator: {} });
    await bank.db
      .collection<{ _id: string }>('journal')
      .updateOne({ _id: 'in-500' }, { $set: { 'postings.0.version': 'three' } });
    const { status, stdout, stderr } = await bank.run(['operations', '--json']);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toHaveLength(8);
    expect(stderr).toContain('in-500');
  });

  test('keeps to the limit among operations of one moment', async () => {
    const bank = await busyBank();
    const same = { $set: { at: new Date('2026-12-01T00:00:00Z'), seq: 0 } };
    await bank.db.collection('journal').updateMany({ type: { $ne: 'open' } }, same);
    const all = await list(bank, '--limit 10000');
    for (const limit of [1, 3, 6]) {
      expect(await list(bank, `--limit ${limit}`)).toEqual(all.slice(-limit));
    }
  });

  test('asks for the newest of an account as often however many it has', async () => {
    const bank = await workspace();
    await bank.run(['open', 'branch1', 'A', '--balance', '1', '--id', 'open']);
    const newest = () =>
      examinedBy(bank.db, 'journal', async () => {
        const found = await list(bank, '--account branch1:A --limit 1');
        expect(found).toHaveLength(1);
      });
    const few = await newest();
    const amount = Decimal128.fromString('1.00');
    const postingAt = (version: number) => ({
      ...{ branch: 'branch1', account_number: 'A', amount, balance_after: amount },
      version: Long.fromNumber(version),
    });
    const later = Array.from({ length: 3000 }, (_, index) => ({
      ...{ type: 'increment', at: new Date(), seq: index, by: 'teller@desk', request: 'r' },
      postings: [postingAt(index + 2)],
    }));
    await bank.db.collection('journal').insertMany(later, { bypassDocumentValidation: true });
    const version = { $set: { version: Long.fromNumber(3001) } };
    await bank.db.collection('branch1').updateOne({ account_number: 'A' }, version);
    expect((await newest()).roundTrips).toBe(few.roundTrips);
  });
});
