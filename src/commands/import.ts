import { findBranch } from '../config/branch-lookup.ts';
import type { Config } from '../config/config.ts';
import { count } from '../core/text.ts';
import { accountShape } from '../files/account-rows.ts';
import type { FileOptions } from '../files/file-run.ts';
import type { ImportResult } from '../files/import.ts';
import type { SingleResult } from '../render/result.ts';
import type { Command, Session, Typed } from './command.ts';
import { argument } from './command-input.ts';
import {
  countsForm,
  createRowTalk,
  fileHost,
  fileOptions,
  fileResult,
  formatOptions,
  parseFileOptions,
} from './file-command.ts';

/** What `import` was asked to do. */
interface ImportInput extends FileOptions {
  readonly branch: string;
  readonly anyBranch: boolean;
}

/** Not named `import`, which the language keeps for itself. */
export const importCommand: Command = {
  name: 'import',
  summary: 'open the accounts of a file, with their balances, statuses, owners and labels',
  description: [
    'One account per row, as bankctl export writes them: CSV with a header, or NDJSON objects of',
    'text. Fields: account, balance; branch, currency, status (open if left out), owner, labels',
    '(words with spaces or commas between them). How a CSV may be written, and what --expect-rows',
    'and --expect-total do, is as in bankctl apply. The whole file is checked first: if any line',
    'is faulty, all faulty lines are listed and nothing is imported. After that every row is',
    'accounted for: created; duplicate, if the account exists just as the row has it; conflict, if',
    'it exists otherwise, and is left as it is; rejected, if the rules do not allow it. A row',
    'without an owner or labels says nothing of them. If the command is repeated, it reports what',
    'it did before as duplicates, and completes what was interrupted.',
  ].join('\n'),
  arguments: [
    { name: 'branch', summary: 'branch of the accounts' },
    { name: 'file', summary: 'CSV or NDJSON; - reads the standard input' },
  ],
  options: [
    { flags: '--any-branch', summary: 'import each row into the branch that it names' },
    ...formatOptions,
    ...fileOptions,
  ],
  examples: [
    'bankctl import branch1 branch1.csv',
    'bankctl import branch1 bank.csv --any-branch --results done.ndjson',
    'bankctl import branch1 konten.csv --columns account=Konto,balance=Saldo --decimal comma',
  ],
  results: [
    countsForm<ImportResult['counts']>(['read', 'created', 'duplicate', 'conflict', 'rejected']),
  ],
  samples: [
    {
      name: 'branch1.csv',
      text: [
        'account,balance,status,owner,labels',
        'ACC-1,100.00,open,Ada Lovelace,vip retail',
        'ACC-2,0,frozen,,',
        '"ACC, 3",7.50,,,',
      ].join('\n'),
    },
    {
      name: 'branch1.ndjson',
      text: [
        '{"account":"ACC-1","balance":"100.00","owner":"Ada Lovelace","labels":"vip retail"}',
        '{"account":"ACC-2","balance":"0","status":"frozen"}',
        '{"account":"ACC, 3","balance":"7.50"}',
      ].join('\n'),
    },
  ],
  makesDatabase: () => true,
  run,
};

/** @throws `unknown_branch` */
export function parseImport(typed: Typed, config: Config): ImportInput {
  return {
    ...parseFileOptions(typed, accountShape),
    branch: findBranch(config, argument(typed, 0)).name,
    anyBranch: typed.options['anyBranch'] === true,
  };
}

async function run(typed: Typed, session: Session): Promise<SingleResult> {
  const config = await session.config();
  const input = parseImport(typed, config);
  const { importFile } = await import('../files/import.ts');
  const { talk, progress } = session;
  const wrong = createRowTalk(session, 'more such row', input);
  const host = fileHost(importCommand, typed, session);
  const result = await importFile({ ...input, config }, input, {
    ...host,
    progress: ({ rows, totalRows }) =>
      progress(`${totalRows === undefined ? 'Checking' : 'Importing'}: ${count(rows, 'row')}`),
    imported: (rows) => {
      for (const { line, outcome, reason } of rows) {
        if (reason === undefined) continue;
        wrong.show('row_not_imported', `Line ${line}, ${outcome}: ${reason}.`, { line, outcome });
      }
    },
  });
  wrong.end();
  const { interrupted } = result;
  if (input.dryRun) talk('dry_run', 'Dry run: nothing was written.');
  if (interrupted) {
    talk('interrupted', `Interrupted. ${interrupted.certainty}`);
    talk('rerun', host.rerunHint(interrupted.left));
  }
  return fileResult(result, { ...input, isRefused: wrong.rows() > 0 });
}
