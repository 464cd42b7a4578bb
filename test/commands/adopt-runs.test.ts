import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import {
  type Collection,
  Decimal128,
  type Document,
  Double,
  Int32,
  MongoClient,
  ObjectId,
} from 'mongodb';
import { expect, inject, test } from 'vitest';
import { startFaultServer, startProxy } from '../fault-server.ts';
import { type Workspace, workspace } from '../workspace.ts';

const program = join(import.meta.dirname, '..', '..', 'bin', 'bankctl.js');
const oneBranch = 'branches: { branch1: { collection: branch1 } }\n';

async function leave(bank: Workspace, documents: number): Promise<Collection> {
  const accounts = bank.db.collection('branch1');
  await accounts.insertMany(
    Array.from({ length: documents }, (_, index) => ({
      ...{ _cls: 'BankAccount', account_number: `A${index}`, balance: new Double(index / 100) },
      owner: index,
    })),
  );
  return accounts;
}

/** Each account once in the journal, with the balance that its document has. */
async function expectWhole(bank: Workspace, documents: number, total: string): Promise<void> {
  const sums = [
    { $group: { _id: null, number: { $sum: 1 }, total: { $sum: '$amount' } } },
    { $set: { total: { $toString: '$total' } } },
  ];
  const [postings] = await bank.db
    .collection('journal')
    .aggregate([{ $unwind: '$postings' }, { $set: { amount: '$postings.amount' } }, ...sums])
    .toArray();
  const [accounts] = await bank.db
    .collection('branch1')
    .aggregate([{ $match: { branch: 'branch1' } }, { $set: { amount: '$balance' } }, ...sums])
    .toArray();
  expect(postings).toEqual({ _id: null, number: documents, total });
  expect(accounts).toEqual({ _id: null, number: documents, total });
}

test('after kill -9 at random moments, it ends as if it had never been interrupted', async () => {
  const bank = await workspace({ config: oneBranch });
  const documents = 20_000;
  await leave(bank, documents);
  let reached = 0;
  for (const afterMs of fc.sample(fc.integer({ min: 600, max: 4000 }), 4)) {
    const options = { cwd: bank.directory, env: bank.env, stdio: 'ignore' } as const;
    const child = spawn(process.execPath, [program, 'adopt', '--yes'], options);
    const ended = once(child, 'close');
    await Promise.race([pause(afterMs), ended]);
    child.kill('SIGKILL');
    await ended;
    reached = await bank.db.collection('branch1').countDocuments({ branch: 'branch1' });
  }
  const { status, stdout, stderr } = await bank.run(['adopt', '--yes', '--json', '-q']);
  expect([status, stderr]).toEqual([0, '']);
  const { adopted, totals } = JSON.parse(stdout);
  expect(adopted).toBeLessThanOrEqual(documents);
  expect(adopted).toBeGreaterThanOrEqual(documents - reached - 1000);
  const total = '1999900.00';
  expect(totals).toEqual([{ branch: 'branch1', currency: 'USD', before: total, after: total }]);
  await expectWhole(bank, documents, total);
  const { stdout: again } = await bank.run(['adopt', '--yes', '--json', '-q']);
  expect(JSON.parse(again)).toMatchObject({ adopted: 0, converted: 0, conflicts: [], totals });
});

