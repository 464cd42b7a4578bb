import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { execute } from '../../src/cli/execution.ts';
import type { Command } from '../../src/commands/command.ts';
import { commands } from '../../src/commands/index.ts';
import { createContext } from '../../src/core/context.ts';
import { verdictSentence } from '../../src/render/verdict.ts';
import { recordView } from '../../src/render/view.ts';
import { Captured, type Workspace, workspace } from '../workspace.ts';

async function bankWith(...accounts: readonly string[]): Promise<Workspace> {
  const bank = await workspace();
  for (const account of accounts) {
    await bank.run(['open', 'branch1', account, '--balance', '100', '--id', `open ${account}`]);
  }
  return bank;
}

async function errorOf(bank: Workspace, ...argv: readonly string[]) {
  const { stderr } = await bank.run([...argv, '--json']);
  return JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '').error;
}

test('a hint with a command line has the names that are known, as a shell takes them', async () => {
  const bank = await bankWith('A B');
  const money = ['increment', 'branch1', 'A B'];
  await bank.run([...money, '5', '--id', 'the first']);
  await bank.run(['reverse', 'the first', '--id', 'back again']);
  const hints: readonly (readonly [line: readonly string[], hint: string])[] = [
    [[...money, '6', '--id', 'the first'], "bankctl show 'the first'"],
    [['reverse', 'the first'], "bankctl show 'back again'"],
    [['unfreeze', 'branch1', 'A B'], "bankctl balance branch1 'A B'"],
    [['increment', 'branch1', 'NEW ONE', '1'], "bankctl open branch1 'NEW ONE'"],
    [['open', 'branch1', 'A B'], "bankctl balance branch1 'A B'"],
    [[...money, '-900'], "bankctl balance branch1 'A B'"],
    [['balance', 'branch1', 'A B', '--at', '2001-01-01'], "bankctl history branch1 'A B'"],
  ];
  for (const [line, hint] of hints) expect((await errorOf(bank, ...line)).hint).toContain(hint);
});

test('reverse names operations that are near, as show does', async () => {
  const bank = await bankWith('A');
  await bank.run(['increment', 'branch1', 'A', '5', '--id', 'till-7-000123']);
  const error = await errorOf(bank, 'reverse', 'till-7-000124');
  expect(error).toMatchObject({
    code: 'operation_not_found',
    message: 'There is no operation "till-7-000124" to reverse; the nearest is "till-7-000123".',
    hint: 'If the id was mistyped, look with bankctl show till-7-000123 first.',
  });
  expect((await errorOf(bank, 'reverse', 'other')).message).toMatch(/"other" to reverse\.$/);
});

test('freeze, unfreeze and close say which status the account has now', async () => {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'A']);
  const verbs = { freeze: 'frozen', unfreeze: 'open', close: 'closed' };
  for (const [verb, status] of Object.entries(verbs)) {
    const { stdout } = await bank.run([verb, 'branch1', 'A', '--id', verb, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ account: 'A', status });
    expect((await bank.run([verb, 'branch1', 'A', '--id', verb])).stdout).toMatch(
      new RegExp(`status +${status}`),
    );
  }
  expect((await errorOf(bank, 'close', 'branch1', 'A')).message).toMatch(/is already closed/);
  await bank.run(['open', 'branch1', 'B']);
  await bank.run(['freeze', 'branch1', 'B']);
  const frozen = await errorOf(bank, 'freeze', 'branch1', 'B');
  expect(frozen).toMatchObject({ code: 'account_frozen' });
  expect(`${frozen.message} ${frozen.hint}`).toMatch(/is already frozen/);
  expect(frozen.hint).not.toContain('unfreeze');
});

test('what is said takes the place of a progress line', async () => {
  const stderr = new Captured();
  const context = { ...createContext(), stderr, stdout: new Captured(), stderrIsTerminal: true };
  const [command] = commands;
  if (!command) throw new Error('there is no command');
  const result = { kind: 'single', data: {}, view: recordView({}) } as const;
  const globals = {
    ...{ config: undefined, uri: undefined, uriFile: undefined, output: 'json' as const },
    ...{ colour: false, pager: false, quiet: false, verbose: false, timeoutMs: 1000 },
  };
  const speaking: Command = {
    ...command,
    run: async (_typed, session) => {
      session.progress('Starting ...');
      session.talk('local_started', 'Started.');
      return result;
    },
  };
  await execute(speaking, { args: [], options: {} }, globals, context);
  expect(stderr.text).toBe(
    '\r\x1b[2KStarting ...\r\x1b[2K{"notice":{"code":"local_started","message":"Started."}}\n',
  );
});

test('a verdict speaks of the branch models only where they ran', () => {
  const [shared, branch] = [{ model: 'shared' }, { model: 'branch' }];
  const of = (...models: readonly { readonly model: string }[]) =>
    verdictSentence({ verdict: 'demonstrated', models });
  expect(of(shared)).toBe('the shared model went wrong.');
  expect(of(shared, branch)).toBe('the shared model went wrong; the branch models did not.');
});

