import fc from 'fast-check';
import { type Db, Decimal128, type Document, Double, MongoClient } from 'mongodb';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { accountBalance, bankBalance } from '../../src/bank/balances.ts';
import { openBank } from '../../src/bank/bank.ts';
import type { JournalDocument } from '../../src/bank/journal-document.ts';
import { isApplied } from '../../src/bank/journal-document.ts';
import { post } from '../../src/bank/post.ts';
import { formatAmount } from '../../src/core/money.ts';
import { startFaultServer } from '../fault-server.ts';
import { bankWith, by, type OpenBank, operation, place, plus } from './bank-fixture.ts';

const usd = { digits: 2 };

function shown(minor: bigint): string {
  return formatAmount(minor, usd);
}

/** What an old program adds: a double, as MongoEngine's `inc__balance` sends it. */
function add(db: Db, account: string, minor: bigint) {
  const change = { $inc: { balance: new Double(Number(shown(minor))) } };
  return db.collection('branch1').updateOne({ account_number: account }, change);
}

/** An old program, with a client of its own. */
async function oldProgram(db: Db): Promise<Db> {
  const client = await MongoClient.connect(inject('uri'));
  onTestFinished(() => client.close());
  return client.db(db.databaseName);
}

function balanceOf({ bank }: OpenBank, account: string): Promise<string> {
  return accountBalance(bank, 'branch1', account).then((found) => found.balance);
}

/** Number and sum of an account's postings, and of what was written in between. In minor units. */
async function chainOf(db: Db, account: string) {
  const documents = await db
    .collection<JournalDocument>('journal')
    .find({ 'postings.account_number': account })
    .toArray();
  const postings = documents
    .flatMap((document) => (isApplied(document) ? document.postings : []))
    .filter((posting) => posting.account_number === account)
    .sort((one, other) => Number(one.version) - Number(other.version));
  const chain = { versions: postings.map(({ version }) => Number(version)), posted: 0n, gaps: 0n };
  let previous = 0n;
  for (const { amount, balance_after } of postings) {
    const [minor, after] = [amount, balance_after].map((it) => BigInt(String(it).replace('.', '')));
    if (minor === undefined || after === undefined) throw new Error('a posting has no amount');
    chain.posted += minor;
    chain.gaps += after - minor - previous;
    previous = after;
  }
  return chain;
}

function upTo(last: number): readonly number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}

