import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { commands } from '../../src/commands/index.ts';
import { freshEnv } from '../database/local-env.ts';
import { trueHistory } from '../stress/judge/serial-bank.ts';
import { type RunOptions, type Workspace, workspace } from '../workspace.ts';

/** A bank with accounts, and command lines whose every output is in the file of the command. */
interface Printed {
  readonly files?: Readonly<Record<string, string>>;
  /** Each is run once before. */
  readonly given?: readonly string[];
  /** Each is run in every format; what it prints must not depend on how often it was run. */
  readonly lines: readonly string[];
}

const opened = [
  'open branch1 ACC --balance 1000 --id open-1',
  'open branch1 銀行 --balance 2.50 --id open-2',
  'open branch2 ACC --id open-3',
];

const posted = [
  ...opened,
  'increment branch1 ACC -12.34 --id till-1 --memo cash',
  'transfer branch1:ACC branch1:銀行 100 --id move-1',
  'freeze branch2 ACC --id halt-1',
];

const rows = {
  'orders.csv': 'id,branch,account,amount\na,branch1,ACC,5\nb,branch1,NOBODY,5\n',
  'accounts.csv': 'account,balance\nNEW,5\nACC,1\n',
};

const history = trueHistory(2)
  .lines.map((line) => `${JSON.stringify(line)}\n`)
  .join('');

/** Every command has a row: see the test below. */
const printed: Readonly<Record<string, Printed>> = {
  init: {
    lines: ['init --config made.yaml --dry-run', 'init --config made.yaml', 'init --sample'],
  },
  branches: { given: posted, lines: ['branches'] },
  open: { lines: [opened[0] ?? '', 'open branch2 NEW --dry-run', 'open branch1 ACC'] },
  increment: {
    given: opened,
    lines: [
      'increment branch1 ACC 50 --id till-1 --memo cash',
      'increment branch1 NEW 5 --create --dry-run',
      'increment branch1 NOBODY 5 --id till-2',
    ],
  },
  transfer: {
    given: opened,
    lines: [
      'transfer branch1:ACC branch1:銀行 100 --id move-1',
      'transfer branch1:ACC branch2:ACC 1',
    ],
  },
  reverse: {
    given: posted,
    lines: ['reverse till-1 --id back-1', 'reverse move-1 --id back-2', 'reverse back-1'],
  },
  show: {
    given: [...posted, 'reverse move-1 --id back-1', 'apply orders.csv'],
    files: rows,
    lines: ['show move-1', 'show till', 'show back-1', 'show b', 'show nothing'],
  },
  balance: {
    given: posted,
    lines: [
      'balance',
      'balance branch1',
      'balance branch2 ACC',
      'balance --at 2020-11-15',
      'balance branch1 --at 2020-11-15',
      'balance branch2 ACC --at 2020-11-15',
      'balance --at 2999-01-01',
      'balance branch1 NOBODY',
    ],
  },
  operations: {
    given: [...posted, 'reverse move-1 --id back-1', 'apply orders.csv'],
    files: rows,
    lines: [
      'operations',
      'operations --branch branch1 --amount -100 --limit 5',
      'operations --refused',
      'operations --memo nothing',
    ],
  },
  history: {
    given: posted,
    lines: [
      'history branch1 ACC',
      'history branch1 ACC --limit 1',
      'history branch1 ACC --since 2020-11-15T12:00:03Z --until 2020-11-15',
      'history branch1 ACC --since 2999-01-01',
    ],
  },
  freeze: { given: opened, lines: ['freeze branch1 ACC --id halt-1', 'freeze branch1 ACC'] },
  unfreeze: { given: posted, lines: ['unfreeze branch2 ACC --id go-1', 'unfreeze branch1 ACC'] },
  close: { given: opened, lines: ['close branch2 ACC --id end-1', 'close branch1 ACC'] },
  apply: {
    given: opened,
    files: rows,
    lines: ['apply orders.csv --dry-run', 'apply orders.csv', 'apply accounts.csv'],
  },
  import: {
    given: opened,
    files: rows,
    lines: ['import branch1 accounts.csv --dry-run', 'import branch2 orders.csv'],
  },
  export: { given: posted, lines: ['export', 'export branch2', 'export --operations'] },
  doctor: { lines: ['doctor --role'] },
  stress: {
    files: { 'h.ndjson': history },
    lines: ['stress check DIR/h.ndjson', 'stress check', 'stress --exhaustive --uri URI'],
  },
  db: { lines: ['db status', 'db start', 'db status', 'db path', 'db stop', 'db nonsense'] },
  completion: {
    lines: ['completion bash', 'completion zsh', 'completion fish', 'completion tcsh'],
  },
  // All that it prints is in describe.test.ts.
  describe: { lines: ['describe everything'] },
};

