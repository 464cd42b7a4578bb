import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';

const config = `branches:
  branch1: { collection: branch1 }
  branch2: { collection: branch2 }
`;

/** Balances as a legacy program left them: `branch1:ACC 10.5`. */
async function legacyBank(balances: readonly string[], text = config): Promise<Workspace> {
  const bank = await workspace({ config: text });
  for (const line of balances) {
    const [, collection = '', account_number, balance] = /^(.*?):(.*) (.*)$/.exec(line) ?? [];
    await bank.db.collection(collection).insertOne({
      ...{ _cls: 'BankAccount', account_number, balance: Number(balance) },
    });
  }
  return bank;
}

interface Files {
  readonly log?: readonly string[];
  readonly opening?: readonly string[];
  readonly expected?: readonly string[];
  readonly head?: string;
}

/** The findings of evidence, without those about documents, and how the command ended. */
async function audit(bank: Workspace, { log, opening, expected, head }: Files) {
  const argv = ['audit', '--json'];
  const file = async (option: string, columns: string, rows: readonly string[] | undefined) => {
    if (!rows) return;
    const text = [columns, ...rows].map((row) => `${row}\n`).join('');
    await writeFile(join(bank.directory, `${option}.csv`), text);
    argv.push(`--${option}`, `${option}.csv`);
  };
  await file('intended', head ?? 'branch,account,amount', log);
  await file('opening', 'branch,account,balance', opening);
  await file('expected', 'branch,account,balance', expected);
  const before = await bank.everything();
  const { status, stdout, stderr } = await bank.run(argv);
  expect(await bank.everything()).toBe(before);
  if (stdout === '') return { status, stderr, error: JSON.parse(lastLine(stderr)).error };
  const { findings, unread } = JSON.parse(stdout);
  const evidence = findings.filter((one: { certain?: boolean }) => one.certain !== undefined);
  return { status, stderr, findings: evidence, unread };
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}

const zeros = ['branch1,A,0', 'branch2,A,0'];

