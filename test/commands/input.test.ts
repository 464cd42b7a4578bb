import { describe, expect, test } from 'vitest';
import { parse } from '../../src/cli/program.ts';
import { parseAccounts } from '../../src/commands/accounts.ts';
import { parseAdopt } from '../../src/commands/adopt.ts';
import { parseApply } from '../../src/commands/apply.ts';
import { parseAudit } from '../../src/commands/audit.ts';
import { parseBalance } from '../../src/commands/balance.ts';
import type { Typed } from '../../src/commands/command.ts';
import { parseWriting } from '../../src/commands/command-input.ts';
import { parseDoctor } from '../../src/commands/doctor.ts';
import { parseExport } from '../../src/commands/export.ts';
import { parseHistory } from '../../src/commands/history.ts';
import { parseImport } from '../../src/commands/import.ts';
import { parseIncrement } from '../../src/commands/increment.ts';
import { commands } from '../../src/commands/index.ts';
import { parseInit } from '../../src/commands/init.ts';
import { parseLabel } from '../../src/commands/label.ts';
import { parseOpen } from '../../src/commands/open.ts';
import { parseOperations } from '../../src/commands/operations.ts';
import { parseRepair } from '../../src/commands/repair.ts';
import { parseReverse } from '../../src/commands/reverse.ts';
import { parseTransfer } from '../../src/commands/transfer.ts';
import { builtInConfig, type Config } from '../../src/config/config.ts';
import { createContext } from '../../src/core/context.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
import { run } from '../workspace.ts';

/** What a command line comes to, and what is said of one that comes to nothing. */
interface Rows {
  readonly parse: (typed: Typed, config: Config) => unknown;
  readonly good: readonly (readonly [line: string, input: object])[];
  readonly bad: readonly (readonly [line: string, code: ErrorCode, text: string])[];
}

const realContext = createContext();
const noneGiven = { id: undefined, memo: undefined, dryRun: false };
const allGiven = { id: 'x-1', memo: 'rent', dryRun: true };
const all = '--id x-1 --memo rent --dry-run';
const ofAccount = { branch: 'branch1', account: 'A' };
const opened = { type: 'open', ...ofAccount, amountMinor: 0n, ...noneGiven };
const label = { type: 'label', ...ofAccount, ...noneGiven };
const words = (count: number) => Array.from({ length: count }, (_, index) => `w${index}`).join();
const hidden = 'A\u202EB';

/** What goes wrong with every command that changes an account, before its own arguments. */
function badWriting(line: string): Rows['bad'] {
  return [
    [`${line} --id a\u200Bb`, 'invalid_operation_id', 'a\\u200bb'],
    [`${line} --memo a\u0007b`, 'invalid_memo', '\\x07'],
    [`${line} --id`, 'usage', 'argument missing'],
    [`${line} extra`, 'usage', 'too many arguments'],
    [`${line} --nonsense`, 'usage', "unknown option '--nonsense'"],
  ];
}

function badAccount(verb: string, rest = ''): Rows['bad'] {
  return [
    [`${verb} branch1`, 'usage', "missing required argument 'account'"],
    [`${verb} brunch1 A${rest}`, 'unknown_branch', 'brunch1'],
    [`${verb} branch1 ${hidden}${rest}`, 'invalid_account', '\\u202e'],
  ];
}

function statusRows(verb: string): Rows {
  return {
    parse: (typed) => ({ args: typed.args, ...parseWriting(typed) }),
    good: [
      [`${verb} branch1 A`, { args: ['branch1', 'A'], ...noneGiven }],
      [`${verb} branch1:A`, { args: ['branch1', 'A'], ...noneGiven }],
      [`${verb} branch1 A ${all}`, { args: ['branch1', 'A'], ...allGiven }],
    ],
    bad: [...badAccount(verb), ...badWriting(`${verb} branch1 A`)],
  };
}

const plain = {
  dress: { separator: undefined, decimal: undefined, columns: new Map(), dropped: [] },
  expected: { rows: undefined, totals: [] },
};

const apply = {
  ...plain,
  type: undefined,
  ...{ file: 'f.csv', format: undefined, batch: undefined, onRefusal: 'continue', atomic: false },
  ...{ retryRefused: false, again: false, lastLineComplete: false, results: undefined },
  dryRun: false,
};

