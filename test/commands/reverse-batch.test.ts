import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { Decimal128 } from 'mongodb';
import { describe, expect, onTestFinished, test } from 'vitest';
import { endAbandoned } from '../../src/bank/abandoned-transactions.ts';
import { type Workspace, workspace } from '../workspace.ts';

const program = join(import.meta.dirname, '..', '..', 'bin', 'bankctl.js');

/** A bank with accounts A and B of 100.00 in branch1, and a file that was applied as `pay`. */
async function bankAfter(rows: string): Promise<Workspace> {
  const bank = await workspace();
  for (const account of ['A', 'B']) {
    await bank.run(['open', 'branch1', account, '--balance', '100', '--id', `open-${account}`]);
  }
  await writeFile(join(bank.directory, 'pay.csv'), rows);
  await bank.run(['apply', 'pay.csv', '--batch', 'pay']);
  return bank;
}

async function reversed(bank: Workspace, ...more: readonly string[]) {
  const ran = await bank.run(['reverse', '--batch', 'pay', '--json', ...more]);
  return { ...ran, result: ran.stdout === '' ? undefined : JSON.parse(ran.stdout) };
}

async function balances(bank: Workspace): Promise<string> {
  const { stdout } = await bank.run(['balance', 'branch1', '-o', 'csv']);
  return stdout.split('\n').slice(1, -1).join(' ');
}

const mixed = [
  'type,branch,account,amount,from,to',
  ',branch1,A,5.00,,',
  ',branch1,A,-2.00,,',
  ',,,30.00,branch1:A,branch1:B',
  ',branch1,A,5.00,,',
  '',
].join('\n');

