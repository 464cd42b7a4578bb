import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { run, type Workspace, workspace } from '../workspace.ts';

const config = `branches:
  paris: { collection: paris, currency: EUR }
  milan: { collection: milan, currency: EUR }
  tokyo: { collection: tokyo, currency: JPY }
`;

async function bankOfThree(): Promise<Workspace> {
  const bank = await workspace({ config });
  for (const account of ['paris:PAR-1', 'milan:MIL-1', "milan:it's $HOME", 'milan:7']) {
    await bank.run(['open', account, '--balance', '500']);
  }
  return bank;
}

/** The words of a command line, as a shell reads them. */
function wordsOf(line: string): readonly string[] {
  const script = `set -- ${line}\nfor word in "$@"; do printf '%s\\0' "$word"; done`;
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
}

interface Missed {
  readonly status: number;
  readonly hint: string;
}

async function missed(bank: Workspace, line: string): Promise<Missed> {
  const { status, stdout, stderr } = await bank.run([...wordsOf(line), '--json']);
  expect(stdout).toBe('');
  return { status, hint: JSON.parse(stderr).error.hint };
}

describe('a near miss is answered with the command that was meant, which is not run', () => {
  test('of arguments, options and commands', async () => {
    const bank = await bankOfThree();
    const before = await bank.everything();
    for (const [line, meant, status = 2] of nearMisses) {
      const found = await missed(bank, line);
      const hint = found.hint.replace(/ --json(?=\?$)/, '');
      expect([line, hint, found.status]).toEqual([line, meant, status]);
      const [, copied] = /^(?:.* )?Did you mean bankctl (.*)\?$/.exec(hint) ?? [];
      // What is to be copied is a command line that the shell reads as it was meant.
      if (copied !== undefined) {
        const again = await bank.run([...wordsOf(copied), '--dry-run']);
        expect([copied, again.stderr]).toEqual([copied, expect.not.stringContaining('Did you')]);
      }
    }
    expect(await bank.everything()).toBe(before);
  });

  const nearMisses: readonly (readonly [line: string, hint: string, status?: number])[] = [
    ...dyms([
      ['transfer paris PAR-1 milan MIL-1 250', 'transfer paris:PAR-1 milan:MIL-1 250'],
      ['transfer paris:PAR-1 milan MIL-1 250', 'transfer paris:PAR-1 milan:MIL-1 250'],
      ['transfer paris: PAR-1 milan: MIL-1 250', 'transfer paris:PAR-1 milan:MIL-1 250'],
      ['transfer PAR-1 paris MIL-1 milan 250', 'transfer paris:PAR-1 milan:MIL-1 250'],
      ['transfer 250 paris:PAR-1 milan:MIL-1', 'transfer paris:PAR-1 milan:MIL-1 250'],
      ['transfer paris PAR-1 milan 7 250', 'transfer paris:PAR-1 milan:7 250'],
      ['transfer 250 paris PAR-1 milan 7', 'transfer paris:PAR-1 milan:7 250'],
      ['transfer pariss:PAR-1 miln:MIL-1 1,50', 'transfer paris:PAR-1 milan:MIL-1 1.50'],
      [
        'transfer paris:PAR-1 milan:MIL-1 2 to Ann',
        "transfer paris:PAR-1 milan:MIL-1 2 --memo 'to Ann'",
      ],
      ['increment PAR-1 paris 50', 'increment paris PAR-1 50'],
      ['increment paris 50 PAR-1', 'increment paris PAR-1 50'],
      ['increment 50 PAR-1 paris --id i', 'increment paris PAR-1 50 --id i'],
      ['increment parsi:PAR-1 50', 'increment paris PAR-1 50'],
      ['increment paris paris:PAR-1 50', 'increment paris PAR-1 50', 1],
      ['increment paris PAR-1 50 EUR', 'increment paris PAR-1 50'],
      ['increment paris PAR-1 €1.234,50', 'increment paris PAR-1 1234.50'],
      ['increment paris PAR-1 1,234.50', 'increment paris PAR-1 1234.50'],
      ['increment paris PAR-1 \u221250', 'increment paris PAR-1 -50'],
      ['increment paris PAR-1 -50,00', 'increment paris PAR-1 -50.00'],
      [`increment milan 5 "it's \\$HOME"`, `increment milan 'it'\\''s $HOME' 5`],
      ['freeze PAR-1 paris', 'freeze paris PAR-1'],
      ['close paris PAR-1 at his wish', "close paris PAR-1 --memo 'at his wish'"],
      ['open paris NEW 100', 'open paris NEW --balance 100'],
      ['balance pariss', 'balance paris'],
      ['balance pariss PAR-1', 'balance paris PAR-1'],
      ['history PAR-1 paris --limit 3', 'history paris PAR-1 --limit 3'],
      ['audit pariss', 'audit paris'],
      ['import f.csv paris', 'import paris f.csv'],
      ['operations --branch pariss', 'operations --branch paris'],
      ['operations --account pariss:PAR-1', 'operations --account paris:PAR-1'],
      ['incremnt paris PAR-1 5', 'increment paris PAR-1 5'],
      ['paris increment PAR-1 5', 'increment paris PAR-1 5'],
      ['increment paris PAR-1 5 --dry', 'increment paris PAR-1 5 --dry-run'],
      ['increment paris PAR-1 1,50 €', 'increment paris PAR-1 1.50'],
      ['increment paris PAR-1 5 --meno "a b"', "increment paris PAR-1 5 --memo 'a b'"],
      ['increment paris PAR-1 5 --meno=x', "increment paris PAR-1 5 '--memo=x'"],
    ]),
    ...dyms([
      // One thing has another name in another command.
      ['open paris NEW --add vip', 'open paris NEW --label vip'],
      ['open paris NEW --labels=vip', "open paris NEW '--label=vip'"],
      ['label paris PAR-1 --label vip', 'label paris PAR-1 --add vip'],
      ['label paris PAR-1 vip', 'label paris PAR-1 --add vip'],
      ['label PAR-1 paris vip retail', 'label paris PAR-1 --add vip --add retail'],
      ["label paris PAR-1 'Ada Byron'", "label paris PAR-1 --owner 'Ada Byron'"],
      [
        'label paris PAR-1 at his wish --add vip',
        "label paris PAR-1 --add vip --memo 'at his wish'",
      ],
      ['increment paris PAR-1 5 --note x', 'increment paris PAR-1 5 --memo x'],
      ['increment paris PAR-1 5 -m x', 'increment paris PAR-1 5 --memo x'],
      ['increment paris milan:MIL-1 5', 'increment milan MIL-1 5', 1],
      ['transfer paris:PAR-1 to milan:MIL-1 5', 'transfer paris:PAR-1 milan:MIL-1 5'],
      ['transfer 5 from paris:PAR-1 to milan:MIL-1', 'transfer paris:PAR-1 milan:MIL-1 5'],
      ['withdraw paris PAR-1 50', 'increment paris PAR-1 -50'],
      ['withdraw paris:PAR-1 1,50 --memo cash', 'increment paris:PAR-1 -1.50 --memo cash'],
      ['deposit paris PAR-1 50', 'increment paris PAR-1 50'],
      ['pay paris:PAR-1 milan:MIL-1 5', 'transfer paris:PAR-1 milan:MIL-1 5'],
      ['undo miete-1', 'reverse miete-1'],
      ['create paris NEW', 'open paris NEW'],
      ['statement paris PAR-1 --limit 3', 'history paris PAR-1 --limit 3'],
      ['operations --account paris PAR-1', 'operations --account paris:PAR-1'],
    ]),
    ['transfer paris:PAR-1 milan:MIL-1 0', 'Give an amount above 0.', 1],
    ['withdraw paris PAR-1', takingOut],
    // What is below 0 already may be meant in either way.
    ['withdraw paris PAR-1 -50', takingOut],
    ['withdraw paris PAR-1 \u221250', takingOut],
    ['withdraw paris PAR-1 €50', takingOut],
    ['increment paris PAR-1 5 -n', 'See bankctl increment --help.'],
    ['deposit paris', 'Did you mean bankctl increment? bankctl increment --help shows how.'],
    // The number of an account, nearly.
    ['balance paris par-1', nearly('PAR-1', 'balance paris PAR-1'), 1],
    ['balance paris PAR-l', nearly('PAR-1', 'balance paris PAR-1'), 1],
    ['freeze paris:PRA-1', nearly('PAR-1', 'freeze paris PAR-1'), 1],
    ['increment paris PAR-1xy 5', nearly('PAR-1', 'increment paris PAR-1 5'), 1],
    [
      'transfer paris:PAR-1 milan:mil-1 5',
      'milan has "MIL-1". Did you mean bankctl transfer paris:PAR-1 milan:MIL-1 5?',
      1,
    ],
    ['increment milan PAR-1 5', `PAR-1 is in paris. ${dym('increment paris PAR-1 5')}`, 1],
    ['increment PAR-1 50', branchMissing('increment BRANCH:PAR-1 50')],
    ['freeze PAR-1', branchMissing('freeze BRANCH:PAR-1')],
    ['balance PAR-1', branchMissing('balance BRANCH:PAR-1')],
    ['transfer PAR-1 MIL-1 250', branchMissing('transfer BRANCH:PAR-1 BRANCH:MIL-1 250')],
    ['transfer milan:MIL-1 PAR-1 250', branchMissing('transfer milan:MIL-1 BRANCH:PAR-1 250')],
    ['transfer paris:PAR-1 milan:MIL-1', exampleOf('transfer', 'branch1:ACC branch2:ACC 25')],
    [
      'operations --account a:b',
      'If "a:b" is an account, name its branch: --branch BRANCH --account a:b.',
    ],
    [
      'operations --branch paris --account milan:7',
      'Leave out --branch, or type --account paris:milan:7 for an account that is called so.',
    ],
    // The same figure in another currency would be other money.
    ['increment paris PAR-1 1 USD', 'paris keeps EUR, not USD: give it in EUR.'],
    ['increment paris PAR-1 1 usd for rent', 'paris keeps EUR, not USD: give it in EUR.'],
    ['increment paris PAR-1 1 $', 'paris keeps EUR, not USD: give it in EUR.'],
    ['transfer paris:PAR-1 milan:MIL-1 1,5 JPY', 'paris keeps EUR, not JPY: give it in EUR.'],
    ['increment tokyo PAR-1 1,5', 'Write digits, with a point before the cents: 50 or -12.34.'],
    ['open paris -- -6 --balance 1 -q', exampleOf('open', 'branch1 ACC --balance 100')],
    // What could be two things is left to the user.
    ['increment paris PAR-1 2.500', 'Write 2500.00 or 2.50.'],
    ['increment paris PAR-1 1,234', 'Write digits, with a point before the cents: 50 or -12.34.'],
    ['increment tokyo PAR-1 €50', 'Write digits, with a point before the cents: 50 or -12.34.'],
  ];
});