describe('a log and an opening', () => {
  test('are not certain of deposits and withdrawals that may have cancelled out', async () => {
    const bank = await legacyBank(['branch1:A 0', 'branch2:A 9']);
    const log = ['branch1,A,8', 'branch1,A,-3', 'branch2,A,4'];
    const { findings } = await audit(bank, { log, opening: zeros });
    expect(findings).toMatchObject([
      {
        ...{ code: 'misplaced_write', from: 'branch1', to: 'branch2', amount: '5.00' },
        ...{
          certain: false,
          detail: expect.stringMatching(/^A: one of \d+ explanations: 5\.00 of/),
        },
      },
    ]);
  });

  test('say certainly what is certain', async () => {
    const bank = await legacyBank([
      ...['branch1:ACC-7 129.99', 'branch2:ACC-7 170.01', 'branch1:ACC-9 100'],
      ...['branch1:ACC-4 5', 'branch2:ACC-4 7', 'branch1:OK 7045', 'branch2:OK 0'],
    ]);
    const opening = ['branch1,ACC-7,100.00', 'branch2,ACC-7,100.00', 'branch1,ACC-9,100.00'];
    const log = [
      ...['branch1,ACC-7,70.01', 'branch1,ACC-7,29.99', 'branch1,ACC-9,25.00'],
      ...['branch1,ACC-4,10.00', 'branch2,ACC-4,10.00', 'branch1,OK,7045'],
    ];
    const { findings, status, stderr } = await audit(bank, { log, opening });
    expect(status).toBe(4);
    expect(stderr).toContain('4 accounts are not in the opening');
    expect(findings).toMatchObject([
      {
        ...{ code: 'lost_write', account: 'ACC-4', amount: '8.00', certain: true },
        explanations: 3,
        detail:
          'ACC-4: 8.00 lost in all (certain), but not of which branch: there are 3 explanations, ' +
          "and up to 5.00 of branch1's money may be in branch2, " +
          "or up to 3.00 of branch2's money may be in branch1.",
      },
      {
        ...{ code: 'misplaced_write', account: 'ACC-7', from: 'branch1', to: 'branch2' },
        ...{ amount: '70.01', currency: 'USD', certain: true },
        detail: "ACC-7: 70.01 of branch1's money is in branch2 (certain).",
        repair: 'Run bankctl adopt branch1, and audit again.',
      },
      {
        ...{ code: 'lost_write', account: 'ACC-9', branch: 'branch1', amount: '25.00' },
        ...{ certain: true, detail: 'ACC-9: 25.00 lost (certain).' },
      },
    ]);
  });

  test('say nothing of what is right', async () => {
    const bank = await legacyBank(['branch1:A 7', 'branch2:A 5']);
    const { findings } = await audit(bank, { log: ['branch1,A,7', 'branch2,A,5'], opening: zeros });
    expect(findings).toEqual([]);
  });

  test.each(['branch1,A,4', 'branch2,A,3', 'branch1,B,3', 'branch1,A,3.01'])(
    'one row that is changed to %s changes the answer',
    async (row) => {
      const bank = await legacyBank(['branch1:A 7', 'branch2:A 5', 'branch1:B 0']);
      const log = ['branch1,A,3', 'branch1,A,4', 'branch2,A,5'];
      expect((await audit(bank, { log, opening: zeros })).findings).toEqual([]);
      const changed = await audit(bank, { log: [row, ...log.slice(1)], opening: zeros });
      expect([changed.status, changed.findings.length > 0]).toEqual([4, true]);
    },
  );

  test('know the origin of money in a collection that is no branch', async () => {
    const bank = await legacyBank(['branch1:A 5', 'bank_account:A 2']);
    const opening = ['branch1,A,0', 'bank_account,A,0'];
    const { findings } = await audit(bank, { log: ['branch1,A,10'], opening });
    expect(findings).toMatchObject([
      {
        ...{ code: 'misplaced_write', from: 'branch1', to: 'bank_account', amount: '2.00' },
        ...{ certain: true, repair: expect.stringContaining('bankctl adopt bank_account') },
      },
      { code: 'lost_write', branch: 'branch1', amount: '3.00', certain: true },
    ]);
  });

  test('say that an account which no branch has lost all its money', async () => {
    const bank = await legacyBank(['branch1:A 0']);
    const { findings } = await audit(bank, { log: ['branch2,GONE,5'], opening: zeros });
    expect(findings).toMatchObject([
      {
        ...{
          code: 'lost_write',
          account: 'GONE',
          branch: 'branch2',
          amount: '5.00',
          certain: true,
        },
        repair: 'Open it with bankctl open branch2 GONE, and audit again.',
      },
    ]);
  });

  test('say that there is too much, and claim no more', async () => {
    const bank = await legacyBank(['branch1:A 9']);
    const files = { log: ['branch1,A,5'], opening: ['branch1,A,1'] };
    const { findings, stderr } = await audit(bank, files);
    expect(stderr).toContain('A has a balance that the log cannot explain');
    expect(findings).toMatchObject([
      { code: 'outside_write', branch: 'branch1', amount: '3.00', certain: false },
    ]);
  });

  test('leave open what depends on calls without an answer', async () => {
    const bank = await legacyBank(['branch1:A 5', 'branch1:B 0']);
    const log = ['branch1,A,5,unknown', 'branch1,B,2,unknown', 'branch1,B,1,'];
    const head = 'branch,account,amount,outcome';
    const { findings } = await audit(bank, { log, opening: ['branch1,A,0', 'branch1,B,0'], head });
    expect(findings).toMatchObject([
      { code: 'unknown_outcome', account: 'A', branch: 'branch1', amount: '5.00' },
      { code: 'lost_write', account: 'B', amount: '1.00', certain: false },
      { code: 'unknown_outcome', account: 'B', amount: '2.00' },
    ]);
  });

  test('use what the driver said of each call', async () => {
    const bank = await legacyBank(['branch1:A 0', 'branch2:A 0']);
    const log = ['branch1,A,5,0', 'branch2,A,3,0'];
    const head = 'branch,account,amount,modified';
    const { findings } = await audit(bank, { log, opening: zeros, head });
    expect(findings).toMatchObject([
      { code: 'lost_write', branch: 'branch1', amount: '5.00', certain: true },
      { code: 'lost_write', branch: 'branch2', amount: '3.00', certain: true },
    ]);
  });

  test('count amounts of currencies with other digits', async () => {
    const text = `branches:
  branch1: { collection: branch1, currency: JPY }
  branch2: { collection: branch2, currency: USD }
`;
    const bank = await legacyBank(['branch1:A 0', 'branch2:A 7'], text);
    const { findings } = await audit(bank, { log: ['branch1,A,7'], opening: zeros });
    expect(findings).toMatchObject([
      { code: 'misplaced_write', from: 'branch1', to: 'branch2', amount: '7.00', certain: true },
    ]);
    expect(findings[0]).not.toHaveProperty('currency');
  });
});

