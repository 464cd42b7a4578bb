import { describe, expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';

/** For it, `acc` and `ACC` are the same. */
const collation = { locale: 'en', strength: 2 };

async function codeOf(bank: Workspace, line: string): Promise<unknown> {
  const { status, stderr } = await bank.run(['--json', '-q', ...line.split(' ')]);
  return [line, status, JSON.parse(stderr).error];
}

function refused(line: string, collection: string) {
  const code = 'collated_collection';
  const message = expect.stringContaining(`The collection ${collection} compares text`);
  return [line, 1, expect.objectContaining({ code, message })];
}

describe('a collection with a collation', () => {
  test.each([
    'adopt branch1 --yes',
    'adopt branch1 --dry-run',
    'open branch1 NEW',
    'open branch1 NEW --dry-run',
    'init',
  ])('is refused by %s before anything is written', async (line) => {
    const bank = await workspace();
    await bank.db.createCollection('branch1', { collation });
    await bank.db.collection('branch1').insertMany([
      { account_number: 'acc', balance: 5 },
      { account_number: 'ACC', balance: 7 },
    ]);
    const before = await bank.everything();
    expect(await codeOf(bank, line)).toEqual(refused(line, 'branch1'));
    expect(await bank.everything()).toBe(before);
  });

  test('is refused as the journal, too', async () => {
    const bank = await workspace();
    await bank.db.createCollection('journal', { collation });
    for (const line of ['open branch1 NEW', 'adopt --yes']) {
      expect(await codeOf(bank, line)).toEqual(refused(line, 'journal'));
    }
  });

  test('is named by doctor and by audit, whose numbers are literal', async () => {
    const bank = await collated();
    const { stdout } = await bank.run(['doctor', '--json']);
    expect(stdout).toContain('compares text by a collation (locale en, strength 2)');
    const { findings } = JSON.parse((await bank.run(['audit', 'branch1', '--json'])).stdout);
    expect(findings).toEqual([expect.objectContaining({ code: 'missing_index' })]);
  });

  test('has each account of before, letter by letter', async () => {
    const bank = await collated();
    const balances = async () => {
      const lines = ['acc', 'ACC'].map((number) => ['balance', 'branch1', number, '--json']);
      const shown = await Promise.all(lines.map((line) => bank.run(line)));
      return shown.map(({ stdout }) => JSON.parse(stdout).balance);
    };
    expect(await balances()).toEqual(['5.00', '7.00']);
    expect((await bank.run(['increment', 'branch1', 'ACC', '1'])).status).toBe(0);
    expect((await bank.run(['transfer', 'branch1:ACC', 'branch1:acc', '3'])).status).toBe(0);
    expect(await balances()).toEqual(['8.00', '5.00']);
    expect((await bank.run(['balance', 'branch1', 'Acc'])).status).toBe(1);
    expect((await bank.run(['balance', 'branch1'])).status).toBe(0);
    expect((await bank.run(['history', 'branch1', 'acc'])).status).toBe(0);
  });
});

/** A bank whose collection was copied into one with a collation. */
async function collated(): Promise<Workspace> {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'acc', '--balance', '5']);
  await bank.run(['open', 'branch1', 'ACC', '--balance', '7']);
  const [made] = await bank.db.listCollections({ name: 'branch1' }).toArray();
  const documents = await bank.db
    .collection('branch1')
    .find({}, { promoteValues: false })
    .toArray();
  await bank.db.collection('branch1').drop();
  const validator = made && 'options' in made ? made.options?.['validator'] : undefined;
  await bank.db.createCollection('branch1', { collation, validator });
  await bank.db.collection('branch1').insertMany(documents);
  return bank;
}
