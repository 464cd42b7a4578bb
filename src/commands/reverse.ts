import { parseOperationId } from '../bank/operations/names.ts';
import { BankctlError } from '../core/errors.ts';
import { quote } from '../core/text.ts';
import { hintAtPlace } from './bank-notices.ts';
import type { Command, Typed } from './command.ts';
import { parseWriting, textOption, type WritingInput, writingOptions } from './command-input.ts';
import { accountForm, postingsForm, transferForm } from './posting-schema.ts';
import { type BatchInput, batchForm, batchOptions, runBatch } from './reverse-batch.ts';
import { postOne } from './single-posting.ts';

export const reverse: Command = {
  name: 'reverse',
  summary: 'post the opposite of an increment, transfer, label or repair, at most once',
  description: [
    'The rules apply to a reversal too: money that is no longer there cannot be taken back.',
    'A reversal itself cannot be reversed.',
    '',
    'With --batch NAME it undoes a file that was applied under that name: all its operations that',
    'are not reversed yet, newest first, each with a reversal of its own. What cannot be reversed',
    'is listed with the reason. It says what it would do, and asks; after an interruption of any',
    'kind, run the same command again. Rows with ids of their own are reversed one by one.',
  ].join('\n'),
  arguments: [{ name: 'operation', summary: 'id of the operation to reverse', optional: true }],
  options: [...writingOptions, ...batchOptions],
  examples: [
    'bankctl reverse till-7-000123',
    'bankctl reverse m-2026-11 --memo "paid twice"',
    'bankctl reverse --batch payroll-2026-11 --dry-run',
  ],
  results: [
    accountForm('reverse', 'of an operation on one account'),
    transferForm('of a transfer'),
    postingsForm('of a repair of several accounts'),
    batchForm,
  ],
  run: async (typed, session) => {
    const input = parseReverse(typed);
    if ('batch' in input) return runBatch(input, reverse, typed, session);
    const { reverses } = input;
    const posting = postOne(session, { type: 'reverse', ...input });
    return posting.catch(async (error: unknown) => {
      const isNotFound = error instanceof BankctlError && error.code === 'operation_not_found';
      if (!isNotFound) throw error;
      const [{ notFoundToReverse }, bank] = await Promise.all([
        import('../bank/index.ts'),
        session.bank(),
      ]);
      // Without similar ids, the error is still true.
      const named = await notFoundToReverse(bank, reverses).catch(() => error);
      throw await hintAtPlace(session, bank, named);
    });
  },
};

/** One operation, or all of a file. */
type ReverseInput = (WritingInput & { readonly reverses: string }) | BatchInput;

/** @throws `usage`, `invalid_operation_id`, `invalid_memo` */
export function parseReverse(typed: Typed): ReverseInput {
  const { id, ...writing } = parseWriting(typed);
  const [operation] = typed.args;
  const batch = textOption(typed, 'batch');
  const [yes, results] = [typed.options['yes'] === true, textOption(typed, 'results')];
  const usage = (message: string, hint: string) => new BankctlError('usage', message, hint);
  if (batch === undefined) {
    if (operation === undefined) {
      const hint = 'Name an operation, or the file with --batch NAME.';
      throw usage('bankctl reverse has nothing to reverse.', hint);
    }
    if (yes || results !== undefined) {
      const flag = yes ? '--yes' : '--results';
      throw usage(`${flag} is for --batch: a single reversal does not need it.`, 'Leave it out.');
    }
    return { reverses: parseOperationId(operation), id, ...writing };
  }
  if (operation !== undefined) {
    throw usage(`--batch reverses a whole file, and ${quote(operation)} is one operation.`, hint);
  }
  if (id !== undefined) {
    throw usage(
      '--id is for one reversal: with --batch, each has an id of its own.',
      'Leave it out.',
    );
  }
  return {
    batch: parseOperationId(batch),
    memo: writing.memo,
    results,
    yes,
    dryRun: writing.dryRun,
  };
}

const hint = 'Leave out one of the two.';