test('every command has a row', () => {
  expect(Object.keys(printed)).toEqual(commands.map(({ name }) => name));
});

const ways: readonly (readonly [string, readonly string[], RunOptions])[] = [
  ['JSON', ['-o', 'json'], {}],
  ['NDJSON', ['-o', 'ndjson'], {}],
  ['CSV', ['-o', 'csv'], {}],
  ['a pipe', [], {}],
  ['a terminal', ['--no-color'], { terminal: true }],
];

test.each(Object.entries(printed))('bankctl %s', async (name, row) => {
  const bank = await workspace({ config: twoBranches });
  for (const [file, text] of Object.entries(row.files ?? {})) {
    await writeFile(join(bank.directory, file), text);
  }
  for (const line of row.given ?? []) await bank.run(line.split(' '));
  await setTimes(bank);
  const env = {
    BANKCTL_URI: inject('uri').replace('/?', `/${bank.db.databaseName}?`),
    ...(name === 'db' && withoutUndefined(await freshEnv(join(bank.directory, 'data')))),
  };
  const sections: string[] = [];
  for (const line of row.lines) {
    for (const [way, options, seen] of ways) {
      const words = line.replace('DIR', bank.directory).replace('URI', inject('uri')).split(' ');
      const argv = [...words, ...options];
      const { status, stdout, stderr } = await bank.run(argv, { ...seen, env });
      if (stdout === '' && !['JSON', 'a pipe'].includes(way)) continue;
      const talk = stderr.replace(/^(?=.)/gm, '! ');
      sections.push(`$ bankctl ${line}   # ${way}, status ${status}\n${stdout}${talk}`);
    }
  }
  const text = withoutPlace(sections.join('\n'), bank);
  await expect(text).toMatchFileSnapshot(`printed/${name}.txt`);
});

test('bankctl balance --watch on a terminal, until Ctrl-C', async () => {
  const bank = await workspace({ config: twoBranches });
  for (const line of opened) await bank.run(line.split(' '));
  const controller = new AbortController();
  const { status, stdout, stderr } = await bank.run(['balance', '--watch', '--no-color'], {
    terminal: true,
    interrupted: controller.signal,
    written: () => controller.abort(),
  });
  expect([status, stderr]).toEqual([130, '']);
  await expect(stdout.replaceAll('\u001B', '<ESC>')).toMatchFileSnapshot('printed/watch.txt');
});

const twoBranches = `branches:
  branch1: { collection: branch1 }
  branch2: { collection: branch2, currency: EUR }
`;

/** So that the journal has the same times in every run: a second apart. */
async function setTimes({ db }: Workspace): Promise<void> {
  const journal = db.collection('journal');
  const entries = await journal.find().sort({ at: 1, seq: 1 }).toArray();
  for (const [index, { _id }] of entries.entries()) {
    const at = new Date(Date.UTC(2020, 10, 15, 12, 0, index));
    await journal.updateOne({ _id }, { $set: { at } });
  }
}

function withoutUndefined(env: Readonly<Record<string, string | undefined>>) {
  return Object.fromEntries(
    Object.entries(env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

/** Without what differs from run to run: the server's times and speed, and where the bank is. */
function withoutPlace(text: string, bank: Workspace): string {
  return text
    .replaceAll(bank.directory, '/bank')
    .replaceAll(encodeURIComponent(bank.directory), '%2Fbank')
    .replaceAll(bank.db.databaseName, 'bankctl_test')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, (at) =>
      /^(2020|2999)/.test(at) ? at : '2026-01-02T03:04:05.678Z',
    )
    .replace(/("(?:schedules_per_second|throughput)": ?)[\d.]+/g, '$19.9')
    .replace(/\d+ a second/g, '99 a second')
    .replace(/("?\bpid"?:? *)\d+/g, '$11234')
    .replace(/(true,)\d+,\d+\.\d+\.\d+,\d+/g, '$11234,6.0.5,7')
    .replace(/("?\bversion"?:? *"?)\d+\.\d+\.\d+/g, '$16.0.5')
    .replace(/("?\buptime[_ ]seconds"?:? *)\d+/g, '$17');
}
