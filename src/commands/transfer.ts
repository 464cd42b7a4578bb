import type { Config } from '../config/config.ts';
import type { Command, Typed } from './command.ts';
import { argument, parsePosting, writingOptions } from './command-input.ts';
import { transferForm } from './posting-schema.ts';
import { postOne } from './single-posting.ts';

export const transfer: Command = {
  name: 'transfer',
  summary: 'move money between two accounts, both or neither',
  arguments: [
    { name: 'from', summary: 'account that pays, as BRANCH:ACCOUNT' },
    { name: 'to', summary: 'account that is paid, as BRANCH:ACCOUNT' },
    { name: 'amount', summary: 'amount in the currency of both branches' },
  ],
  options: writingOptions,
  examples: [
    'bankctl transfer branch1:ACC branch2:ACC 25',
    'bankctl transfer branch1:ACC branch1:SAVINGS 10.50 --memo "monthly" --id m-2026-11',
  ],
  results: [transferForm()],
  run: async (typed, session) => postOne(session, parseTransfer(typed, await session.config())),
};

/** The transfer that the arguments ask for. */
export function parseTransfer(typed: Typed, config: Config) {
  const fields = {
    from: argument(typed, 0),
    to: argument(typed, 1),
    amount: argument(typed, 2),
  };
  return parsePosting('transfer', fields, typed, config);
}
