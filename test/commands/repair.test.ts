import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Decimal128 } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';
import {
  correctionsFor,
  journalled,
  legacyAdd,
  planConfig,
  stored,
  type Wanted,
  writePlan,
} from './plan-fixture.ts';

const amount = (text: string) => Decimal128.fromString(text);
const yes = ['repair', 'plan.yaml', '--yes', '--json'];

interface Damaged {
  readonly bank: Workspace;
  readonly wanted: Wanted;
  /** The text of its plan, which is in plan.yaml. */
  readonly plan: string;
}

/** Money of branch1 in branch2, which another program added; money that was lost, and too much. */
async function damaged(): Promise<Damaged> {
  const bank = await workspace({ config: planConfig });
  for (const name of ['branch1 ACC-7', 'branch2 ACC-7', 'branch1 ACC-9', 'euro ACC-4']) {
    await bank.run(['open', ...name.split(' '), '--balance', '100']);
  }
  await legacyAdd(bank, 'branch2:ACC-7', amount('70.01'));
  const wanted = {
    'branch1:ACC-7': '170.01',
    'branch2:ACC-7': '100.00',
    'branch1:ACC-9': '125.00',
    'euro:ACC-4': '-3.00',
  };
  return { bank, wanted, plan: await writePlan(bank, await correctionsFor(bank, wanted)) };
}

/** The balances are as wanted, and the journal adds up to them. */
async function expectMended(bank: Workspace, wanted: Wanted): Promise<void> {
  for (const [name, text] of Object.entries(wanted)) {
    const [branch = '', account = ''] = name.split(':');
    const { balance } = await stored(bank, branch, account);
    const sum = await journalled(bank, branch, account);
    expect([name, balance, sum]).toEqual([name, text, BigInt(text.replace('.', ''))]);
  }
}

function parsed({ stdout }: { readonly stdout: string }) {
  return JSON.parse(stdout);
}

