import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';

/** A bank with accounts A and B of 100.00 in branch1, and files. */
async function bankWith(files: Readonly<Record<string, string>>): Promise<Workspace> {
  const bank = await workspace();
  await write(bank, { ...files, 'open.csv': 'account,balance\nA,100\nB,100\n' });
  await bank.run(['import', 'branch1', 'open.csv']);
  return bank;
}

async function write(bank: Workspace, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(bank.directory, name), text);
  }
}

async function apply(bank: Workspace, line: string) {
  const ran = await bank.run(['apply', ...line.split(' '), '--json']);
  const errors = ran.stderr.split('\n').filter((it) => it.startsWith('{"error"'));
  return {
    status: ran.status,
    result: ran.stdout === '' ? undefined : JSON.parse(ran.stdout),
    error: errors.map((it) => JSON.parse(it).error)[0],
  };
}

/** A file, how it is read first, and how it is read again so that its rows have other ids. */
const dresses: Readonly<Record<string, readonly [text: string, first: string, again: string]>> = {
  'a memo that was dropped': [
    'branch,account,amount,text\nbranch1,A,5,hello\nbranch1,B,6,world\n',
    '--drop text',
    '--columns memo=text',
  ],
  'a memo that is dropped now': [
    'branch,account,amount,memo\nbranch1,A,5,hello\nbranch1,B,6,world\n',
    '--format csv',
    '--drop memo',
  ],
  'a memo from another column': [
    'branch,account,amount,text,note\nbranch1,A,5,a,b\nbranch1,B,6,c,d\n',
    '--columns memo=text --drop note',
    '--columns memo=note --drop text',
  ],
  'a transfer': [
    'from,to,amount,text\nbranch1:A,branch1:B,5,a\nbranch1:A,branch1:B,5,b\n',
    '--drop text',
    '--columns memo=text',
  ],
  'another type': [
    'branch,account,amount\nbranch1,N,5\nbranch1,M,6\n',
    '--type open',
    '--type increment',
  ],
  'an owner that was dropped': [
    'type,branch,account,amount,owner,labels\nopen,branch1,N,5,Ada,vip\nopen,branch1,M,6,Bo,\n',
    '--drop owner,labels',
    '--last-line-complete',
  ],
};

