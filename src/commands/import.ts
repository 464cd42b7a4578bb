import { findBranch } from '../bank/find-branch.ts';
import type { Config } from '../config/config.ts';
import { Status } from '../errors.ts';
import type { ImportCounts, ImportedRow } from '../files/import.ts';
import type { RowFormat } from '../files/rows.ts';
import { countsView } from '../render/view.ts';
import { count } from '../text.ts';
import { again } from './again.ts';
import type { Command, Session, SingleResult, Typed } from './command.ts';
import { argument, textOption } from './typed.ts';

/** What `import` was asked to do. */
export interface ImportInput {
  readonly branch: string;
  /** `-` is the standard input. */
  readonly file: string;
  readonly format: RowFormat | undefined;
  readonly anyBranch: boolean;
  readonly results: string | undefined;
  readonly dryRun: boolean;
}

/** Rows that are shown as conflicting or rejected; the others are counted. */
const mostShown = 10;

/** Not named `import`, which the language keeps for itself. */
export const importCommand: Command = {
  name: 'import',
  summary: 'open the accounts of a file, with their balances and statuses',
  description: [
    'One account a line, as bankctl export writes them: CSV with a head, or NDJSON objects of',
    'text. Fields: account, balance; branch, currency, status (open where it is left out). Every',
    'row is accounted for: created; duplicate, where the account is there with the same balance',
    'and status; conflict, where it is there with others, and stays as it is; rejected, where it',
    'is no account that can be opened. Repeated, the command finds what it did as duplicates.',
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
  const words = [input.branch, input.file, ...(input.anyBranch ? ['--any-branch'] : [])];
  const counts = await withFiles(input, context, session.bank, (source, results, bank) =>
    importFile(
      source,
      input.format,
      { ...input, config },
      {
        bank,
        by: context.author,
        dryRun: input.dryRun,
        interrupted: context.interrupted,
        monotonicNs: context.monotonicNs,
        timeoutMs: bank.timeoutMs,
        results,
        imported: shown.show,
        again: again('import', words, input, session),
      },
    ),
  );
  return imported(counts, input, session, shown.rest());
}

function imported(
  counts: ImportCounts,
  input: ImportInput,
  { talk, progress }: Session,
  rest: number,
): SingleResult {
  progress(undefined);
  if (rest > 0) talk(`... and ${count(rest, 'more such row')}; --results FILE has them all.`);
  if (input.dryRun) talk('Dry run: nothing was written.');
  return {
    kind: 'single',
    wrote: !input.dryRun,
    data: input.dryRun ? { ...counts, dry_run: true } : counts,
    view: countsView(['read', 'created', 'duplicate', 'conflict', 'rejected'], counts),
    ...(counts.conflict + counts.rejected > 0 ? { status: Status.refused } : {}),
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
        if (wrong > mostShown) continue;
        progress(undefined);
        talk(`Line ${line}, ${outcome}: ${reason}.`);
      }
      read += rows.length;
      progress(`Importing: ${count(read, 'row')}`);
    },
    rest: () => Math.max(wrong - mostShown, 0),
  };
}