describe('repair', () => {
  test('gives each account what it is to have, and says so', async () => {
    const { bank, wanted } = await damaged();
    const ran = await bank.run(yes);
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(parsed(ran)).toEqual({
      ...{ repaired: 3, replayed: 0, moved: [], skipped: [] },
      totals: [
        { branch: 'branch1', currency: 'USD', before: '200.00', changed: '95.01' },
        { branch: 'branch2', currency: 'USD', before: '170.01', changed: '-70.01' },
        { branch: 'euro', currency: 'EUR', before: '100.00', changed: '-103.00' },
      ],
      dry_run: false,
    });
    await expectMended(bank, wanted);
  });

  test('leaves a bank in which an audit finds nothing', async () => {
    const { bank } = await damaged();
    expect((await bank.run(['audit', '--json'])).status).toBe(4);
    await bank.run(yes);
    const audited = await bank.run(['audit', '--json']);
    expect(parsed(audited)).toMatchObject({ findings: [], unread: [] });
    expect(audited.status).toBe(0);
  });

  test('journals the reason, who did it, and what another program added', async () => {
    const { bank } = await damaged();
    await bank.run(yes);
    const shown = parsed(await bank.run(['show', 'fix-1', '--json']));
    const memo = 'ACC-7 is not as it should be';
    expect(shown).toMatchObject({ type: 'repair', memo, by: 'teller@desk', reversed_by: null });
    expect(shown.postings).toEqual([
      {
        ...{ branch: 'branch1', account: 'ACC-7', amount: '70.01' },
        ...{ balance: '170.01', currency: 'USD', version: 2 },
      },
      {
        ...{ branch: 'branch2', account: 'ACC-7', amount: '-70.01' },
        ...{ balance: '100.00', currency: 'USD', version: 3 },
      },
    ]);
    const history = parsed(await bank.run(['history', 'branch2', 'ACC-7', '--json']));
    expect(history.map(({ type, amount }: Record<string, string>) => [type, amount])).toEqual([
      ['open', '100.00'],
      ['adopt', '70.01'],
      ['repair', '-70.01'],
    ]);
    expect(history[1]).toMatchObject({ operation: 'fix-1/adopt-2', memo });
  });

  test('does what its dry run said', async () => {
    const { bank } = await damaged();
    await legacyAdd(bank, 'branch1:ACC-9', amount('0.01'));
    const before = await bank.everything();
    const rehearsed = await bank.run(['repair', 'plan.yaml', '--dry-run', '--json']);
    expect(await bank.everything()).toBe(before);
    const ran = await bank.run(yes);
    expect(parsed(rehearsed)).toEqual({ ...parsed(ran), dry_run: true });
    expect([rehearsed.status, ran.status]).toEqual([1, 1]);
  });

  test('changes nothing when it is run again, whatever happened in between', async () => {
    const { bank, wanted } = await damaged();
    await bank.run(yes);
    await bank.run(['increment', 'branch1', 'ACC-7', '1']);
    await legacyAdd(bank, 'branch2:ACC-7', amount('5'));
    await bank.run(['freeze', 'branch1', 'ACC-9']);
    const before = await bank.everything();
    const again = await bank.run(yes);
    expect(again).toMatchObject({ status: 0, stderr: '' });
    expect(parsed(again)).toMatchObject({ repaired: 0, replayed: 3, moved: [], skipped: [] });
    expect(await bank.everything()).toBe(before);
    expect(wanted).toBeDefined();
  });

  test('does only the entries that were left in, in any order', async () => {
    const { bank, wanted, plan } = await damaged();
    const [top = '', ...entries] = plan.split(/\n(?= {2}- id)/);
    const trimmed = [top, ...entries.slice(1).reverse()].join('\n');
    await writeFile(join(bank.directory, 'plan.yaml'), trimmed);
    expect(parsed(await bank.run(yes))).toMatchObject({ repaired: 2 });
    const { 'branch1:ACC-7': _one, 'branch2:ACC-7': _two, ...rest } = wanted;
    await expectMended(bank, rest);
    expect(await stored(bank, 'branch1', 'ACC-7')).toEqual({ balance: '100.00', version: 1n });
    await writeFile(join(bank.directory, 'plan.yaml'), plan);
    expect(parsed(await bank.run(yes))).toMatchObject({ repaired: 1, replayed: 2 });
    await expectMended(bank, wanted);
  });

  test('goes below minBalance and changes a frozen account', async () => {
    const { bank, wanted } = await damaged();
    await bank.run(['freeze', 'euro', 'ACC-4']);
    await writePlan(bank, await correctionsFor(bank, wanted));
    expect(parsed(await bank.run(yes))).toMatchObject({ repaired: 3 });
    await expectMended(bank, wanted);
    const { stdout } = await bank.run(['balance', 'euro', 'ACC-4', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ balance: '-3.00', status: 'frozen' });
  });

  test('of a plan without entries does nothing', async () => {
    const { bank, plan } = await damaged();
    const [top = ''] = plan.split(/\n(?= {2}- id)/);
    await writeFile(join(bank.directory, 'plan.yaml'), top);
    const ran = await bank.run(yes);
    expect([ran.status, parsed(ran)]).toMatchObject([0, { repaired: 0, totals: [] }]);
    expect(ran.stderr).toContain('The plan plan.yaml has no entries: there is nothing to repair.');
  });
});

