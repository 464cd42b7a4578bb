import { parseOperationId } from '../bank/operations/names.ts';
import { BankctlError, Status } from '../core/errors.ts';
import { count, quote } from '../core/text.ts';
import { formatTime } from '../core/time.ts';
import type { ApplyProgress, ApplyResult, RefusedRow } from '../files/apply-run.ts';
import type { RowFormat } from '../files/rows.ts';
import { bar } from '../render/progress.ts';
import type { SingleResult } from '../render/result.ts';
import { countsView } from '../render/view.ts';
import { again } from './again.ts';
import type { Command, Session, Typed } from './command.ts';
import { showFaults, showLeftOut } from './file-talk.ts';
import { argument, textOption } from './typed.ts';

/** What `apply` was asked to do. */
export interface ApplyInput {
  /** `-` is the standard input. */
  readonly file: string;
  /** Undefined goes by the name of the file, else by its first character. */
  readonly format: RowFormat | undefined;
  readonly batch: string | undefined;
  readonly onRefusal: 'continue' | 'stop';
  readonly atomic: boolean;
  readonly retryRefused: boolean;
  readonly again: boolean;
  readonly lastLineComplete: boolean;
  readonly results: string | undefined;
  readonly dryRun: boolean;
}

/** An id that derives from a name has 34 characters besides it at most. */
const longestBatchName = 64;

/** Refused rows that are shown; the others are counted. */
const maxShown = 10;

const correctInPlace = 'Correct a refused row in place and keep its id.';

export const apply: Command = {
  name: 'apply',
  summary: 'post the operations of a file, in order, each exactly once',
  description: [
    'One operation a row: NDJSON objects of text, or CSV with a header. Fields: type (increment if',
    'left out, open, transfer, reverse, freeze, unfreeze, close), branch, account, amount; from',
    'and to as BRANCH:ACCOUNT; reverses; id, memo; create (true or false).',
    '',
    'The whole file is checked before anything is posted, the standard input too, by way of a',
    'temporary file: every line at fault is listed, and then nothing is applied. Two rows with one',
    'id are a fault, and so is a last line of CSV that has no newline and may be cut off.',
    '',
    'After an interruption of any kind, give the same command again: what is applied is replayed,',
    'not repeated. Rows without an id need --batch NAME: their ids derive from NAME, what the row',
    'asks for, and its position among identical rows, so a file that has grown posts only what is',
    'new. A row that was changed is posted as a new one, besides what the old one applied. The',
    'same rows under another NAME would be applied a second time, so that needs --again.',
    '',
    'A row that the rules refuse changes nothing, and stays refused when the file is run again',
    `unless --retry-refused. ${correctInPlace} An applied row cannot be changed: reverse it, and`,
    'post a new one under a new id.',
    '',
    'With --atomic all rows are one transaction, which holds at most 10000 rows and 8 MiB of the',
    'file, and must end within --timeout. A dry run keeps what it would change in memory.',
  ].join('\n'),
  arguments: [{ name: 'file', summary: 'NDJSON or CSV; - reads the standard input' }],
  options: [
    { flags: '--batch <NAME>', summary: 'names the file, for rows that have no id' },
    {
      flags: '--format <FORMAT>',
      summary: 'format of the rows (default: by name, else by content)',
      choices: ['ndjson', 'csv'],
    },
    {
      flags: '--on-refusal <WHAT>',
      summary: 'what to do with the rows after a refused one',
      choices: ['continue', 'stop'],
      defaultValue: 'continue',
    },
    { flags: '--atomic', summary: 'apply all rows or none: at most 10000 rows and 8 MiB' },
    { flags: '--retry-refused', summary: 'try rows again that were refused in an earlier run' },
    { flags: '--again', summary: 'apply rows again that had another --batch name' },
    { flags: '--last-line-complete', summary: 'take a last line that has no newline as it is' },
    { flags: '--results <FILE>', summary: 'write what became of each row there, as NDJSON' },
    { flags: '--dry-run', summary: 'say what would happen, and write nothing' },
  ],
  examples: [
    'bankctl apply orders.ndjson --results done.ndjson',
    'bankctl apply payroll.csv --batch payroll-2026-11',
    'zcat orders.ndjson.gz | bankctl apply - --on-refusal stop',
  ],
  makesDatabase: () => true,
  run: async (typed, session) => run(parseApply(typed), session),
};