describe('reverse --batch', () => {
  test('undoes a file, as its dry run said; again, nothing is left', async () => {
    const bank = await bankAfter(mixed);
    const before = await bank.everything();
    const dry = await reversed(bank, '--dry-run');
    expect(await bank.everything()).toBe(before);
    const real = await reversed(bank, '--yes', '--memo', 'wrong month');
    expect(real).toMatchObject({
      status: 0,
      result: {
        ...{ reversed: 4, reversed_before: 0, refused: 0, batches: 1 },
        ...{ totals: { USD: '38.00' }, refused_totals: {} },
      },
    });
    expect(dry.result).toEqual({ ...real.result, dry_run: true });
    expect(await balances(bank)).toBe('A,100.00,open B,100.00,open');
    const newest = await bank.db.collection('journal').find().sort({ at: 1, seq: 1 }).toArray();
    const [applied, undone] = [newest.slice(2, 6), newest.slice(6)];
    expect(undone.map(({ reverses }) => reverses)).toEqual(applied.map(({ _id }) => _id).reverse());
    expect(undone.every(({ memo }) => memo === 'wrong month')).toBe(true);
    const after = await bank.everything();
    const again = await reversed(bank, '--yes');
    expect(again).toMatchObject({ status: 0, result: { reversed: 0, reversed_before: 4 } });
    expect(await bank.everything()).toBe(after);
    expect((await bank.run(['audit', '--json'])).status).toBe(0);
  });

  test('lists what cannot be reversed, and reverses it when it can be', async () => {
    const bank = await bankAfter(`${mixed}open,branch1,C,3.00,,\n`);
    await bank.run(['increment', 'branch1', 'B', '-110', '--id', 'spent']);
    const dry = await reversed(bank, '--dry-run');
    const real = await reversed(bank, '--yes', '-q', '--results', 'out');
    expect(real).toMatchObject({
      status: 1,
      result: {
        ...{ reversed: 3, refused: 2, totals: { USD: '41.00' } },
        refused_totals: { USD: '33.00' },
      },
    });
    expect(dry.result).toEqual({ ...real.result, dry_run: true });
    const said = real.stderr.trimEnd().split('\n');
    expect(said.map((line) => JSON.parse(line).notice)).toMatchObject([
      { code: 'not_reversed', error: 'not_reversible', operation: expect.any(String) },
      { message: expect.stringContaining('cannot be reversed: The account branch1:B has 20.00') },
    ]);
    const lines = (await readFile(join(bank.directory, 'out'), 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).outcome).sort()).toEqual([
      ...['applied', 'applied', 'applied', 'refused', 'refused'],
    ]);
    await bank.run(['reverse', 'spent']);
    const later = await reversed(bank, '--yes');
    expect(later.result).toMatchObject({ reversed: 1, reversed_before: 3, refused: 1 });
    expect(await balances(bank)).toBe('A,100.00,open B,100.00,open C,3.00,open');
  });

  test('leaves alone what was reversed by hand, other batches, and rows with ids', async () => {
    const bank = await bankAfter(mixed);
    for (const [name, row] of [
      ['pay:1', ',branch1,A,7.00,,'],
      ['payx', ',branch1,B,9.00,,'],
    ] as const) {
      await writeFile(join(bank.directory, 'o.csv'), `${mixed.split('\n')[0]}\n${row}\n`);
      expect(await bank.run(['apply', 'o.csv', '--batch', name])).toMatchObject({ status: 0 });
    }
    const [first] = await bank.db.collection('journal').find({ reverses: undefined }).toArray();
    expect(first).toBeDefined();
    const mine = await bank.db.collection('journal').findOne({ _id: /^pay:[0-9a-f]{32}$/ });
    await bank.run(['reverse', String(mine?._id), '--id', 'by-hand']);
    expect((await reversed(bank, '--yes')).result).toMatchObject({
      ...{ reversed: 3, reversed_before: 1, refused: 0 },
    });
    expect(await balances(bank)).toBe('A,107.00,open B,109.00,open');
  });

  test('says that rows with ids of their own stay', async () => {
    const rows = ['id,branch,account,amount', ',branch1,A,1', 'own-1,branch1,A,20', ''];
    const bank = await bankAfter(rows.join('\n'));
    for (const more of ['--dry-run', '--yes', '--yes']) {
      const { status, stderr } = await reversed(bank, more);
      expect([status, stderr]).toEqual([
        0,
        expect.stringMatching(/"1 row of the file had an id of its own and is not among these; /),
      ]);
    }
    expect(await balances(bank)).toBe('A,120.00,open B,100.00,open');
    const files = bank.db.collection<{ _id: string }>('bankctl');
    const odd = { batches: ['pay'], rows: 'many' };
    await files.insertOne({ _id: 'file:zz', ...odd }, { bypassDocumentValidation: true });
    const { stderr } = await reversed(bank, '--yes');
    expect(stderr).toContain('"1 row of the file had');
    await files.deleteMany({ _id: /^file:[0-9a-f]/ });
    expect((await reversed(bank, '--yes')).stderr).not.toContain('of its own');
  });

  test('asks on a terminal, after saying what it would do', async () => {
    const bank = await bankAfter(`${mixed}open,branch1,C,3.00,,\n`);
    const before = await bank.everything();
    const line = ['reverse', '--batch', 'pay'];
    const no = await bank.run(line, { canAsk: true, stdin: Readable.from(['n\n']) });
    expect(no).toMatchObject({ status: 1, stdout: '' });
    expect(no.stderr).toMatch(/of type open[\s\S]*Reverse 4 operations of --batch "pay", 38\.00/);
    // Until then nothing is reversed, nor said to be.
    expect(no.stderr).not.toContain('Reversing');
    expect(await bank.run(line)).toMatchObject({ status: 2, stdout: '' });
    const stop = new AbortController();
    const stopped = await bank.run(line, {
      ...{ canAsk: true, stdin: new Readable({ read: () => undefined }) },
      ...{ interrupted: stop.signal, said: (text) => void (/y\/N/.test(text) && stop.abort()) },
    });
    expect([stopped.status, stopped.stderr]).toEqual([
      130,
      expect.stringMatching(/^bankctl: Interrupted\. Nothing was changed\.\nRun it again\.$/m),
    ]);
    expect(await bank.everything()).toBe(before);
    const yes = await bank.run(line, { canAsk: true, stdin: Readable.from(['y\n']) });
    expect(yes.status).toBe(1);
    expect(await balances(bank)).toBe('A,100.00,open B,100.00,open C,3.00,open');
  });

  test('of a name that nothing was applied under names a similar one', async () => {
    const bank = await bankAfter(mixed);
    const before = await bank.everything();
    const ran = await bank.run(['reverse', '--batch', 'pya', '--yes', '--json']);
    expect(JSON.parse(ran.stderr).error).toMatchObject({
      code: 'operation_not_found',
      hint: 'Did you mean --batch "pay"?',
    });
    expect([ran.status, await bank.everything()]).toEqual([1, before]);
  });

  test('refuses only the operation whose document another program changed', async () => {
    const bank = await bankAfter(mixed);
    const journal = bank.db.collection('journal');
    const options = { bypassDocumentValidation: true };
    const odd = { 'postings.0.amount': Decimal128.fromString('5.005') };
    await journal.updateOne({ 'postings.version': 2 as never }, { $set: odd }, options);
    const { status, result, stderr } = await reversed(bank, '--yes');
    expect([status, result.reversed, result.refused]).toEqual([1, 3, 1]);
    expect(stderr).toContain('not exact in USD');
  });
});