describe('beside an old program that adds doubles', () => {
  const minor = fc.oneof(
    fc.bigInt({ min: -5_000n, max: 20_000n }),
    fc.bigInt({ min: 1n, max: 10n ** 12n }),
  );
  const step = fc.record({
    kind: fc.constantFrom('increment', 'old', 'transfer'),
    isFirst: fc.boolean(),
    minor,
  });

  /** Does one step to two accounts, of which the truth is known. @returns what is true after it */
  async function take(
    { bank, db }: OpenBank,
    { kind, isFirst, minor: amount }: { kind: string; isFirst: boolean; minor: bigint },
    truth: ReadonlyMap<string, bigint>,
  ): Promise<ReadonlyMap<string, bigint>> {
    const names = [...truth.keys()];
    const [from = '', to = ''] = isFirst ? names : names.toReversed();
    const taken = kind === 'transfer' ? -amount : amount;
    const after = new Map(truth).set(from, (truth.get(from) ?? 0n) + taken);
    if (kind === 'old') {
      await add(db, from, amount);
      return after;
    }
    const [source, target] = [place(`branch1:${from}`), place(`branch1:${to}`)];
    const isTransfer = kind === 'transfer';
    const asked = isTransfer
      ? operation({ type: 'transfer', from: source, to: target, amountMinor: amount })
      : plus(`branch1:${from}`, amount);
    const [outcome] = await post(bank, [asked], { by });
    const isAllowed = (after.get(from) ?? 0n) >= 0n && (isTransfer ? amount > 0n : amount !== 0n);
    expect(outcome?.applied).toBe(isAllowed);
    if (!isAllowed) return truth;
    const stored = await db
      .collection('branch1')
      .findOne({ account_number: from }, { promoteValues: false });
    expect(stored?.['balance']).toEqual(new Double(Number(shown(after.get(from) ?? 0n))));
    return isTransfer ? after.set(to, (truth.get(to) ?? 0n) + amount) : after;
  }

  test('balances and totals are exact to the cent, whatever the order', async () => {
    const opened = await bankWith([], { storage: 'double' });
    const ended = new Map<string, bigint>();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const names = ['A', 'B'].map((name) => `${name}${ended.size}`);
        let truth: ReadonlyMap<string, bigint> = new Map(names.map((name) => [name, 10_000n]));
        const openings = names.map((name) =>
          operation({ type: 'open', ...place(`branch1:${name}`), amountMinor: 10_000n }),
        );
        await post(opened.bank, openings, { by });
        for (const one of steps) truth = await take(opened, one, truth);
        for (const [name, balance] of truth) {
          expect(await balanceOf(opened, name)).toBe(shown(balance));
          ended.set(name, balance);
        }
        const total = [...ended.values()].reduce((sum, balance) => sum + balance);
        const { branches } = await bankBalance(opened.bank);
        expect(branches[0]).toMatchObject({ accounts: ended.size, total: shown(total) });
      }),
      // A shorter run would find the accounts of the one that failed.
      { numRuns: 40, endOnFailure: true },
    );
  });

  test('nothing is lost in either direction when both write at once', async () => {
    const opened = await bankWith(['branch1:A', 'branch1:B'], { storage: 'double' });
    const { bank, db } = opened;
    const old = await oldProgram(db);
    const loops = Array.from({ length: 4 }, async () => {
      for (let round = 0; round < 50; round += 1) await add(old, 'A', 7n);
    });
    const increments = Array.from({ length: 4 }, async () => {
      for (let round = 0; round < 10; round += 1)
        await post(bank, [plus('branch1:A', 11n)], { by });
    });
    const move = { type: 'transfer', from: place('branch1:A'), to: place('branch1:B') } as const;
    for (let round = 0; round < 10; round += 1) {
      await post(bank, [operation({ ...move, amountMinor: 13n })], { by });
    }
    await Promise.all([...loops, ...increments]);
    expect(await balanceOf(opened, 'A')).toBe(shown(10_000n + 200n * 7n + 40n * 11n - 130n));
    expect(await balanceOf(opened, 'B')).toBe(shown(10_130n));
    await post(bank, [plus('branch1:A', 1n)], { by });
    const chain = await chainOf(db, 'A');
    expect(chain.versions).toEqual(upTo(52));
    expect(chain.posted).toBe(10_000n + 40n * 11n - 130n + 1n);
    expect(chain.gaps).toBe(200n * 7n);
    expect(await chainOf(db, 'B')).toMatchObject({ versions: upTo(11), gaps: 0n });
  });

  test('an account that it writes without a pause is held, and has its turn', async () => {
    const opened = await bankWith(['branch1:A', 'branch1:B'], { storage: 'double' });
    const { bank, db } = opened;
    const old = await oldProgram(db);
    let writes = 0;
    let reads = 0;
    let waiting: Promise<unknown> = Promise.resolve();
    const onPoint = async (point: string) => {
      if (point !== 'read') return;
      reads += 1;
      writes += 1;
      const written = add(old, 'A', 1n);
      // From then on the old program waits for bankctl, and not the other way round.
      if (reads > conflicts) waiting = written;
      else await written;
    };
    let conflicts = 0;
    const move = { type: 'transfer', from: place('branch1:A'), to: place('branch1:B') } as const;
    const moved = operation({ ...move, amountMinor: 100n }, 'moved');
    const attempts = [
      [[moved], true, 3],
      [[operation({ type: 'reverse', reverses: 'moved' })], true, 3],
      // The rows of a file are held at once.
      [[plus('branch1:B', -1_000_000n), plus('branch1:A', 1n)], false, 1],
    ] as const;
    for (const [operations, applied, before] of attempts) {
      reads = 0;
      conflicts = before;
      const outcomes = await post(bank, operations, { by, onPoint });
      await waiting;
      expect([reads, outcomes[0]?.applied]).toEqual([before + 1, applied]);
    }
    expect(await balanceOf(opened, 'A')).toBe(shown(10_001n + BigInt(writes)));
    const documents = await db.collection('branch1').find().toArray();
    expect(documents.flatMap(Object.keys)).not.toContain('bankctl_held');
  });

  test('a hold that is cut off is made anew, and posts once', async () => {
    const server = await startFaultServer();
    const opened = await bankWith(['branch1:A'], { uri: server.uri, storage: 'double' });
    const { bank, db } = opened;
    let written = 0n;
    for (const command of ['update', 'insert', 'commitTransaction']) {
      let reads = 0;
      const onPoint = async (point: string) => {
        if (point !== 'read' || reads === 3) return;
        reads += 1;
        written += 7n;
        await add(server.client.db(db.databaseName), 'A', 7n);
        if (reads < 3) return;
        await server.fail({ times: 1 }, { failCommands: [command], closeConnection: true });
      };
      const [outcome] = await post(bank, [plus('branch1:A', 100n)], { by, onPoint });
      written += 100n;
      expect(outcome).toMatchObject({ applied: true });
      expect(await balanceOf(opened, 'A')).toBe(shown(10_000n + written));
      expect(Object.keys((await db.collection('branch1').findOne()) ?? {})).not.toContain(
        'bankctl_held',
      );
    }
    expect(await chainOf(db, 'A')).toMatchObject({ versions: [1, 2, 3, 4], posted: 10_300n });
  });

  test('it waits for an open transaction, and fails only in one or with a time limit', async () => {
    const { bank, db } = await bankWith(['branch1:A'], { storage: 'double' });
    const old = await oldProgram(db);
    let plain: Promise<unknown> = Promise.resolve();
    const failures: unknown[] = [];
    const fail = async (write: Promise<unknown>) => {
      failures.push(await write.then(() => 'done').catch((error) => error.code));
    };
    await post(bank, [plus('branch1:A', 100n)], {
      by,
      onPoint: async (point) => {
        if (point !== 'written') return;
        const [filter, change] = [{ account_number: 'A' }, { $inc: { balance: 1 } }];
        await fail(old.collection('branch1').updateOne(filter, change, { maxTimeMS: 100 }));
        await old.client.withSession(async (session) => {
          session.startTransaction();
          await fail(old.collection('branch1').updateOne(filter, change, { session }));
          await session.abortTransaction();
        });
        plain = add(old, 'A', 7n);
        const admin = db.client.db('admin');
        const conflicts = { ns: `${db.databaseName}.branch1`, writeConflicts: { $gt: 0 } };
        const blocked = [{ $currentOp: {} }, { $match: { op: 'update', ...conflicts } }];
        while ((await admin.aggregate(blocked).toArray()).length === 0);
      },
    });
    await plain;
    // MaxTimeMSExpired and WriteConflict.
    expect(failures).toEqual([50, 112]);
    expect(await accountBalance(bank, 'branch1', 'A')).toMatchObject({ balance: '101.07' });
  });
});

