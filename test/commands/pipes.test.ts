import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';

const row = '{"type":"open","branch":"branch1","account":"A","amount":"5.00","id":"o1"}\n';

async function withPipe(): Promise<{ bank: Workspace; pipe: string }> {
  const bank = await workspace();
  const pipe = join(bank.directory, 'pipe');
  execFileSync('mkfifo', [pipe]);
  await writeFile(join(bank.directory, 'rows.ndjson'), row);
  return { bank, pipe };
}

test.each([
  'apply pipe',
  'import branch1 pipe',
  'apply rows.ndjson --results pipe',
  'stress --ops 2 --history PIPE',
  'stress --ops 2 --report PIPE',
  'stress --model ledger --ops 2 --history PIPE',
  'stress --exhaustive --history PIPE',
])('Ctrl-C ends %s, a pipe that has no other end', async (words) => {
  const { bank, pipe } = await withPipe();
  const line = words.replace('PIPE', pipe).split(' ');
  const { status, stderr } = await bank.run(line, { interrupted: AbortSignal.timeout(500) });
  expect(stderr).toMatch(/bankctl: (Interrupted|Stopped)/);
  expect(status).toBe(130);
});

test('apply waits for who writes to a pipe, and --results for who reads one', async () => {
  const { bank, pipe } = await withPipe();
  const results = join(bank.directory, 'results');
  execFileSync('mkfifo', [results]);
  const applied = bank.run(['apply', 'pipe', '--results', 'results', '--batch', 'b', '--json']);
  await delay(300);
  await writeFile(pipe, row);
  await delay(300);
  const lines = await readFile(results, 'utf8');
  expect(await applied).toMatchObject({ status: 0 });
  expect(JSON.parse(lines)).toMatchObject({ line: 1, id: 'o1' });
});
