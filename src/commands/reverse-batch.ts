import { count, quote } from '../core/text.ts';
import type { ReverseBatchOptions, ReverseBatchResult } from '../files/reverse-batch.ts';
import { formatMoney } from '../files/totals.ts';
import type { SingleResult } from '../render/result.ts';
import type { Command, OptionSpec, Session, Typed } from './command.ts';
import { askConsent, checkConsent } from './confirmation.ts';
import { countsForm, createRowTalk, fileHost, fileResult } from './file-command.ts';

/** The options of a reversal that are about a whole file. */
export const batchOptions: readonly OptionSpec[] = [
  { flags: '--batch <NAME>', summary: 'reverse all that apply --batch NAME gave an id' },
  { flags: '--results <FILE>', summary: 'of a batch: write each outcome to FILE, as NDJSON' },
  { flags: '--yes', summary: 'of a batch: go ahead without asking' },
];

/** What reversing a file prints. */
export const batchForm = countsForm<ReverseBatchResult['counts']>(
  ['reversed', 'reversed_before', 'refused', 'batches'],
  'with --batch',
);

/** The file to undo. */
export interface BatchInput extends ReverseBatchOptions {
  readonly yes: boolean;
}

/** Reverses a file. On a terminal it first says what it would do, and asks. */
export async function runBatch(
  input: BatchInput,
  command: Command,
  typed: Typed,
  session: Session,
): Promise<SingleResult> {
  checkConsent(session, input, 'reverse --batch');
  const { yes, dryRun, batch } = input;
  const host = fileHost(command, typed, session);
  const run = async (options: ReverseBatchOptions) => {
    const { reverseBatch } = await import('../files/reverse-batch.ts');
    const refusals = createRowTalk(session, 'more operation that cannot be reversed', options);
    const result = await reverseBatch(options, {
      ...host,
      progress: ({ rows, totalRows }) =>
        session.progress(`${totalRows === undefined ? 'Reading' : verb(options)}: ${of(rows)}`),
      refused: ({ operation, error }) => {
        const id = 'reverses' in operation ? operation.reverses : operation.id;
        const sentence = `${quote(id)} cannot be reversed: ${error.message} ${error.hint}`;
        refusals.show('not_reversed', sentence, { operation: id, error: error.code });
      },
    });
    refusals.end();
    return result;
  };
  const isAsked = !yes && !dryRun;
  if (isAsked) {
    const preview = await run({ ...input, dryRun: true, results: undefined });
    const { interrupted, counts } = preview;
    if (interrupted || counts.reversed === 0) {
      const dry = { ...input, dryRun: interrupted !== undefined };
      return report(preview, dry, host.rerunHint, session);
    }
    await askConsent(session, question(batch, preview));
  }
  return report(await run(input), input, host.rerunHint, session);
}

function verb({ dryRun }: ReverseBatchOptions): string {
  return dryRun ? 'Checking' : 'Reversing';
}

function of(operations: number): string {
  return count(operations, 'operation');
}

function question(batch: string, { counts, totals, refusedTotals }: ReverseBatchResult): string {
  const left = totals.map(({ currency, minor }) => {
    const refused = refusedTotals.find((it) => it.currency.code === currency.code)?.minor ?? 0n;
    return formatMoney({ currency, minor: minor - refused });
  });
  const sum = left.length === 0 ? '' : `, ${left.join(' and ')} in total`;
  return `Reverse ${of(counts.reversed)} of --batch ${quote(batch)}${sum}?`;
}

function report(
  result: ReverseBatchResult,
  { dryRun, batch }: BatchInput,
  rerunHint: ReturnType<typeof fileHost>['rerunHint'],
  { talk }: Session,
): SingleResult {
  const { counts, ownIds, interrupted } = result;
  const { reversed, reversed_before: before, refused } = counts;
  if (interrupted) {
    talk('interrupted', `Interrupted. ${interrupted.certainty}`);
    talk('rerun', rerunHint(interrupted.left));
  } else if (dryRun) {
    talk(
      'dry_run',
      `Dry run: nothing was written. ${of(reversed)} would be reversed, ${refused} refused.`,
    );
  } else if (reversed === 0 && refused === 0) {
    talk(
      'nothing_to_do',
      `Nothing is left to reverse of --batch ${quote(batch)}: ${of(before)} had been before.`,
    );
  }
  if (ownIds > 0) {
    const [had, is, it] = ownIds === 1 ? ['an id', 'is', 'it'] : ['ids', 'are', 'them'];
    talk(
      'own_ids',
      `${count(ownIds, 'row')} of the file had ${had} of ${ownIds === 1 ? 'its' : 'their'} own ` +
        `and ${is} not among these; reverse ${it} by ${had}.`,
    );
  }
  if (!interrupted && !dryRun && reversed + before > 0) {
    talk(
      'batch_name_used',
      'To apply the file again once it is corrected, give it another --batch name: with ' +
        `${quote(batch)}, rows that were reversed are not applied again.`,
    );
  }
  return fileResult(result, { dryRun, isRefused: refused > 0 });
}
