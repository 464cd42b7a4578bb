import { parseOperationId } from '../bank/operations/names.ts';
import { isRowType, rowTypes } from '../bank/operations/operation.ts';
import { BankctlError } from '../core/errors.ts';
import { count, quote } from '../core/text.ts';
import { formatTime } from '../core/time.ts';
import type { ApplyOptions, ApplyResult } from '../files/apply.ts';
import type { FileHost } from '../files/file-run.ts';
import { operationShape } from '../files/operation-rows.ts';
import { bar } from '../render/progress.ts';
import type { SingleResult } from '../render/result.ts';
import type { Command, Session, Typed } from './command.ts';
import { textOption } from './command-input.ts';
import {
  countsForm,
  createRowTalk,
  fileHost,
  fileOptions,
  fileResult,
  formatOptions,
  parseFileOptions,
} from './file-command.ts';
import { correctInPlace, createRefusedRows, refusedSentence } from './refused-rows.ts';

/** An id that derives from a name has at most 34 more characters. */
const maxBatchNameLength = 64;

export const apply: Command = {
  name: 'apply',
  summary: 'post the operations of a file, in order, each exactly once',
  description: [
    'One operation per row: NDJSON objects of text, or CSV with a header. Fields: type (open,',
    'increment, transfer, reverse, freeze, unfreeze, close or label), branch, account, amount;',
    'from and to as BRANCH:ACCOUNT; reverses; id, memo; create (true or false); owner; labels of',
    'an open; add and remove of a label. A row without a type is a transfer if it has from and to,',
    'and an increment if not; --type is that of all rows.',
    '',
    'Columns may be in any order, and their names in any case. Semicolons or tabs between them are',
    'found if the header leaves no doubt. A decimal comma has to be declared, and so have columns',
    'with other names. Other columns are refused unless --drop leaves them out.',
    '',
    'The whole file is checked before anything is posted; the standard input is copied to a',
    'temporary file for that. If any line is faulty, all faulty lines are listed and nothing is',
    'applied. Two rows with the same id are a fault, and so is a last line of CSV that has no',
    'newline and may be cut off. --expect-rows and --expect-total are checked before anything is',
    'posted: a total is the sum of the amounts of all rows in one currency.',
    '',
    'After an interruption of any kind, run the same command again: what was applied is replayed,',
    'not repeated. Rows without an id need --batch NAME: their ids derive from NAME, what the row',
    'asks for, and its position among identical rows, so a file that has grown posts only what is',
    'new. A row that was edited after it was applied would pay a second time, so a file is refused',
    'if operations of NAME stand that are in none of its rows: reverse them first, or give another',
    'file a NAME of its own. Refused, too, are the same rows under another NAME, and rows with the',
    'id of an operation in a column that is not read as the id. --again applies them all the same.',
    '',
    'A row that the rules refuse changes nothing, and stays refused when the file is run again',
    `unless --retry-refused is given. ${correctInPlace}`,
    'An applied row cannot be changed: reverse it, and post a new one under a new id; bankctl',
    'reverse --batch NAME undoes a whole file. A row that was applied and reversed since is not',
    'applied again: it is counted as replayed and as reversed, and the exit status is 1.',
    '',
    'With --atomic all rows are one transaction, which holds at most 10000 rows and 8 MiB of the',
    'file, and must end within --timeout. A dry run keeps what it would change in a temporary',
    'file.',
  ].join('\n'),
  arguments: [{ name: 'file', summary: 'NDJSON or CSV; - reads the standard input' }],
  options: [
    { flags: '--batch <NAME>', summary: 'name of the file, for rows that have no id' },
    ...formatOptions,
    {
      flags: '--type <TYPE>',
      summary: 'type of all rows, if they do not say it',
      choices: rowTypes,
    },
    {
      flags: '--on-refusal <WHAT>',
      summary: 'what to do with the rows after a refused one',
      choices: ['continue', 'stop'],
      defaultValue: 'continue',
    },
    { flags: '--atomic', summary: 'apply all rows or none: at most 10000 rows and 8 MiB' },
    { flags: '--retry-refused', summary: 'try again the rows that an earlier run refused' },
    { flags: '--again', summary: 'apply the file even if some of its rows may pay a second time' },
    ...fileOptions,
  ],
  examples: [
    'bankctl apply orders.ndjson --results done.ndjson',
    "bankctl apply payroll.csv --batch pay-11 --expect-rows 2 --expect-total '2400.00 USD'",
    'bankctl apply bank.csv --batch nov --decimal comma --columns account=Konto --drop Saldo',
    'zcat orders.ndjson.gz | bankctl apply - --on-refusal stop',
  ],
  results: [
    countsForm<ApplyResult['counts'] & Pick<ApplyResult, 'reversed'>>([
      ...(['applied', 'replayed', 'refused', 'batches', 'reversed'] as const),
    ]),
  ],
  samples: [
    {
      name: 'orders.csv',
      text: [
        'id,type,branch,account,amount,from,to,memo',
        'order-1,open,branch1,ACC-1,100,,,',
        'order-2,increment,branch1,ACC-1,-12.34,,,cash',
        'order-3,transfer,,,25,branch1:ACC-1,branch1:ACC-2,"rent, November"',
      ].join('\n'),
    },
    {
      name: 'bank.csv',
      text: ['Branch;Konto;Amount;Saldo', 'branch1;ACC-1;-12,34;87,66'].join('\n'),
    },
    {
      name: 'orders.ndjson',
      text: [
        '{"id":"order-1","type":"open","branch":"branch1","account":"ACC-1","amount":"100"}',
        '{"id":"order-2","branch":"branch1","account":"ACC-1","amount":"-12.34","memo":"cash"}',
        '{"id":"order-3","type":"reverse","reverses":"order-2"}',
      ].join('\n'),
    },
  ],
  makesDatabase: () => true,
  run,
};

