import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { endAbandoned } from '../../src/bank/abandoned-transactions.ts';
import { startProxy } from '../fault-server.ts';
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

const commands = {
  apply: {
    line: ['apply', 'rows', '--batch'],
    rows: (at: number) =>
      `branch,account,amount,create\nbranch1,A${at},1,true\nbranch1,B${at},2,true\n`,
    whole: { applied: 2 },
    counted: 'applied',
    left: (at: number) => `A${at},1.00,open\nB${at},2.00,open\n`,
  },
  import: {
    line: ['import', 'branch1', 'rows'],
    rows: (at: number) =>
      `account,balance,status\nA${at},1.00,frozen\nB${at},2.00,open\nC${at},0,closed\n`,
    whole: { read: 3, created: 3 },
    counted: 'created',
    left: (at: number) => `A${at},1.00,frozen\nB${at},2.00,open\nC${at},0.00,closed\n`,
  },
} as const;

test.each(['apply', 'import'] as const)(
  '%s interrupted at every message counts what the journal holds, and is complete when run again',
  async (verb) => {
    const { line, rows, whole, counted, left } = commands[verb];
    const bank = await workspace();
    const file = (name: string) => join(bank.directory, name);
    await bank.run(['open', 'branch1', 'Z']);
    const accounts = () => bank.db.collection('branch1').countDocuments();
    const seen = new Set<string>();
    for (let at = 1; ; at += 1) {
      await writeFile(file('rows'), rows(at));
      await writeFile(file('out'), '');
      const before = await accounts();
      const words = [...line, ...(verb === 'apply' ? [`b${at}`] : []), '--results', 'out'];
      const ran = await interruptedAt(bank, [...words, '--json', '--timeout', '5s'], at);
      const opened = (await accounts()) - before;
      const results = (await readFile(file('out'), 'utf8')).split('\n').slice(0, -1);
      if (ran.status === 0) expect(JSON.parse(ran.stdout)).toMatchObject(whole);
      if (ran.stdout === '') {
        expect([at, ran.status, opened, results]).toEqual([at, 130, 0, []]);
        expect(ran.stderr).toMatch(/Nothing was (applied|imported)|Interrupted\.|while connecting/);
        if (/Nothing was (applied|imported)/.test(ran.stderr)) {
          expect(ran.stderr).toContain(`To ${verb} it, run it again: bankctl`);
        }
      } else {
        const { unknown = 0, ...counts } = JSON.parse(ran.stdout);
        expect(opened).toBeGreaterThanOrEqual(counts[counted]);
        expect(opened).toBeLessThanOrEqual(counts[counted] + unknown);
        expect(results).toHaveLength(counts[counted]);
        const purpose = unknown === 0 ? `To ${verb} the rest` : 'To make sure';
        if (ran.status === 130) expect(ran.stderr).toContain(`${purpose}, run it again: bankctl`);
      }
      seen.add(`${ran.status}${ran.stdout === '' ? '' : ' counted'}`);
      expect((await bank.run([...words, '--json', '-q'])).status).toBe(0);
      const { stdout } = await bank.run(['balance', 'branch1', '-o', 'csv']);
      for (const account of left(at).split('\n')) expect(stdout).toContain(account);
      if (!ran.reached) break;
    }
    // A transaction that was cut off would keep the database from being dropped for a minute.
    await endAbandoned(bank.db.client);
    expect(seen).toContain('0 counted');
    expect(seen).toContain('130');
  },
);

test('reverse --batch interrupted at every message says what it did, and goes on', async () => {
  const bank = await workspace();
  const reversals = (name: string) =>
    bank.db.collection('journal').countDocuments({ reverses: { $regex: `^${name}:` } });
  for (let at = 1; ; at += 1) {
    const name = `b${at}`;
    const rows = `branch1,A,${at},true\nbranch1,B,2,true\nbranch1,A,3,\n`;
    await writeFile(join(bank.directory, 'rows'), `branch,account,amount,create\n${rows}`);
    await bank.run(['apply', 'rows', '--batch', name]);
    const line = ['reverse', '--batch', name, '--yes', '--json'];
    const ran = await interruptedAt(bank, [...line, '--timeout', '5s'], at);
    const { reversed = 0, unknown = 0 } = ran.stdout === '' ? {} : JSON.parse(ran.stdout);
    if (ran.status === 130) expect(ran.stderr).toContain(`bankctl reverse --batch ${name} --yes`);
    const done = await reversals(name);
    expect([name, done >= reversed, done <= reversed + unknown]).toEqual([name, true, true]);
    await endAbandoned(bank.db.client);
    const again = await bank.run([...line, '-q']);
    const counts = JSON.parse(again.stdout);
    expect([name, counts.reversed + counts.reversed_before]).toEqual([name, 3]);
    const { stdout } = await bank.run(['balance', 'branch1', '-o', 'csv']);
    expect(stdout).toBe('account,balance,status\nA,0.00,open\nB,0.00,open\n');
    if (!ran.reached) break;
  }
});