describe('the same file under the same name, read otherwise', () => {
  test.each(Object.entries(dresses))('is refused: %s', async (_, [text, first, again]) => {
    const bank = await bankWith({ 'f.csv': text });
    expect(await apply(bank, `f.csv --batch p ${first}`)).toMatchObject({
      ...{ status: 0, result: { applied: 2 } },
    });
    const before = await bank.everything();
    for (const dry of [' --dry-run', '']) {
      const { status, error } = await apply(bank, `f.csv --batch p ${again}${dry}`);
      expect([status, error]).toMatchObject([2, { code: 'file_repeated' }]);
      expect(error.message).toMatch(/^2 rows of f\.csv .* \(line 2: operation "p:[0-9a-f]{32}/);
    }
    expect(await bank.everything()).toBe(before);
    const same = await apply(bank, `f.csv --batch p ${first}`);
    expect(same).toMatchObject({ status: 0, result: { applied: 0, replayed: 2 } });
  });

  test('is refused from the standard input, and when it has grown and was sorted', async () => {
    const bank = await bankWith({ 'f.csv': dresses['a memo that was dropped']?.[0] ?? '' });
    await apply(bank, 'f.csv --batch p --drop text');
    const before = await bank.everything();
    const grown = 'text;amount;account;branch\nnew;7,00;A;branch1\nworld;6,00;B;branch1\n';
    await write(bank, { 'g.csv': `${grown}hello;5,00;A;branch1\n` });
    const { error } = await apply(bank, 'g.csv --batch p --columns memo=text --decimal comma');
    expect(error.message).toMatch(/^2 rows of g\.csv .*\(line 3: /);
    const piped = await bank.run(['apply', '-', '--batch', 'p'], {
      stdin: Readable.from(['branch,account,amount,memo\nbranch1,B,6,world\n']),
    });
    expect([piped.status, piped.stderr]).toEqual([2, expect.stringContaining('1 row of ')]);
    expect(await bank.everything()).toBe(before);
  });

  test('is applied when it is meant, and goes on after an interruption', async () => {
    const bank = await bankWith({ 'f.csv': dresses['a memo that was dropped']?.[0] ?? '' });
    await apply(bank, 'f.csv --batch p --drop text');
    const meant = await apply(bank, 'f.csv --batch p --columns memo=text --again');
    expect(meant).toMatchObject({ status: 0, result: { applied: 2 } });
    const rerun = await apply(bank, 'f.csv --batch p --columns memo=text --again');
    expect(rerun).toMatchObject({ status: 0, result: { applied: 0, replayed: 2 } });
  });

  test('is applied when what it did was reversed', async () => {
    const bank = await bankWith({ 'f.csv': dresses['a memo that was dropped']?.[0] ?? '' });
    await apply(bank, 'f.csv --batch p --drop text');
    await bank.run(['reverse', '--batch', 'p', '--yes']);
    const ran = await apply(bank, 'f.csv --batch p --columns memo=text');
    expect(ran).toMatchObject({ status: 0, result: { applied: 2 } });
  });

  test('is applied when records of the name are of an older version, or gone', async () => {
    const bank = await bankWith({ 'f.csv': 'branch,account,amount\nbranch1,A,5\n' });
    await apply(bank, 'f.csv --batch p');
    const records = bank.db.collection<{ _id: string }>('bankctl');
    await records.updateMany({ _id: /^file:/ }, { $unset: { rows: '', by: '' } });
    await write(bank, { 'f.csv': 'branch,account,amount,memo\nbranch1,A,5,x\n' });
    expect((await apply(bank, 'f.csv --batch p')).error.code).toBe('file_repeated');
  });
});

test('rows besides those that a name had before are no repetition', async () => {
  const head = 'branch,account,amount,memo\n';
  const bank = await bankWith({ 'f.csv': `${head}branch1,A,5,mon\n` });
  await apply(bank, 'f.csv --batch p');
  await write(bank, { 'f.csv': `${head}branch1,A,5,tue\nbranch1,A,5,mon\nbranch1,B,5,mon\n` });
  expect(await apply(bank, 'f.csv --batch p')).toMatchObject({
    ...{ status: 0, result: { applied: 2, replayed: 1 } },
  });
  await write(bank, { 'f.csv': `${head}branch1,A,5,dec\n` });
  expect(await apply(bank, 'f.csv --batch q')).toMatchObject({ status: 0 });
});

test('under another name the same file is refused, unless it moves other money', async () => {
  const bank = await bankWith({
    'f.csv': 'branch,account,pay,fee,text\nbranch1,A,5,1,hello\nbranch1,B,6,2,world\n',
  });
  const pay = '--columns amount=pay --drop fee,text';
  expect(await apply(bank, `f.csv --batch p ${pay}`)).toMatchObject({ status: 0 });
  const before = await bank.everything();
  for (const dry of [' --dry-run', '']) {
    const { status, error } = await apply(
      bank,
      `f.csv --batch q --columns amount=pay,memo=text --drop fee${dry}`,
    );
    expect([status, error]).toMatchObject([2, { code: 'file_repeated' }]);
    expect(error.message).toMatch(/^The rows of f\.csv were given before, with --batch "p"/);
  }
  expect(await bank.everything()).toBe(before);
  const fees = await apply(bank, 'f.csv --batch q --columns amount=fee --drop pay,text');
  expect(fees).toMatchObject({ status: 0, result: { applied: 2 } });
});

test('a reading that was refused as a whole is judged anew when it comes back', async () => {
  const bank = await bankWith({ 'f.csv': 'branch,account,amount,text\nbranch1,A,5,a\n' });
  await bank.run(['freeze', 'branch1', 'A']);
  await apply(bank, 'f.csv --batch p --drop text');
  await bank.run(['unfreeze', 'branch1', 'A']);
  expect(await apply(bank, 'f.csv --batch p --columns memo=text')).toMatchObject({ status: 0 });
  const before = await bank.everything();
  const back = await apply(bank, 'f.csv --batch p --drop text --retry-refused');
  expect([back.status, back.error]).toMatchObject([2, { code: 'file_repeated' }]);
  expect(await bank.everything()).toBe(before);
});

describe('a file that was applied with ids of its own', () => {
  const file = 'ref,branch,account,amount\nr-1,branch1,A,5\nr-2,branch1,B,6\n';

  test.each([
    ['id', '--columns memo=id --batch p'],
    ['id', '--columns memo=id --batch p --type increment'],
    ['ref', '--drop ref --batch p'],
    ['ref', '--columns memo=ref --batch p'],
  ])('is refused with its column %s read as %s', async (column, again) => {
    const bank = await bankWith({ 'f.csv': file.replace('ref', column) });
    const mapped = column === 'id' ? '' : ` --columns id=${column}`;
    expect(await apply(bank, `f.csv${mapped}`)).toMatchObject({ result: { applied: 2 } });
    const before = await bank.everything();
    for (const dry of [' --dry-run', '']) {
      const { status, error } = await apply(bank, `f.csv ${again}${dry}`);
      expect([status, error]).toMatchObject([2, { code: 'file_repeated' }]);
      expect(error.message).toMatch(/^Line 2 of f\.csv has the id of the operation "r-1"/);
    }
    expect(await bank.everything()).toBe(before);
    const meant = await apply(bank, `f.csv ${again} --again`);
    expect(meant).toMatchObject({ status: 0, result: { applied: 2 } });
  });

  test('is applied if the ids are those of other money, or were reversed', async () => {
    const bank = await bankWith({ 'f.csv': file.replace('ref', 'id') });
    await apply(bank, 'f.csv');
    await write(bank, { 'g.csv': 'branch,account,amount,memo\nbranch1,A,-5,r-1\n' });
    expect(await apply(bank, 'g.csv --batch g')).toMatchObject({ result: { applied: 1 } });
    for (const id of ['r-1', 'r-2']) await bank.run(['reverse', id]);
    expect(await apply(bank, 'f.csv --columns memo=id --batch p')).toMatchObject({
      result: { applied: 2 },
    });
  });
});

test('neither separator nor decimal sign makes two readings of one file', async () => {
  const bank = await bankWith({ 'f.csv': 'branch;account;amount;memo\nbranch1;A;1,5;x,y\n' });
  expect(await apply(bank, 'f.csv --batch p --decimal comma')).toMatchObject({ status: 0 });
  const before = await bank.everything();
  for (const other of [
    ...['', '--decimal point', '--separator comma', '--separator tab --decimal comma'],
    ...['--separator comma --columns branch=branch;account;amount;memo --decimal comma'],
  ]) {
    const { status, error } = await apply(bank, `f.csv --batch p ${other}`.trim());
    expect([other, status, error?.code]).toEqual([other, 2, 'invalid_row']);
  }
  expect(await bank.everything()).toBe(before);
});