const imported = {
  ...plain,
  ...{ branch: 'branch1', file: 'f.csv', format: undefined, anyBranch: false },
  ...{ lastLineComplete: false, results: undefined, dryRun: false },
};

const noFiles = {
  ...{ intended: undefined, opening: undefined, expected: undefined },
  clockSkewMs: 1000,
};
const audited = {
  ...{ branches: [], files: noFiles, trace: false, follow: false },
  ...{ plan: undefined, report: undefined, corrections: false },
};
const looking = { outsideWrites: false, replacesFields: false, yes: false, dryRun: false };

const instant = (text: string) => {
  const at = new Date(text);
  return { from: at, to: at, isDay: false };
};
const day = {
  ...{ from: new Date('2026-11-01T00:00Z'), to: new Date('2026-11-02T00:00Z'), isDay: true },
};

/** Every command has rows: see the test below. `stress` has more in `stress.test.ts`. */
const inputs: Readonly<Record<string, Rows>> = {
  init: {
    parse: parseInit,
    good: [
      ['init', { sample: false, rename: false, dryRun: false }],
      ['init --sample --rename --dry-run', { sample: true, rename: true, dryRun: true }],
    ],
    bad: [['init now', 'usage', 'too many arguments']],
  },
  branches: {
    parse: (typed) => typed,
    good: [['branches', { args: [], options: {} }]],
    bad: [['branches branch1', 'usage', 'too many arguments']],
  },
  open: {
    parse: parseOpen,
    good: [
      ['open branch1 A', { type: 'open', ...ofAccount, amountMinor: 0n, ...noneGiven }],
      ['open branch1:A', { type: 'open', ...ofAccount, amountMinor: 0n, ...noneGiven }],
      [
        `open branch1 A --balance 1.5 ${all}`,
        { type: 'open', ...ofAccount, amountMinor: 150n, ...allGiven },
      ],
      [
        'open branch1 A --owner Ada --label vip,kyc --label vip',
        { ...opened, owner: 'Ada', labels: ['kyc', 'vip'] },
      ],
      ['open branch1 A --owner -', opened],
    ],
    bad: [
      ['open branch1 A --balance 1e3', 'invalid_amount', '1e3'],
      ['open branch1 A --balance 0.001', 'amount_precision', '0.001'],
      ['open branch1 A --owner a\u0007b', 'invalid_owner', 'has the character \\x07'],
      ['open branch1 A --label a\tb', 'invalid_label', 'has the character \\t'],
      ['open branch1:A B', 'usage', 'too many arguments'],
      ...badAccount('open'),
      ...badWriting('open branch1 A'),
    ],
  },
  increment: {
    parse: parseIncrement,
    good: [
      [
        'increment branch1 A -50',
        { type: 'increment', ...ofAccount, amountMinor: -5000n, create: false, ...noneGiven },
      ],
      [
        'increment branch1:A:1 -50',
        {
          ...{ type: 'increment', branch: 'branch1', account: 'A:1', amountMinor: -5000n },
          ...{ create: false, ...noneGiven },
        },
      ],
      [
        `increment branch1 A 0.01 --create ${all}`,
        { type: 'increment', ...ofAccount, amountMinor: 1n, create: true, ...allGiven },
      ],
    ],
    bad: [
      ['increment branch1 A', 'usage', "missing required argument 'amount'"],
      ['increment branch1 A 1e3', 'invalid_amount', '1e3'],
      ['increment branch1 A 0.001', 'amount_precision', '0.001'],
      ...badAccount('increment', ' 1'),
      ...badWriting('increment branch1 A 1'),
    ],
  },
  transfer: {
    parse: parseTransfer,
    good: [
      [
        `transfer branch1:A branch2:B:C 5 ${all}`,
        {
          type: 'transfer',
          from: ofAccount,
          to: { branch: 'branch2', account: 'B:C' },
          amountMinor: 500n,
          ...allGiven,
        },
      ],
    ],
    bad: [
      ['transfer branch1:A branch2:A', 'usage', "missing required argument 'amount'"],
      ['transfer A branch2:A 5', 'invalid_account', '"A"'],
      ['transfer brunch1:A branch2:A 5', 'unknown_branch', 'brunch1'],
      ['transfer branch1:A brunch2:A 5', 'unknown_branch', 'brunch2'],
      ['transfer branch1:A branch2:A five', 'invalid_amount', 'five'],
      ...badWriting('transfer branch1:A branch2:A 5'),
    ],
  },
  reverse: {
    parse: parseReverse,
    good: [
      [`reverse till-1 ${all}`, { reverses: 'till-1', ...allGiven }],
      [
        'reverse --batch pay --memo rent --results r --yes --dry-run',
        { batch: 'pay', memo: 'rent', results: 'r', yes: true, dryRun: true },
      ],
      [
        'reverse --batch pay',
        { batch: 'pay', memo: undefined, results: undefined, yes: false, dryRun: false },
      ],
    ],
    bad: [
      ['reverse', 'usage', 'has nothing to reverse'],
      ['reverse till-1 --batch pay', 'usage', '"till-1" is one operation'],
      ['reverse --batch pay --id x', 'usage', '--id is for one reversal'],
      ['reverse till-1 --yes', 'usage', '--yes is for --batch'],
      ['reverse till-1 --results r', 'usage', '--results is for --batch'],
      ['reverse --batch a\u200Bb', 'invalid_operation_id', 'a\\u200bb'],
      [`reverse ${hidden}`, 'invalid_operation_id', '\\u202e'],
      ...badWriting('reverse till-1'),
    ],
  },
  show: {
    parse: (typed) => typed,
    good: [['show till-1', { args: ['till-1'], options: {} }]],
    bad: [
      ['show', 'usage', "missing required argument 'operation'"],
      [`show ${hidden}`, 'invalid_operation_id', '\\u202e'],
    ],
  },
  accounts: {
    parse: (typed, config) => {
      const { bounds, ...query } = parseAccounts(typed, config);
      const { minMinor, maxMinor } = bounds({ currency: { code: 'USD', digits: 2 } });
      return { ...query, min: minMinor, max: maxMinor };
    },
    good: [
      ['accounts', { branches: ['branch1', 'branch2'] }],
      ['accounts branch2', { branches: ['branch2'] }],
      ['accounts branch2 PAR', { branches: ['branch2'], text: 'PAR' }],
      ['accounts branch2:PAR', { branches: ['branch2'], text: 'PAR' }],
      ['accounts branch2:', { branches: ['branch2'] }],
      ['accounts branch2 branch2:PAR', { branches: ['branch2'], text: 'branch2:PAR' }],
      ['accounts A:B', { branches: ['branch1', 'branch2'], text: 'A:B' }],
      ['accounts PAR', { branches: ['branch1', 'branch2'], text: 'PAR' }],
      ['accounts brunch1', { branches: ['branch1', 'branch2'], text: 'brunch1', meant: 'branch1' }],
      [
        'accounts branch1 --status frozen --min -1 --max 2.50',
        { branches: ['branch1'], status: 'frozen', min: -100n, max: 250n },
      ],
      [
        'accounts --owner ada --label vip --label kyc',
        { branches: ['branch1', 'branch2'], owner: 'ada', labels: ['kyc', 'vip'] },
      ],
    ],
    bad: [
      ['accounts brunch1 PAR', 'unknown_branch', 'brunch1'],
      ['accounts branch1 PAR extra', 'usage', 'too many arguments'],
      ['accounts --min 0.001', 'amount_precision', '0.001'],
      ['accounts --max x', 'invalid_amount', '"x"'],
      ['accounts --status asleep', 'usage', 'asleep'],
      ['accounts --label ,', 'invalid_label', 'There is no label in ","'],
    ],
  },
  balance: {
    parse: parseBalance,
    good: [
      ['balance', { branch: undefined, account: undefined, at: undefined, watch: false }],
      ['balance branch1', { branch: 'branch1', account: undefined, at: undefined, watch: false }],
      ['balance branch1:A --watch', { ...ofAccount, at: undefined, watch: true }],
      ['balance branch1 A --watch', { ...ofAccount, at: undefined, watch: true }],
      ['balance branch1 A --at 2026-11-01', { ...ofAccount, at: day, watch: false }],
      [
        'balance branch1 A --at 2026-11-01T09:30Z',
        { ...ofAccount, at: instant('2026-11-01T09:30Z'), watch: false },
      ],
    ],
    bad: [
      ['balance brunch1', 'unknown_branch', 'brunch1'],
      [`balance branch1 ${hidden}`, 'invalid_account', '\\u202e'],
      ['balance --at noon', 'usage', '--at "noon"'],
      ['balance --at 2026-11-01 --watch', 'usage', 'not both at once'],
    ],
  },
  operations: {
    parse: (typed, config) => {
      const { range: _, ...query } = parseOperations(typed, config);
      return query;
    },
    good: [
      ['operations', { refused: false }],
      [
        'operations --branch branch1 --account a:b --by jo --type open --amount -5 --refused',
        { branch: 'branch1', account: 'a:b', by: 'jo', type: 'open', amount: '-5', refused: true },
      ],
      [
        'operations --account branch1:A --min 1 --max 2.50 --memo rent --batch pay --limit 7',
        {
          ...ofAccount,
          min: '1',
          max: '2.50',
          memo: 'rent',
          batch: 'pay',
          limit: 7,
          refused: false,
        },
      ],
      ['operations --branch branch1 --account branch1:A', { ...ofAccount, refused: false }],
      [
        'operations --account branch1:branch2:A',
        { branch: 'branch1', account: 'branch2:A', refused: false },
      ],
      [
        'operations --on 2026-11-01',
        { since: new Date('2026-11-01'), until: new Date('2026-11-02'), refused: false },
      ],
    ],
    bad: [
      ['operations branch1', 'usage', 'too many arguments'],
      ['operations --branch brunch1', 'unknown_branch', 'brunch1'],
      [`operations --account ${hidden}`, 'invalid_account', '\\u202e'],
      ['operations --account brunch1:A', 'unknown_branch', 'brunch1'],
      ['operations --account a:b', 'unknown_branch', '"a"'],
      ['operations --branch branch2 --account branch1:A', 'usage', 'name two branches'],
      ['operations --amount 5,00', 'invalid_amount', '--amount "5,00"'],
      ['operations --min -5', 'invalid_amount', '--min "-5"'],
      ['operations --max x', 'invalid_amount', '--max "x"'],
      ['operations --on 10:00', 'usage', '--on "10:00"'],
      ['operations --on 2026-11-01T10:00', 'usage', '--on takes a day'],
      ['operations --on 2026-11-01 --until 2026-11-02', 'usage', 'cannot be given with it'],
      ['operations --since 2026-11-02 --until 2026-11-01', 'usage', '--until is earlier'],
      ['operations --type hold', 'usage', 'hold'],
      ['operations --limit 10001', 'usage', '--limit "10001" is not a whole number from 1'],
    ],
  },
  history: {
    parse: parseHistory,
    good: [
      ['history branch1:A', { ...ofAccount, author: false }],
      ['history branch1 A', { ...ofAccount, author: false }],
      [
        'history branch1 A --since 2026-11-01 --until 2026-11-01 --limit 5',
        { ...ofAccount, since: day, until: day, limit: 5, author: false },
      ],
      [
        'history branch1 A --month 2024-02 --author',
        {
          ...ofAccount,
          since: { from: new Date('2024-02-01'), to: new Date('2024-02-02'), isDay: true },
          until: { from: new Date('2024-02-29'), to: new Date('2024-03-01'), isDay: true },
          author: true,
        },
      ],
    ],
    bad: [
      ...badAccount('history'),
      ['history branch1 A --month 2026-13', 'usage', '--month "2026-13" is not a month'],
      ['history branch1 A --month 2026-11 --since 2026-11-02', 'usage', 'cannot be given with'],
      ['history branch1 A --since then', 'usage', '--since "then"'],
      ['history branch1 A --limit 0', 'usage', '--limit "0" is not a whole number from 1'],
      ['history branch1 A --limit 1.5', 'usage', '--limit "1.5"'],
      ['history branch1 A --since 2026-11-02 --until 2026-11-01', 'usage', '--until is earlier'],
    ],
  },
  freeze: statusRows('freeze'),
  unfreeze: statusRows('unfreeze'),
  close: statusRows('close'),
  label: {
    parse: parseLabel,
    good: [
      ['label branch1 A --owner Ada', { ...label, owner: 'Ada' }],
      ['label branch1 A --owner -', { ...label, owner: null }],
      [
        `label branch1 A --add b --add=a --remove c,d ${all}`,
        { ...label, add: ['a', 'b'], remove: ['c', 'd'], ...allGiven },
      ],
      [`label branch1 A --owner ${'é'.repeat(200)}`, { ...label, owner: 'é'.repeat(200) }],
      ['label branch1 A --owner e\u0301', { ...label, owner: 'é' }],
      [`label branch1 A --add ${'é'.repeat(40)}`, { ...label, add: ['é'.repeat(40)] }],
    ],
    bad: [
      ['label branch1 A', 'usage', 'Neither an owner is given, nor a label'],
      ['label branch1 A --add x,y --remove y', 'usage', 'The label "y" is to be added and to be'],
      ['label branch1 A --owner=', 'invalid_owner', 'The owner "" is empty'],
      [`label branch1 A --owner ${'a'.repeat(201)}`, 'invalid_owner', 'has 201 characters'],
      ['label branch1 A --owner a\nb', 'invalid_owner', 'has the character \\n'],
      ['label branch1 A --owner \u00A0b', 'invalid_owner', 'begins or ends with a space'],
      ['label branch1 A --add=', 'invalid_label', 'There is no label in ""'],
      [`label branch1 A --add ${'a'.repeat(41)}`, 'invalid_label', 'has 41 characters'],
      ['label branch1 A --add a\u200Bb', 'invalid_label', 'has the character \\u200b'],
      ['label branch1 A --remove a\nb', 'invalid_label', 'has the character \\n'],
      [`label branch1 A --add ${words(21)}`, 'invalid_label', '21 labels are given at once'],
      ...badAccount('label', ' --add x'),
      ...badWriting('label branch1 A --add x'),
    ],
  },
  apply: {
    parse: parseApply,
    good: [
      ['apply f.csv', apply],
      [
        'apply - --format ndjson --batch b --on-refusal stop --atomic --retry-refused --again ' +
          '--last-line-complete --results r.ndjson --dry-run',
        {
          ...plain,
          type: undefined,
          ...{ file: '-', format: 'ndjson', batch: 'b', onRefusal: 'stop', atomic: true },
          ...{ retryRefused: true, again: true, lastLineComplete: true, results: 'r.ndjson' },
          dryRun: true,
        },
      ],
      [
        'apply f --separator ; --decimal comma --columns account=Konto,amount=Betrag --drop A,B ' +
          '--columns MEMO=T --drop C --type transfer --expect-rows 7 --expect-total 5.00USD ' +
          '--expect-total -1EUR',
        {
          ...apply,
          ...{ file: 'f', type: 'transfer' },
          dress: {
            ...{ separator: ';', decimal: 'comma', dropped: ['A,B', 'C'] },
            columns: new Map([
              ['account', 'Konto'],
              ['amount', 'Betrag'],
              ['memo', 'T'],
            ]),
          },
          expected: {
            rows: 7,
            totals: [
              { amount: '5.00', code: 'USD' },
              { amount: '-1', code: 'EUR' },
            ],
          },
        },
      ],
      [`apply f.csv --batch ${'b'.repeat(64)}`, { ...apply, batch: 'b'.repeat(64) }],
    ],
    bad: [
      ['apply', 'usage', "missing required argument 'file'"],
      ['apply f.csv --format xlsx', 'usage', 'Allowed choices are ndjson, csv'],
      ['apply f.csv --separator |', 'usage', '--separator "|" is not comma, semicolon or tab'],
      ['apply f.csv --decimal dot', 'usage', 'Allowed choices are point, comma'],
      ['apply f.csv --columns Konto', 'usage', '--columns "Konto" does not say which'],
      ['apply f.csv --columns account=', 'usage', '--columns "account=" does not say which'],
      ['apply f.csv --columns konto=A', 'usage', '--columns "konto=A" begins with no field'],
      ['apply f.csv --columns id=A,id=B', 'usage', 'two columns for id'],
      ['apply f.csv --columns id=A,memo=a', 'usage', 'the column "a" for two fields'],
      ['apply f.csv --columns id=A --drop b,a', 'usage', 'both name the column "A"'],
      ['apply f.csv --drop memo,ID', 'usage', 'rows that were applied with their ids'],
      ['apply f.csv --type repair', 'usage', 'Allowed choices are increment, open'],
      ['apply f.csv --expect-rows -1', 'usage', '--expect-rows "-1" is not a whole number'],
      ['apply f.csv --expect-total 1,5', 'invalid_amount', '--expect-total "1,5"'],
      ['apply f.csv --expect-total 1 --expect-total 2', 'usage', 'has no currency'],
      ['apply f.csv --expect-total 1USD --expect-total 2usd', 'usage', 'given twice for USD'],
      ['apply f.csv --on-refusal wait', 'usage', 'Allowed choices are continue, stop'],
      [`apply f.csv --batch ${'b'.repeat(65)}`, 'usage', 'longer than 64 characters'],
      ['apply f.csv --batch a\u200Bb', 'invalid_operation_id', 'a\\u200bb'],
    ],
  },
  import: {
    parse: parseImport,
    good: [
      ['import branch1 f.csv', imported],
      [
        'import branch1 - --any-branch --format csv --last-line-complete --results r --dry-run',
        {
          ...plain,
          ...{ branch: 'branch1', file: '-', format: 'csv', anyBranch: true },
          ...{ lastLineComplete: true, results: 'r', dryRun: true },
        },
      ],
    ],
    bad: [
      ['import branch1', 'usage', "missing required argument 'file'"],
      ['import brunch1 f.csv', 'unknown_branch', 'brunch1'],
      ['import branch1 f.csv --format xlsx', 'usage', 'Allowed choices are ndjson, csv'],
    ],
  },
  export: {
    parse: parseExport,
    good: [
      ['export', { branches: ['branch1', 'branch2'], operations: false }],
      ['export branch2', { branches: ['branch2'], operations: false }],
      ['export --operations', { branches: ['branch1', 'branch2'], operations: true }],
    ],
    bad: [
      ['export brunch1', 'unknown_branch', 'brunch1'],
      ['export branch1 --operations', 'usage', 'exports the whole journal'],
    ],
  },
  doctor: {
    parse: parseDoctor,
    good: [
      ['doctor', { fix: false, role: false }],
      ['doctor --fix', { fix: true, role: false }],
      ['doctor --role', { fix: false, role: true }],
    ],
    bad: [
      ['doctor branch1', 'usage', 'too many arguments'],
      ['doctor --fixx', 'usage', "unknown option '--fixx'"],
    ],
  },
  audit: {
    parse: parseAudit,
    good: [
      ['audit', audited],
      ['audit branch2 branch1', { ...audited, branches: ['branch2', 'branch1'] }],
      ['audit --follow branch1', { ...audited, branches: ['branch1'], follow: true }],
      [
        'audit --intended i --opening o --trace --clock-skew 5m --plan p --report r',
        {
          ...audited,
          files: { intended: 'i', opening: 'o', expected: undefined, clockSkewMs: 300_000 },
          ...{ trace: true, plan: 'p', report: 'r', corrections: true },
        },
      ],
      ['audit --expected e', { ...audited, files: { ...noFiles, expected: 'e' } }],
    ],
    bad: [
      ['audit branch1 brunch2', 'unknown_branch', 'brunch2'],
      ['audit --clock-skew soon', 'usage', '--clock-skew "soon"'],
      ['audit --plan -', 'usage', '--plan writes to a file, and - is none'],
      ['audit --plan=', 'usage', '--plan names no file'],
      ['audit --report -', 'usage', '--report writes to a file, and - is none'],
      ['audit --report=', 'usage', '--report names no file'],
      ['audit --follow --plan p', 'usage', '--follow shows'],
      ['audit --intended i --expected e', 'usage', 'two sources'],
      ['audit --opening o', 'usage', 'no log'],
      ['audit --trace', 'usage', '--trace looks for'],
      ['audit branch1 --intended i', 'usage', 'all branches'],
    ],
  },
  repair: {
    parse: parseRepair,
    good: [
      ['repair plan.yaml', { file: 'plan.yaml', yes: false, dryRun: false }],
      ['repair plan.yaml --yes', { file: 'plan.yaml', yes: true, dryRun: false }],
      ['repair p.json --dry-run --yes', { file: 'p.json', yes: true, dryRun: true }],
    ],
    bad: [
      ['repair', 'usage', "missing required argument 'plan'"],
      ['repair plan.yaml', 'confirmation_needed', 'no terminal to ask on'],
      ['repair - --yes', 'usage', 'a plan is read from a file'],
      ['repair nowhere.yaml --yes', 'file_unreadable', 'nowhere.yaml'],
    ],
  },
  adopt: {
    parse: parseAdopt,
    good: [
      ['adopt', { branches: ['branch1', 'branch2'], ...looking }],
      ['adopt branch2 branch1 branch2', { branches: ['branch2', 'branch1'], ...looking }],
      [
        'adopt branch1 --outside-writes --yes --dry-run',
        { ...looking, branches: ['branch1'], outsideWrites: true, yes: true, dryRun: true },
      ],
    ],
    bad: [
      ['adopt', 'confirmation_needed', 'there is no terminal'],
      ['adopt branch1 brunch2 --yes', 'unknown_branch', 'brunch2'],
      ['adopt --outside', 'usage', "unknown option '--outside'"],
    ],
  },
  stress: {
    parse: (typed) => typed,
    good: [['stress check h.ndjson', { args: ['check', 'h.ndjson'], options: {} }]],
    bad: [
      ['stress now', 'usage', 'Allowed choices are check'],
      ['stress check', 'usage', 'needs the file of a history'],
      ['stress --faults fire', 'usage', 'Allowed choices are kill, failover'],
    ],
  },
  db: {
    parse: (typed) => typed.args,
    good: ['start', 'stop', 'status', 'path'].map((action) => [`db ${action}`, [action]] as const),
    bad: [
      ['db', 'usage', "missing required argument 'action'"],
      ['db sttaus', 'usage', 'Allowed choices are start, stop, status, path'],
    ],
  },
  completion: {
    parse: (typed) => typed.args,
    good: ['bash', 'zsh', 'fish'].map((shell) => [`completion ${shell}`, [shell]] as const),
    bad: [
      ['completion', 'usage', "missing required argument 'shell'"],
      ['completion tcsh', 'usage', 'Allowed choices are bash, zsh, fish'],
      ['completion bash zsh', 'usage', 'too many arguments'],
    ],
  },
  describe: {
    parse: (typed) => typed,
    good: [['describe', { args: [], options: {} }]],
    bad: [['describe balance', 'usage', 'too many arguments']],
  },
};

