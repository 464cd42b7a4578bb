import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { pages, withFigures } from '../bench/report.js';
import { replayed, takeExample } from './console-page.ts';
import { mongodWith } from './database/own-mongod.ts';
import { run, type Workspace, workspace } from './workspace.ts';

/*
 * `npm run docs` writes what the commands print now into the pages.
 */

const pathOf = (name: string) => join(import.meta.dirname, '..', 'docs', name);

test('docs/tutorial.md shows what its commands print', async () => {
  const bank = await workspace();
  await takeExample('tutorial', bank);
  const path = pathOf('tutorial.md');
  const page = await replayed(await readFile(path, 'utf8'), bank);
  await expect(page).toMatchFileSnapshot(path);
});

test.each(pages)('docs/%s.md shows the figures that bench/results keeps', async (name) => {
  const path = pathOf(`${name}.md`);
  await expect(await withFigures(await readFile(path, 'utf8'))).toMatchFileSnapshot(path);
});

/** What is done to a bank, by the name that the page has for it; returns it as it is then met. */
const breakages: Readonly<Record<string, (bank: Workspace) => Promise<Workspace>>> = {
  'no bank yet': async (bank) => {
    await bank.db.dropDatabase();
    return bank;
  },
  'a misspelt key': (bank) => withConfig(bank, 'branchs: { paris: { collection: paris } }'),
  'a config that others can write': async (bank) => {
    await chmod(join(bank.directory, 'bankctl.config.yaml'), 0o666);
    return bank;
  },
  'branches swapped': (bank) =>
    withConfig(
      bank,
      'branches: { branch1: { collection: branch2 }, branch2: { collection: branch1 } }',
    ),
  'no server': async (bank) => withUri(bank, 'mongodb://127.0.0.1:1/'),
  'a wrong password': async (bank) =>
    withUri(bank, inject('uri').replace('://', '://teller:sesame@')),
  'a standalone': async (bank) => withUri(bank, at(await mongodWith())),
  'no replica set yet': async (bank) => withUri(bank, at(await mongodWith('--replSet', 'rs0'))),
  'a lost index': async (bank) => {
    await bank.db.collection('branch1').dropIndexes();
    await bank.db.command({ collMod: 'journal', validator: {} });
    return bank;
  },
  'a capped collection': async (bank) => {
    await bank.db.collection('branch2').drop();
    await bank.db.createCollection('branch2', { capped: true, size: 4096 });
    return bank;
  },
  'no mongod': async (bank) => {
    const env = { HOME: bank.directory, BANKCTL_MONGOD: '/opt/mongod' };
    return { ...bank, run: (argv, options) => run(argv, bank.directory, env, options) };
  },
};

async function withConfig(bank: Workspace, text: string): Promise<Workspace> {
  const content = `database: ${bank.db.databaseName}\n${text}\n`;
  await writeFile(join(bank.directory, 'bankctl.config.yaml'), content);
  return bank;
}

function withUri(bank: Workspace, uri: string): Workspace {
  const ran: Workspace['run'] = (argv, options) =>
    bank.run(argv, { ...options, env: { ...options?.env, BANKCTL_URI: uri } });
  return { ...bank, run: ran };
}

function at(socket: string): string {
  return `mongodb://${encodeURIComponent(socket)}/?directConnection=true`;
}

test('docs/doctor.md shows what is said of each broken set-up', async () => {
  const path = pathOf('doctor.md');
  const [head = '', ...sections] = (await readFile(path, 'utf8')).split(/(?<=<!-- broken: )/);
  let page = head;
  const met: string[] = [];
  for (const section of sections) {
    const [name = ''] = section.split(' -->');
    met.push(name);
    const bank = await workspace();
    await bank.run(['init']);
    await bank.run(['open', 'branch1', 'ACC', '--balance', '100']);
    const broken = await breakages[name]?.(bank);
    page += await replayed(section, broken ?? bank, { piped: true });
  }
  expect(met).toEqual(Object.keys(breakages));
  await expect(page).toMatchFileSnapshot(path);
});
