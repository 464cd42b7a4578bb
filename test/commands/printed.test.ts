import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Document } from 'mongodb';
import { type Db, Decimal128, Double } from 'mongodb';
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
  /** What another program then does. */
  readonly damage?: (db: Db) => Promise<unknown>;
  /** What another program then leaves in the collection of branch1, without its guards. */
  readonly legacy?: readonly Document[];
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

/** A plan of two entries for what `posted` leaves; `DATABASE_…` is replaced before it is run. */
function planOf(prefix: string, change: object): string {
  const findings = ['lost_write'];
  const one = { branch: 'branch1', balance: '887.66', ...change };
  const other = { branch: 'branch2', amount: '-5.00', balance: '0.00', version: 1 };
  const third = { branch: 'branch1', amount: '2.50', balance: '102.50', version: 2 };
  const repairs = [
    { id: `${prefix}-1`, findings, account: 'ACC', why: '12.34 lost', changes: [one, other] },
    { id: `${prefix}-2`, findings, account: '銀行', why: '2.50 lost', changes: [third] },
  ];
  const made = '2026-01-02T03:04:05.678Z';
  const database = { database: 'DATABASE_NAME', database_id: 'DATABASE_ID' };
  const head = { plan: 1, ...database, made, by: 'clerk@desk' };
  return JSON.stringify({ ...head, repairs }, null, 1);
}

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
  accounts: {
    given: posted,
    lines: [
      'accounts',
      'accounts branch1 a --min 500',
      'accounts branch',
      'accounts --status closed',
    ],
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
  audit: {
    given: posted,
    damage: async (db) => {
      await db
        .collection('branch1')
        .updateOne({ account_number: 'ACC' }, { $inc: { balance: Decimal128.fromString('8') } });
      const old = { account_number: ' OLD', balance: new Double(7044.999999999999) };
      await db.collection('bank_account').insertOne(old);
    },
    lines: ['audit', 'audit branch1', 'audit branch2', 'audit nowhere'],
  },
  repair: {
    given: posted.slice(0, -1),
    files: {
      'plan.yaml': planOf('fix', { amount: '12.34', version: 3 }),
      'moved.yaml': planOf('late', { amount: '12.34', version: 2 }),
      'bad.yaml': planOf('bad', { amount: '12.345', version: 3 }),
    },
    lines: [
      'repair plan.yaml --dry-run',
      'repair plan.yaml --yes',
      'repair moved.yaml --yes',
      'repair bad.yaml --yes',
      'repair plan.yaml',
      'show fix-1',
      'reverse fix-1 --id back-1',
    ],
  },
  adopt: {
    given: posted,
    legacy: [
      { _id: 1, account_number: 'OLD', balance: 7044.999999999999 },
      { _id: 2, account_number: ' OLDER ', balance: '12.345' },
      { _id: 3, account_number: 'TWICE', balance: 1 },
      { _id: 4, account_number: 'TWICE', balance: 2 },
      { _id: 5, account_number: 'COMMA', balance: '12,50' },
      { _id: 6, balance: 5 },
    ],
    lines: ['adopt --dry-run', 'adopt --outside-writes --dry-run', 'adopt'],
  },
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
  await pinPlans(bank, row.files ?? {});
  if (row.legacy) {
    await bank.db.collection('branch1').dropIndexes();
    await bank.db.command({ collMod: 'branch1', validator: {} });
    await bank.db.collection('branch1').insertMany([...row.legacy]);
  }
  await setTimes(bank);
  await row.damage?.(bank.db);
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
  expect([status, stderr]).toEqual([0, '']);
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

/** So that a plan is one of this database. */
async function pinPlans({ db, directory }: Workspace, files: Readonly<Record<string, string>>) {
  const id = (await db.collection('bankctl').findOne())?.['database_id'];
  for (const [file, text] of Object.entries(files)) {
    if (text.includes('DATABASE_ID')) {
      const named = text.replace('DATABASE_NAME', db.databaseName);
      await writeFile(join(directory, file), named.replace('DATABASE_ID', String(id)));
    }
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