test('every command has rows', () => {
  expect(Object.keys(inputs)).toEqual(commands.map(({ name }) => name));
});

describe.each(Object.entries(inputs))('%s', (_name, rows) => {
  test.each(rows.good)('%s', (line, input) => {
    const chosen = parse(line.split(' '), realContext, '1');
    expect(chosen && rows.parse(chosen.typed, builtInConfig)).toEqual(input);
  });

  test.each(rows.bad)('%s: %s', async (line, code, text) => {
    const { status, stdout, stderr } = await run([...line.split(' '), '--json'], '/', {});
    expect([status > 0, stdout]).toEqual([true, '']);
    const { error } = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '');
    expect(error.code).toBe(code);
    expect(error.message.toLowerCase()).toContain(text.toLowerCase());
  });
});

describe('the options of every command', () => {
  const globals = {
    ...{ config: undefined, uri: undefined, uriFile: undefined, output: 'table' },
    ...{ colour: false, pager: true, quiet: false, verbose: false, timeoutMs: 10_000 },
  };

  test.each<[line: string, env: Record<string, string>, changed: object]>([
    ['balance', {}, {}],
    ['balance --json', {}, { output: 'json' }],
    ['balance -o ndjson', {}, { output: 'ndjson' }],
    ['-o csv balance', {}, { output: 'csv' }],
    ['balance --verbose', {}, { verbose: true }],
    ['balance -q --timeout 1m', {}, { quiet: true, timeoutMs: 60_000 }],
    ['balance --config a.yaml --uri mongodb://h', {}, { config: 'a.yaml', uri: 'mongodb://h' }],
    ['balance --uri-file f', {}, { uriFile: 'f' }],
    ['history branch1 ACC --no-pager', {}, { pager: false }],
  ])('%s %j', (line, env, changed) => {
    const context = { ...realContext, env, stdoutIsTerminal: false };
    expect(parse(line.split(' '), context, '1')?.globals).toEqual({ ...globals, ...changed });
  });

  test.each<[line: string, text: string]>([
    ['balance -o xml', 'Allowed choices are table, json, ndjson, csv, spreadsheet'],
    ['balance --timeout soon', '--timeout "soon"'],
    ['balance --uri mongodb://h --uri-file f', 'cannot be used with option'],
  ])('%s', async (line, text) => {
    const { status, stderr } = await run(line.split(' '), '/', {});
    expect([status, stderr]).toEqual([2, expect.stringContaining(text)]);
  });
});
