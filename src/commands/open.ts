import { parseAccountNumber } from '../bank/names.ts';
import type { Config } from '../config/config.ts';
import { findBranch } from '../config/find-branch.ts';
import { parseAmount } from '../core/money.ts';
import type { Command, Typed } from './command.ts';
import { argument, parseWriting, textOption, type WritingInput, writingOptions } from './typed.ts';
import { postOne } from './writing.ts';

/** What `open` was asked to do. */
export interface OpenInput extends WritingInput {
  readonly branch: string;
  readonly account: string;
  readonly amountMinor: bigint;
}

export const open: Command = {
  name: 'open',
  summary: 'open an account',
  arguments: [
    { name: 'branch', summary: 'branch of the bank' },
    { name: 'account', summary: 'number of the new account' },
  ],
  options: [
    { flags: '--balance <AMOUNT>', summary: 'first balance', defaultValue: '0' },
    ...writingOptions,
  ],
  examples: ['bankctl open branch1 ACC --balance 100', 'bankctl open branch2 ACC --dry-run'],
  makesDatabase: () => true,
  run: async (typed, session) => {
    const input = parseOpen(typed, await session.config());
    return postOne(session, { type: 'open', ...input }, input);
  },
};

/** @throws the errors of its parts, all of status 2 but `amount_precision` */
export function parseOpen(typed: Typed, config: Config): OpenInput {
  const branch = findBranch(config, argument(typed, 0));
  return {
    branch: branch.name,
    account: parseAccountNumber(argument(typed, 1)),
    amountMinor: parseAmount(textOption(typed, 'balance') ?? '0', branch.currency),
    ...parseWriting(typed),
  };
}
