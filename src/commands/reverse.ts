import { parseOperationId } from '../bank/operations/names.ts';
import { BankctlError } from '../core/errors.ts';
import { hintAtPlace } from './bank-notices.ts';
import type { Command } from './command.ts';
import { argument, parseWriting, writingOptions } from './command-input.ts';
import { accountForm, postingsForm, transferForm } from './posting-schema.ts';
import { postOne } from './single-posting.ts';

export const reverse: Command = {
  name: 'reverse',
  summary: 'post the opposite of an increment, a transfer or a repair, at most once',
  description:
    'The rules apply to a reversal too: money that is no longer there cannot be taken back. ' +
    'A reversal itself cannot be reversed.',
  arguments: [{ name: 'operation', summary: 'id of the operation to reverse' }],
  options: writingOptions,
  examples: ['bankctl reverse till-7-000123', 'bankctl reverse m-2026-11 --memo "paid twice"'],
  results: [
    accountForm('reverse', 'of an operation on one account'),
    transferForm('of a transfer'),
    postingsForm('of a repair of several accounts'),
  ],
  run: async (typed, session) => {
    const reverses = parseOperationId(argument(typed, 0));
    const posting = postOne(session, { type: 'reverse', reverses, ...parseWriting(typed) });
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
