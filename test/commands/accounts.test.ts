import { Decimal128 } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';

async function bank(): Promise<Workspace> {
  const made = await workspace();
  for (const line of [
    'open branch1 PAR-1 --balance 10',
    'open branch1 PAR-2 --balance 20.50',
    'open branch1 a.c --balance 30',
    'open branch2 par-3',
    'increment branch2 par-3 -50',
    'freeze branch1 PAR-1 --id halt-1 --memo first',
    'unfreeze branch1 PAR-1',
    'freeze branch1 PAR-1 --id halt-2 --memo theft',
    'open branch1 PAR-4',
    'close branch1 PAR-4 --id end --memo moved',
  ]) {
    expect((await made.run(line.split(' '))).status).toBe(0);
  }
  return made;
}

async function find(made: Workspace, line: string): Promise<readonly string[]> {
  const { stdout, status } = await made.run(['accounts', ...line.split(' '), '--json']);
  expect(status).toBe(0);
  return JSON.parse(stdout).map(({ account }: { readonly account: string }) => account);
}

describe('accounts', () => {
  test('finds by number, status and balance', async () => {
    const made = await bank();
    for (const [line, expected] of [
      ['branch1', ['PAR-1', 'PAR-2', 'PAR-4', 'a.c']],
      ['par', ['PAR-1', 'PAR-2', 'PAR-4', 'par-3']],
      ['branch1 R-2', ['PAR-2']],
      ['branch1 a.c', ['a.c']],
      ['branch1 aXc', []],
      ['--status frozen', ['PAR-1']],
      ['--min 10 --max 20.50', ['PAR-1', 'PAR-2']],
      ['--max -0.01', ['par-3']],
      ['branch2 --status closed', []],
    ] as const) {
      expect([line, await find(made, line)]).toEqual([line, expected]);
    }
  });

  test('says since when, by whom and why an account is frozen or closed', async () => {
    const made = await bank();
    const { stdout } = await made.run(['accounts', 'branch1', 'PAR', '--json']);
    const frozenAt = JSON.parse((await made.run(['show', 'halt-2', '--json'])).stdout);
    expect(JSON.parse(stdout)).toMatchObject([
      { account: 'PAR-1', status: 'frozen', since: frozenAt.at, by: frozenAt.by, reason: 'theft' },
      { account: 'PAR-2', status: 'open', since: null, by: null, reason: null },
      { account: 'PAR-4', status: 'closed', reason: 'moved' },
    ]);
  });

  test('names an account that cannot be read, and lists the others', async () => {
    const made = await bank();
    await made.db
      .collection('branch1')
      .updateOne(
        { account_number: 'PAR-2' },
        { $inc: { balance: Decimal128.fromString('0.001') } },
      );
    const { stdout, stderr, status } = await made.run(['accounts', 'branch1', '--json']);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toHaveLength(3);
    expect(stderr).toContain('branch1:PAR-2');
    const alone = await made.run(['accounts', 'branch1', 'PAR-2']);
    expect([alone.status, alone.stderr]).toEqual([1, expect.not.stringContaining('No account')]);
  });

  test('says when nothing matches, and which branch a word may have meant', async () => {
    const made = await bank();
    const { stderr, status } = await made.run(['accounts', 'brunch1']);
    expect(status).toBe(0);
    expect(stderr).toBe('No account has "brunch1" in it. Did you mean bankctl accounts branch1?\n');
    expect((await made.run(['accounts', 'Ada Byron'])).stderr).toBe(
      'No account has "Ada Byron" in it. ' +
        "bankctl accounts --owner 'Ada Byron' looks in the owners instead.\n",
    );
    expect((await made.run(['accounts', '--label', 'none'])).stderr).toBe('No account matches.\n');
  });
});

describe('an account of another branch', () => {
  test.each([
    'balance branch2 PAR-1',
    'history branch2 PAR-1',
    'increment branch2 PAR-1 5',
    'transfer branch1:PAR-2 branch2:PAR-1 5',
    'freeze branch2 PAR-1',
  ])('%s names the branch that has it', async (line) => {
    const made = await workspace({
      config: 'branches: { branch1: { collection: branch1 }, branch2: { collection: branch2 } }\n',
    });
    for (const account of ['PAR-1', 'PAR-2']) {
      await made.run(['open', 'branch1', account, '--balance', '10']);
    }
    const before = await made.everything();
    const { stderr, status } = await made.run(line.split(' '));
    expect(status).toBe(1);
    const meant = line.replace(/branch2(.PAR-1)/, 'branch1$1');
    expect(stderr).toContain(`\nPAR-1 is in branch1. Did you mean bankctl ${meant}?\n`);
    expect(await made.everything()).toBe(before);
  });
});
