import { BankctlError, Status } from '../core/errors.ts';
import { formatAmount } from '../core/money.ts';
import type { NoticeCode } from '../core/notices.ts';
import { asSentence, count, quote } from '../core/text.ts';
import { rowFormats, separators } from '../files/dress.ts';
import type { FileHost, FileOptions, Interruption, Left } from '../files/file-run.ts';
import type { RowShape } from '../files/rows.ts';
import {
  type ExpectedTotal,
  formatMoney,
  type Money,
  parseExpectedTotal,
} from '../files/totals.ts';
import type { SingleResult } from '../render/result.ts';
import { recordView } from '../render/view.ts';
import type { Command, NoticeFacts, OptionSpec, Session, Typed } from './command.ts';
import { argument, textOption, textOptions, wholeNumberOption } from './command-input.ts';
import { commandLine } from './command-line.ts';
import { dressOptions, parseDress } from './dress-options.ts';
import {
  amount,
  flag,
  mapOf,
  objectOf,
  oneOf,
  optional,
  type ResultForm,
  wholeNumber,
} from './result-schema.ts';

/** The options for how the rows of a file are written. */
export const formatOptions: readonly OptionSpec[] = [
  {
    flags: '--format <FORMAT>',
    summary: 'format of the rows (default: by name, else by content)',
    choices: rowFormats,
  },
  ...dressOptions,
];

/** The last options of every command that posts the rows of a file. */
export const fileOptions: readonly OptionSpec[] = [
  { flags: '--expect-rows <COUNT>', summary: 'refuse the file if it has another number of rows' },
  {
    flags: '--expect-total <AMOUNT>',
    summary: "refuse the file unless it adds up to 1190.00, or '1190.00 USD'",
    repeatable: true,
  },
  { flags: '--last-line-complete', summary: 'accept a last line without a newline as complete' },
  { flags: '--results <FILE>', summary: 'write the outcome of each row to FILE, as NDJSON' },
  { flags: '--dry-run', summary: 'say what would happen, and write nothing' },
];

/**
 * The values of `formatOptions` and `fileOptions`, with the last argument as the file.
 *
 * @param shape what the rows of the file may have
 * @throws `usage`, `invalid_amount`, `amount_precision`
 */
export function parseFileOptions(typed: Typed, shape: RowShape): FileOptions {
  const { args, options } = typed;
  return {
    file: argument(typed, args.length - 1),
    format: rowFormats.find((format) => format === options['format']),
    dress: parseDress(typed, shape),
    expected: {
      rows: wholeNumberOption(typed, 'expectRows', { min: 0, max: 1e12 }),
      totals: parseTotals(textOptions(typed, 'expectTotal')),
    },
    lastLineComplete: options['lastLineComplete'] === true,
    results: textOption(typed, 'results'),
    dryRun: options['dryRun'] === true,
  };
}

function parseTotals(texts: readonly string[]): readonly ExpectedTotal[] {
  const totals = texts.map(parseExpectedTotal);
  const codes = totals.map(({ code }) => code);
  const twice = codes.find((code, index) => codes.indexOf(code) !== index || code === undefined);
  if (totals.length < 2 || (twice === undefined && !codes.includes(undefined))) return totals;
  throw new BankctlError(
    'usage',
    twice === undefined
      ? 'One of several --expect-total has no currency.'
      : `--expect-total is given twice for ${twice}.`,
    "Give one for each currency, as in --expect-total '1190.00 USD'.",
  );
}

/** What running the file of a command takes from its session, except for its progress. */
export function fileHost(
  command: Command,
  typed: Typed,
  session: Session,
): Omit<FileHost, 'progress'> {
  const { context, talk, progress } = session;
  return {
    context,
    openBank: session.bank,
    rerunHint: rerunHint(command, typed, session),
    faulty: (problems, faults) => {
      progress(undefined);
      // A single problem is the message of the error that follows.
      if (problems.length < 2) return;
      // What to do is said once: of the first problem, by that error.
      const said = new Set([problems[0]?.hint]);
      for (const { line, code, message, hint } of problems) {
        const cure = hint === undefined || said.has(hint) ? '' : ` ${hint}`;
        said.add(hint);
        session.say(code, `${asSentence(`Line ${line} ${message}`)}${cure}`, { line });
      }
      countMore(
        session,
        faults - problems.length,
        'more faulty line',
        textOption(typed, 'results'),
      );
    },
    traits: ({ blankRows, namelessColumns, droppedColumns, separatorFound }) => {
      if (separatorFound !== undefined) {
        const message = `The header has ${separators[separatorFound]} between its columns.`;
        progress(undefined);
        session.talk('separator_found', message, { separator: separatorFound });
      }
      if (droppedColumns.length > 0) {
        progress(undefined);
        const message = `Left out, as --drop says: ${droppedColumns.map(quote).join(', ')}.`;
        session.talk('columns_dropped', message, { columns: droppedColumns });
      }
      const parts = [
        ...(blankRows > 0 ? [count(blankRows, 'row')] : []),
        ...(namelessColumns > 0 ? [`${count(namelessColumns, 'column')} without a name`] : []),
      ];
      if (parts.length === 0) return;
      progress(undefined);
      const they = blankRows + namelessColumns === 1 ? 'it holds' : 'they hold';
      talk('empty_left_out', `Left out, since ${they} nothing: ${parts.join(' and ')}.`);
    },
  };
}

