import fc from 'fast-check';
import { Decimal128, Long } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { parseIncrement } from '../../src/commands/increment.ts';
import { builtInConfig } from '../../src/config/config.ts';
import { workspace } from '../workspace.ts';

describe('what is typed', () => {
  const nothing = { id: undefined, memo: undefined, dryRun: false, create: false };

  test.each([
    [['branch1', 'ACC', '50'], {}, { amountMinor: 5000n }],
    [['branch1', 'ACC', '-50'], {}, { amountMinor: -5000n }],
    [['branch1', 'ACC', '0.01'], { create: true }, { amountMinor: 1n, create: true }],
    [['branch1', 'ACC', '1'], { id: 'x', memo: 'm' }, { amountMinor: 100n, id: 'x', memo: 'm' }],
    [['branch1', 'ACC', '1'], { dryRun: true }, { amountMinor: 100n, dryRun: true }],
  ] as const)('%j %o', (args, options, expected) => {
    expect(parseIncrement({ args, options }, builtInConfig)).toEqual({
      ...nothing,
      type: 'increment',
      branch: 'branch1',
      account: 'ACC',
      ...expected,
    });
  });
});

describe('what is shown', () => {
  test('on a pipe, on a terminal, as CSV and as JSON', async () => {
    const bank = await workspace();
    await bank.run(['open', 'branch1', 'ACC', '--balance', '100']);
    const line = ['increment', 'branch1', 'ACC', '50', '--id', 'op-1'];
    const piped = await bank.run(line);
    expect(piped.stdout).toBe(
      [
        'branch          branch1',
        'account         ACC',
        'amount          50.00',
        'balance before  100.00',
        'balance         150.00',
        'version         2',
        'currency        USD',
        'operation       op-1',
        '',
      ].join('\n'),
    );
    expect(piped.stderr).toBe('');
    const again = await bank.run(line, { terminal: true });
    expect(again.stdout).toContain('\u001B[1mbalance\u001B[22m         150.00\n');
    expect(again.stderr).toBe('Operation op-1 was applied before; nothing was added.\n');
    const csv = await bank.run([...line, '-o', 'csv']);
    expect(csv.stdout).toBe(
      'branch,account,amount,balance_before,balance,version,currency,operation\n' +
        'branch1,ACC,50.00,100.00,150.00,2,USD,op-1\n',
    );
    const json = await bank.run([...line, '--json']);
    expect(JSON.parse(json.stdout)).toEqual({
      operation: 'op-1',
      replayed: true,
      dry_run: false,
      branch: 'branch1',
      account: 'ACC',
      amount: '50.00',
      balance_before: '100.00',
      balance: '150.00',
      currency: 'USD',
      version: 2,
    });
  });

  test('--quiet leaves the result alone on the screen', async () => {
    const bank = await workspace();
    const { stderr } = await bank.run(['open', 'branch1', 'ACC', '--dry-run', '--quiet']);
    expect(stderr).toBe('');
  });
});

describe('what is stored', () => {
  test('is as the design says', async () => {
    const bank = await workspace();
    await bank.run(['increment', 'branch2', 'ACC', '50', '--create', '--id', 'a', '--memo', 'hi']);
    await bank.run(['increment', 'branch2', 'ACC', '-120.5', '--id', 'b']);
    const account = await bank.db
      .collection('branch2')
      .findOne({}, { promoteLongs: false, projection: { _id: 0 } });
    expect(account).toEqual({
      account_number: 'ACC',
      balance: Decimal128.fromString('-70.50'),
      branch: 'branch2',
      version: Long.fromNumber(2),
      status: 'open',
      opened_at: expect.any(Date),
      posted_at: expect.any(Date),
    });
    const journal = await bank.db.collection('journal').find({}, { promoteLongs: false }).toArray();
    expect(journal).toEqual([
      {
        _id: 'a',
        type: 'increment',
        at: account?.['opened_at'],
        seq: 0,
        memo: 'hi',
        by: 'teller@desk',
        request: expect.stringMatching(/^[0-9a-f]{64}$/),
        postings: [posting('50.00', '50.00', 1)],
      },
      {
        _id: 'b',
        type: 'increment',
        at: account?.['posted_at'],
        seq: 0,
        by: 'teller@desk',
        request: expect.stringMatching(/^[0-9a-f]{64}$/),
        postings: [posting('-120.50', '-70.50', 2)],
      },
    ]);
  });

  function posting(amount: string, after: string, version: number) {
    return {
      branch: 'branch2',
      account_number: 'ACC',
      amount: Decimal128.fromString(amount),
      balance_after: Decimal128.fromString(after),
      version: Long.fromNumber(version),
    };
  }

  test('an operation is later than the one before, whatever the clock says', async () => {
    const bank = await workspace();
    await bank.run(['open', 'branch1', 'ACC']);
    const future = new Date('2999-01-01T00:00:00Z');
    await bank.db.collection('branch1').updateOne({}, { $set: { posted_at: future } });
    await bank.run(['increment', 'branch1', 'ACC', '1', '--id', 'late']);
    const late = await bank.db.collection<{ _id: string }>('journal').findOne({ _id: 'late' });
    expect(late).toMatchObject({ at: new Date(future.getTime() + 1) });
  });
});

