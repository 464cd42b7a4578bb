import { Decimal128, type Document, Double, MongoClient } from 'mongodb';
import { expect, inject, test } from 'vitest';
import { type ChainLink, createChain, writtenPast } from '../../src/bank/chain.ts';
import { type Workspace, workspace } from '../workspace.ts';

const oneBranch = 'branches: { branch1: { collection: branch1 } }\n';

async function outside(bank: Workspace, option: '--yes' | '--dry-run' = '--yes') {
  const line = ['adopt', '--outside-writes', '--json', '-q', option];
  const { status, stdout } = await bank.run(line);
  const { outside: found, conflicts } = JSON.parse(stdout);
  return { status, found, conflicts };
}

/** Writes past bankctl, as the old program does. */
function write(bank: Workspace, amount: number, account = 'A') {
  const inc = { $inc: { balance: new Double(amount) } };
  return bank.db.collection('branch1').updateOne({ account_number: account }, inc);
}

/** The sum of an account's postings, and its balance. */
async function sums(bank: Workspace, account = 'A') {
  const postings = await bank.db
    .collection('journal')
    .aggregate([
      { $unwind: '$postings' },
      { $match: { 'postings.account_number': account } },
      { $group: { _id: null, sum: { $sum: '$postings.amount' }, last: { $max: '$postings' } } },
    ])
    .toArray();
  const document = await bank.db.collection('branch1').findOne({ account_number: account });
  return [String(postings[0]?.['sum']), String(document?.['balance'])];
}

const entry = (amount: string) => ({ branch: 'branch1', account: 'A', amount, currency: 'USD' });

test.each<[what: string, steps: readonly (number | string)[], amount: string | undefined]>([
  ['nothing', ['increment branch1 A 5'], undefined],
  ['one after the last posting', [8], '8.00'],
  ['one between two postings', ['increment branch1 A 5', -3, 'increment branch1 A 1'], '-3.00'],
  ['several', [1, 'increment branch1 A 5', 2, 'increment branch1 A -5', 4], '7.00'],
  ['two that cancel out', [2, 'increment branch1 A 5', -2], '0.00'],
  ['one that leaves less than nothing', [-150], '-150.00'],
  ['one of a frozen account', ['freeze branch1 A', 8], '8.00'],
  ['one of a closed account', ['increment branch1 A -100', 'close branch1 A', 8], '8.00'],
])('writes of other programs: %s', async (_what, steps, amount) => {
  const bank = await workspace({ config: oneBranch });
  await bank.run(['open', 'branch1', 'A', '--balance', '100']);
  for (const step of steps) {
    if (typeof step === 'number') await write(bank, step);
    else expect((await bank.run(step.split(' '))).status).toBe(0);
  }
  const wanted = { status: 0, conflicts: [], found: amount === undefined ? [] : [entry(amount)] };
  const before = await bank.everything();
  expect(await outside(bank, '--dry-run')).toEqual(wanted);
  expect(await bank.everything()).toBe(before);
  const [, balance] = await sums(bank);
  expect(await outside(bank)).toEqual(wanted);
  const [sum, after] = await sums(bank);
  expect([Number(after), Number(sum)]).toEqual([Number(balance), Number(balance)]);
  const clean = await bank.everything();
  expect(await outside(bank)).toEqual({ status: 0, conflicts: [], found: [] });
  expect(await bank.everything()).toBe(clean);
});

test('they are said of nobody without the option', async () => {
  const bank = await workspace({ config: oneBranch });
  await bank.run(['open', 'branch1', 'A', '--balance', '100']);
  await write(bank, 8);
  const before = await bank.everything();
  const { status, stdout } = await bank.run(['adopt', '--yes', '--json', '-q']);
  expect([status, JSON.parse(stdout).outside]).toEqual([0, undefined]);
  expect(await bank.everything()).toBe(before);
});

test('the posting says whose they are, and does not count as a deposit', async () => {
  const bank = await workspace({ config: oneBranch });
  await bank.run(['open', 'branch1', 'A', '--balance', '100']);
  await write(bank, 8);
  await outside(bank);
  const [posted] = await bank.db.collection('journal').find({ type: 'adopt' }).toArray();
  expect(posted).toMatchObject({ by: 'teller@desk', memo: 'writes of other programs' });
  const [posting] = posted?.['postings'] ?? [];
  expect([String(posting.amount), String(posting.balance_after)]).toEqual(['8.00', '108.00']);
  const { stdout } = await bank.run(['balance', 'branch1', 'A', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ balance: '108.00', version: 2 });
});

