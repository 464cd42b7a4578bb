import { parseAccountNumber } from '../bank/names.ts';
import type { Config } from '../config/config.ts';
import { findBranch } from '../config/find-branch.ts';
import { parseAmount } from '../core/money.ts';
import type { Command, Typed } from './command.ts';
import { argument, parseWriting, type WritingInput, writingOptions } from './typed.ts';
import { postOne } from './writing.ts';

/** What `increment` was asked to do. */
export interface IncrementInput extends WritingInput {
  readonly branch: string;
  readonly account: string;
  readonly amountMinor: bigint;
  readonly create: boolean;
}

export const increment: Command = {
  name: 'increment',
  summary: 'add an amount to an account',
  description:
    'The amount may be negative: bankctl increment branch1 ACC -50. It is applied once for one ' +
    '--id, whatever happens in between: after a timeout repeat the command with its id.',
  arguments: [
    { name: 'branch', summary: 'branch of the bank' },
    { name: 'account', summary: 'number of the account' },
    { name: 'amount', summary: 'amount in the currency of the branch, such as 50 or -12.34' },
  ],
  options: [
    ...writingOptions,
    { flags: '--create', summary: 'open the account first where it is missing' },
  ],
  examples: [
    'bankctl increment branch1 ACC 50',
    'bankctl increment branch1 ACC -12.34 --memo "cash withdrawal"',
    'bankctl increment branch1 NEW 5 --create --id till-7-000123',
  ],
  makesDatabase: (typed) => typed.options['create'] === true,
  run: async (typed, session) => {
    const input = parseIncrement(typed, await session.config());
    return postOne(session, { type: 'increment', ...input }, input);
  },
};

/** @throws the errors of its parts, all of status 2 but `amount_precision` */
export function parseIncrement(typed: Typed, config: Config): IncrementInput {
  const branch = findBranch(config, argument(typed, 0));
  return {
    branch: branch.name,
    account: parseAccountNumber(argument(typed, 1)),
    amountMinor: parseAmount(argument(typed, 2), branch.currency),
    create: typed.options['create'] === true,
    ...parseWriting(typed),
  };
}