describe('what has moved since', () => {
  const cases: readonly (readonly [
    string,
    (bank: Workspace) => Promise<unknown>,
    string,
    RegExp,
  ])[] = [
    [
      'by a legacy program',
      (bank) => legacyAdd(bank, 'branch1:ACC-9', amount('0.01')),
      'account_moved',
      /branch1:ACC-9 has 100.01 USD at version 1, and no longer 100.00 USD at version 1/,
    ],
    [
      'by bankctl',
      (bank) => bank.run(['increment', 'branch1', 'ACC-9', '2']),
      'account_moved',
      /has 102.00 USD at version 2, and no longer 100.00 USD at version 1/,
    ],
    [
      'because its document is gone',
      (bank) => bank.db.collection('branch1').deleteOne({ account_number: 'ACC-9' }),
      'account_not_found',
      /no account ACC-9 in branch1/,
    ],
  ];

  test.each(cases)('%s is left as it is, and said', async (_how, move, code, reason) => {
    const { bank, wanted } = await damaged();
    await move(bank);
    const before = await bank.db.collection('branch1').find({ account_number: 'ACC-9' }).toArray();
    const ran = await bank.run(yes);
    expect(ran.status).toBe(1);
    const { repaired, moved, skipped } = parsed(ran);
    expect([repaired, skipped]).toEqual([2, []]);
    expect(moved).toEqual([
      { account: 'ACC-9', operation: 'fix-2', code, reason: expect.stringMatching(reason) },
    ]);
    const { 'branch1:ACC-9': _moved, ...rest } = wanted;
    await expectMended(bank, rest);
    const after = await bank.db.collection('branch1').find({ account_number: 'ACC-9' }).toArray();
    expect(after).toEqual(before);
  });

  test('in one branch keeps the other from being changed, even its outside part', async () => {
    const { bank } = await damaged();
    await bank.run(['increment', 'branch1', 'ACC-7', '2']);
    const before = await stored(bank, 'branch2', 'ACC-7');
    const { moved } = parsed(await bank.run(yes));
    expect(moved).toMatchObject([{ account: 'ACC-7', code: 'account_moved' }]);
    expect(await stored(bank, 'branch2', 'ACC-7')).toEqual(before);
    expect(await journalled(bank, 'branch2', 'ACC-7')).toBe(10_000n);
  });

  test.each<[string, (bank: Workspace) => Promise<unknown>, string]>([
    [
      'closed',
      async (bank) => {
        await bank.run(['increment', 'branch1', 'ACC-9', '-100']);
        await bank.run(['close', 'branch1', 'ACC-9']);
      },
      'account_closed',
    ],
    ['unreadable', (bank) => setRaw(bank, { balance: 'much' }), 'bad_balance'],
    ['stamped for another branch', (bank) => setRaw(bank, { branch: 'branch2' }), 'wrong_branch'],
  ])('an account that is %s is skipped', async (_what, change, code) => {
    const { bank } = await damaged();
    await change(bank);
    const ran = await bank.run(yes);
    expect(parsed(ran)).toMatchObject({ repaired: 2, moved: [], skipped: [{ code }] });
    expect(ran.status).toBe(1);
  });

  test('what the server refuses is skipped, and the rest is done', async () => {
    const { bank } = await damaged();
    await bank.db.command({ collMod: 'branch1', validator: { account_number: { $ne: 'ACC-9' } } });
    const { repaired, skipped } = parsed(await bank.run(yes));
    expect([repaired, skipped]).toMatchObject([2, [{ code: 'refused_by_server' }]]);
  });

  test('an entry that was reversed after it was carried out is skipped', async () => {
    const { bank } = await damaged();
    await bank.run(yes);
    await bank.run(['reverse', 'fix-2', '--id', 'back']);
    const before = await bank.everything();
    for (const flag of ['--yes', '--dry-run']) {
      const ran = await bank.run(['repair', 'plan.yaml', flag, '--json']);
      expect(ran.status).toBe(1);
      expect(parsed(ran)).toMatchObject({ repaired: 0, replayed: 2, moved: [] });
      expect(parsed(ran).skipped).toEqual([
        {
          ...{ account: 'ACC-9', operation: 'fix-2', code: 'already_reversed' },
          reason: expect.stringMatching(/reversed since, by "back"/),
        },
      ]);
    }
    const { stdout } = await bank.run(['repair', 'plan.yaml', '--yes']);
    expect(stdout).toContain('ACC-9 was skipped: It was repaired and has been reversed since');
    expect(await bank.everything()).toBe(before);
  });

  test('an entry that was changed after it was carried out is skipped', async () => {
    const { bank, plan } = await damaged();
    await bank.run(yes);
    await writeFile(join(bank.directory, 'plan.yaml'), plan.replace('"25.00"', '"26.00"'));
    const before = await bank.everything();
    const { replayed, skipped } = parsed(await bank.run(yes));
    expect([replayed, skipped]).toMatchObject([2, [{ code: 'operation_id_conflict' }]]);
    expect(await bank.everything()).toBe(before);
  });
});