describe('exactly once', () => {
  const line = ['increment', 'branch1', 'ACC', '5', '--id', 'once', '--json'];

  test.each([
    ['branch', ['increment', 'branch2', 'ACC', '5'], 'its branch was branch1, now it is branch2'],
    ['account', ['increment', 'branch1', 'OTHER', '5'], 'its account was ACC, now it is OTHER'],
    ['amount', ['increment', 'branch1', 'ACC', '6'], 'its amount was 5.00, now it is 6.00'],
    ['memo', ['increment', 'branch1', 'ACC', '5', '--memo', 'x'], 'its memo was none, now it is x'],
    [
      'type',
      ['open', 'branch1', 'ACC', '--balance', '5'],
      'its type was increment, now it is open',
    ],
  ])('another %s is a conflict that names it', async (_field, other, reason) => {
    const bank = await workspace();
    await bank.run(['open', 'branch1', 'ACC']);
    await bank.run(line);
    const before = await bank.everything();
    const refused = await bank.run([...other, '--id', 'once']);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain(reason);
    expect(await bank.everything()).toBe(before);
  });

  test('twenty at once with one id are one operation', async () => {
    const bank = await workspace();
    await bank.run(['open', 'branch1', 'ACC']);
    const answers = await Promise.all(Array.from({ length: 20 }, () => bank.run(line)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(0));
    const results = answers.map(({ stdout }) => JSON.parse(stdout));
    expect(results.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(new Set(results.map(({ balance }) => balance))).toEqual(new Set(['5.00']));
  });

  test('twenty openings at once make one account', async () => {
    const bank = await workspace();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => bank.run(['open', 'branch1', 'ACC', '--balance', '1'])),
    );
    expect(answers.filter(({ status }) => status === 0)).toHaveLength(1);
    expect(answers.filter(({ stderr }) => stderr.includes('already'))).toHaveLength(19);
  });

  test('a dry run promises what happens next, and writes nothing', async () => {
    const bank = await workspace();
    await bank.run(['open', 'branch1', 'ACC']);
    const before = await bank.everything();
    const dry = JSON.parse((await bank.run([...line, '--dry-run'])).stdout);
    expect(await bank.everything()).toBe(before);
    const real = JSON.parse((await bank.run(line)).stdout);
    expect(dry).toEqual({ ...real, dry_run: true });
  });
});

test('journal sums are balances, and versions have no gap, whatever was asked', async () => {
  const bank = await workspace();
  const amount = fc.integer({ min: -3000, max: 3000 }).map((cents) => (cents / 100).toFixed(2));
  const operation = fc.tuple(fc.constantFrom('A', 'B'), amount, fc.boolean());
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 6 }), async (operations) => {
      for (const [account, of, create] of operations) {
        const line = ['increment', 'branch2', account, of, ...(create ? ['--create'] : [])];
        expect([0, 1]).toContain((await bank.run(line)).status);
      }
      const sums = await bank.db
        .collection('journal')
        .aggregate([
          { $unwind: '$postings' },
          {
            $group: {
              _id: '$postings.account_number',
              balance: { $sum: '$postings.amount' },
              versions: { $sum: 1 },
              newest: { $max: '$postings.version' },
            },
          },
        ])
        .toArray();
      const accounts = await bank.db.collection('branch2').find().toArray();
      expect(
        sums
          .map(({ _id, balance, versions, newest }) => [_id, String(balance), versions, newest])
          .sort(),
      ).toEqual(
        accounts
          .map((a) => [a['account_number'], String(a['balance']), a['version'], a['version']])
          .sort(),
      );
    }),
    { numRuns: 15 },
  );
});

test('an account that would begin below the minimum is not said to be there', async () => {
  const bank = await workspace();
  const { status, stderr } = await bank.run(['open', 'branch1', 'NEW', '--balance', '-5']);
  expect(status).toBe(1);
  expect(stderr).toBe(
    'bankctl: The account branch1:NEW would begin with -5.00 USD, below the minimum of 0.00.\n' +
      'Open it with a balance that its branch allows.\n',
  );
});
