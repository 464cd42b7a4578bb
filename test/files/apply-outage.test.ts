import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { expect, onTestFinished, test } from 'vitest';
import { startThrowaway } from '../../src/database/throwaway-server.ts';
import { workspace } from '../workspace.ts';

test('apply rides out a server crash, and applies each row once', async () => {
  const server = await startThrowaway({
    env: process.env,
    nowMs: Date.now,
    monotonicNs: process.hrtime.bigint,
    interrupted: new AbortController().signal,
    progress: () => undefined,
  });
  onTestFinished(server.stop);
  const bank = await workspace();
  const env = { BANKCTL_URI: server.uri };
  const client = await MongoClient.connect(server.uri);
  onTestFinished(() => client.close());
  const journal = client.db(bank.db.databaseName).collection('journal');
  expect(await bank.run(['open', 'branch1', 'A'], { env })).toMatchObject({ status: 0 });
  const rows = 35_000;
  const row = `${JSON.stringify({ branch: 'branch1', account: 'A', amount: '0.01' })}\n`;
  await writeFile(join(bank.directory, 'rows.ndjson'), row.repeat(rows));
  const line = ['apply', 'rows.ndjson', '--batch', 'b', '--json', '-q', '--timeout', '20s'];
  const running = bank.run(line, { env });
  while ((await journal.countDocuments({})) < 10_000) await pause(5);
  await server.members[0]?.kill();
  await pause(300);
  await server.members[0]?.restart();
  const { status, stdout, stderr } = await running;
  expect([status, stderr]).toEqual([0, '']);
  const { applied, replayed, refused } = JSON.parse(stdout);
  expect([applied + replayed, refused]).toEqual([rows, 0]);
  expect(await journal.countDocuments({})).toBe(rows + 1);
  const balance = await bank.run(['balance', 'branch1', 'A', '--json'], { env });
  expect(JSON.parse(balance.stdout)).toMatchObject({ balance: '350.00', version: rows + 1 });
});
