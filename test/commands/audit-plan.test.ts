import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Decimal128 } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';
import { databaseId, legacyAdd, planConfig, stored } from './plan-fixture.ts';

const amount = (text: string) => Decimal128.fromString(text);
const planned = ['audit', '--plan', 'plan.yaml', '--json'];

/** Two accounts to which another program added money. */
async function written(): Promise<Workspace> {
  const bank = await workspace({ config: planConfig });
  for (const name of ['branch1 A', 'branch2 A', 'branch1 B']) {
    await bank.run(['open', ...name.split(' '), '--balance', '100']);
  }
  await legacyAdd(bank, 'branch1:A', amount('7.50'));
  await legacyAdd(bank, 'branch2:A', amount('-1.50'));
  await legacyAdd(bank, 'branch1:B', amount('0.01'));
  return bank;
}

describe('audit --plan', () => {
  test('writes a plan that takes back what another program added', async () => {
    const bank = await written();
    const ran = await bank.run(planned);
    expect(ran.status).toBe(4);
    expect(ran.stderr).toMatch(/Wrote a plan with 2 entries: review it, then run bankctl repair/);
    const text = await readFile(join(bank.directory, 'plan.yaml'), 'utf8');
    expect(text).toContain(`database_id: "${await databaseId(bank)}"`);
    expect(text).toContain('by: "teller@desk"');
    const repaired = await bank.run(['repair', 'plan.yaml', '--yes', '--json']);
    expect(JSON.parse(repaired.stdout)).toMatchObject({ repaired: 2, moved: [], skipped: [] });
    for (const [branch = '', account = ''] of ['branch1 A', 'branch2 A', 'branch1 B'].map((name) =>
      name.split(' '),
    )) {
      expect(await stored(bank, branch, account)).toMatchObject({ balance: '100.00' });
    }
    const audited = await bank.run(['audit', '--json']);
    expect(JSON.parse(audited.stdout)).toMatchObject({ findings: [], unread: [] });
    expect(audited.status).toBe(0);
  });

  test('also if every finding is printed as a line', async () => {
    const bank = await written();
    const ran = await bank.run(['audit', '--plan', 'plan.yaml', '-o', 'ndjson']);
    expect(ran.status).toBe(4);
    expect(await readFile(join(bank.directory, 'plan.yaml'), 'utf8')).toContain('account: "B"');
  });

  test('changes nothing in the database, and only its owner can read the plan', async () => {
    const bank = await written();
    const before = await bank.everything();
    await bank.run(planned);
    expect(await bank.everything()).toBe(before);
    expect((await stat(join(bank.directory, 'plan.yaml'))).mode & 0o777).toBe(0o600);
    const files = await readdir(bank.directory);
    expect(files.sort()).toEqual(['bankctl.config.yaml', 'plan.yaml']);
  });

  test('never replaces a file, and says so before it looks', async () => {
    const bank = await written();
    await writeFile(join(bank.directory, 'plan.yaml'), 'reviewed');
    const ran = await bank.run(planned);
    expect([ran.status, ran.stdout]).toEqual([1, '']);
    const { code, message, hint } = JSON.parse(ran.stderr).error;
    expect([code, message]).toEqual(['not_writable', expect.stringContaining('exists already')]);
    expect(hint).toContain('--plan');
    expect(await readFile(join(bank.directory, 'plan.yaml'), 'utf8')).toBe('reviewed');
  });

  test('says before it looks that nothing can be written there', async () => {
    const bank = await written();
    await mkdir(join(bank.directory, 'shut'));
    await chmod(join(bank.directory, 'shut'), 0o500);
    const paths = ['nowhere/plan.yaml', 'bankctl.config.yaml/plan.yaml', '.', '/dev/null/p'];
    for (const path of paths) {
      const ran = await bank.run(['audit', '--plan', path, '--json']);
      expect([path, ran.status, ran.stdout]).toEqual([path, 1, '']);
      expect(JSON.parse(ran.stderr).error.code).toBe('not_writable');
    }
  });

  test('writes none if there is nothing that it could mend', async () => {
    const bank = await workspace({ config: planConfig });
    await bank.run(['open', 'branch1', 'A', '--balance', '100']);
    const ran = await bank.run(planned);
    expect([ran.status, ran.stderr]).toEqual([0, expect.stringContaining('was not written')]);
    expect(await readdir(bank.directory)).toEqual(['bankctl.config.yaml']);
  });

  test('writes ids of its own each time', async () => {
    const bank = await written();
    await bank.run(planned);
    await bank.run(['audit', '--plan', 'second.yaml', '--json']);
    const idsOf = async (file: string) =>
      (await readFile(join(bank.directory, file), 'utf8')).match(/id: "repair-.*"/g);
    const [first, second] = [await idsOf('plan.yaml'), await idsOf('second.yaml')];
    expect([first?.length, second?.length]).toEqual([2, 2]);
    expect(first?.filter((id) => second?.includes(id))).toEqual([]);
    await bank.run(['repair', 'plan.yaml', '--yes']);
    const ran = await bank.run(['repair', 'second.yaml', '--yes', '--json']);
    expect(JSON.parse(ran.stdout)).toMatchObject({ repaired: 0, moved: [{}, {}] });
  });
});
