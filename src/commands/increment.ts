import type { Config } from '../config/config.ts';
import type { Command, Typed } from './command.ts';
import { argument, parsePosting, writingOptions } from './command-input.ts';
import { accountForm } from './posting-schema.ts';
import { postOne } from './single-posting.ts';

export const increment: Command = {
  name: 'increment',
  summary: 'add an amount to an account',
  description:
    'The amount may be negative: bankctl increment branch1 ACC -50. It is applied once per ' +
    '--id, whatever happens in between: after a timeout, repeat the command with the same --id.',
  arguments: [
    { name: 'branch', summary: 'branch of the bank' },
    { name: 'account', summary: 'number of the account' },
    { name: 'amount', summary: 'amount in the currency of the branch, such as 50 or -12.34' },
  ],
  options: [
    ...writingOptions,
    { flags: '--create', summary: 'open the account first if it is missing' },
  ],
  examples: [
    'bankctl increment branch1 ACC 50',
    'bankctl increment branch1 ACC -12.34 --memo "cash withdrawal"',
    'bankctl increment branch1 NEW 5 --create --id till-7-000123',
  ],
  results: [accountForm('increment')],
  makesDatabase: (typed) => typed.options['create'] === true,
  run: async (typed, session) => postOne(session, parseIncrement(typed, await session.config())),
};

/** The increment that the arguments ask for. */
export function parseIncrement(typed: Typed, config: Config) {
  const fields = {
    branch: argument(typed, 0),
    account: argument(typed, 1),
    amount: argument(typed, 2),
    create: String(typed.options['create'] === true),
  };
  return parsePosting('increment', fields, typed, config);
}