describe('a statement', () => {
  const expected = ['branch1,A,10', 'branch1,B,5', 'branch2,B,5', 'branch1,C,1'];

  test('says what is wrong, and certainly only of an account that is in one place', async () => {
    const bank = await legacyBank([
      ...['branch1:A 7', 'branch1:B 7', 'branch2:B 3', 'branch1:C 1', 'branch2:C 4'],
    ]);
    const { findings } = await audit(bank, { expected });
    expect(findings).toMatchObject([
      { code: 'lost_write', account: 'A', branch: 'branch1', amount: '3.00', certain: true },
      { code: 'misplaced_write', account: 'B', from: 'branch2', to: 'branch1', certain: false },
    ]);
  });

  test('can be read from a pipe', async () => {
    const bank = await legacyBank(['branch1:A 7']);
    const stdin = Readable.from(['branch,account,balance\nbranch1,A,7.00\n']);
    const { stderr, stdout } = await bank.run(['audit', '--expected', '-', '--json'], { stdin });
    expect([stderr, JSON.parse(stdout).findings.map((one: { code: string }) => one.code)]).toEqual([
      '',
      expect.not.arrayContaining(['lost_write', 'outside_write']),
    ]);
  });

  test('that leaves out a branch with the account says nothing certain', async () => {
    const bank = await legacyBank(['branch1:C 0', 'branch2:C 4']);
    const { findings } = await audit(bank, { expected });
    expect(findings).toContainEqual(
      expect.objectContaining({
        ...{ code: 'lost_write', account: 'C', amount: '1.00', certain: false },
        cause: expect.stringContaining('the statement leaves out branch2'),
      }),
    );
  });
});

