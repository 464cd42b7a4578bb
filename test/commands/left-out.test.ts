import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openBank } from '../../src/bank/bank.ts';
import { post } from '../../src/bank/post.ts';
import { loadConfig } from '../../src/config/parser.ts';
import { type Workspace, workspace } from '../workspace.ts';

const branch = (name: string) => `${name}: { collection: ${name} }`;
const configOf = (...names: readonly string[]) => `branches: { ${names.map(branch).join(', ')} }`;

async function reconfigure(bank: Workspace, config: string): Promise<void> {
  const path = join(bank.directory, 'bankctl.config.yaml');
  await writeFile(path, `database: ${bank.db.databaseName}\n${config}\n`);
}

/** A bank of two branches, with a config that has but a third one. */
async function bankWithout(open: readonly string[] = []): Promise<Workspace> {
  const bank = await workspace({ config: configOf('one', 'two') });
  await bank.run(['init']);
  for (const name of open) await bank.run(['open', name, 'A']);
  await reconfigure(bank, configOf('three'));
  return bank;
}

async function known(bank: Workspace): Promise<readonly string[]> {
  const identity = await bank.db.collection('bankctl').findOne();
  return identity?.['branches'].map((it: { readonly branch: string }) => it.branch);
}

const leftOut = async (bank: Workspace) =>
  (await bank.run(['balance'])).stderr.split('\n').filter((line) => line.includes('leaves out'));

test('a branch that was never used is forgotten by init, which the notice names', async () => {
  const bank = await bankWithout();
  expect(await leftOut(bank)).toEqual([
    'The config leaves out "one", "two", which the database has. ' +
      'Nothing ever was in them: bankctl init makes the database forget them.',
  ]);
  const { stderr } = await bank.run(['init']);
  expect(stderr).toContain(
    'Forgot "one", "two", which the config leaves out: nothing ever was in them.\n',
  );
  expect([await leftOut(bank), await known(bank)]).toEqual([[], ['three']]);
  const names = (await bank.db.listCollections().toArray()).map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['one', 'two']));
  expect((await bank.db.collection('one').indexes()).map(({ name }) => name)).toContain(
    'account_number',
  );
  expect((await bank.run(['init'])).stderr).not.toContain('Forgot');
});

test.each([
  ['has an account', async (_: Workspace) => undefined],
  ['had one', async ({ db }: Workspace) => void (await db.collection('one').deleteMany({}))],
  [
    'has a document of an odd type',
    async ({ db }: Workspace) => {
      await db.collection('one').deleteMany({});
      await db.collection('journal').deleteMany({});
      await db.command({ collMod: 'one', validationLevel: 'off' });
      await db.collection('one').insertOne({ odd: [1] });
    },
  ],
])('a branch that %s stays, and the notice names the other one only', async (_, change) => {
  const bank = await bankWithout(['one']);
  await change(bank);
  expect(await leftOut(bank)).toEqual([
    'The config leaves out "one", "two", which the database has. ' +
      'Nothing ever was in "two": bankctl init makes the database forget "two".',
  ]);
  expect((await bank.run(['init'])).stderr).toContain('Forgot "two", which');
  expect(await known(bank)).toEqual(['one', 'three']);
  expect(await leftOut(bank)).toEqual(['The config leaves out "one", which the database has.']);
});

test('a dry run, and a config that was just written, forget nothing', async () => {
  const bank = await bankWithout();
  await bank.run(['init', '--dry-run']);
  await bank.run(['init', '--config', join(bank.directory, 'fresh.yaml')]);
  expect(await known(bank)).toEqual(expect.arrayContaining(['one', 'two']));
});

test('an account that an older config opens meanwhile is kept, as is its branch', async () => {
  const bank = await bankWithout();
  const config = loadConfig('old', `database: ${bank.db.databaseName}\n${configOf('one', 'two')}`);
  const old = await openBank(bank.db.client, config, { timeoutMs: 10_000, draw: () => 0.5 });
  expect((await bank.run(['init'])).stderr).toContain('Forgot');
  const open = {
    type: 'open',
    branch: 'one',
    account: 'A',
    amountMinor: 500n,
    memo: undefined,
  } as const;
  const [outcome] = await post(old, [{ ...open, id: 'late', idGiven: true }], { by: 'old' });
  expect(outcome).toMatchObject({ applied: true });
  await reconfigure(bank, configOf('one', 'two'));
  expect((await bank.run(['balance', 'one', 'A'])).stdout).toMatch(/5\.00/);
  expect(await bank.run(['increment', 'one', 'A', '1'])).toMatchObject({ status: 0 });
  expect(await known(bank)).toEqual(['three', 'one', 'two']);
  expect(await bank.run(['audit'])).toMatchObject({ status: 0 });
});