test('writes of the old program are never lost meanwhile', async ({ signal }) => {
  const bank = await workspace({ config: oneBranch });
  const documents = 1000;
  const accounts = await leave(bank, documents);
  const client = await MongoClient.connect(inject('uri'));
  const old = client.db(bank.db.databaseName).collection('branch1');
  let isOver = false;
  const written = new Map<number, number>();
  const writers = Array.from({ length: 4 }, async (_, writer) => {
    for (
      let turn = writer;
      !isOver && !signal.aborted;
      turn = (turn * 7919 + 104_729) % documents
    ) {
      // On few accounts, so that the adoption of some meets them again and again.
      const account = turn % 5 === 0 ? turn % 10 : turn;
      const { modifiedCount } = await old.updateOne(
        { account_number: `A${account}` },
        { $inc: { balance: 0.25 } },
      );
      expect(modifiedCount).toBe(1);
      written.set(account, (written.get(account) ?? 0) + 1);
    }
  });
  const first = await bank.run(['adopt', '--yes', '--json', '-q', '--timeout', '60s']);
  isOver = true;
  await Promise.all(writers);
  await client.close();
  expect([first.status, JSON.parse(first.stdout).adopted]).toEqual([0, documents]);
  expect(written.size).toBeGreaterThan(10);
  for (const { owner, balance } of await accounts.find().toArray()) {
    const cents = owner + (written.get(owner) ?? 0) * 25;
    expect([owner, Number(String(balance))]).toEqual([owner, cents / 100]);
  }
  const second = await bank.run(['adopt', '--outside-writes', '--yes', '--json', '-q']);
  expect(JSON.parse(second.stdout)).toMatchObject({ adopted: 0, converted: 0, conflicts: [] });
  const sum = [...written.values()].reduce((total, times) => total + times * 25, 0);
  const total = ((documents * (documents - 1)) / 2 + sum) / 100;
  const { outside } = JSON.parse(second.stdout);
  const [journal] = await bank.db
    .collection('journal')
    .aggregate([{ $unwind: '$postings' }, { $group: { _id: 1, s: { $sum: '$postings.amount' } } }])
    .toArray();
  expect(Number(String(journal?.['s']))).toBe(total);
  const third = await bank.run(['adopt', '--outside-writes', '--yes', '--json', '-q']);
  expect([JSON.parse(third.stdout).outside, outside.length > 0]).toEqual([[], true]);
}, 300_000);

test('of two at once, each document is adopted by one, and none fails', async () => {
  const bank = await workspace({ config: oneBranch });
  const documents = 4000;
  await leave(bank, documents);
  const line = ['adopt', '--yes', '--json', '-q', '--timeout', '60s'];
  const both = await Promise.all([bank.run(line), bank.run(line)]);
  const results = both.map(({ status, stderr, stdout }) => {
    expect([status, stderr]).toEqual([0, '']);
    return JSON.parse(stdout);
  });
  expect(results.reduce((sum, { adopted }) => sum + adopted, 0)).toBe(documents);
  for (const { conflicts } of results) expect(conflicts).toEqual([]);
  await expectWhole(bank, documents, '79980.00');
});

test.each([
  ['the answers to commits', 'commitTransaction', 'answer'],
  ['requests to write', 'bulkWrite', 'request'],
  ['the answers to inserts', 'insert', 'answer'],
] as const)('when %s are cut off, each document is counted once', async (_what, name, side) => {
  const bank = await workspace({ config: oneBranch });
  await leave(bank, 3000);
  let cuts = 0;
  const cut = (has: (word: string) => boolean) => {
    if (!has(name) && !(name === 'bulkWrite' && has('update\0branch1'))) return 'pass' as const;
    cuts += 1;
    return cuts % 2 === 1 && cuts < 8 ? ('cut' as const) : ('pass' as const);
  };
  const uri = await startProxy(bank.env['BANKCTL_URI'] ?? '', { [side]: cut });
  const options = { env: { BANKCTL_URI: uri } };
  const line = ['adopt', '--yes', '--json', '-q', '--timeout', '30s'];
  const { status, stdout, stderr } = await bank.run(line, options);
  expect([status, stderr]).toEqual([0, '']);
  expect(JSON.parse(stdout)).toMatchObject({ adopted: 3000, conflicts: [] });
  await expectWhole(bank, 3000, '44985.00');
});