describe('a file that cannot be used is refused, and nothing is written', () => {
  const opening = { opening: ['branch1,A,0'] };
  const withTime = 'branch,account,amount,time,end_time';
  test.each<readonly [name: string, files: Files, code: string, text: RegExp, hint: RegExp]>([
    [
      ...(['an unknown branch', { ...opening, log: ['brunch1,A,1'] }] as const),
      ...(['invalid_row', /intended\.csv, line 2 .*"brunch1"/, /Did you mean branch1/] as const),
    ],
    [
      ...([
        'a missing column',
        { ...opening, head: 'branch,account', log: ['branch1,A'] },
      ] as const),
      ...(['invalid_row', /line 1 .*amount/, /./] as const),
    ],
    [
      ...(['another name of a column', { ...opening, head: 'branch,account,balance' }] as const),
      ...(['invalid_row', /line 1 .*did you mean amount/, /./] as const),
    ],
    [
      ...(['no times and no opening', { log: ['branch1,A,1'] }] as const),
      ...(['invalid_row', /line 1 .*time/, /./] as const),
    ],
    [
      ...(['no time in one row', { head: withTime, log: ['branch1,A,1,,'] }] as const),
      ...(['invalid_row', /line 2 has no time/, /--opening FILE/] as const),
    ],
    [
      'a time without a zone',
      { ...opening, head: withTime, log: ['branch1,A,1,2026-01-02T03:04:05,'] },
      ...(['invalid_row', /does not say its offset from UTC/, /2026-11-24T17:30:00Z/] as const),
    ],
    [
      'an end before the time',
      { ...opening, head: withTime, log: ['branch1,A,1,2026-01-02T03:04Z,2026-01-02T03:03Z'] },
      ...(['invalid_row', /end_time that is before its time/, /./] as const),
    ],
    [
      'an id on two lines',
      { ...opening, head: 'id,branch,account,amount', log: ['x,branch1,A,1', 'x,branch1,A,2'] },
      ...(['row_repeated', /line 3 has the id "x" of line 2/, /Leave out the rows/] as const),
    ],
    [
      ...(['a bad amount', { ...opening, log: ['branch1,A,"12,50"'] }] as const),
      ...(['invalid_row', /"12,50" is not an amount/, /a point before the cents/] as const),
    ],
    [
      ...(['an amount of zero', { ...opening, log: ['branch1,A,0'] }] as const),
      ...(['invalid_row', /line 2 .*zero/, /./] as const),
    ],
    [
      'an unknown outcome',
      { ...opening, head: 'branch,account,amount,outcome', log: ['branch1,A,1,failed'] },
      ...(['invalid_row', /outcome "failed", not acknowledged or unknown/, /failed/] as const),
    ],
    [
      'a bad number of documents',
      { ...opening, head: 'branch,account,amount,modified', log: ['branch1,A,1,yes'] },
      ...(['invalid_row', /"yes" as modified/, /./] as const),
    ],
    [
      'an account twice in the opening',
      { log: ['branch1,A,1'], opening: ['branch1,A,1', 'branch1,A,1'] },
      ...(['row_repeated', /opening\.csv, line 3 .*branch1:A, as line 2 is/, /one line/] as const),
    ],
    [
      'JSON in a file called .csv',
      { ...opening, head: '{"branch":"branch1","account":"A","amount":"1"}', log: [] },
      ...([
        'invalid_row',
        /intended\.csv, line 1 is JSON/,
        /a name that ends in \.ndjson/,
      ] as const),
    ],
    [
      ...(['no rows', { log: [], opening: zeros }] as const),
      ...(['file_empty', /intended\.csv has a header, but no rows/, /./] as const),
    ],
    [
      'signs the wrong way round',
      { log: ['branch1,A,-7', 'branch2,A,-5'], opening: zeros },
      ...(['intended_sign', /intended\.csv .*2 of 2 balances went against it/, /Turn/] as const),
    ],
  ])('%s', async (_, files, code, text, hint) => {
    const bank = await legacyBank(['branch1:A 7', 'branch2:A 5']);
    const { status, error } = await audit(bank, { log: ['branch1,A,1'], ...files });
    expect([status, error.code]).toEqual([2, code]);
    expect([error.message, error.hint]).toEqual([
      expect.stringMatching(text),
      expect.stringMatching(hint),
    ]);
  });

  test('the standard input can be read only once', async () => {
    const bank = await legacyBank(['branch1:A 7']);
    const ran = await bank.run(['audit', '--intended', '-', '--opening', '-']);
    expect(ran).toMatchObject({ status: 2, stderr: expect.stringContaining('cannot both read') });
  });

  test('every line at fault is listed', async () => {
    const bank = await legacyBank(['branch1:A 7']);
    const log = ['branch1,A,x', 'branch1,A,1', 'nowhere,A,1', 'branch1,,1'];
    const { stderr } = await audit(bank, { log, opening: ['branch1,A,7'] });
    expect(stderr).toMatch(/Line 2 .*"x.*\n.*Line 4 .*nowhere.*\n.*Line 5 .*account/);
    expect(stderr).toContain('2 other lines are faulty too');
  });
});

test('documents whose balance cannot be read are said to be left out', async () => {
  const bank = await legacyBank(['branch1:A 7']);
  await bank.db.collection('branch1').insertOne({ account_number: 'B', balance: 'much' });
  const { findings, unread } = await audit(bank, {
    ...{ log: ['branch1,A,7', 'branch1,B,7'], opening: ['branch1,A,0', 'branch1,B,0'] },
  });
  expect(findings).toEqual([]);
  expect(unread).toEqual([
    {
      reason:
        'The account number B cannot be judged: it has no balance in branch1 that can be read.',
    },
  ]);
});

test('an account number that several documents have is said to be left out', async () => {
  const bank = await legacyBank(['branch1:A 7', 'branch1:A 8', 'branch2:A 1']);
  const { findings, unread } = await audit(bank, { log: ['branch1,A,7'], opening: zeros });
  expect(findings).toEqual([]);
  expect(unread).toEqual([
    { reason: 'The account number A cannot be judged: 2 documents of branch1 have it.' },
  ]);
});

test('a collection of no branch may have the name of a branch', async () => {
  const text = `branches:
  branch1: { collection: new1 }
  branch2: { collection: branch2 }
`;
  const bank = await legacyBank(['new1:A 7', 'branch1:A 5'], text);
  const { findings } = await audit(bank, { log: ['branch1,A,12'], opening: ['branch1,A,0'] });
  expect(findings).toMatchObject([
    {
      ...{ code: 'misplaced_write', from: 'branch1', to: 'the collection branch1' },
      ...{ amount: '5.00', certain: true },
    },
  ]);
});

test('nothing is certain in a bank that keeps no journal', async () => {
  const bank = await legacyBank(['branch1:A 7'], `journal: false\n${config}`);
  const { findings } = await audit(bank, { log: ['branch1,A,8'], opening: zeros });
  expect(findings).toMatchObject([
    { code: 'lost_write', certain: false, repair: expect.stringContaining('keeps no journal') },
  ]);
});

test('Ctrl-C ends it, even if a pipe never gives another byte', async () => {
  const bank = await legacyBank(['branch1:A 7']);
  const stop = new AbortController();
  const stdin = new Readable({ read: () => stop.abort() });
  const argv = ['audit', '--expected', '-'];
  const { status, stdout } = await bank.run(argv, { stdin, interrupted: stop.signal });
  expect([status, stdout]).toEqual([130, '']);
});
