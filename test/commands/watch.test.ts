import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { run, workspace } from '../workspace.ts';

test('balance --watch prints each posting, and Ctrl-C ends it', async () => {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'ACC']);
  await bank.run(['open', 'branch2', 'OTHER']);
  const controller = new AbortController();
  const watched = bank.run(['balance', 'branch1', 'ACC', '--watch', '-o', 'ndjson'], {
    interrupted: controller.signal,
    written: (text) => {
      if (text.includes('seen-')) controller.abort();
    },
  });
  // The stream begins at some moment that nothing tells of: so money moves until it is seen.
  for (let round = 0; !controller.signal.aborted; round += 1) {
    await bank.run(['increment', 'branch2', 'OTHER', '1']);
    await bank.run(['increment', 'branch1', 'ACC', '1', '--id', `seen-${round}`]);
  }
  const { status, stdout, stderr } = await watched;
  expect([status, stderr]).toEqual([0, '']);
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(new Set(rows.map(({ account }) => account))).toEqual(new Set(['ACC']));
  expect(rows[0]).toMatchObject({ branch: 'branch1', amount: '1.00', type: 'increment' });
});

test('what it printed as JSON by then is a whole list', async () => {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'ACC']);
  const controller = new AbortController();
  const watched = bank.run(['balance', '--watch', '--json'], {
    interrupted: controller.signal,
    written: (text) => {
      if (text.includes('"ACC"')) controller.abort();
    },
  });
  while (!controller.signal.aborted) await bank.run(['increment', 'branch1', 'ACC', '1']);
  const { status, stdout, stderr } = await watched;
  expect([status, stderr]).toEqual([0, '']);
  expect(JSON.parse(stdout)[0]).toMatchObject({ account: 'ACC', amount: '1.00' });
});

test('it names what another program wrote into the journal, and goes on', async () => {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'ACC']);
  const controller = new AbortController();
  let printed = '';
  const watched = bank.run(['balance', '--watch', '-o', 'ndjson'], {
    interrupted: controller.signal,
    written: (text) => {
      printed += text;
      // Between two of them an odd document was written.
      if (printed.split('after-').length > 2) controller.abort();
    },
  });
  const raw = { bypassDocumentValidation: true };
  const journal = bank.db.collection<{ _id: string; postings?: string; refused?: object }>(
    'journal',
  );
  for (let round = 0; !controller.signal.aborted; round += 1) {
    await journal.insertOne({ _id: `odd-${round}`, postings: 'none' }, raw);
    await journal.insertOne({ _id: `refused-${round}`, refused: {} }, raw);
    await bank.run(['increment', 'branch1', 'ACC', '1', '--id', `after-${round}`]);
  }
  const { status, stdout, stderr } = await watched;
  expect(status).toBe(0);
  expect(stdout).toContain('after-');
  expect(stderr).toMatch(/"code":"bad_document","message":"[^"]*\\"odd-\d+\\"/);
  expect(stdout + stderr).not.toContain('refused-');
});

test('it goes on where it was after a restart of the server', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'bankctl-watch-'));
  const env = {
    ...process.env,
    BANKCTL_DATA_DIR: join(directory, 'data'),
  };
  const program = join(import.meta.dirname, '..', '..', 'bin', 'bankctl.js');
  const bankctl = (...argv: string[]) => run(argv, directory, cleaned(env));
  onTestFinished(async () => {
    await bankctl('db', 'stop');
    await rm(directory, { recursive: true });
  });
  await bankctl('open', 'branch1', 'ACC');
  const child = spawn(process.execPath, [program, 'balance', '--watch', '-o', 'ndjson', '-q'], {
    cwd: directory,
    env,
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stdout = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  const seen = async (prefix: string) => {
    for (let round = 0; !stdout.includes(prefix); round += 1) {
      await bankctl('increment', 'branch1', 'ACC', '1', '--id', `${prefix}-${round}`);
    }
  };
  await seen('before');
  await bankctl('db', 'stop');
  await bankctl('increment', 'branch1', 'ACC', '1', '--id', 'first-after');
  await seen('after');
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const versions = rows.map(({ version }) => version);
  const first = versions[0];
  expect(versions).toEqual(versions.map((_, index) => first + index));
  expect(rows.map(({ operation }) => operation)).toContain('first-after');
});

function cleaned(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
