import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bench, openBench } from './bench.ts';
import type { AskPlan, Fault, ImportRow, Step } from './plan.ts';
import type { Ran } from './relations.ts';
import { play } from './session.ts';
import { playStep } from './steps/index.ts';

/**
 * A canary for each relation that a step checks itself: the step plays on the real program, one of
 * whose commands is made to leave behind what it should not, and must object.
 */

let bench: Bench;

beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.close());

const at = { branch: 0, account: 0 };
const opened: ImportRow = { ...at, minor: 500, status: 'open' };
const opening = { do: 'import', fault: null, dry: false, csv: true, rows: [opened] } as const;
const asked: AskPlan = {
  ...{ ...at, type: 'increment', minor: 100, create: false, reverses: 0 },
  other: { branch: 1, account: 0 },
};
const one: Step = {
  ...{ do: 'one', id: 0, fault: null, dry: false, ask: asked, table: false, outside: false },
};
const file: Extract<Step, { do: 'apply' }> = {
  ...{ do: 'apply', fault: null, dry: false, rows: [asked], csv: false, atomic: false },
  ...{ stop: false, batch: false, memo: 0, ballast: null, again: [] },
};
const together = { asks: [asked, asked], rows: [opened], others: [{ ...opened, account: 1 }] };
const read = (what: Extract<Step, { do: 'read' }>['what'], account = 0): Step => ({
  ...{ do: 'read', what, branch: 0, account },
});
const malformed = (what: Extract<Step, { do: 'malformed' }>['what']): Step => ({
  ...{ do: 'malformed', what, branch: 0 },
});
const refusedFile: typeof file = { ...file, rows: [{ ...asked, minor: -1_000_000 }] };
const lost: Fault = { kind: 'fail point', commands: ['findAndModify'], how: 13, times: 3 };

/** How the result of the first, or a later, command that begins with these words is doctored. */
interface Canary {
  readonly steps: readonly Step[];
  readonly words: readonly string[];
  /** Which of those commands, from 0. */
  readonly nth?: number;
  readonly doctor: (ran: Ran) => Partial<Ran>;
}

const text = (from: string | RegExp, to: string) => (ran: Ran) => {
  const stdout = ran.stdout.replace(from, to);
  const stderr = ran.stderr.replace(from, to);
  if (stdout === ran.stdout && stderr === ran.stderr) throw new Error(`nothing has ${from}`);
  return { stdout, stderr };
};
const status = (other: number) => () => ({ status: other });

