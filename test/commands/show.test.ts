import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Decimal128, Long } from 'mongodb';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openBank } from '../../src/bank/bank.ts';
import { post } from '../../src/bank/post.ts';
import { findConfig } from '../../src/config/search.ts';
import { type Ran, type Workspace, workspace } from '../workspace.ts';

async function bankWithMoney(): Promise<Workspace> {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'A', '--balance', '100', '--id', 'open-A']);
  await bank.run(['open', 'branch1', 'B', '--id', 'open-B']);
  await bank.run(['transfer', 'branch1:A', 'branch1:B', '30', '--id', 'till-7-000123']);
  return bank;
}

async function shown(bank: Workspace, id: string) {
  const { status, stdout, stderr } = await bank.run(['show', id, '--json']);
  expect(status, stderr).toBe(0);
  return { data: JSON.parse(stdout), stderr };
}

/** Whoever obeys such advice after a mistyped id pays twice. */
function expectNoAdviceToRepeat({ stderr, stdout }: Ran): void {
  expect(stderr + stdout).not.toMatch(/repeat|never arrived|run it again|--id|not applied/i);
}

describe('an operation that was applied', () => {
  test('is shown with its postings, in the words of every other output', async () => {
    const bank = await bankWithMoney();
    const { data, stderr } = await shown(bank, 'till-7-000123');
    expect(stderr).toBe('');
    expect(data).toEqual({
      operation: 'till-7-000123',
      state: 'applied',
      type: 'transfer',
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      by: 'teller@desk',
      memo: null,
      reverses: null,
      reversed_by: null,
      request: expect.stringMatching(/^[0-9a-f]{64}$/),
      postings: [
        {
          branch: 'branch1',
          account: 'A',
          amount: '-30.00',
          balance: '70.00',
          currency: 'USD',
          version: 2,
        },
        {
          branch: 'branch1',
          account: 'B',
          amount: '30.00',
          balance: '30.00',
          currency: 'USD',
          version: 2,
        },
      ],
    });
  });

  test('says which operation reversed it, and that one what it reverses', async () => {
    const bank = await bankWithMoney();
    await bank.run(['reverse', 'till-7-000123', '--id', 'back']);
    expect((await shown(bank, 'till-7-000123')).data).toMatchObject({ reversed_by: 'back' });
    expect((await shown(bank, 'back')).data).toMatchObject({ reverses: 'till-7-000123' });
    const { stdout } = await bank.run(['show', 'till-7-000123']);
    expect(stdout).toMatch(/transfer till-7-000123, applied .*Z by teller@desk\nreversed by back/);
  });

  test('of a branch that is no longer in the config is shown as it was stored', async () => {
    const bank = await bankWithMoney();
    await writeFile(
      join(bank.directory, 'other.yaml'),
      `database: ${bank.db.databaseName}\ncurrency: EUR\n` +
        'branches: { branch2: { collection: branch2 } }\n',
    );
    const { status, stdout } = await bank.run([
      'show',
      'open-A',
      '--json',
      '--config',
      'other.yaml',
    ]);
    expect(status).toBe(0);
    expect(JSON.parse(stdout).postings).toMatchObject([{ account: 'A', amount: '100.00' }]);
  });
});

describe('a row that was refused', () => {
  async function bankWithRefusal(): Promise<Workspace> {
    const bank = await bankWithMoney();
    const row = { branch: 'branch1', account: 'A', amount: '-500', id: 'rent-11', memo: 'flat 7' };
    await writeFile(join(bank.directory, 'rows.ndjson'), `${JSON.stringify(row)}\n`);
    await bank.run(['apply', 'rows.ndjson']);
    return bank;
  }

  test('is shown with when, why, by whom, and what it asked for', async () => {
    const bank = await bankWithRefusal();
    const { data, stderr } = await shown(bank, 'rent-11');
    expect(stderr).toBe('');
    expect(data).toMatchObject({
      operation: 'rent-11',
      state: 'refused',
      type: 'increment',
      by: 'teller@desk',
      memo: 'flat 7',
      refused: { code: 'below_minimum', message: expect.stringContaining('branch1:A') },
      asked: { branch: 'branch1', account: 'A' },
    });
    expect(data).not.toHaveProperty('postings');
    const { stdout } = await bank.run(['show', 'rent-11']);
    expect(stdout).toMatch(/state +refused/);
    expect(stdout).toMatch(/code +below_minimum/);
    expect(stdout).toMatch(/account +A/);
  });

  test('is in no history, balance or total', async () => {
    const bank = await bankWithRefusal();
    const history = await bank.run(['history', 'branch1', 'A', '--json']);
    expect(history).toMatchObject({ status: 0 });
    expect(history.stdout).not.toContain('rent-11');
    const now = new Date().toISOString();
    for (const line of [['branch1', 'A'], ['branch1'], []]) {
      const past = await bank.run(['balance', ...line, '--at', now]);
      expect(past, past.stderr).toMatchObject({ status: 0 });
    }
    const { stdout } = await bank.run(['balance', '--at', now, '--json']);
    expect(JSON.parse(stdout).totals).toMatchObject({ USD: '100.00' });
  });
});