/** @throws `usage`, `invalid_operation_id` */
export function parseApply(typed: Typed): ApplyInput {
  const { options } = typed;
  const format = textOption(typed, 'format');
  const batch = textOption(typed, 'batch');
  return {
    file: argument(typed, 0),
    format: format === 'csv' || format === 'ndjson' ? format : undefined,
    batch: batch === undefined ? undefined : parseBatchName(batch),
    onRefusal: options['onRefusal'] === 'stop' ? 'stop' : 'continue',
    atomic: options['atomic'] === true,
    retryRefused: options['retryRefused'] === true,
    again: options['again'] === true,
    lastLineComplete: options['lastLineComplete'] === true,
    results: textOption(typed, 'results'),
    dryRun: options['dryRun'] === true,
  };
}

function parseBatchName(text: string): string {
  const name = parseOperationId(text);
  if ([...name].length <= longestBatchName) return name;
  throw new BankctlError(
    'usage',
    `--batch ${quote(text)} is longer than ${longestBatchName} characters.`,
    'Give a shorter name.',
  );
}

async function run(input: ApplyInput, session: Session): Promise<SingleResult> {
  const config = await session.config();
  const [{ applyFile }, { withFiles }] = await Promise.all([
    import('../files/apply.ts'),
    import('../files/open.ts'),
  ]);
  const { context } = session;
  const refusals = showRefusals(session);
  const typed = again('apply', wordsOf(input), input, session);
  const result = await withFiles(input, context, session.bank, (source, results, bank) =>
    applyFile({ source, format: input.format, config, batch: input.batch }, input, {
      bank,
      by: context.author,
      interrupted: context.interrupted,
      monotonicNs: context.monotonicNs,
      results,
      progress: showProgress(session),
      faulty: showFaults(session),
      leftOut: showLeftOut(session),
      refused: refusals.show,
      again: typed,
    }),
  );
  refusals.end(input.results !== undefined);
  sayMore(result, input, session, config.timezone);
  if (result.interrupted) session.talk(typed(result.interrupted.left));
  return applied(result, input);
}

function applied({ counts, interrupted }: ApplyResult, { dryRun }: ApplyInput): SingleResult {
  return {
    kind: 'single',
    wrote: !dryRun,
    data: {
      ...counts,
      ...(dryRun ? { dry_run: true } : {}),
      ...(interrupted ? { interrupted: true, unknown: interrupted.unknown } : {}),
    },
    view: countsView(['applied', 'replayed', 'refused', 'batches'], counts),
    ...(interrupted ? { status: Status.interrupted } : statusOf(counts)),
  };
}

function statusOf({ refused }: ApplyResult['counts']): Pick<SingleResult, 'status'> {
  return refused > 0 ? { status: Status.refused } : {};
}

