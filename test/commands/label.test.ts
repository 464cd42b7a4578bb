import { hash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Document } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { type RunOptions, type Workspace, workspace } from '../workspace.ts';

const ada = ['--owner', 'Ada Lovelace'];

async function bankWith(...lines: readonly (readonly string[])[]): Promise<Workspace> {
  const bank = await workspace();
  await done(bank, 'open', 'branch1', 'A', '--balance', '10');
  await done(bank, 'open', 'branch1', 'B');
  for (const line of lines) await done(bank, ...line);
  return bank;
}

async function done(bank: Workspace, ...argv: readonly string[]): Promise<Document> {
  const { status, stdout, stderr } = await bank.run([...argv, '--json']);
  expect([argv, status, stderr.replace(/^\{"notice.*/gm, '').trim()]).toMatchObject([argv, 0, {}]);
  return JSON.parse(stdout);
}

/** A refusal moves nothing. */
async function refused(bank: Workspace, ...argv: readonly string[]): Promise<Document> {
  const before = await bank.everything();
  const { status, stdout, stderr } = await bank.run([...argv, '--json']);
  expect(await bank.everything()).toBe(before);
  const { error } = JSON.parse(stderr);
  return { status, stdout, ...error };
}

async function found(bank: Workspace, ...argv: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await bank.run(['accounts', ...argv, '--json']);
  return JSON.parse(stdout).map(({ account }: Document) => account);
}

async function stateOf(bank: Workspace, account = 'A'): Promise<unknown> {
  const { stdout } = await bank.run(['accounts', 'branch1', account, '--json']);
  const [{ owner, labels }] = JSON.parse(stdout);
  return [owner, ...labels];
}

async function filed(bank: Workspace, name: string, text: string, ...argv: readonly string[]) {
  await writeFile(join(bank.directory, name), text);
  return bank.run([...argv, '--json']);
}

describe('bankctl label', () => {
  test('moves no money, raises the version, and leaves a clean audit', async () => {
    const bank = await bankWith();
    const dry = await done(bank, 'label', 'branch1', 'A', ...ada, '--add', 'vip', '--dry-run');
    expect(await stateOf(bank)).toEqual([null]);
    const real = await done(bank, 'label', 'branch1', 'A', ...ada, '--add', 'vip');
    expect({ ...real, operation: null, dry_run: true }).toEqual(dry);
    expect(real).toMatchObject({ balance: '10.00', version: 2, owner: 'Ada Lovelace' });
    await done(bank, 'freeze', 'branch1', 'A');
    await done(bank, 'label', 'branch1', 'A', '--add', 'late');
    await done(bank, 'unfreeze', 'branch1', 'A');
    await done(bank, 'increment', 'branch1', 'A', '5');
    expect(await stateOf(bank)).toEqual(['Ada Lovelace', 'late', 'vip']);
    expect((await bank.run(['audit', '--json'])).status).toBe(0);
  });

  test('of an account that is missing or closed, or as it is already, is refused', async () => {
    const bank = await bankWith(['close', 'branch1', 'B']);
    const label = (account: string) => refused(bank, 'label', 'branch1', account, ...ada);
    expect(await label('C')).toMatchObject({ status: 1, code: 'account_not_found' });
    expect(await label('B')).toMatchObject({ status: 1, code: 'account_closed' });
    await done(bank, 'label', 'branch1', 'A', ...ada);
    expect(await label('A')).toMatchObject({
      ...{ status: 1, code: 'labels_unchanged' },
      message: 'Nothing would change: branch1:A has the owner "Ada Lovelace" and no labels.',
      hint: 'See it with bankctl accounts branch1 A.',
    });
  });

  test('says which label to remove the account did not have', async () => {
    const bank = await bankWith(['label', 'branch1', 'A', '--add', 'vip,late']);
    const line = ['label', 'branch1', 'A', '--owner', 'Eve', '--remove', 'lat', '--remove', 'vip'];
    const said =
      'branch1:A did not have the label "lat" that --remove names. It had "late", "vip".\n';
    const dry = await bank.run([...line, '--dry-run', '-q']);
    expect([dry.status, dry.stderr]).toEqual([0, said]);
    const { stderr } = await bank.run([...line, '--id', 'x', '--json']);
    expect(JSON.parse(stderr).notice).toEqual({
      ...{ code: 'label_absent', message: said.trim(), labels: ['lat'] },
    });
    expect((await bank.run([...line, '--id', 'x'])).stderr).toContain(said);
    expect(await stateOf(bank)).toEqual(['Eve', 'late']);
    const none = await bank.run(['label', 'branch1', 'B', '--add', 'a', '--remove', 'b,c']);
    expect(none.stderr).toBe(
      'branch1:B did not have the labels "b", "c" that --remove names. It had none.\n',
    );
  });

  test('says how to take an owner off where an empty one is given', async () => {
    const bank = await bankWith();
    expect(await refused(bank, 'label', 'branch1', 'A', '--owner', '')).toMatchObject({
      ...{ status: 2, code: 'invalid_owner', message: 'The owner "" is empty.' },
      hint: 'Give a name; - stands for no owner.',
    });
  });

  test('gives an account at most 20 labels, also in several steps', async () => {
    const words = Array.from({ length: 20 }, (_, index) => `w${index}`);
    const bank = await bankWith(['label', 'branch1', 'A', '--add', words.join(' ')]);
    expect(await refused(bank, 'label', 'branch1', 'A', '--add', 'x')).toMatchObject({
      ...{ status: 1, code: 'too_many_labels' },
      message: 'branch1:A would have 21 labels, but the maximum is 20.',
    });
    await done(bank, 'label', 'branch1', 'A', '--add', 'x', '--remove', 'w0');
    expect(await refused(bank, 'open', 'branch1', 'C', '--label', `${words},x`)).toMatchObject({
      ...{ status: 2, code: 'invalid_label' },
    });
  });

  test('is applied once per id, whatever was changed in between', async () => {
    const bank = await bankWith();
    const line = ['label', 'branch1', 'A', '--owner', 'é', '--add', 'b,a', '--id', 'x'];
    const first = await done(bank, ...line);
    await done(bank, 'label', 'branch1', 'A', '--owner', '-', '--remove', 'a');
    const same = ['label', 'branch1', 'A', '--owner', 'e\u0301', '--add', 'a', '--add', 'b b'];
    const { stdout } = await bank.run([...same, '--id', 'x', '--json']);
    expect(JSON.parse(stdout)).toEqual({ ...first, replayed: true });
    expect(await stateOf(bank)).toEqual([null, 'b']);
    for (const [argv, field] of [
      [['--owner', 'E', '--add', 'a,b'], 'its owner was é, now it is E'],
      [['--add', 'a,b'], 'its owner was é, now it is none'],
      [['--owner', 'é', '--add', 'a'], 'its add was a b, now it is a'],
      [['--owner', 'é', '--add', 'a,b', '--remove', 'c'], 'its remove was none, now it is c'],
    ] as const) {
      const { code, message } = await refused(
        bank,
        ...['label', 'branch1', 'A', '--id', 'x'],
        ...argv,
      );
      expect([code, message]).toEqual(['operation_id_conflict', expect.stringContaining(field)]);
    }
    await done(bank, 'open', 'branch1', 'C', '--owner', 'C', '--id', 'c');
    const { message } = await refused(bank, 'open', 'branch1', 'C', '--id', 'c');
    expect(message).toContain('its owner was C, now it is none');
  });

  test('needs a journal, which an account that is opened with an owner does not', async () => {
    const config = 'journal: false\nbranches: { branch1: { collection: branch1 } }\n';
    const bank = await workspace({ config });
    await done(bank, 'open', 'branch1', 'A', ...ada, '--label', 'vip');
    await done(bank, 'increment', 'branch1', 'A', '5');
    expect(await stateOf(bank)).toEqual(['Ada Lovelace', 'vip']);
    const { code, status } = await refused(bank, 'label', 'branch1', 'A', '--add', 'x');
    expect([code, status]).toEqual(['journal_disabled', 2]);
  });
});

describe('a label that is reversed', () => {
  test('puts back what it changed, and leaves alone what others changed', async () => {
    const bank = await bankWith(
      ['label', 'branch1', 'A', '--owner', 'Ada', '--add', 'kyc,vip'],
      [
        'label',
        'branch1',
        'A',
        '--owner',
        'Bob',
        '--add',
        'late,vip',
        '--remove',
        'kyc',
        '--id',
        'x',
      ],
      ['label', 'branch1', 'A', '--add', 'other'],
    );
    const reversed = await done(bank, 'reverse', 'x', '--id', 'back');
    expect(reversed).toMatchObject({ reverses: 'x', amount: '0.00', balance: '10.00', version: 5 });
    expect(await stateOf(bank)).toEqual(['Ada', 'kyc', 'other', 'vip']);
    expect((await refused(bank, 'reverse', 'x'))['code']).toBe('already_reversed');
    expect((await refused(bank, 'reverse', 'back'))['code']).toBe('not_reversible');
    expect((await bank.run(['audit', '--json'])).status).toBe(0);
  });

  test.each([
    [['--owner', 'Eve'], 'the owner is now "Eve"'],
    [['--owner', '-'], 'the owner is gone'],
    [['--remove', 'late'], 'the label "late" is gone'],
    [['--add', 'kyc'], 'the label "kyc" is back'],
  ])('is refused after %j', async (argv, reason) => {
    const bank = await bankWith(
      ['label', 'branch1', 'A', '--add', 'kyc'],
      ['label', 'branch1', 'A', '--owner', 'Bob', '--add', 'late', '--remove', 'kyc', '--id', 'x'],
      ['label', 'branch1', 'A', ...argv],
    );
    expect(await refused(bank, 'reverse', 'x')).toMatchObject({
      ...{ status: 1, code: 'labels_changed' },
      message: `What the operation set on branch1:A was changed since: ${reason}.`,
      hint: 'Say what it shall have now, with bankctl label branch1 A.',
    });
  });

  test('is refused on a closed account', async () => {
    const bank = await bankWith(
      ['label', 'branch1', 'B', ...ada, '--id', 'x'],
      ['close', 'branch1', 'B'],
    );
    expect((await refused(bank, 'reverse', 'x'))['code']).toBe('account_closed');
  });
});

test('show -o csv has the owner and the labels that an operation gave', async () => {
  const bank = await bankWith(['label', 'branch1', 'A', ...ada, '--add', 'vip,kyc', '--id', 'x']);
  const lines = async (id: string) =>
    (await bank.run(['show', id, '-o', 'csv'])).stdout.split('\n');
  const head = 'branch,account,amount,balance,currency,version,owner,labels';
  expect(await lines('x')).toEqual([head, 'branch1,A,0.00,10.00,USD,2,Ada Lovelace,kyc vip', '']);
  await done(bank, 'increment', 'branch1', 'A', '1', '--id', 'y');
  expect(await lines('y')).toEqual([head, 'branch1,A,1.00,11.00,USD,3,,', '']);
});

describe('bankctl accounts', () => {
  const labelled = () =>
    bankWith(
      ['label', 'branch1', 'A', '--owner', 'Ada (née Byron) 銀', '--add', 'VIP,kyc.1'],
      ['open', 'branch2', 'C', '--owner', 'ADAM', '--label', 'vip'],
    );

  test('finds by a part of the owner and by whole labels, in any case', async () => {
    const bank = await labelled();
    for (const [line, accounts] of [
      [
        ['--owner', 'ada'],
        ['A', 'C'],
      ],
      [['--owner', 'NÉE'], ['A']],
      [['--owner', 'ne\u0301e'], ['A']],
      [['--owner', '(n'], ['A']],
      [['--owner', '.*'], []],
      [
        ['--label', 'vip'],
        ['A', 'C'],
      ],
      [['--label', 'vi'], []],
      [['--label', 'kyc.1'], ['A']],
      [['--label', 'kycx1'], []],
      [['--label', 'vip', '--label', 'KYC.1'], ['A']],
      [['branch2', '--label', 'vip', '--owner', 'adam'], ['C']],
    ] as const) {
      expect([line, await found(bank, ...line)]).toEqual([line, accounts]);
    }
  });

  test('shows the columns to people only if an account has an owner or labels', async () => {
    const bank = await labelled();
    const head = async (...argv: readonly string[]) =>
      (await bank.run(['accounts', ...argv])).stdout.split('\n')[0];
    expect(await head('branch1')).toMatch(/reason +owner +labels$/);
    expect(await head('branch1', 'B')).toMatch(/reason$/);
    await done(bank, 'label', 'branch1', 'A', '--owner', '-', '--remove', 'VIP,kyc.1');
    expect(await head('branch1')).toMatch(/reason$/);
    expect(await head('branch1', '-o', 'csv')).toMatch(/,reason,owner,labels$/);
    expect(JSON.parse((await bank.run(['accounts', 'B', '--json'])).stdout)).toMatchObject([
      { owner: null, labels: [] },
    ]);
  });
});

describe('a file', () => {
  const rows = [
    'id,type,branch,account,owner,labels,add,remove,reverses,amount',
    'r1,open,branch1,C,Ada,"kyc, vip",,,,5',
    'r2,label,branch1,C,-,,late,kyc,,',
    'r3,increment,branch1,C,,,,,,1',
    'r4,label,branch1,C,Bob,,,late,,',
    'r5,reverse,,,,,,,r4,',
    'r6,open,branch1,D,-,,,,,',
    'r7,label,branch1,C,-,,,,,',
    'r8,reverse,,,,,,,r2,',
  ].join('\n');

  test('of operations opens and labels, also in a dry run and when it is repeated', async () => {
    const bank = await bankWith();
    const apply = ['apply', 'f.csv', '--last-line-complete'];
    const dry = await filed(bank, 'f.csv', rows, ...apply, '--dry-run', '--results', 'dry.ndjson');
    const counts = { applied: 7, replayed: 0, refused: 1, batches: 1, reversed: 0 };
    expect([dry.status, JSON.parse(dry.stdout)]).toMatchObject([1, { ...counts, dry_run: true }]);
    const real = await bank.run([...apply, '--json']);
    expect([real.status, JSON.parse(real.stdout)]).toMatchObject([1, counts]);
    expect(real.stderr).toBe(dry.stderr.replace(/.*Dry run.*\n/, ''));
    expect(real.stderr).toContain('Line 8 was refused: Nothing would change');
    expect(await stateOf(bank, 'C')).toEqual(['Ada', 'kyc', 'vip']);
    expect(await stateOf(bank, 'D')).toEqual([null]);
    const again = await bank.run([...apply, '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ replayed: 7, refused: 1, reversed: 0 });
  });

  test.each([
    ['id,type,branch,account,owner\nx,label,branch1,A,\n', 'Neither an owner is given'],
    ['id,branch,account,amount,owner\nx,branch1,A,1,Ada\n', 'has owner, but'],
    ['id,type,branch,account,add\nx,open,branch1,C,vip\n', 'has add, but an operation open takes'],
    ['id,type,branch,account,labels\nx,label,branch1,A,v\n', 'has labels, but'],
    ['id,type,branch,account,owner\nx,label,branch1,A,"a\nb"\n', 'has the character \\n'],
  ])('of operations with a faulty row is refused: %j', async (text, message) => {
    const bank = await bankWith();
    await writeFile(join(bank.directory, 'f.csv'), text);
    const error = await refused(bank, 'apply', 'f.csv');
    expect([error['status'], error['message']]).toEqual([2, expect.stringContaining(message)]);
  });

  test('of all operations gives an empty database the same owners and labels', async () => {
    const bank = await bankWith();
    await filed(bank, 'f.csv', rows, 'apply', 'f.csv', '--last-line-complete');
    for (const format of ['ndjson', 'csv']) {
      const { stdout } = await bank.run(['export', '--operations', '-o', format]);
      const other = await workspace();
      const name = `all.${format}`;
      const { status, stderr } = await filed(other, name, stdout, 'apply', name);
      expect([status, stderr]).toEqual([0, '']);
      const exported = (from: Workspace) => from.run(['export', '--operations', '-o', format]);
      expect(await exported(other)).toEqual(await exported(bank));
      expect(await other.run(['export'])).toEqual(await bank.run(['export']));
    }
  });

  test('of accounts is exported and taken back as it is', async () => {
    const bank = await bankWith(
      ['label', 'branch1', 'A', '--owner', '="a, ""b"', '--add', 'kyc,vip'],
      ['label', 'branch1', 'B', '--add', '=1+1'],
      ['freeze', 'branch1', 'B'],
      ['open', 'branch1', 'C', ...ada],
    );
    for (const format of ['csv', 'ndjson']) {
      const { stdout } = await bank.run(['export', 'branch1', '-o', format]);
      const other = await workspace();
      const name = `a.${format}`;
      const imported = await filed(other, name, stdout, 'import', 'branch1', name);
      expect(JSON.parse(imported.stdout)).toMatchObject({ read: 3, created: 3 });
      expect((await other.run(['export', 'branch1', '-o', format])).stdout).toBe(stdout);
      const again = await other.run(['import', 'branch1', name, '--json']);
      expect([again.status, JSON.parse(again.stdout)]).toMatchObject([0, { duplicate: 3 }]);
    }
  });

  test('of accounts that differ in owner or labels leaves them as they are', async () => {
    const bank = await bankWith(['label', 'branch1', 'A', ...ada, '--add', 'kyc']);
    const before = await bank.everything();
    const text = [
      'account,balance,owner,labels',
      'A,10,Ada Lovelace,kyc',
      'A,10,,',
      'B,0,Bob,',
      'A,10,Eve,',
      'B,0,,vip',
    ].join('\n');
    const options: RunOptions = { stdin: Readable.from([`${text}\n`]) };
    const { status, stdout, stderr } = await bank.run(
      ['import', 'branch1', '-', '--json'],
      options,
    );
    expect([status, JSON.parse(stdout)]).toMatchObject([1, { duplicate: 2, conflict: 3 }]);
    expect(stderr).toContain(
      'branch1:B already exists with 0.00 and open and no owner, but the row has 0.00 and open ' +
        'and the owner \\"Bob\\"',
    );
    expect(await bank.everything()).toBe(before);
  });

  test('of accounts without owners gives the operations the ids that it always gave', async () => {
    const bank = await bankWith();
    await filed(bank, 'a.csv', 'account,balance\nC,1.50\n', 'import', 'branch1', 'a.csv');
    const text = JSON.stringify(['branch1', 'C', '150', 'open']);
    const id = `import:${hash('sha256', text, 'base64url').slice(0, 22)}`;
    expect(await done(bank, 'show', id)).toMatchObject({ type: 'open', operation: id });
    const [document] = await bank.db.collection('branch1').find({ account_number: 'C' }).toArray();
    expect(Object.keys(document ?? {}).filter((name) => name.startsWith('bankctl'))).toEqual([]);
  });
});

describe('the fields of another program', () => {
  test('named owner and labels stay its own', async () => {
    const bank = await workspace();
    const own = { owner: { id: 5 }, labels: 'red;green' };
    const legacy = { account_number: 'L', balance: 1.5, ...own };
    await bank.db.collection('branch1').insertOne({ ...legacy });
    await done(bank, 'adopt', '--yes');
    expect(await stateOf(bank, 'L')).toEqual([null]);
    await done(bank, 'label', 'branch1', 'L', ...ada, '--add', 'vip');
    await done(bank, 'label', 'branch1', 'L', '--owner', '-', '--remove', 'vip');
    await done(bank, 'label', 'branch1', 'L', ...ada);
    expect(await stateOf(bank, 'L')).toEqual(['Ada Lovelace']);
    expect(await bank.db.collection('branch1').findOne()).toMatchObject({
      ...own,
      bankctl_owner: 'Ada Lovelace',
      bankctl_labels: [],
    });
    expect((await bank.run(['audit', '--json'])).status).toBe(0);
    expect(await done(bank, 'adopt', '--yes')).toMatchObject({ adopted: 0, conflicts: [] });
  });

  test.each([
    ['bankctl_owner', 5],
    ['bankctl_owner', ''],
    ['bankctl_owner', ' Ada'],
    ['bankctl_owner', 'Ada\u001b[31m'],
    ['bankctl_owner', 'Cafe\u0301'],
    ['bankctl_labels', 'vip'],
    ['bankctl_labels', { 0: 'vip' }],
    ['bankctl_labels', ['vip', 7]],
    ['bankctl_labels', ['']],
    ['bankctl_labels', ['a,b']],
    ['bankctl_labels', ['Cafe\u0301']],
    ['bankctl_labels', ['x'.repeat(41)]],
    ['bankctl_labels', Array.from({ length: 21 }, (_, at) => `l${at + 10}`)],
  ])(
    'that is %s, with %j, is found and mended, and does not lock the money',
    async (name, value) => {
      const bank = await bankWith(['label', 'branch1', 'A', ...ada, '--add', 'vip']);
      const accounts = bank.db.collection('branch1');
      await accounts.updateOne({ account_number: 'A' }, { $set: { [name]: value } });
      await done(bank, 'increment', 'branch1', 'A', '1');
      expect(await accounts.findOne({ account_number: 'A' })).toMatchObject({ [name]: value });
      const { status, stdout } = await bank.run(['audit', '--json']);
      const { findings } = JSON.parse(stdout);
      expect([status, findings]).toMatchObject([
        4,
        [{ code: 'bad_document', account: 'A', detail: expect.stringContaining(name) }],
      ]);
      await mend(bank, findings[0].repair);
      expect(await stateOf(bank)).toEqual(['Ada Lovelace', 'vip']);
      expect((await bank.run(['audit', '--json'])).status).toBe(0);
    },
  );

  test('that are bad hide neither account nor balance', async () => {
    const bank = await bankWith();
    const accounts = bank.db.collection('branch1');
    await accounts.updateOne({ account_number: 'A' }, { $set: { bankctl_labels: 'x' } });
    await done(bank, 'transfer', 'branch1:A', 'branch1:B', '1');
    await done(bank, 'freeze', 'branch1', 'A');
    expect(await found(bank, 'branch1')).toEqual(['A', 'B']);
    const branch = await bank.run(['balance', 'branch1', '--json']);
    expect(JSON.parse(branch.stdout)).toMatchObject([{ balance: '9.00' }, { balance: '1.00' }]);
    expect(await done(bank, 'balance')).toMatchObject({ totals: { USD: '10.00' } });
  });

  test('that are bad where there should be nothing are taken off', async () => {
    const bank = await bankWith();
    const accounts = bank.db.collection('branch1');
    await accounts.updateOne({ account_number: 'A' }, { $set: { bankctl_labels: 'x' } });
    const { findings } = JSON.parse((await bank.run(['audit', '--json'])).stdout);
    expect(findings).toMatchObject([
      { repair: 'bankctl label branch1 A --owner - puts it right.' },
    ]);
    const before = await bank.everything();
    await done(bank, 'label', 'branch1', 'A', '--owner', '-', '--dry-run');
    expect(await bank.everything()).toBe(before);
    await mend(bank, findings[0].repair);
    expect((await bank.run(['audit', '--json'])).status).toBe(0);
    expect((await refused(bank, 'label', 'branch1', 'A', '--owner', '-'))['code']).toBe(
      'labels_unchanged',
    );
  });
});

/** What a program writes that the validator would refuse. */
const past = { bypassDocumentValidation: true };

/** Types what a finding says. */
async function mend(bank: Workspace, repair: string): Promise<void> {
  const [, line = ''] = /^bankctl (.*) puts it right\.$/.exec(repair) ?? [];
  const words = line.match(/'[^']*'|\S+/g) ?? [];
  await done(bank, ...words.map((word) => word.replace(/^'|'$/g, '')));
}

describe('what another program writes into the fields', () => {
  const changes: readonly (readonly [change: object, detail: RegExp, repair: string])[] = [
    [
      { $set: { bankctl_owner: 'Mallory', bankctl_labels: ['a', 'zz'] } },
      /^branch1:P has the owner "Mallory" and the labels "a", "zz", but .* "Ann Lee" and .* "b"\.$/,
      "bankctl label branch1 P --owner 'Ann Lee' --add b --remove zz puts it right.",
    ],
    [
      { $unset: { bankctl_owner: '', bankctl_labels: '' } },
      /^branch1:P has no owner and no labels, but/,
      "bankctl label branch1 P --owner 'Ann Lee' --add a --add b puts it right.",
    ],
    [
      { $set: { bankctl_owner: null } },
      /^branch1:P has no owner and the labels "a", "b", but/,
      "bankctl label branch1 P --owner 'Ann Lee' puts it right.",
    ],
  ];

  test.each(changes)('is found by audit: %j', async (change, detail, repair) => {
    const bank = await bankWith(
      ['open', 'branch1', 'P', '--owner', 'Ann', '--label', 'a'],
      ['label', 'branch1', 'P', '--owner', 'Ann Lee', '--add', 'b', '--id', 'x'],
      ['label', 'branch1', 'A', ...ada],
    );
    expect((await bank.run(['audit'])).status).toBe(0);
    await bank.db.collection('branch1').updateOne({ account_number: 'P' }, change);
    await done(bank, 'increment', 'branch1', 'P', '1');
    const before = await bank.everything();
    for (const more of [[], ['branch1']]) {
      const { status, stdout } = await bank.run(['audit', '--json', ...more]);
      expect([status, JSON.parse(stdout).findings]).toEqual([
        4,
        [
          {
            ...{ code: 'outside_label', account: 'P', branch: 'branch1', cause: null },
            ...{ detail: expect.stringMatching(detail), repair },
          },
        ],
      ]);
    }
    expect(await bank.everything()).toBe(before);
    expect((await bank.run(['audit', 'branch2'])).status).toBe(0);
    await mend(bank, repair);
    expect((await bank.run(['audit'])).status).toBe(0);
  });

  test('is none of the journal that was adopted with an account, or was reversed', async () => {
    const bank = await bankWith(['label', 'branch1', 'A', ...ada, '--id', 'x'], ['reverse', 'x']);
    const legacy = { account_number: 'L', balance: 1.5, bankctl_owner: 'Ann' };
    await bank.db.collection('branch1').insertOne({ ...legacy }, past);
    await done(bank, 'adopt', '--yes');
    expect((await bank.run(['audit', '--json'])).status).toBe(0);
    await done(bank, 'label', 'branch1', 'L', '--add', 'vip');
    expect((await bank.run(['audit', '--json'])).status).toBe(0);
  });

  test('is said to be mended by hand on a closed account', async () => {
    const bank = await bankWith(['label', 'branch1', 'B', ...ada], ['close', 'branch1', 'B']);
    await bank.db
      .collection('branch1')
      .updateOne({ account_number: 'B' }, { $set: { bankctl_owner: 'Eve' } });
    const { findings } = JSON.parse((await bank.run(['audit', '--json'])).stdout);
    expect(findings).toMatchObject([
      { code: 'outside_label', repair: expect.stringContaining('by hand') },
    ]);
  });

  test('is left alone by what sets neither, also in a batch', async () => {
    const bank = await bankWith(['label', 'branch1', 'A', ...ada]);
    const accounts = bank.db.collection('branch1');
    await accounts.updateOne({ account_number: 'A' }, { $set: { bankctl_owner: 'Eve' } });
    const rows = 'id,type,branch,account,amount,add\n1,,branch1,A,1,\n';
    await filed(bank, 'f.csv', rows, 'apply', 'f.csv');
    expect(await stateOf(bank)).toEqual(['Eve']);
    const mixed = `${rows}2,,branch1,A,1,\n3,label,branch1,A,,vip\n4,,branch1,A,1,\n`;
    await filed(bank, 'f.csv', mixed, 'apply', 'f.csv');
    expect(await stateOf(bank)).toEqual(['Eve', 'vip']);
    expect(await done(bank, 'balance', 'branch1', 'A')).toMatchObject({ balance: '13.00' });
  });
});