test('an account that the journal does not know whole is left alone', async () => {
  const bank = await workspace({ config: oneBranch });
  for (const account of ['A', 'B']) await bank.run(['open', 'branch1', account]);
  await bank.run(['increment', 'branch1', 'A', '5', '--id', 'gone']);
  await bank.run(['increment', 'branch1', 'A', '6']);
  await write(bank, 1);
  await write(bank, 2, 'B');
  await bank.db.collection<Document & { _id: string }>('journal').deleteOne({ _id: 'gone' });
  const conflict = { code: 'version_gap', account: 'A', documents: 1 };
  for (const option of ['--dry-run', '--yes'] as const) {
    expect(await outside(bank, option)).toMatchObject({
      ...{ status: 1, conflicts: [conflict] },
      found: [{ branch: 'branch1', account: 'B', amount: '2.00', currency: 'USD' }],
    });
  }
});

test('an account that is written to meanwhile is looked at again', async ({ signal }) => {
  const bank = await workspace({ config: oneBranch });
  const accounts = ['A', 'B', 'C', 'D', 'E', 'F'];
  for (const account of accounts) await bank.run(['open', 'branch1', account, '--balance', '1']);
  const client = await MongoClient.connect(inject('uri'), { writeConcern: { w: 'majority' } });
  const old = client.db(bank.db.databaseName).collection('branch1');
  let isOver = false;
  const writer = (async () => {
    for (let turn = 0; !isOver && !signal.aborted; turn += 1) {
      const filter = { account_number: accounts[turn % 6] ?? '' };
      await old.updateOne(filter, { $inc: { balance: 0.01 } });
    }
  })();
  for (let round = 0; round < 3; round += 1) {
    const { status, conflicts } = await outside(bank);
    expect([status, conflicts]).toEqual([0, []]);
  }
  isOver = true;
  await writer;
  await client.close();
  await outside(bank);
  for (const account of accounts) {
    const [sum, balance] = await sums(bank, account);
    expect([account, Decimal128.fromString(sum ?? '')]).toEqual([
      account,
      Decimal128.fromString(Number(balance).toFixed(2)),
    ]);
  }
});

test('a transfer counts for both of its accounts', async () => {
  const bank = await workspace({ config: oneBranch });
  for (const account of ['A', 'B']) {
    await bank.run(['open', 'branch1', account, '--balance', '100']);
  }
  await bank.run(['transfer', 'branch1:A', 'branch1:B', '30']);
  expect(await outside(bank)).toMatchObject({ status: 0, found: [] });
  await write(bank, 1, 'B');
  expect((await outside(bank)).found).toEqual([
    { branch: 'branch1', account: 'B', amount: '1.00', currency: 'USD' },
  ]);
});

test('an acknowledgement clears only what it is about', () => {
  const chain = (links: readonly (readonly [type: string, amount: bigint, after: bigint])[]) => {
    const made = createChain<ChainLink>();
    for (const [index, [type, amountMinor, balanceAfterMinor]] of links.entries()) {
      const link: ChainLink = { type, version: BigInt(index + 1), amountMinor, balanceAfterMinor };
      made.add(link);
    }
    const [, , balanceMinor = 0n] = links.at(-1) ?? [];
    return writtenPast(made.end({ version: BigInt(links.length), balanceMinor }));
  };
  const open = ['open', 100n, 100n] as const;
  expect(chain([open])).toBeUndefined();
  expect(chain([open, ['increment', 5n, 108n]])).toBe(3n);
  expect(chain([open, ['increment', 5n, 108n], ['adopt', 3n, 108n]])).toBeUndefined();
  expect(chain([open, ['increment', 5n, 108n], ['repair', 3n, 108n]])).toBe(0n);
  expect(chain([open, ['increment', 5n, 108n], ['adopt', 2n, 108n]])).toBe(1n);
  expect(chain([open, ['increment', 5n, 108n], ['increment', 3n, 108n]])).toBe(0n);
  const cleared = [open, ['increment', 5n, 108n], ['adopt', 3n, 108n]] as const;
  expect(chain([...cleared, ['increment', 1n, 110n]])).toBe(1n);
});