/** What the counts alone do not say. */
function sayMore(
  result: ApplyResult,
  input: ApplyInput,
  { talk, progress }: Session,
  zone: string,
): void {
  const { counts, standing, dropped, interrupted } = result;
  progress(undefined);
  if (standing.since) {
    const [are, they, have, them] =
      standing.rows === 1 ? ['is', 'it', 'has', 'it'] : ['are', 'they', 'have', 'them'];
    const since = formatTime(standing.since, zone);
    talk(
      `${count(standing.rows, 'row')} ${are} still refused, as ${they} ${have} been since ` +
        `${since}; --retry-refused tries ${them} again.`,
    );
  }
  if (dropped > 0) {
    const [are, they] = dropped === 1 ? ['is', 'it'] : ['are', 'they'];
    talk(
      `${count(dropped, 'row')} that --batch ${input.batch} had before ${are} not in this file: ` +
        `what ${they} applied stays applied.`,
    );
  }
  if (interrupted) {
    talk(`Interrupted. ${interrupted.certainty}`);
  } else if (input.onRefusal === 'stop' && counts.refused > 0) {
    talk('Stopped there: nothing after that row was applied by this run.');
  }
  const them = counts.replayed === 1 ? 'it' : 'them';
  if (input.dryRun) {
    const { applied: fresh, refused } = counts;
    talk(
      `Dry run: nothing was written. The file would apply ${count(fresh, 'row')}, and ` +
        `${refused} would be refused.`,
    );
  } else if (counts.replayed > 0) {
    talk(
      `${count(counts.replayed, 'row')} had been applied before; nothing was added for ${them}.`,
    );
  }
}

function showRefusals({ talk, progress }: Session) {
  let shown = 0;
  let victims = 0;
  return {
    show: ({ line, error, isVictim }: RefusedRow) => {
      if (isVictim) victims += 1;
      else shown += 1;
      if (isVictim || shown > maxShown) return;
      progress(undefined);
      talk(`Line ${line} was refused: ${error.message} ${error.hint}`);
    },
    end: (hasResults: boolean) => {
      progress(undefined);
      const all = hasResults ? 'see the results' : '--results FILE lists them all';
      const rest = shown - maxShown;
      if (rest > 0) talk(`... and ${count(rest, 'more refused row')}; ${all}.`);
      if (shown > 0) talk(correctInPlace);
      if (victims === 0) return;
      const were = `${count(victims, 'other row')} of the file ${victims === 1 ? 'was' : 'were'}`;
      talk(`So ${were} not applied either (--atomic).`);
    },
  };
}

/** Count, rate and time left, redrawn at most ten times a second. */
function showProgress({ context, progress }: Session): (at: ApplyProgress) => void {
  const startedNs = context.monotonicNs();
  let drawnNs = 0n;
  let postingNs: bigint | undefined;
  return ({ phase, rows, totalRows }) => {
    const nowNs = context.monotonicNs();
    if (phase === 'posting') postingNs ??= nowNs;
    if (nowNs - drawnNs < 100_000_000n) return;
    drawnNs = nowNs;
    if (phase === 'checking') {
      progress(`Checking: ${count(rows, 'row')}`);
      return;
    }
    const seconds = Number(nowNs - (postingNs ?? startedNs)) / 1e9;
    const rate = seconds > 0 ? rows / seconds : 0;
    // Until the first batches are through, it is not known.
    const speed = rate >= 1 ? `, ${Math.round(rate)} a second` : '';
    if (totalRows === undefined) {
      progress(`Posting: ${count(rows, 'row')}${speed}`);
      return;
    }
    const left = rate >= 1 ? `, ${Math.ceil((totalRows - rows) / rate)} s left` : '';
    const total = count(totalRows, 'row');
    progress(`Posting ${bar(rows / totalRows)} ${rows} of ${total}${speed}${left}`);
  };
}

/** What follows the verb when the same file is applied again. */
function wordsOf(input: ApplyInput): readonly string[] {
  return [
    input.file,
    ...(input.batch === undefined ? [] : ['--batch', input.batch]),
    ...(input.onRefusal === 'stop' ? ['--on-refusal', 'stop'] : []),
    ...(input.atomic ? ['--atomic'] : []),
    ...(input.retryRefused ? ['--retry-refused'] : []),
    ...(input.again ? ['--again'] : []),
    ...(input.lastLineComplete ? ['--last-line-complete'] : []),
    ...(input.dryRun ? ['--dry-run'] : []),
  ];
}
