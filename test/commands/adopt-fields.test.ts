import { Readable } from 'node:stream';
import { type Document, Long } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';

const asDecimals = 'branches: { branch1: { collection: branch1 } }\n';
const asDoubles = 'branches: { branch1: { collection: branch1, storage: double } }\n';

/** A bank whose branch has one document of another program. */
async function legacy(fields: Document, config = asDecimals): Promise<Workspace> {
  const bank = await workspace({ config });
  await bank.db.collection('branch1').insertOne({ account_number: 'A', balance: 1.5, ...fields });
  return bank;
}

async function adopt(bank: Workspace, ...options: readonly string[]) {
  const ran = await bank.run(['adopt', '--json', '-q', ...options]);
  return { status: ran.status, result: JSON.parse(ran.stdout) };
}

/** The document of the branch. */
function stored({ db }: Workspace): Promise<Document | null> {
  return db.collection('branch1').findOne({}, { promoteLongs: false });
}

describe('a field of the other program', () => {
  const opened = new Date('2019-05-06T07:08:09.010Z');
  const posted = new Date('2020-05-06T07:08:09.010Z');

  test.each<[string, Document]>([
    ['status open', { status: 'open' }],
    ['status frozen', { status: 'frozen' }],
    ['status closed, without money', { status: 'closed', balance: 0 }],
    ['opened_at and posted_at', { opened_at: opened, posted_at: posted }],
    ['owner and labels', { owner: 7, labels: 'a;b' }],
    ['what bankctl label sets', { bankctl_owner: 'Ada é', bankctl_labels: ['vip', 'eu'] }],
  ])('%s is kept', async (_what, fields) => {
    const bank = await legacy(fields);
    const { status, result } = await adopt(bank, '--yes');
    expect([status, result]).toMatchObject([0, { adopted: 1, replaced: 0, conflicts: [] }]);
    const { balance: _balance, ...kept } = fields;
    expect(await stored(bank)).toMatchObject({ ...kept, branch: 'branch1', version: Long.ONE });
    expect((await bank.run(['audit', '--json'])).status).toBe(0);
  });

  test.each(['frozen', 'closed'])('that says %s keeps money where it is', async (status) => {
    const bank = await legacy({ status, balance: 0 });
    await adopt(bank, '--yes');
    const before = await bank.everything();
    const ran = await bank.run(['increment', 'branch1', 'A', '5', '--json']);
    expect([ran.status, JSON.parse(ran.stderr).error.code]).toEqual([1, `account_${status}`]);
    expect(await bank.everything()).toBe(before);
  });

  test.each<[string, Document, shown: string]>([
    ['status', { status: 'gold' }, 'a field status of its own, "gold"'],
    ['status', { status: 'Closed' }, 'a field status of its own, "Closed"'],
    ['status', { status: 1 }, 'a field status of its own, 1'],
    ['version', { version: 3 }, 'a field version of its own, 3'],
    ['version', { version: Long.fromNumber(7) }, 'a field version of its own, 7'],
    ['version', { version: '2.0' }, 'a field version of its own, "2.0"'],
    ['opened_at', { opened_at: 'long ago' }, 'a field opened_at of its own, "long ago"'],
    ['opened_at', { opened_at: new Date(-1) }, 'a field opened_at of its own, a date'],
    ['posted_at', { posted_at: [1] }, 'a field posted_at of its own, an array'],
    ['bankctl_owner', { bankctl_owner: 5 }, 'a field bankctl_owner of its own, 5'],
    ['bankctl_owner', { bankctl_owner: '-' }, 'a field bankctl_owner of its own, "-"'],
    ['bankctl_owner', { bankctl_owner: 'Ad\ra' }, 'a field bankctl_owner of its own, "Ad\\ra"'],
    ['bankctl_owner', { bankctl_owner: 'x'.repeat(201) }, 'a field bankctl_owner of its own, "xx'],
    ['bankctl_labels', { bankctl_labels: [1] }, 'a field bankctl_labels of its own, an array'],
    ['bankctl_labels', { bankctl_labels: ['a b'] }, 'a field bankctl_labels of its own, an array'],
  ])('%s, which is %j, is written over only if that is asked for', async (name, fields, shown) => {
    const bank = await legacy(fields);
    for (const flag of ['--dry-run', '--yes']) {
      const before = await stored(bank);
      const { status, result } = await adopt(bank, flag);
      expect([status, result.adopted, result.replaced]).toEqual([1, 0, 0]);
      expect(result.conflicts).toEqual([
        {
          ...{ branch: 'branch1', code: 'field_taken', account: 'A', documents: 1 },
          detail: expect.stringContaining(shown),
        },
      ]);
      expect(await stored(bank)).toEqual(before);
    }
    const rehearsed = await adopt(bank, '--replace-fields', '--dry-run');
    const { status, result } = await adopt(bank, '--replace-fields', '--yes');
    expect([status, result.adopted, result.replaced]).toEqual([0, 1, 1]);
    expect(rehearsed).toEqual({ status, result: { ...result, dry_run: true } });
    const entry = await bank.db.collection('journal').findOne({}, { promoteLongs: false });
    expect(Object.keys(entry?.['was'])).toEqual(['balance', name]);
    expect(entry?.['was']).toMatchObject(fields);
    expect(await stored(bank)).toMatchObject({ status: 'open', version: Long.ONE });
  });

  test('that says closed is contradicted by money, whatever is asked for', async () => {
    const bank = await legacy({ status: 'closed' });
    const before = await stored(bank);
    const { status, result } = await adopt(bank, '--replace-fields', '--yes');
    expect([status, result.conflicts]).toMatchObject([1, [{ code: 'balance_not_zero' }]]);
    expect(result.conflicts[0].detail).toContain('the balance 1.50 USD');
    expect(await stored(bank)).toEqual(before);
  });

  test('that is a time to come does not become that of every posting', async () => {
    const later = new Date('2999-01-01T00:00:00Z');
    const bank = await legacy({ posted_at: later });
    expect((await adopt(bank, '--yes')).status).toBe(0);
    await bank.run(['increment', 'branch1', 'A', '5']);
    expect((await stored(bank))?.['posted_at'].getTime()).toBeLessThan(later.getTime());
    const entry = await bank.db.collection('journal').findOne({ type: 'adopt' });
    expect(entry?.['was']).toMatchObject({ posted_at: later });
  });

  test('is named with the way to write over it', async () => {
    const bank = await legacy({ status: 'gold' });
    const { stdout } = await bank.run(['adopt', '--yes']);
    expect(stdout).toContain('--replace-fields adopts these too');
    const asked = await bank.run(['adopt'], { canAsk: true, stdin: Readable.from(['n\n']) });
    expect(asked.stderr).toContain('nothing to adopt');
  });
});

