import type { Config } from '../config/config.ts';
import { findBranch } from '../config/find-branch.ts';
import { Status } from '../core/errors.ts';
import { count } from '../core/text.ts';
import type { ImportResult } from '../files/import.ts';
import type { ImportedRow } from '../files/import-rows.ts';
import type { RowFormat } from '../files/rows.ts';
import type { SingleResult } from '../render/result.ts';
import { countsView } from '../render/view.ts';
import { again } from './again.ts';
import type { Command, Session, Typed } from './command.ts';
import { showFaults, showLeftOut } from './file-talk.ts';
import { argument, textOption } from './typed.ts';

/** What `import` was asked to do. */
export interface ImportInput {
  readonly branch: string;
  /** `-` is the standard input. */
  readonly file: string;
  readonly format: RowFormat | undefined;
  readonly anyBranch: boolean;
  readonly lastLineComplete: boolean;
  readonly results: string | undefined;
  readonly dryRun: boolean;
}

/** Rows that are shown as conflicting or rejected; the others are counted. */
const maxShown = 10;

/** Not named `import`, which the language keeps for itself. */
export const importCommand: Command = {
  name: 'import',
  summary: 'open the accounts of a file, with their balances and statuses',
  description: [
    'One account a row, as bankctl export writes them: CSV with a header, or NDJSON objects of',
    'text. Fields: account, balance; branch, currency, status (open if left out). The whole',
    'file is checked first: every line at fault is listed, and then nothing is imported. After',
    'that every row is accounted for: created; duplicate, if the account is there with the same',
    'balance and status; conflict, if it is there with others, and stays as it is; rejected, if',
    'the rules do not let it be opened. Repeated, the command finds what it did as duplicates,',
    'and completes what was interrupted.',
  ].join('\n'),
  arguments: [
    { name: 'branch', summary: 'branch of the accounts' },
    { name: 'file', summary: 'CSV or NDJSON; - reads the standard input' },
  ],
  options: [
    { flags: '--any-branch', summary: 'take each row into the branch that it names' },
    {
      flags: '--format <FORMAT>',
      summary: 'format of the rows (default: by name, else by content)',
      choices: ['ndjson', 'csv'],
    },
    { flags: '--last-line-complete', summary: 'take a last line that has no newline as it is' },
    { flags: '--results <FILE>', summary: 'write what became of each row there, as NDJSON' },
    { flags: '--dry-run', summary: 'say what would happen, and write nothing' },
  ],
  examples: [
    'bankctl import branch1 branch1.csv',
    'bankctl import branch1 bank.csv --any-branch --results done.ndjson',
  ],
  makesDatabase: () => true,
  run: async (typed, session) => run(parseImport(typed, await session.config()), session),
};

/** @throws `unknown_branch` */
export function parseImport(typed: Typed, config: Config): ImportInput {
  const format = textOption(typed, 'format');
  return {
    branch: findBranch(config, argument(typed, 0)).name,
    file: argument(typed, 1),
    format: format === 'csv' || format === 'ndjson' ? format : undefined,
    anyBranch: typed.options['anyBranch'] === true,
    lastLineComplete: typed.options['lastLineComplete'] === true,
    results: textOption(typed, 'results'),
    dryRun: typed.options['dryRun'] === true,
  };
}

async function run(input: ImportInput, session: Session): Promise<SingleResult> {
  const config = await session.config();
  const [{ importFile }, { withFiles }] = await Promise.all([
    import('../files/import.ts'),
    import('../files/open.ts'),
  ]);
  const { context } = session;
  const shown = showRows(session);
  const words = [
    input.branch,
    input.file,
    ...(input.anyBranch ? ['--any-branch'] : []),
    ...(input.lastLineComplete ? ['--last-line-complete'] : []),
    ...(input.dryRun ? ['--dry-run'] : []),
  ];
  const typed = again('import', words, input, session);
  const result = await withFiles(input, context, session.bank, (source, results, bank) =>
    importFile(source, { ...input, config }, input, {
      bank,
      by: context.author,
      interrupted: context.interrupted,
      monotonicNs: context.monotonicNs,
      results,
      checked: (rows) => session.progress(`Checking: ${count(rows, 'row')}`),
      faulty: showFaults(session),
      leftOut: showLeftOut(session),
      imported: shown.show,
      again: typed,
    }),
  );
  session.progress(undefined);
  sayMore(result, input, session, shown);
  if (result.interrupted) session.talk(typed(result.interrupted.left));
  return imported(result, input, shown.wrong());
}

function sayMore(
  { interrupted }: ImportResult,
  input: ImportInput,
  { talk }: Session,
  { wrong }: ReturnType<typeof showRows>,
): void {
  const rest = wrong() - maxShown;
  const all = input.results === undefined ? '--results FILE lists them all' : 'see the results';
  if (rest > 0) talk(`... and ${count(rest, 'more such row')}; ${all}.`);
  if (input.dryRun) talk('Dry run: nothing was written.');
  if (interrupted) talk(`Interrupted. ${interrupted.certainty}`);
}

function imported(
  { counts, interrupted }: ImportResult,
  { dryRun }: ImportInput,
  wrong: number,
): SingleResult {
  return {
    kind: 'single',
    wrote: !dryRun,
    data: {
      ...counts,
      ...(dryRun ? { dry_run: true } : {}),
      ...(interrupted ? { interrupted: true, unknown: interrupted.unknown } : {}),
    },
    view: countsView(['read', 'created', 'duplicate', 'conflict', 'rejected'], counts),
    ...(interrupted ? { status: Status.interrupted } : {}),
    ...(!interrupted && wrong > 0 ? { status: Status.refused } : {}),
  };
}

function showRows({ talk, progress }: Session) {
  let wrong = 0;
  let read = 0;
  return {
    show: (rows: readonly ImportedRow[]) => {
      for (const { line, outcome, reason } of rows) {
        if (reason === undefined) continue;
        wrong += 1;
        if (wrong > maxShown) continue;
        progress(undefined);
        talk(`Line ${line}, ${outcome}: ${reason}.`);
      }
      read += rows.length;
      progress(`Importing: ${count(read, 'row')}`);
    },
    /** Rows that are not as the file has them. */
    wrong: () => wrong,
  };
}