describe('in a branch of doubles', () => {
  test('an account can be opened among documents without a stamp', async () => {
    const { bank, db } = await bankWith([], { storage: 'double' });
    const accounts = db.collection('branch1');
    await accounts.insertMany([
      { _cls: 'BankAccount', account_number: 'OLD', balance: 100.1 },
      { account_number: 42, balance: new Double(5), owner: { name: 'Ada' } },
      { account_number: 'NEVER PAID', extra: [1, 2] },
    ]);
    const before = JSON.stringify(await accounts.find().toArray());
    const open = (account: string) =>
      post(bank, [operation({ type: 'open', branch: 'branch1', account, amountMinor: 1n })], {
        by,
      });
    expect(await open('NEW')).toMatchObject([{ applied: true }]);
    for (const taken of ['OLD', '42', 'NEVER PAID']) {
      const [outcome] = await open(taken);
      expect(outcome).toMatchObject({
        error: { code: 'wrong_branch', hint: expect.stringContaining('bankctl adopt branch1') },
      });
    }
    expect(await accounts.findOne({ account_number: 'NEW' })).toMatchObject({ balance: 0.01 });
    // The old program goes on, with new documents too.
    await accounts.insertOne({ account_number: 'OLDER', balance: 1 });
    await accounts.updateOne({ account_number: 'NEVER PAID' }, { $inc: { balance: 2.5 } });
    await accounts.deleteOne({ account_number: 'OLDER' });
    await accounts.updateOne({ account_number: 'NEVER PAID' }, { $unset: { balance: '' } });
    await accounts.deleteOne({ account_number: 'NEW' });
    expect(JSON.stringify(await accounts.find().toArray())).toBe(before);
  });

  test.each<[string, Document]>([
    ['a balance in words', { balance: '5.00' }],
    ['a balance that is nothing', { balance: null }],
    ['NaN', { balance: Number.NaN }],
    ['infinity', { balance: Number.NEGATIVE_INFINITY }],
    ['more than 15 digits', { balance: 1e13 }],
    ['a decimal of more', { balance: Decimal128.fromString('-1E+13') }],
    ['another stamp', { branch: 'branch2' }],
    ['a stamp and nothing else', { branch: 'branch1' }],
  ])('the server refuses the old program %s', async (_what, fields) => {
    const { db } = await bankWith(['branch1:A'], { storage: 'double' });
    const accounts = db.collection('branch1');
    const refused = { code: 121 };
    await expect(
      accounts.insertOne({ account_number: 'B', balance: 1, ...fields }),
    ).rejects.toMatchObject(refused);
    await accounts.insertOne({ account_number: 'C', balance: 1 });
    await expect(
      accounts.updateOne({ account_number: 'C' }, { $set: fields }),
    ).rejects.toMatchObject(refused);
  });

  test('the server refuses an increment beyond the largest balance, and allows that', async () => {
    const { db } = await bankWith(['branch1:A'], { storage: 'double' });
    const accounts = db.collection('branch1');
    const last = { balance: 9_999_999_999_999.99 };
    await accounts.updateOne({ account_number: 'A' }, { $set: last });
    await expect(
      accounts.updateOne({ account_number: 'A' }, { $inc: { balance: 0.01 } }),
    ).rejects.toMatchObject({ code: 121 });
    expect(await accounts.findOne()).toMatchObject(last);
  });
});