const canaries: Readonly<Record<string, Canary>> = {
  'apply: fate = model': {
    steps: [refusedFile],
    words: ['apply'],
    doctor: ({ results }) => ({ results: results.map((line) => ({ ...line, code: 'x' })) }),
  },
  'apply: repeated = once': {
    steps: [file],
    words: ['apply'],
    nth: 1,
    doctor: status(1),
  },
  'apply --atomic: a refused file names the row': {
    steps: [{ ...refusedFile, atomic: true }],
    words: ['apply'],
    doctor: text('Line 1 ', 'Line 2 '),
  },
  'import: fate = model': {
    steps: [{ ...opening, rows: [{ ...opened, minor: 7 }] }],
    words: ['import'],
    nth: 2,
    doctor: ({ stdout }) => ({
      stdout: stdout
        .replace('"conflict": 1', '"conflict": 0')
        .replace('"rejected": 0', '"rejected": 1'),
    }),
  },
  'one: repeated = once': { steps: [one], words: ['increment'], nth: 1, doctor: status(1) },
  'one ask many times: once, however many ask': {
    steps: [{ do: 'together', what: { kind: 'one ask many times', ...together } }],
    words: ['increment'],
    doctor: ({ stdout }) => ({ stdout: stdout.replace(/"replayed": \w+/, '"replayed": 7') }),
  },
  'two imports: import counts = accounts': {
    steps: [{ do: 'together', what: { kind: 'two imports', ...together } }],
    words: ['import'],
    nth: 2,
    doctor: ({ stdout }) => ({ stdout: stdout.replace(/"created": \d/, '"created": 7') }),
  },
  'branch: balance of a branch = accounts': {
    steps: [read('branch')],
    words: ['balance'],
    doctor: text('5.00', '5.01'),
  },
  'account: balance of an account = account': {
    steps: [read('account')],
    words: ['balance'],
    doctor: text('5.00', '5.01'),
  },
  'history: history = journal': {
    steps: [one, read('history')],
    words: ['history'],
    doctor: text('1.00', '1.01'),
  },
  'export: export = accounts': {
    steps: [read('export')],
    words: ['export'],
    doctor: text('5.00', '5.01'),
  },
  'show: show = journal': {
    steps: [read('show')],
    words: ['show'],
    doctor: text('"applied"', '"refused"'),
  },
  'show wrong: show never advises to repeat': {
    steps: [one, read('show wrong', 1)],
    words: ['show'],
    doctor: text('"hint":"', '"hint":"Repeat the command. '),
  },
  'show refused: a refusal is shown': {
    steps: [refusedFile, read('show refused')],
    words: ['show'],
    doctor: text('"refused"', '"applied"'),
  },
  'round trip (accounts): taken back = the same': {
    steps: [{ do: 'round trip', what: 'accounts' }],
    words: ['export'],
    doctor: text('5.00', '5.01'),
  },
  'round trip (operations): taken back = the same': {
    steps: [one, { do: 'round trip', what: 'operations' }],
    words: ['export'],
    doctor: text('"1.00"', '"1.01"'),
  },
  'quoted newline in import: a file is read by its grammar': {
    steps: [malformed('quoted newline in import')],
    words: ['import', 'branch1', 'quoted.csv'],
    doctor: status(0),
  },
  'quoted newline in apply: a file is read by its grammar': {
    steps: [malformed('quoted newline in apply')],
    words: ['apply'],
    doctor: text('line 2 ', 'line 3 '),
  },
  'pretty array in import: a file is read by its grammar': {
    steps: [malformed('pretty array in import')],
    words: ['import', 'branch1', 'pretty.ndjson'],
    doctor: status(0),
  },
  'id twice: an id twice in a file is refused': {
    steps: [malformed('id twice')],
    words: ['apply'],
    doctor: text('row_repeated', 'invalid_row'),
  },
  'last line cut: a file that may be cut off is refused': {
    steps: [malformed('last line cut')],
    words: ['apply'],
    doctor: status(0),
  },
  'batch under two names: a file under another name is refused': {
    steps: [malformed('batch under two names')],
    words: ['apply'],
    nth: 1,
    doctor: status(0),
  },
  'results over input: results never replace the input': {
    steps: [malformed('results over input')],
    words: ['apply'],
    doctor: status(0),
  },
  'mismatch (journal renamed): a contradiction is refused': {
    steps: [{ do: 'mismatch', what: 'journal renamed', read: true }],
    words: ['balance'],
    doctor: text('config_mismatch', 'account_not_found'),
  },
  "outsider (balance NaN): an outsider's change is refused or reported": {
    steps: [{ do: 'outsider', what: 'balance NaN', ...at }],
    words: ['export'],
    doctor: () => ({ status: 0, stderr: '' }),
  },
  'plain: without a journal: as said': {
    steps: [{ do: 'plain', minor: 5, fault: lost }],
    words: ['increment'],
    doctor: () => ({ status: 0, stdout: '{}', stderr: '' }),
  },
};

test.each(Object.entries(canaries))(
  '%s',
  { timeout: 600_000 },
  async (name, { steps, words, nth = 0, doctor }) => {
    const plan = { world: 0, steps: [opening, ...steps] };
    const honest = await play(bench, plan, playStep);
    expect(honest.failure).toBeUndefined();
    let seen = -1;
    const doctored = (ran: Ran): Ran => {
      if (words.some((word, index) => ran.argv[index] !== word)) return ran;
      seen += 1;
      return seen === nth ? { ...ran, ...doctor(ran) } : ran;
    };
    const { failure } = await play({ ...bench, doctor: doctored }, plan, playStep);
    expect(failure).toMatchObject({ relation: name });
  },
);