/** @throws `usage`, `invalid_operation_id` */
export function parseApply(typed: Typed): ApplyOptions {
  const { options } = typed;
  const [batch, type] = [textOption(typed, 'batch'), textOption(typed, 'type')];
  return {
    ...parseFileOptions(typed, operationShape),
    batch: batch === undefined ? undefined : parseBatchName(batch),
    onRefusal: options['onRefusal'] === 'stop' ? 'stop' : 'continue',
    atomic: options['atomic'] === true,
    retryRefused: options['retryRefused'] === true,
    again: options['again'] === true,
    type: type !== undefined && isRowType(type) ? type : undefined,
  };
}

function parseBatchName(text: string): string {
  if (text === '') {
    const hint = 'Give the file a name, and always the same one: --batch NAME.';
    throw new BankctlError('usage', 'The name after --batch is empty.', hint);
  }
  const name = parseOperationId(text);
  if ([...name].length <= maxBatchNameLength) return name;
  throw new BankctlError(
    'usage',
    `--batch ${quote(text)} is longer than ${maxBatchNameLength} characters.`,
    'Give a shorter name.',
  );
}

async function run(typed: Typed, session: Session): Promise<SingleResult> {
  const input = parseApply(typed);
  const config = await session.config();
  const { applyFile } = await import('../files/apply.ts');
  const refusals = createRowTalk(session, 'more refused row', input);
  const refused = createRefusedRows(config.journal !== false && !input.atomic, input);
  let victims = 0;
  const host = fileHost(apply, typed, session);
  const result = await applyFile(config, input, {
    ...host,
    progress: showProgress(session),
    refused: (row) => {
      const { line, error } = row;
      if (row.isVictim) victims += 1;
      else {
        refused.add(row);
        refusals.show('row_refused', refusedSentence(row), { line, error: error.code });
      }
    },
  });
  refusals.end();
  const { talk } = session;
  for (const sentence of refused.advice()) talk('correct_in_place', sentence);
  if (victims > 0) {
    const were = `${count(victims, 'other row')} of the file ${victims === 1 ? 'was' : 'were'}`;
    talk('atomic', `So ${were} not applied either (--atomic).`);
  }
  sayMore(result, input, session, config.timezone);
  const { counts, interrupted } = result;
  if (interrupted) talk('rerun', host.rerunHint(interrupted.left));
  const { reversed } = result;
  const isRefused = counts.refused > 0 || reversed > 0;
  return fileResult({ ...result, rare: { reversed } }, { ...input, isRefused });
}

