import { describe, expect, inject, onTestFinished, test } from 'vitest';
import type { AnsweredCommand } from '../../src/database/command-log.ts';
import { createClient } from '../../src/database/connection.ts';
import { workspace } from '../workspace.ts';

const line = /^\w+ \w+(\.\w+)?: (\d+ documents?, |failed with \w+, )?\d+ ms$/;

describe('--verbose', () => {
  test('shows each command to the database, and nothing that it carries', async () => {
    const bank = await workspace();
    await bank.run(['open', 'branch1:SECRET', '--balance', '7123']);
    const words = ['increment', 'branch1:SECRET', '8456', '--memo', 'hush', '--id', 'covert'];
    const quiet = await bank.run(words);
    const { status, stdout, stderr } = await bank.run([...words, '--verbose']);
    expect([status, stdout]).toEqual([0, quiet.stdout]);
    const lines = stderr.trimEnd().split('\n');
    const commands = lines.filter((it) => line.test(it));
    expect(lines.filter((it) => !line.test(it))).toEqual([
      'Operation covert was applied before; nothing was added.',
    ]);
    expect(commands.join('\n')).toMatch(/^find \w+\.journal: 1 document, /m);
    expect(commands.join('\n')).not.toMatch(/SECRET|7123|8456|hush|covert/);
  });

  test('is a notice each with JSON, and stdout is as without', async () => {
    const bank = await workspace();
    await bank.run(['open', 'branch1:A', '--balance', '7']);
    const plain = await bank.run(['balance', 'branch1:A', '--json']);
    const { stdout, stderr } = await bank.run(['balance', 'branch1:A', '--json', '--verbose']);
    expect(stdout).toBe(plain.stdout);
    const notices = stderr
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text).notice);
    expect(notices).toContainEqual({
      ...{ code: 'command', command: 'find', message: expect.stringMatching(line) },
      ...{ database: bank.db.databaseName, collection: 'branch1', documents: 1 },
      ...{ ms: expect.any(Number), failed: null },
    });
  });

  test('and --quiet contradict each other', async () => {
    const { status, stderr } = await (await workspace()).run(['balance', '-q', '--verbose']);
    expect([status, stderr]).toEqual([2, expect.stringContaining('cannot be used with')]);
  });
});

test('a command that fails is named with its error, without the text', async () => {
  const answered: AnsweredCommand[] = [];
  const onCommand = (command: AnsweredCommand) => void answered.push(command);
  const client = createClient(inject('uri'), { timeoutMs: 10_000, onCommand });
  onTestFinished(() => client.close());
  const { db } = await workspace();
  const items = client.db(db.databaseName).collection<{ _id: string }>('items');
  await items.insertOne({ _id: 'secret' });
  await expect(items.insertOne({ _id: 'secret' })).rejects.toThrow('secret');
  await expect(client.db(db.databaseName).command({ secret: 1 })).rejects.toThrow('secret');
  expect(answered.map(({ command, documents, failed }) => [command, documents, failed])).toEqual([
    ['insert', 1, null],
    ['insert', 0, 'error 11000'],
    ['secret', null, 'CommandNotFound'],
  ]);
});