describe('an id that the journal does not have', () => {
  test.each([
    ['a wrong letter', 'tilk-7-000123'],
    ['a wrong digit', 'till-8-000123'],
    ['a missing letter', 'til-7-000123'],
    ['a letter too many', 'tilll-7-000123'],
    ['two that changed places', 'tlil-7-000123'],
    ['capitals', 'TILL-7-000123'],
    ['its end cut off and another put there', 'till-7-000999'],
  ])('with %s names the one that was meant', async (_what, typed) => {
    const bank = await bankWithMoney();
    const answer = await bank.run(['show', typed]);
    expect(answer.status).toBe(1);
    expect(answer.stdout).toBe('');
    expect(answer.stderr).toMatch(`no operation "${typed}"; the nearest is "till-7-000123".`);
    expect(answer.stderr).toMatch('bankctl show till-7-000123');
    expectNoAdviceToRepeat(answer);
    const json = await bank.run(['show', typed, '--json']);
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: 'operation_not_found' } });
  });

  test('and is near none says so, and that it may yet arrive', async () => {
    const bank = await bankWithMoney();
    for (const id of ['something-else', 'x', 'a'.repeat(128), '💶'.repeat(64)]) {
      const answer = await bank.run(['show', id]);
      expect(answer.status).toBe(1);
      expect(answer.stderr).toMatch(/may yet arrive: look again/);
      expectNoAdviceToRepeat(answer);
    }
  });

  test('in a bank without any operation has the same answer', async () => {
    const bank = await workspace();
    const answer = await bank.run(['show', 'till-7-000123']);
    expect(answer.status).toBe(1);
    expectNoAdviceToRepeat(answer);
  });

  test('since it is under way is not called lost, and is shown once it has come', async () => {
    const bank = await bankWithMoney();
    const config = await findConfig(undefined, { cwd: bank.directory, env: {} });
    const opened = await openBank(bank.db.client, config, { timeoutMs: 20_000, draw: () => 0.5 });
    let held = () => {};
    let release = () => {};
    const holding = new Promise<void>((resolve) => {
      held = resolve;
    });
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    onTestFinished(() => release());
    const operation = {
      ...({ type: 'increment', branch: 'branch1', account: 'A', create: false } as const),
      ...{ amountMinor: 500n, id: 'under-way', idGiven: true, memo: undefined },
    };
    const posting = post(opened, [operation], {
      by: 'teller@desk',
      onPoint: async (point) => {
        if (point !== 'committing') return;
        held();
        await released;
      },
    });
    await holding;
    const early = await bank.run(['show', 'under-way']);
    expect(early.status).toBe(1);
    expect(early.stderr).toMatch(/still under way may yet arrive: look again/);
    expectNoAdviceToRepeat(early);
    release();
    await posting;
    expect((await shown(bank, 'under-way')).data).toMatchObject({ state: 'applied' });
  });
});