describe('a change of storage', () => {
  async function reopened({ bank, db }: OpenBank, storage: 'decimal' | 'double') {
    const branches = bank.config.branches.map((branch) => ({ ...branch, storage }));
    const config = { ...bank.config, branches };
    return {
      bank: await openBank(db.client, config, { timeoutMs: 20_000, draw: Math.random }),
      db,
    };
  }

  function stored({ db }: OpenBank, account: string) {
    return db
      .collection('branch1')
      .findOne({ account_number: account }, { promoteValues: false })
      .then((document) => document?.['balance']);
  }

  test('from decimals to doubles is done account by account, as each is written', async () => {
    const decimals = await bankWith(['branch1:A', 'branch1:B', 'branch1:C']);
    const opened = await reopened(decimals, 'double');
    await add(opened.db, 'A', 30n);
    expect(await stored(opened, 'A')).toBeInstanceOf(Decimal128);
    const total = { accounts: 3, total: '300.30' };
    expect((await bankBalance(opened.bank)).branches[0]).toMatchObject(total);
    await post(opened.bank, [plus('branch1:B', 5n, 'once')], { by, dryRun: true });
    const outcomes = await post(opened.bank, [plus('branch1:A', 5n, 'one')], { by });
    expect(outcomes).toMatchObject([{ applied: true, replayed: false }]);
    expect(await stored(opened, 'A')).toEqual(new Double(100.35));
    expect(await stored(opened, 'B')).toBeInstanceOf(Decimal128);
    // A first write that does not name the account: a reversal.
    const again = await reopened(await bankWith(['branch1:A']), 'double');
    await post((await reopened(again, 'decimal')).bank, [plus('branch1:A', 5n, 'one')], { by });
    await post(again.bank, [operation({ type: 'reverse', reverses: 'one' })], { by });
    expect(await stored(again, 'A')).toEqual(new Double(100));
  });

  test('from doubles to decimals is refused, with what to type', async () => {
    const opened = await reopened(await bankWith(['branch1:A'], { storage: 'double' }), 'decimal');
    const before = JSON.stringify(await opened.db.collection('branch1').find().toArray());
    const [outcome] = await post(opened.bank, [plus('branch1:A', 5n)], { by });
    const hint = expect.stringContaining('bankctl adopt branch1');
    expect(outcome).toMatchObject({ error: { code: 'bad_balance', hint } });
    const opening = operation({ type: 'open', ...place('branch1:NEW'), amountMinor: 1n });
    await expect(post(opened.bank, [opening], { by })).rejects.toMatchObject({
      ...{ code: 'foreign_documents', hint },
    });
    expect((await bankBalance(opened.bank)).branches[0]).toMatchObject({
      problems: [{ code: 'bad_balance', documents: 1 }],
    });
    expect(JSON.stringify(await opened.db.collection('branch1').find().toArray())).toBe(before);
  });
});