async function setRaw({ db }: Workspace, fields: object): Promise<void> {
  await db
    .collection('branch1')
    .updateOne({ account_number: 'ACC-9' }, { $set: fields }, { bypassDocumentValidation: true });
}

describe('a plan that contradicts the database is refused as a whole', () => {
  const entry = (account: string, change: string) => `
  - id: "by-hand"
    findings: [lost_write]
    account: "${account}"
    why: "added by hand"
    changes:
      - { branch: branch1, amount: "5.00", balance: "0.00", ${change} }
`;

  test.each<[why: string, edit: (plan: string) => string, message: RegExp]>([
    [
      'for it is of another one',
      (plan) => plan.replace(/database_id: ".*"/, 'database_id: "0a1b"'),
      /plan.yaml is a plan of the database "bankctl_test_\w+" with the id "0a1b", but the database/,
    ],
    [
      'for it is of a copy with another name',
      (plan) => plan.replace(/database: ".*"/, 'database: "prod"'),
      /a plan of the database "prod", but the config names the database "bankctl_test_\w+"/,
    ],
    [
      'for an account that never was',
      (plan) => plan + entry('NOBODY', 'version: 1'),
      /line \d+: there is no account branch1:NOBODY, and never was one at version 1/,
    ],
    [
      'for a version that never was',
      (plan) => plan.replace('version: 1', 'version: 9'),
      /line \d+: the account branch1:ACC-7 never was at version 9/,
    ],
    [
      'for an outside part that the journal has',
      (plan) => plan.replace('outside: "70.01"', 'outside: "70.00"'),
      /the outside part of branch2:ACC-7 is 70.00 in the plan, but 70.01 by the journal/,
    ],
    [
      'for an outside part where there is none',
      (plan) => plan.replace('version: 1 }', 'version: 1, outside: "1.00" }'),
      /the outside part of branch1:ACC-7 is 1.00 in the plan, but 0.00 by the journal/,
    ],
  ])('%s', async (_why, edit, message) => {
    const { bank, plan } = await damaged();
    await writeFile(join(bank.directory, 'plan.yaml'), edit(plan));
    const before = await bank.everything();
    for (const flag of ['--yes', '--dry-run']) {
      const { status, stdout, stderr } = await bank.run(['repair', 'plan.yaml', flag, '--json']);
      expect([status, stdout]).toEqual([2, '']);
      const { error } = JSON.parse(stderr);
      expect(error).toMatchObject({ code: 'plan_mismatch' });
      expect(error.message).toMatch(message);
      expect(error.hint).toMatch(/plan/);
    }
    expect(await bank.everything()).toBe(before);
  });

  test('for it has no journal', async () => {
    const { plan } = await damaged();
    const plain = await workspace({ config: `journal: false\n${planConfig}` });
    await plain.run(['open', 'branch1', 'ACC-7']);
    await writeFile(join(plain.directory, 'plan.yaml'), plan);
    const before = await plain.everything();
    const ran = await plain.run(yes);
    expect([ran.status, JSON.parse(ran.stderr).error.code]).toEqual([2, 'journal_disabled']);
    expect(await plain.everything()).toBe(before);
  });

  test('for a line that cannot be read, before anything is written', async () => {
    const { bank, plan } = await damaged();
    await writeFile(join(bank.directory, 'plan.yaml'), plan.replace('"25.00"', '"25,00"'));
    const before = await bank.everything();
    const ran = await bank.run(yes);
    expect([ran.status, ran.stdout]).toEqual([2, '']);
    expect(JSON.parse(ran.stderr).error.code).toBe('invalid_plan');
    expect(await bank.everything()).toBe(before);
  });

  test.each<[what: string, content: Uint8Array, code: string]>([
    ['UTF-16', Buffer.from('plan: 1\n', 'utf16le'), 'invalid_plan'],
    ['bytes that are no text', Uint8Array.of(0xff, 0xfe, 0x00, 0x80), 'invalid_plan'],
    ['empty', new Uint8Array(), 'invalid_plan'],
  ])('for it is %s', async (_what, content, code) => {
    const { bank } = await damaged();
    await writeFile(join(bank.directory, 'plan.yaml'), content);
    const ran = await bank.run(yes);
    expect([ran.status, JSON.parse(ran.stderr).error.code]).toEqual([2, code]);
  });

  test('for it is a directory, or not there', async () => {
    const { bank } = await damaged();
    for (const path of ['.', 'nowhere.yaml']) {
      const ran = await bank.run(['repair', path, '--yes', '--json']);
      expect([ran.status, JSON.parse(ran.stderr).error.code]).toEqual([2, 'file_unreadable']);
    }
  });
});