describe('the beginning of an id', () => {
  test('shows the only operation that begins so, and says which one that is', async () => {
    const bank = await bankWithMoney();
    const { data, stderr } = await shown(bank, 'till-');
    expect(data).toMatchObject({ operation: 'till-7-000123' });
    expect(JSON.parse(stderr)).toEqual({
      notice: {
        code: 'prefix',
        message: expect.stringContaining('No operation has the id "till-"'),
        asked: 'till-',
        operation: 'till-7-000123',
      },
    });
    // Quiet, it is said all the same: another operation than the one asked for is shown.
    expect((await bank.run(['show', 'till-', '-q'])).stderr).toMatch(
      /No operation has the id "till-"/,
    );
  });

  test('of several names them, at most five', async () => {
    const bank = await bankWithMoney();
    expect((await bank.run(['show', 'open-'])).stderr).toMatch(/"open-": "open-A", "open-B"\./);
    for (let number = 0; number < 8; number += 1) {
      await bank.run(['increment', 'branch1', 'A', '1', '--id', `many-${number}`]);
    }
    const answer = await bank.run(['show', 'many-', '--json']);
    expect(answer.status).toBe(1);
    const { code, message } = JSON.parse(answer.stderr).error;
    expect(code).toBe('operation_ambiguous');
    expect(message).toMatch(/"many-0", .*"many-4" and others\.$/);
  });

  test('that is an id itself shows that one', async () => {
    const bank = await bankWithMoney();
    await bank.run(['increment', 'branch1', 'A', '1', '--id', 'till-7']);
    const { data, stderr } = await shown(bank, 'till-7');
    expect(data).toMatchObject({ operation: 'till-7', type: 'increment' });
    expect(stderr).toBe('');
  });

  test('is taken from four characters on', async () => {
    const bank = await bankWithMoney();
    const answer = await bank.run(['show', 'til']);
    expect(answer.status).toBe(1);
    expect(answer.stderr).toMatch(
      /no operation "til"; the nearest is "till-7-000123".*at least 4 characters/s,
    );
  });
});

test('a journal document that bankctl did not write is named, without a stack trace', async () => {
  const bank = await bankWithMoney();
  const raw = { bypassDocumentValidation: true };
  const at = new Date();
  const posting = {
    ...{ branch: 'branch1', account_number: 'A', version: Long.fromNumber(9) },
    amount: Decimal128.fromString('1.005'),
    balance_after: Decimal128.fromString('NaN'),
  };
  const documents: readonly Record<string, unknown>[] = [
    { _id: 'weird-0', postings: 'none', at },
    { _id: 'weird-1', postings: [{ ...posting, version: Long.fromNumber(8) }] },
    { _id: 'weird-2', postings: [{ ...posting, version: 1.5 }], at },
    { _id: 'weird-3', postings: [null], at },
    { _id: 'weird-4', at },
    { _id: 'weird-5', refused: 'no', at },
    { _id: 'weird-6', postings: [{ ...posting, version: Long.fromNumber(7), amount: 5 }], at },
    { _id: 'fine-but-inexact', type: 'increment', by: 'x', request: 'y', postings: [posting], at },
  ];
  for (const document of documents) {
    const journal = bank.db.collection<{ _id: string }>('journal');
    await journal.insertOne({ _id: '', ...document }, raw);
  }
  for (let number = 0; number < 7; number += 1) {
    const answer = await bank.run(['show', `weird-${number}`, '--json']);
    expect(answer.status).toBe(1);
    expect(JSON.parse(answer.stderr).error, answer.stderr).toMatchObject({ code: 'bad_document' });
  }
  expect((await shown(bank, 'fine-but-inexact')).data.postings).toMatchObject([
    { amount: '1.005', balance: 'NaN' },
  ]);
});

test('people see the time in the zone of the config, programs in UTC', async () => {
  const bank = await workspace({
    config: 'timezone: Asia/Kathmandu\nbranches: { branch1: { collection: branch1 } }\n',
  });
  await bank.run(['open', 'branch1', 'A', '--id', 'open-A']);
  expect((await bank.run(['show', 'open-A'])).stdout).toMatch(/applied \S+\+05:45 by teller@desk/);
  expect((await shown(bank, 'open-A')).data.at).toMatch(/Z$/);
});

test('an error says which operations it is about, if anybody can look them up', async () => {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'A', '--balance', '9', '--id', 'first']);
  await bank.run(['increment', 'branch1', 'A', '1', '--id', 'one']);
  await bank.run(['reverse', 'one', '--id', 'two']);
  const before = await bank.everything();
  for (const [line, ids] of [
    ['increment branch1 A -50 --id big', ['big']],
    ['increment branch1 A -50', undefined],
    ['increment branch1 A -50 --id big --dry-run', undefined],
    ['increment branch1 A 2 --id one', ['one']],
    ['increment branch9 A 2 --id three', undefined],
    ['reverse one --id three', ['three', 'one', 'two']],
    ['reverse first', ['first']],
    ['reverse nothing', ['nothing']],
    ['show nothing', ['nothing']],
  ] as const) {
    const { stderr } = await bank.run([...line.split(' '), '--json', '-q']);
    expect([line, JSON.parse(stderr).error.operations]).toEqual([line, ids]);
  }
  expect(await bank.everything()).toBe(before);
});
