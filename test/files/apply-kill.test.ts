import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { endAbandoned } from '../../src/bank/abandoned-transactions.ts';
import { workspace } from '../workspace.ts';

const program = join(import.meta.dirname, '..', '..', 'bin', 'bankctl.js');

test('after kill -9 at random moments, each row is applied exactly once in the end', async () => {
  const bank = await workspace();
  onTestFinished(() => endAbandoned(bank.db.client));
  const rows = 20_000;
  for (const account of ['A', 'B']) await bank.run(['open', 'branch1', account]);
  const row = (index: number) =>
    JSON.stringify({ branch: 'branch1', account: 'AB'[index % 2], amount: '0.01' });
  const content = Array.from({ length: rows }, (_, index) => `${row(index)}\n`).join('');
  await writeFile(join(bank.directory, 'rows.ndjson'), content);
  const line = ['apply', 'rows.ndjson', '--batch', 'kill', '--json', '-q'];
  const killed = async (afterMs: number) => {
    const options = { cwd: bank.directory, env: bank.env, stdio: 'ignore' } as const;
    const child = spawn(process.execPath, [program, ...line], options);
    const ended = once(child, 'close');
    await Promise.race([pause(afterMs), ended]);
    child.kill('SIGKILL');
    await ended;
  };
  for (const afterMs of fc.sample(fc.integer({ min: 250, max: 2500 }), 3)) await killed(afterMs);
  const last = await bank.run(line);
  expect(last.stderr).toBe('');
  const { applied, replayed } = JSON.parse(last.stdout);
  expect(applied + replayed).toBe(rows);
  const { stdout } = await bank.run(['balance', 'branch1', '-o', 'csv']);
  expect(stdout).toBe('account,balance,status\nA,100.00,open\nB,100.00,open\n');
  expect(await bank.db.collection('journal').countDocuments()).toBe(rows + 2);
});
