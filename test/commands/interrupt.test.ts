import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { startProxy, type Verdict } from '../fault-server.ts';
import { type Ran, type Workspace, workspace } from '../workspace.ts';

/** Runs a command line that is interrupted at the nth message of its connections to the server. */
async function interruptedAt(
  bank: Workspace,
  line: readonly string[],
  at: number,
): Promise<Ran & { readonly reached: boolean }> {
  const controller = new AbortController();
  let messages = 0;
  const count = () => {
    messages += 1;
    if (messages === at) controller.abort();
    return 'pass' as const;
  };
  const uri = await startProxy(bank.env['BANKCTL_URI'] ?? '', { request: count, answer: count });
  const { signal } = controller;
  const ran = await bank.run(line, { env: { BANKCTL_URI: uri }, interrupted: signal });
  return { ...ran, reached: signal.aborted };
}

describe('Ctrl-C at every message', () => {
  test.each([
    ['increment branch1 ACC 5', 'x'],
    ['transfer branch1:ACC branch1:OTHER 5', undefined],
  ])(
    'of %s: what it says is what the journal holds',
    async (words, id) => {
      const bank = await workspace();
      await bank.run(['open', 'branch1', 'ACC', '--balance', '1000']);
      await bank.run(['open', 'branch1', 'OTHER']);
      const seen = new Set<string>();
      const counted = bank.db.collection('journal');
      for (let at = 1; ; at += 1) {
        const before = await counted.countDocuments();
        const named = id === undefined ? [] : ['--id', `${id}-${at}`];
        const line = [...words.split(' '), ...named, '--json', '-q', '--timeout', '5s'];
        const ran = await interruptedAt(bank, line, at);
        const applied = (await counted.countDocuments()) - before;
        if (ran.status === 0) {
          expect([at, ran.stderr, applied]).toEqual([at, '', 1]);
          expect(JSON.parse(ran.stdout)).toMatchObject({ replayed: false });
        } else {
          const { error } = JSON.parse(ran.stderr);
          expect([at, ran.stdout, error.code, applied]).toEqual([at, '', 'interrupted', 0]);
          if (error.message.includes('operation')) {
            expect(error.hint).toMatch(/repeat the command with --id \S+\.$/);
          }
        }
        seen.add(`${ran.status}`);
        if (!ran.reached) break;
      }
      expect([...seen].sort()).toEqual(['0', '130']);
    },
    300_000,
  );

  test('without a journal, too', async () => {
    const config = 'journal: false\nbranches: { branch1: { collection: branch1 } }\n';
    const bank = await workspace({ config });
    await bank.run(['open', 'branch1', 'ACC']);
    let expected = 0;
    for (let at = 1; ; at += 1) {
      const line = ['increment', 'branch1', 'ACC', '1', '--json', '-q', '--timeout', '5s'];
      const ran = await interruptedAt(bank, line, at);
      if (ran.status === 0) expected += 1;
      else expect(JSON.parse(ran.stderr).error.code).toBe('interrupted');
      const { stdout } = await bank.run(['balance', 'branch1', 'ACC', '--json']);
      expect([at, JSON.parse(stdout).balance]).toEqual([at, `${expected}.00`]);
      if (!ran.reached) break;
    }
    expect(expected).toBeGreaterThan(0);
  }, 300_000);
});

describe('Ctrl-C while a commit is under way', () => {
  /** The commit is carried out at once, and its answer held back. */
  async function heldAnswer(holdMs: number, timeout: string) {
    const bank = await workspace();
    await bank.run(['open', 'branch1', 'ACC']);
    const controller = new AbortController();
    let abortedMs = 0;
    const uri = await startProxy(bank.env['BANKCTL_URI'] ?? '', {
      answer: async (has): Promise<Verdict> => {
        if (!has('commitTransaction')) return 'pass';
        abortedMs = Date.now();
        controller.abort();
        await pause(holdMs);
        return 'pass';
      },
    });
    const line = ['increment', 'branch1', 'ACC', '5', '--id', 'x', '--timeout', timeout];
    const ran = await bank.run([...line, '--json', '-q'], {
      env: { BANKCTL_URI: uri },
      interrupted: controller.signal,
    });
    const waitedMs = Date.now() - abortedMs;
    const journal = bank.db.collection<{ _id: string }>('journal');
    expect(await journal.countDocuments({ _id: 'x' })).toBe(1);
    return { ran, waitedMs };
  }

  test('its answer is waited for, and printed', async () => {
    const { ran } = await heldAnswer(500, '20s');
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(ran.stdout)).toMatchObject({ operation: 'x', balance: '5.00' });
  });

  test.each([
    [30_000, '30s', 12_000],
    [20_000, '1500ms', 10_000],
  ])('for no longer than 2 s or --timeout: %i ms at %s', async (holdMs, timeout, withinMs) => {
    const { ran, waitedMs } = await heldAnswer(holdMs, timeout);
    const { error } = JSON.parse(ran.stderr);
    expect([ran.status, ran.stdout, error.code]).toEqual([3, '', 'outcome_unknown']);
    expect(error.message).toMatch(/^Interrupted\. The operation x may or may not be applied/);
    expect(error.hint).toContain('--id x');
    expect(error.hint).toContain('bankctl show x');
    expect(waitedMs).toBeLessThan(withinMs);
  });
});

test('Ctrl-C between the answer and the printing takes nothing away', async () => {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'ACC']);
  const controller = new AbortController();
  const ran = await bank.run(['increment', 'branch1', 'ACC', '5', '--json'], {
    interrupted: controller.signal,
    written: () => controller.abort(),
  });
  expect([ran.status, JSON.parse(ran.stdout).balance]).toEqual([0, '5.00']);
});