const takingOut = 'An amount below 0 takes money out: bankctl increment BRANCH ACCOUNT -50.';

function nearly(account: string, line: string): string {
  return `paris has "${account}". ${dym(line)}`;
}

function dym(line: string): string {
  return `Did you mean bankctl ${line}?`;
}

function dyms(rows: readonly (readonly [line: string, meant: string, status?: number])[]) {
  return rows.map(([line, meant, status = 2]) => [line, dym(meant), status] as const);
}

function branchMissing(line: string): string {
  return `Name the branch too: bankctl ${line}; bankctl accounts PAR-1 says which has it.`;
}

function exampleOf(command: string, args: string): string {
  return `For example: bankctl ${command} ${args}. For more, see bankctl ${command} --help.`;
}

test('an account in several other branches is left to the user', async () => {
  const bank = await bankOfThree();
  await bank.run(['open', 'tokyo:MIL-1']);
  expect(await missed(bank, 'freeze paris MIL-1')).toEqual({
    status: 1,
    hint: 'MIL-1 is in milan and tokyo; see bankctl accounts MIL-1.',
  });
});

test('of several accounts with nearly that number, none is suggested', async () => {
  const bank = await bankOfThree();
  for (const account of ['DE-001', 'DE-002', 'DE-003', 'DE-004', 'CASH']) {
    await bank.run(['open', 'tokyo', account]);
  }
  expect(await missed(bank, 'increment tokyo DE-00 5')).toEqual({
    status: 1,
    hint:
      'tokyo has "DE-001", "DE-002", "DE-003" and others. ' +
      'Open it with bankctl open tokyo DE-00.',
  });
  // Case alone makes it certain enough, whatever else is near.
  await bank.run(['open', 'tokyo', 'CASE']);
  expect((await missed(bank, 'freeze tokyo cash')).hint).toBe(
    'tokyo has "CASH". Did you mean bankctl freeze tokyo CASH?',
  );
  const far = await missed(bank, 'freeze tokyo NOTHING-LIKE-IT');
  expect([far.status, far.hint]).toEqual([1, expect.not.stringContaining('tokyo has')]);
  // The other account of a transfer is not what was meant.
  expect((await missed(bank, 'transfer tokyo:CASH tokyo:CASHX 1')).hint).not.toContain('has "');
});