describe('a dry run', () => {
  test('has no operation unless one was given', async () => {
    const bank = await bankWith('A');
    const line = ['increment', 'branch1', 'A', '5', '--dry-run'];
    const ran = await bank.run([...line, '--json']);
    expect(JSON.parse(ran.stdout)).toMatchObject({ operation: null, dry_run: true });
    expect((await bank.run(line)).stdout).not.toContain('operation');
    expect((await bank.run([...line, '--id', 'x-1'])).stdout).toMatch(/operation +x-1/);
  });

  test('of a file says what would be done', async () => {
    const bank = await bankWith('A');
    const csv = 'id,branch,account,amount\na,branch1,A,1\nb,branch1,A,-900\n';
    await writeFile(join(bank.directory, 'a.csv'), csv);
    const { stderr } = await bank.run(['apply', 'a.csv', '--dry-run']);
    expect(stderr).toContain('The file would apply 1 row, and 1 would be refused.');
  });
});

describe('a file', () => {
  test('with a refused row says what to do, in the time zone of the config', async () => {
    const config = 'timezone: Asia/Tokyo\nbranches: { branch1: { collection: branch1 } }\n';
    const bank = await workspace({ config });
    await bank.run(['open', 'branch1', 'A']);
    const csv = 'branch,account,amount\nbranch1,A,-5\n';
    await writeFile(join(bank.directory, 'a.csv'), csv);
    const apply = async (batch: string) =>
      (await bank.run(['apply', 'a.csv', '--batch', batch])).stderr;
    const first = await apply('one');
    expect(first).toMatch(
      /^Correct a refused row in place\.\nOnce the cause is removed, --retry-refused tries an/m,
    );
    expect(await apply('one')).toMatch(
      /1 row is still refused, as it has been since \S+\+09:00; --retry-refused tries it again/,
    );
    expect(await apply('two')).toMatch(/by teller@desk at \S+\+09:00;/);
  });

  test('with an amount that is not valid names that fault, and no other', async () => {
    const bank = await bankWith('A');
    const hintOf = async (amount: string) => {
      await writeFile(join(bank.directory, 'a.csv'), `account,balance\nN,${amount}\n`);
      return (await errorOf(bank, 'import', 'branch1', 'a.csv')).hint;
    };
    for (const amount of ['$5', '5 USD', 'eur5', '5 €']) {
      expect(await hintOf(amount)).toBe('Leave out the currency: the branch has one.');
    }
    for (const amount of ['abc', '5 apples', '€', 'USD']) {
      expect(await hintOf(amount)).toBe(
        'Write digits, with a point before the cents: 50 or -12.34.',
      );
    }
  });

  test('with faulty lines lists them in order, and ends each as a sentence', async () => {
    const bank = await bankWith('A');
    const rows = ['id,branch,account,amount', 'a,branch1,A,1', 'a,branch1,A,2', 'b,branch1,A,x'];
    await writeFile(join(bank.directory, 'a.csv'), `${rows.join('\n')}\n`);
    const { stderr } = await bank.run(['apply', 'a.csv']);
    expect(stderr.match(/^Line \d+/gm)).toEqual(['Line 3', 'Line 4']);
    await writeFile(join(bank.directory, 'b.csv'), 'type,reverses\nreverse,\nreverse,\n');
    const error = await errorOf(bank, 'apply', 'b.csv', '--batch', 'b', '-q');
    expect(error.message).toContain('for "reverses": a reverse names the operation it takes back');
    expect(error.hint).toMatch(/^Correct those lines/);
    await writeFile(join(bank.directory, 'c.csv'), 'account,amount\nN,1\n');
    const column = await errorOf(bank, 'import', 'branch1', 'c.csv');
    expect(column.message).toMatch(/did you mean balance\? Nothing was imported by this run\.$/);
  });
});

describe('a time', () => {
  test('of a day that is not over says so', async () => {
    const bank = await bankWith('A');
    const day = (ms: number) => new Date(Date.now() + ms).toISOString().slice(0, 10);
    const today = await bank.run(['balance', '--at', day(0)]);
    expect(today.stderr).toMatch(/Not final: that day is not over/);
    const tomorrow = day(86_400_000);
    const { message } = await errorOf(bank, 'balance', '--at', tomorrow);
    expect(message).toContain(`The end of that day, ${tomorrow}T23:59:59.999Z, is in the future`);
  });

  test('in which nothing was posted says so', async () => {
    const bank = await bankWith('A');
    const ran = await bank.run(['history', 'branch1', 'A', '--since', '2999-01-01']);
    expect(ran.status).toBe(0);
    expect(ran.stderr).toContain('No postings in that time.');
    expect((await bank.run(['history', 'branch1', 'A'])).stderr).toBe('');
  });
});