describe('a file that was undone and is applied again', () => {
  const applied = async (bank: Workspace, ...more: readonly string[]) => {
    const ran = await bank.run(['apply', 'pay.csv', '--json', ...more]);
    return { ...ran, result: ran.stdout === '' ? undefined : JSON.parse(ran.stdout) };
  };

  test('says that its rows stay reversed, and how to apply them', async () => {
    const bank = await bankAfter(mixed);
    const { stderr } = await reversed(bank, '--yes');
    expect(JSON.parse(stderr).notice.message).toContain(
      'give it another --batch name: with "pay", rows that',
    );
    const before = await bank.everything();
    for (const more of [['--dry-run'], ['--results', 'out']]) {
      const same = await applied(bank, '--batch', 'pay', ...more);
      expect(same).toMatchObject({
        status: 1,
        result: { applied: 0, replayed: 4, refused: 0, reversed: 4 },
      });
      expect(same.stderr).toContain(
        '4 rows have been applied before and reversed since: they are not applied again. ' +
          'To apply them, give the file another --batch name, with --again.',
      );
    }
    const [line = ''] = (await readFile(join(bank.directory, 'out'), 'utf8')).split('\n');
    expect(JSON.parse(line)).toMatchObject({
      outcome: 'replayed',
      reversed_by: expect.stringMatching(/^pay:\w+:reversed$/),
    });
    const other = await applied(bank, '--batch', 'pay2');
    expect(JSON.parse(other.stderr).error).toMatchObject({
      code: 'file_repeated',
      message: expect.stringContaining('and all that was applied was reversed since.'),
      hint: 'Add --again to apply them with --batch pay2.',
    });
    expect(await bank.everything()).toBe(before);
    const anew = await applied(bank, '--batch', 'pay2', '--again');
    expect(anew).toMatchObject({ status: 0, result: { applied: 4, reversed: 0 } });
    const third = await applied(bank, '--batch', 'pay3');
    expect(JSON.parse(third.stderr).error.hint).toMatch(/^--batch pay .*\(4 of 8\); --again/);
  });

  test('with one row corrected says that only that one was applied', async () => {
    const bank = await bankAfter(mixed);
    await reversed(bank, '--yes');
    await writeFile(join(bank.directory, 'pay.csv'), mixed.replace('-2.00', '-3.00'));
    const { status, result, stderr } = await applied(bank, '--batch', 'pay');
    expect([status, result]).toMatchObject([1, { applied: 1, replayed: 3, reversed: 3 }]);
    expect(stderr).toContain('give them alone, in a file with another --batch name');
    const shown = await bank.run(['apply', 'pay.csv', '--batch', 'pay', '-q', '-o', 'table']);
    expect(shown.stdout).toMatch(/^reversed +3$/m);
  });

  test('does not take rows for undone that the file itself reverses', async () => {
    const bank = await bankAfter(mixed);
    const rows = ['a,increment,5.00,', 'r,reverse,,a', 'b,increment,5.00,'];
    const branches = rows.map((row) => row.replace('increment', 'increment,branch1,A'));
    const text = branches.map((row) => row.replace('reverse', 'reverse,,')).join('\n');
    const path = join(bank.directory, 'pay.csv');
    await writeFile(path, `id,type,branch,account,amount,reverses\n${text}\n`);
    for (const replayed of [0, 3]) {
      const ran = await applied(bank);
      expect([ran.stderr, ran]).toMatchObject([
        expect.not.stringContaining('reversed since'),
        { status: 0, result: { replayed, reversed: 0 } },
      ]);
    }
    await bank.run(['reverse', 'b']);
    const { status, result, stderr } = await applied(bank);
    expect([status, result]).toMatchObject([1, { replayed: 3, reversed: 1 }]);
    expect(stderr).toContain('1 row has been applied before and reversed since: it is not');
    expect(stderr).toContain('give it a new id');
  });
});

test('what a run that was cut off between two transactions did is not done again', async () => {
  const bank = await bankAfter(mixed);
  const journal = bank.db.collection('journal');
  const ids = (await journal.find({ _id: /^pay:/ as never }).toArray()).map(({ _id }) => _id);
  for (const id of ids.slice(0, 2)) {
    await bank.run(['reverse', String(id), '--id', `${id}:reversed`]);
  }
  const { result } = await reversed(bank, '--yes', '--memo', 'another memo');
  expect(result).toMatchObject({ reversed: 2, reversed_before: 2, refused: 0 });
  expect(await balances(bank)).toBe('A,100.00,open B,100.00,open');
});

test('after kill -9 at random moments, each operation is reversed exactly once', async () => {
  const rows = 1_000;
  const row = (index: number) => `branch1,${'AB'[index % 2]},0.01\n`;
  const text = Array.from({ length: rows }, (_, index) => row(index)).join('');
  const bank = await bankAfter(`branch,account,amount\n${text}`);
  const line = ['reverse', '--batch', 'pay', '--yes', '--json', '-q'];
  const options = { cwd: bank.directory, env: bank.env, stdio: 'ignore' } as const;
  // What is left open would keep the database from being dropped for a minute.
  onTestFinished(() => endAbandoned(bank.db.client));
  for (const afterMs of fc.sample(fc.integer({ min: 250, max: 1500 }), 2)) {
    const child = spawn(process.execPath, [program, ...line], options);
    const ended = once(child, 'close');
    await Promise.race([pause(afterMs), ended]);
    child.kill('SIGKILL');
    await ended;
  }
  const last = await bank.run(line);
  expect([last.status, last.stderr]).toEqual([0, '']);
  const { reversed: now, reversed_before: before } = JSON.parse(last.stdout);
  expect(now + before).toBe(rows);
  const { length } = await bank.db.collection('journal').distinct('reverses');
  expect(length).toBe(rows);
  expect(await balances(bank)).toBe('A,100.00,open B,100.00,open');
});