test('Ctrl-C ends it between batches, and the rest is adopted later', async () => {
  const bank = await workspace({ config: oneBranch });
  await leave(bank, 5000);
  const controller = new AbortController();
  let commits = 0;
  const uri = await startProxy(bank.env['BANKCTL_URI'] ?? '', {
    request: (has) => {
      if (has('commitTransaction')) commits += 1;
      if (commits === 2) controller.abort();
      return 'pass';
    },
  });
  const options = { env: { BANKCTL_URI: uri }, interrupted: controller.signal };
  const { status, stdout, stderr } = await bank.run(['adopt', '--yes', '--json'], options);
  expect(status).toBe(130);
  const { adopted, interrupted } = JSON.parse(stdout);
  const counted = await bank.db.collection('branch1').countDocuments({ branch: 'branch1' });
  expect([interrupted, adopted, counted > 0 && counted < 5000]).toEqual([true, counted, true]);
  expect(stderr).toContain(`Interrupted. ${adopted} documents are certainly adopted.`);
  expect(stderr).toContain('run it again: bankctl adopt --yes');
  const rest = await bank.run(['adopt', '--yes', '--json', '-q']);
  expect(JSON.parse(rest.stdout).adopted).toBe(5000 - adopted);
  await expectWhole(bank, 5000, '124975.00');
});

test('Ctrl-C before the first batch says to run it again', async () => {
  const bank = await workspace({ config: oneBranch });
  await leave(bank, 10);
  const controller = new AbortController();
  const uri = await startProxy(bank.env['BANKCTL_URI'] ?? '', {
    request: (has) => {
      if (has('find') && has('account_number')) controller.abort();
      return 'pass';
    },
  });
  const before = await bank.everything();
  const options = { env: { BANKCTL_URI: uri }, interrupted: controller.signal };
  const { status, stdout, stderr } = await bank.run(['adopt', '--dry-run'], options);
  expect([status, stdout]).toEqual([130, '']);
  expect(stderr).toContain('Interrupted. Nothing was adopted by this run.');
  expect(stderr).toContain('Run it again: bankctl adopt --dry-run');
  expect(await bank.everything()).toBe(before);
});

test('an outage that lasts says what is certain, and what to type', async () => {
  const server = await startFaultServer();
  const bank = await workspace({ config: oneBranch });
  const accounts = server.client.db(bank.db.databaseName).collection('branch1');
  await accounts.insertMany(
    Array.from({ length: 3000 }, (_, index) => ({ account_number: `A${index}`, balance: 1 })),
  );
  await server.fail({ skip: 2 }, { failCommands: ['commitTransaction'], closeConnection: true });
  const env = { BANKCTL_URI: server.uri };
  const line = ['adopt', '--yes', '--json', '--timeout', '4s'];
  const { status, stdout, stderr } = await bank.run(line, { env });
  const { code, message, hint } = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '').error;
  const counted = await accounts.countDocuments({ branch: 'branch1' });
  expect([status, stdout, code]).toEqual([3, '', 'outcome_unknown']);
  expect(message).toContain('2000 documents are certainly adopted');
  expect(hint).toContain('run it again: bankctl adopt --yes');
  expect(counted).toBeGreaterThanOrEqual(2000);
  await server.heal();
  const rest = await bank.run(['adopt', '--yes', '--json', '-q'], { env });
  expect(JSON.parse(rest.stdout).adopted).toBe(3000 - counted);
  expect(await accounts.countDocuments({ branch: 'branch1' })).toBe(3000);
});

test('without the permission for a guard, all else is done, and that is said', async () => {
  const server = await startFaultServer();
  const bank = await workspace({ config: oneBranch });
  const accounts = server.client.db(bank.db.databaseName).collection('branch1');
  await accounts.insertOne({ account_number: 'A', balance: 1 });
  await server.fail('alwaysOn', { failCommands: ['collMod'], errorCode: 13 });
  const env = { BANKCTL_URI: server.uri };
  const { status, stdout, stderr } = await bank.run(['adopt', '--yes', '-o', 'csv'], { env });
  expect([status, stdout.split('\n')[1]]).toEqual([1, 'branch1,1,0,0,0,1.00,1.00,USD']);
  expect(stderr).toContain('branch1 has no validator yet: The database user may not make it');
  expect((await accounts.indexes()).some(({ unique }) => unique === true)).toBe(true);
});