describe('on a terminal', () => {
  const ask = (bank: Workspace, answer: string) =>
    bank.run(['repair', 'plan.yaml'], { canAsk: true, stdin: Readable.from([answer]) });

  test('it shows what it would do, and does it after a yes', async () => {
    const { bank, wanted } = await damaged();
    const ran = await ask(bank, 'y\n');
    expect(ran.status).toBe(0);
    expect(ran.stderr).toMatch(/│ ACC-7 +│ branch2 +│ +-70.01 │ 170.01 │ 100.00 │ USD/);
    expect(ran.stderr).toContain('ACC-7: ACC-7 is not as it should be');
    expect(ran.stderr).toContain('made 2026-01-02T00:00:00.000Z by clerk@desk');
    expect(ran.stderr).toMatch(/Carry out 3 entries\? \[y\/N\] /);
    await expectMended(bank, wanted);
  });

  test.each(['n\n', '\n', '', 'yess\n'])('it does nothing after %j', async (answer) => {
    const { bank } = await damaged();
    const before = await bank.everything();
    const ran = await ask(bank, answer);
    expect([ran.status, ran.stdout]).toEqual([1, '']);
    expect(await bank.everything()).toBe(before);
  });

  test('it does not ask if there is nothing to do', async () => {
    const { bank } = await damaged();
    await bank.run(yes);
    const ran = await ask(bank, '');
    expect(ran.status).toBe(0);
    expect(ran.stderr).not.toContain('[y/N]');
  });

  test('elsewhere, it is refused without --yes', async () => {
    const { bank } = await damaged();
    const before = await bank.everything();
    const ran = await bank.run(['repair', 'plan.yaml', '--json']);
    expect([ran.status, JSON.parse(ran.stderr).error.code]).toEqual([2, 'confirmation_needed']);
    expect(await bank.everything()).toBe(before);
  });
});

describe('a repair can be reversed', () => {
  test('with all of its changes, once', async () => {
    const { bank } = await damaged();
    const wanted = { 'branch1:ACC-7': '170.01', 'branch2:ACC-7': '110.00' };
    await writePlan(bank, await correctionsFor(bank, wanted), 'plan.yaml');
    await bank.run(yes);
    const ran = await bank.run(['reverse', 'fix-1', '--id', 'back', '--json']);
    expect(parsed(ran)).toMatchObject({
      ...{ operation: 'back', reverses: 'fix-1', replayed: false },
      postings: [
        { branch: 'branch1', amount: '-70.01', balance_before: '170.01', balance: '100.00' },
        { branch: 'branch2', amount: '60.01', balance_before: '110.00', balance: '170.01' },
      ],
    });
    const table = await bank.run(['reverse', 'fix-1', '--id', 'back']);
    expect(table.stdout).toMatch(
      /^branch +account +amount +balance before +balance +version +currency\n/,
    );
    expect(table.stdout).toMatch(/operation back\nreverses fix-1\n$/);
    const twice = await bank.run(['reverse', 'fix-1', '--id', 'again', '--json']);
    expect(JSON.parse(twice.stderr).error.code).toBe('already_reversed');
    expect((await bank.run(['audit', '--json'])).status).toBe(0);
  });
});