/** Makes the hint that says what to type to complete an interrupted run of a file. */
export function rerunHint(spec: Command, typed: Typed, session: Session): FileHost['rerunHint'] {
  const { name } = spec;
  const command = commandLine(spec, typed, session);
  const isDry = typed.options['dryRun'] === true;
  const purposes: Record<Left, string> = {
    all: isDry ? 'To try again' : `To ${name} it`,
    rest: isDry ? 'To try again' : `To ${name} the rest`,
    unknown: 'To make sure',
  };
  const how = typed.args.at(-1) === '-' ? 'give the same rows again to' : 'run it again';
  return (left) => `${purposes[left]}, ${how}: ${command}`;
}

/** Says how many more there are than were shown. */
function countMore(
  session: Session,
  rows: number,
  noun: string,
  results: string | undefined,
): void {
  if (rows <= 0) return;
  const all = results === undefined ? '--results FILE lists them all' : 'see the results';
  session.say('more_rows', `... and ${count(rows, noun)}; ${all}.`, { rows });
}

/** Rows that are shown one by one; the others are counted. */
const maxShown = 10;

/** Shows the first of the rows that need a word, also with `--quiet`, and counts the rest. */
interface RowTalk {
  readonly show: (code: NoticeCode, sentence: string, facts: NoticeFacts) => void;
  /** Counts the rows that were not shown. */
  readonly end: () => void;
  /** How many rows there were, shown or not. */
  readonly rows: () => number;
}

/** @param noun what a row that is not shown is called: `more refused row` */
export function createRowTalk(
  session: Session,
  noun: string,
  { results }: Pick<FileOptions, 'results'>,
): RowTalk {
  let rows = 0;
  return {
    show: (code, sentence, facts) => {
      rows += 1;
      if (rows > maxShown) return;
      session.progress(undefined);
      session.say(code, sentence, facts);
    },
    end: () => {
      session.progress(undefined);
      countMore(session, rows - maxShown, noun, results);
    },
    rows: () => rows,
  };
}

/** Sums of amounts, by currency code. */
interface FileTotals {
  readonly totals: Readonly<Record<string, string>>;
  /** Of an applied file: of the rows that this run applied, or would apply. */
  readonly applied_totals?: Readonly<Record<string, string>>;
  readonly refused_totals: Readonly<Record<string, string>>;
}

/** What `fileResult` says besides the counts. */
interface FileState extends FileTotals {
  readonly dry_run?: boolean;
  readonly interrupted?: boolean;
  /** Rows of which it is not known whether they were applied. */
  readonly unknown?: number;
}

/** The JSON of `fileResult`, given the names of its counts. */
export function countsForm<Counts>(
  names: readonly (keyof Counts & string)[],
  when?: string,
): ResultForm {
  const counts = Object.fromEntries(names.map((name) => [name, wholeNumber]));
  return oneOf(
    objectOf<FileState>({
      ...counts,
      ...{ totals: mapOf(amount), refused_totals: mapOf(amount) },
      applied_totals: optional(mapOf(amount)),
      ...{ dry_run: optional(flag), interrupted: optional(flag), unknown: optional(wholeNumber) },
    }),
    when,
  );
}

/** What became of a file, whatever its rows are. */
interface Done {
  /** In order. */
  readonly counts: Readonly<Record<string, number>>;
  /** Counts that people see only if they are not 0. */
  readonly rare?: Readonly<Record<string, number>>;
  readonly interrupted: Interruption | undefined;
  readonly totals: readonly Money[];
  readonly appliedTotals?: readonly Money[];
  readonly refusedTotals: readonly Money[];
}

/** The result of a file: its counts and totals. */
export function fileResult(
  { counts, rare = {}, interrupted, totals, appliedTotals, refusedTotals }: Done,
  { dryRun, isRefused }: { readonly dryRun: boolean; readonly isRefused: boolean },
): SingleResult {
  const refused = isRefused ? { status: Status.refused } : {};
  return {
    kind: 'single',
    wrote: !dryRun,
    data: {
      ...counts,
      ...rare,
      totals: byCode(totals),
      ...(appliedTotals ? { applied_totals: byCode(appliedTotals) } : {}),
      refused_totals: byCode(refusedTotals),
      ...(dryRun ? { dry_run: true } : {}),
      ...(interrupted ? { interrupted: true, unknown: interrupted.unknown } : {}),
    },
    view: recordView({
      ...counts,
      ...Object.fromEntries(Object.entries(rare).filter(([, rows]) => rows > 0)),
      total: listOfMoney(totals),
      ...(appliedTotals ? { applied_total: listOfMoney(appliedTotals) } : {}),
      refused_total: listOfMoney(refusedTotals),
    }),
    ...(interrupted ? { status: Status.interrupted } : refused),
  };
}

function byCode(sums: readonly Money[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    sums.map(({ currency, minor }) => [currency.code, formatAmount(minor, currency)]),
  );
}

function listOfMoney(sums: readonly Money[]): string {
  return sums.length === 0 ? '0' : sums.map(formatMoney).join(', ');
}