test('documents of all sizes and with `_id` of all types are adopted, each once', async () => {
  const bank = await workspace({ config: oneBranch });
  const idOf = (index: number) =>
    [index, `id ${index}`, new ObjectId(), { shop: index }, new Date(index), new Double(index / 7)][
      index % 6
    ];
  const documents = Array.from({ length: 2500 }, (_, index) => {
    const large = index % 500 === 0 ? { notes: 'x'.repeat(1_000_000) } : {};
    return { _id: idOf(index), account_number: `A${index}`, balance: 0.5, ...large };
  });
  const accounts = bank.db.collection<Document>('branch1');
  await accounts.insertMany(documents.map((one): Document => one));
  const dry = await bank.run(['adopt', '--dry-run', '--json', '-q']);
  expect(JSON.parse(dry.stdout)).toMatchObject({ adopted: 2500, conflicts: [] });
  const real = await bank.run(['adopt', '--yes', '--json', '-q']);
  expect(JSON.parse(real.stdout)).toMatchObject({ adopted: 2500, conflicts: [] });
  await expectWhole(bank, 2500, '1250.00');
  expect(await accounts.countDocuments({ notes: { $exists: true } })).toBe(5);
});

const legacyBalance = fc.oneof(
  fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((value) => new Double(value)),
  fc.integer({ min: -5000, max: 5000 }).map((cents) => new Double(cents / 100)),
  fc.integer({ min: -5000, max: 5000 }).map((value) => new Int32(value)),
  fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }).map((value) => value.toString()),
  fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }).map((value) => {
    return Decimal128.fromString(`${value}E-3`);
  }),
  fc.constantFrom<unknown>('12,50', Number.NaN, null, [1], '1e3', ' 0.005 ', 'x', 1e40),
);

const legacyDocument = fc.record(
  {
    account_number: fc.oneof(
      { weight: 4, arbitrary: fc.stringMatching(/^ ?[A-D][0-9]{2} ?$/) },
      fc.integer({ min: 0, max: 30 }),
      fc.constantFrom<unknown>(null, '', {}, 1.5),
    ),
    balance: legacyBalance,
    branch: fc.constantFrom<unknown>('branch1', null),
    status: fc.constantFrom('open', 'gold'),
    extra: fc.string(),
  },
  { requiredKeys: ['account_number'] },
);

test.each(['decimal', 'double'])(
  'a dry run says what the real run does: %s',
  async (storage) => {
    const config = `branches: { branch1: { collection: branch1, storage: ${storage} } }\n`;
    const documents = fc.array(legacyDocument, { minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(documents, async (some) => {
        const bank = await workspace({ config });
        await bank.db.collection('branch1').insertOne({ account_number: 'KNOWN', balance: 5 });
        await bank.run(['adopt', '--yes']);
        await bank.db.command({ collMod: 'branch1', validator: {} });
        await bank.db.collection('branch1').dropIndexes();
        await bank.db.collection<Document>('branch1').insertMany(some.map((one) => ({ ...one })));
        const seen = async (...options: readonly string[]) => {
          const line = ['adopt', '--outside-writes', '--json', '-q', ...options];
          const { stdout, status } = await bank.run(line);
          const { dry_run, ...result } = JSON.parse(stdout);
          expect(dry_run).toBe(options.includes('--dry-run'));
          return { status, ...result };
        };
        const before = await bank.everything();
        const dry = await seen('--dry-run');
        expect(await bank.everything()).toBe(before);
        const real = await seen('--yes');
        expect(real).toEqual(dry);
        const after = await bank.everything();
        const { adopted, converted, ...rest } = await seen('--yes');
        expect([adopted, converted, rest.rounded]).toEqual([0, 0, []]);
        expect(rest.conflicts).toEqual(real.conflicts);
        expect(await bank.everything()).toBe(after);
        const left = real.conflicts.reduce(
          (sum: number, one: Document) => sum + one['documents'],
          0,
        );
        expect(real.adopted + real.converted + left).toBe(some.length);
      }),
      { numRuns: 8 },
    );
  },
  300_000,
);
