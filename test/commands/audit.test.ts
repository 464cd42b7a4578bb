import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Decimal128 } from 'mongodb';
import { expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';

async function damagedBank(): Promise<Workspace> {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'A', '--balance', '10', '--id', '<i>one</i>']);
  const $inc = { balance: Decimal128.fromString('8') };
  await bank.db.collection('branch1').updateOne({ account_number: 'A' }, { $inc });
  return bank;
}

test('--report writes a page that loads nothing and runs nothing', async () => {
  const bank = await damagedBank();
  const path = join(bank.directory, 'r.html');
  const { status, stderr } = await bank.run(['audit', '--report', path]);
  expect([status, stderr]).toEqual([4, expect.stringContaining(`Wrote the report ${path}.`)]);
  const page = await readFile(path, 'utf8');
  for (const text of [
    'Something is wrong',
    'branch1:A has 18.00 USD, but the journal says 10.00: another program added 8.00.',
    '&lt;i&gt;one&lt;/i&gt;',
    'bankctl adopt branch1 --outside-writes accepts it',
    'Checked 1 account and 1 operation.',
  ]) {
    expect(page).toContain(text);
  }
  expect(page).toContain('script-src &#39;none&#39;');
  expect(page).not.toMatch(/<script|<i>|src=|https?:/);
  expect(page.match(/<section/g)?.length).toBe(page.match(/<\/section>/g)?.length);
});

test('the page of a bank without damage says so, with any output', async () => {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'A', '--balance', '10']);
  const path = join(bank.directory, 'r.html');
  const { status } = await bank.run(['audit', '--report', path, '-o', 'ndjson']);
  expect([status, await readFile(path, 'utf8')]).toEqual([
    0,
    expect.stringContaining('Nothing is wrong'),
  ]);
});

test('a report that cannot be written costs no audit, and an older one stays', async () => {
  const bank = await damagedBank();
  const { status, stderr } = await bank.run(['audit', '--report', '/nowhere/r.html']);
  expect([status, stderr]).toEqual([1, expect.stringContaining('/nowhere/r.html')]);
  const path = join(bank.directory, 'r.html');
  await writeFile(path, 'old');
  const failed = await bank.run(['audit', '--report', path, '--uri', 'mongodb://127.0.0.1:1/'], {});
  expect([failed.status, await readFile(path, 'utf8')]).toEqual([3, 'old']);
});

test('Ctrl-C in the middle ends it with 130, and nothing is left', async () => {
  const bank = await damagedBank();
  const odd = Array.from({ length: 5000 }, (_, index) => ({
    ...{ account_number: `X${index}`, balance: 1, branch: 'branch2' },
  }));
  const collection = bank.db.collection('branch1');
  await collection.insertMany(odd, { bypassDocumentValidation: true });
  const before = await bank.everything();
  const controller = new AbortController();
  const path = join(bank.directory, 'r.html');
  const { status, stdout } = await bank.run(['audit', '-o', 'ndjson', '--report', path], {
    interrupted: controller.signal,
    written: () => controller.abort(),
  });
  expect(status).toBe(130);
  expect(stdout.split('\n').length).toBeLessThan(5000);
  await expect(readFile(path)).rejects.toThrow('ENOENT');
  expect(await bank.everything()).toBe(before);
});

test('what goes beyond 10,000 findings is counted, and as lines all of it comes', async () => {
  const bank = await damagedBank();
  const odd = Array.from({ length: 10_050 }, (_, index) => ({
    ...{ account_number: `X${index}`, balance: 1, branch: 'branch2' },
  }));
  const collection = bank.db.collection('branch1');
  await collection.insertMany(odd, { bypassDocumentValidation: true });
  const { findings, more } = JSON.parse((await bank.run(['audit', '--json'])).stdout);
  expect([findings.length, more]).toEqual([10_000, { misplaced_document: 50, outside_write: 1 }]);
  const lines = await bank.run(['audit', '-o', 'ndjson']);
  expect(lines.stdout.trimEnd().split('\n').length).toBe(10_051);
  expect((await bank.run(['audit'])).stdout).toContain('50 more findings of the kind misplaced');
});