test('looking for a number that is nearly the same looks in the index', async () => {
  const bank = await bankOfThree();
  await bank.db.command({ profile: 2 });
  await missed(bank, `balance paris ${'pAr-1'.padEnd(64, 'x')}`);
  await missed(bank, 'balance paris par-l');
  const looked = await bank.db
    .collection('system.profile')
    .find({ op: 'query', ns: `${bank.db.databaseName}.paris`, 'command.limit': { $gte: 10 } })
    .toArray();
  await bank.db.command({ profile: 0 });
  expect(looked.length).toBeGreaterThanOrEqual(3);
  for (const { planSummary, docsExamined } of looked) {
    expect(planSummary).toContain('IXSCAN');
    expect(docsExamined).toBeLessThanOrEqual(1);
  }
});

test('a guess does without a config that cannot be read', async () => {
  const argv = ['transfer', 'a', 'A', 'b', 'B', '5', '--config', '/nowhere'];
  const { stderr } = await run(argv, '/', {});
  expect(stderr).toContain('Did you mean bankctl transfer a:A b:B 5 --config /nowhere?');
});

test.each([
  ['increment PAR-1 paris 5 --uri SECRET', 'increment paris PAR-1 5 --uri URI'],
  ['increment PAR-1 paris 5 --uri=SECRET', 'increment paris PAR-1 5 --uri URI'],
  ['incremnt paris PAR-1 5 --uri SECRET', 'increment paris PAR-1 5 --uri URI'],
  ['incremnt paris PAR-1 5 --uri=SECRET', "increment paris PAR-1 5 '--uri=URI'"],
  ['increment paris PAR-1 5 --uro SECRET', 'increment paris PAR-1 5 --uri URI'],
  ['increment paris PAR-1 5 --uri SECRET --meno=x', "increment paris PAR-1 5 --uri URI '--memo=x'"],
  ['increment PAR-1 5 --uri SECRET', 'increment BRANCH:PAR-1 5 --uri URI'],
])('%s: what is to be copied hides the URI, and runs on no other database', async (line, meant) => {
  const bank = await bankOfThree();
  const before = await bank.everything();
  for (const secret of ['mongodb://u:secret@h', 'mongodb://h/?proxyPassword=secret']) {
    const { stderr } = await bank.run(wordsOf(line.replace('SECRET', `'${secret}'`)));
    expect(stderr).not.toContain('secret');
    expect(stderr).toContain(meant);
  }
  const again = await bank.run(wordsOf(String(meant).replace('BRANCH', 'paris')));
  expect([again.status, again.stderr]).toEqual([2, expect.stringContaining('URI')]);
  expect(await bank.everything()).toBe(before);
});

test('both spellings are one operation', async () => {
  const bank = await bankOfThree();
  const line = ['-50', '--id', 'once', '--json'];
  const joined = await bank.run(['increment', 'paris:PAR-1', ...line]);
  const apart = await bank.run(['increment', 'paris', 'PAR-1', ...line]);
  expect([joined.status, apart.status]).toEqual([0, 0]);
  expect(JSON.parse(apart.stdout)).toEqual({ ...JSON.parse(joined.stdout), replayed: true });
});

test('hostile words make no guess, and take no time', async () => {
  const many = Array.from({ length: 5_000 }, (_, at) => String(at));
  for (const words of [
    many,
    ['a'.repeat(100_000), '5'],
    [`1${' '.repeat(100_000)}EUR`, 'x', 'y'],
  ]) {
    const { status, stderr } = await run(['transfer', ...words], '/', {});
    expect([status, stderr]).toEqual([2, expect.not.stringContaining('Did you mean')]);
  }
  const { stderr } = await run(['transfer', 'a', 'A\u202EB\n', 'b', 'B', '5'], '/', {});
  expect(stderr).toContain("transfer $'a:A\\U0000202eB\\U0000000a' b:B 5?");
});