describe('an account number in another form', () => {
  const numbers = [17, ' A ', 'Cafe\u0301', Long.fromNumber(3), 18, 19];

  async function numbered(config: string): Promise<Workspace> {
    const bank = await workspace({ config });
    await bank.db
      .collection('branch1')
      .insertMany(numbers.map((account_number) => ({ account_number, balance: 1.5 })));
    return bank;
  }

  test('is shown before it is changed, and counted', async () => {
    const bank = await numbered(asDecimals);
    const asked = await bank.run(['adopt'], { canAsk: true, stdin: Readable.from(['y\n']) });
    expect(asked.stderr).toContain('6 documents to adopt, 6 account numbers to change;');
    const list = '17 becomes "17", " A " becomes "A", "Cafe\u0301" becomes "Caf\u00E9", 3 becomes';
    expect(asked.stderr).toContain(`6 account numbers in another form`);
    expect(asked.stderr.normalize('NFD')).toContain(list.normalize('NFD'));
    expect(asked.status).toBe(0);
    const again = await adopt(bank, '--yes');
    expect(again.result).toMatchObject({ adopted: 0, renumbered: 0 });
  });

  test('stays where the other program goes on, unless it is asked for', async () => {
    const bank = await numbered(asDoubles);
    const left = await adopt(bank, '--yes');
    expect([left.status, left.result]).toMatchObject([1, { adopted: 0, renumbered: 0 }]);
    const codes = left.result.conflicts.map(({ code }: Document) => code);
    expect(codes).toEqual(numbers.map(() => 'field_taken'));
    const details = left.result.conflicts.map(({ detail }: Document) => detail);
    expect(details).toContainEqual(
      expect.stringContaining('has the account_number 17, which would become "17"'),
    );
    const accounts = bank.db.collection<Document>('branch1');
    const written = await accounts.updateOne({ account_number: 17 }, { $inc: { balance: 5 } });
    expect(written.matchedCount).toBe(1);
    const { status, result } = await adopt(bank, '--replace-fields', '--yes');
    expect([status, result]).toMatchObject([0, { adopted: 6, renumbered: 6, replaced: 6 }]);
  });
});
