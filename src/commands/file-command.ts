import { Status } from '../core/errors.ts';
import { asSentence, count } from '../core/text.ts';
import type { FileHost, FileOptions, Interruption, Left } from '../files/file-run.ts';
import { rowFormats } from '../files/rows.ts';
import type { SingleResult } from '../render/result.ts';
import { countsView } from '../render/view.ts';
import type { Command, OptionSpec, Session, Typed } from './command.ts';
import { argument, textOption } from './command-input.ts';
import { commandLine } from './command-line.ts';
import { flag, objectOf, oneOf, optional, type ResultForm, wholeNumber } from './result-schema.ts';

/** The option for the format of a file of rows. */
export const formatOption: OptionSpec = {
  flags: '--format <FORMAT>',
  summary: 'format of the rows (default: by name, else by content)',
  choices: rowFormats,
};

/** The last options of every command that posts the rows of a file. */
export const fileOptions: readonly OptionSpec[] = [
  { flags: '--last-line-complete', summary: 'accept a last line without a newline as complete' },
  { flags: '--results <FILE>', summary: 'write the outcome of each row to FILE, as NDJSON' },
  { flags: '--dry-run', summary: 'say what would happen, and write nothing' },
];

/** The values of `formatOption` and `fileOptions`, with the last argument as the file. */
export function parseFileOptions(typed: Typed): FileOptions {
  const { args, options } = typed;
  return {
    file: argument(typed, args.length - 1),
    format: rowFormats.find((format) => format === options['format']),
    lastLineComplete: options['lastLineComplete'] === true,
    results: textOption(typed, 'results'),
    dryRun: options['dryRun'] === true,
  };
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
    faulty: (problems) => {
      progress(undefined);
      // A single problem is the message of the error that follows.
      if (problems.length < 2) return;
      for (const { line, message, hint } of problems) {
        talk(`${asSentence(`Line ${line} ${message}`)}${hint === undefined ? '' : ` ${hint}`}`);
      }
    },
    leftOut: ({ blankRows, namelessColumns }) => {
      const parts = [
        ...(blankRows > 0 ? [count(blankRows, 'row')] : []),
        ...(namelessColumns > 0 ? [`${count(namelessColumns, 'column')} without a name`] : []),
      ];
      if (parts.length === 0) return;
      progress(undefined);
      const they = blankRows + namelessColumns === 1 ? 'it holds' : 'they hold';
      talk(`Left out, since ${they} nothing: ${parts.join(' and ')}.`);
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

/** Rows that are shown one by one; the others are counted. */
const maxShown = 10;

/** Shows the first of the rows that need a word, and counts the rest. */
interface RowTalk {
  readonly show: (sentence: string) => void;
  /** Counts the rows that were not shown. */
  readonly end: () => void;
  /** How many rows there were, shown or not. */
  readonly rows: () => number;
}

/** @param noun what a row that is not shown is called: `more refused row` */
export function createRowTalk(
  { talk, progress }: Session,
  noun: string,
  { results }: Pick<FileOptions, 'results'>,
): RowTalk {
  let rows = 0;
  return {
    show: (sentence) => {
      rows += 1;
      if (rows > maxShown) return;
      progress(undefined);
      talk(sentence);
    },
    end: () => {
      progress(undefined);
      const all = results === undefined ? '--results FILE lists them all' : 'see the results';
      if (rows > maxShown) talk(`... and ${count(rows - maxShown, noun)}; ${all}.`);
    },
    rows: () => rows,
  };
}

/** What `fileResult` says besides the counts. */
interface FileState {
  readonly dry_run?: boolean;
  readonly interrupted?: boolean;
  /** Rows of which it is not known whether they were applied. */
  readonly unknown?: number;
}

/** The JSON of `fileResult`, given the names of its counts. */
export function countsForm<Counts>(names: readonly (keyof Counts & string)[]): ResultForm {
  const counts = Object.fromEntries(names.map((name) => [name, wholeNumber]));
  return oneOf(
    objectOf<FileState>({
      ...counts,
      ...{ dry_run: optional(flag), interrupted: optional(flag), unknown: optional(wholeNumber) },
    }),
  );
}

/** The result of a file: its counts, in order. */
export function fileResult(
  counts: Readonly<Record<string, number>>,
  interrupted: Interruption | undefined,
  { dryRun, isRefused }: { readonly dryRun: boolean; readonly isRefused: boolean },
): SingleResult {
  const refused = isRefused ? { status: Status.refused } : {};
  return {
    kind: 'single',
    wrote: !dryRun,
    data: {
      ...counts,
      ...(dryRun ? { dry_run: true } : {}),
      ...(interrupted ? { interrupted: true, unknown: interrupted.unknown } : {}),
    },
    view: countsView(counts),
    ...(interrupted ? { status: Status.interrupted } : refused),
  };
}
