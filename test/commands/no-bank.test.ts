import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { workspace } from '../workspace.ts';

const says = /The database "\w+" holds no bank yet; bankctl init creates one there\. Is the name/;

test('a database without a bank is called so, also with --quiet and as JSON', async () => {
  const bank = await workspace();
  for (const line of [['balance'], ['balance', 'branch1'], ['branches'], ['export']]) {
    const ran = await bank.run([...line, '-q']);
    expect([ran.status, ran.stderr]).toEqual([0, expect.stringMatching(says)]);
    const { stderr } = await bank.run([...line, '--json']);
    expect(JSON.parse(stderr).notice).toMatchObject({
      code: 'no_bank',
      message: expect.stringMatching(says),
      database: bank.db.databaseName,
    });
  }
});

test('what is not found there says so in its hint', async () => {
  const bank = await workspace();
  for (const line of [
    ['balance', 'branch1', 'A'],
    ['history', 'branch1', 'A'],
    ['show', 'till-7'],
    ['increment', 'branch1', 'A', '1'],
    ['reverse', 'till-7'],
  ]) {
    const { status, stderr } = await bank.run([...line, '--json']);
    expect([status, JSON.parse(stderr).error.hint]).toEqual([1, expect.stringMatching(says)]);
  }
});

test('a bank that was made, or has but a collection of a branch, is none of those', async () => {
  const [made, older] = [await workspace(), await workspace()];
  await made.run(['init']);
  await older.db.createCollection('branch2');
  for (const bank of [made, older]) {
    const ran = await bank.run(['balance', '-q']);
    expect([ran.status, ran.stderr]).toEqual([0, '']);
  }
  await writeFile(
    join(made.directory, 'other.yaml'),
    `database: ${made.db.databaseName}x\nbranches: { branch1: { collection: branch1 } }\n`,
  );
  expect((await made.run(['balance', '--config', 'other.yaml'])).stderr).toMatch(says);
});