/** Says what the counts alone do not. */
function sayMore(result: ApplyResult, input: ApplyOptions, session: Session, zone: string): void {
  const { talk } = session;
  const { counts, standing, reversed, dropped, interrupted } = result;
  if (standing.since) {
    const [are, they, have, them] =
      standing.rows === 1 ? ['is', 'it', 'has', 'it'] : ['are', 'they', 'have', 'them'];
    const since = formatTime(standing.since, zone);
    talk(
      'still_refused',
      `${count(standing.rows, 'row')} ${are} still refused, as ${they} ${have} been since ` +
        `${since}; --retry-refused tries ${them} again.`,
    );
  }
  if (dropped > 0) {
    const [are, stay] = dropped === 1 ? ['is', 'it stays'] : ['are', 'they stay'];
    const sentence =
      `${count(dropped, 'operation')} of --batch ${quote(input.batch ?? '')} ${are} in no row of ` +
      `this file: ${stay} applied.`;
    talk('rows_gone', sentence, { operations: dropped });
  }
  if (interrupted) {
    talk('interrupted', `Interrupted. ${interrupted.certainty}`);
  } else if (input.onRefusal === 'stop' && counts.refused > 0) {
    talk('stopped', 'Stopped there: nothing after that row was applied by this run.');
  }
  const them = counts.replayed === 1 ? 'it' : 'them';
  if (input.dryRun) {
    const { applied: fresh, refused } = counts;
    talk(
      'dry_run',
      `Dry run: nothing was written. The file would apply ${count(fresh, 'row')}, and ` +
        `${refused} would be refused.`,
    );
  } else if (counts.replayed > 0) {
    talk(
      'replayed',
      `${count(counts.replayed, 'row')} had been applied before; nothing was added for ${them}.`,
    );
  }
  if (reversed > 0) talk('reversed_rows', reversedSentence(result, input));
}

/** What became of rows that were undone, and how to apply them all the same. */
function reversedSentence({ reversed, counts }: ApplyResult, { batch }: ApplyOptions): string {
  const [are, have, them, they, ids] =
    reversed === 1
      ? ['is', 'has', 'it', 'it', 'a new id']
      : ['are', 'have', 'them', 'they', 'new ids'];
  const isWhole = counts.applied === 0 && counts.replayed === reversed;
  const cure =
    batch === undefined
      ? `give ${them} ${ids}`
      : isWhole
        ? 'give the file another --batch name, with --again'
        : `give ${them} alone, in a file with another --batch name (--results lists ${them})`;
  return (
    `${count(reversed, 'row')} ${have} been applied before and reversed since: ${they} ${are} ` +
    `not applied again. To apply ${them}, ${cure}.`
  );
}

/** Count, rate and time left, redrawn at most ten times a second. */
function showProgress({ context, progress }: Session): FileHost['progress'] {
  let drawnNs = 0n;
  let postingNs: bigint | undefined;
  return ({ rows, totalRows }) => {
    const nowNs = context.monotonicNs();
    if (totalRows !== undefined) postingNs ??= nowNs;
    if (nowNs - drawnNs < 100_000_000n) return;
    drawnNs = nowNs;
    if (totalRows === undefined || postingNs === undefined) {
      progress(`Checking: ${count(rows, 'row')}`);
      return;
    }
    const seconds = Number(nowNs - postingNs) / 1e9;
    const rate = seconds > 0 ? rows / seconds : 0;
    // Until the first batches are posted, the rate is not known.
    const speed = rate >= 1 ? `, ${Math.round(rate)} a second` : '';
    const left = rate >= 1 ? `, ${Math.ceil((totalRows - rows) / rate)} s left` : '';
    const total = count(totalRows, 'row');
    progress(`Posting ${bar(rows / totalRows)} ${rows} of ${total}${speed}${left}`);
  };
}
