import type { Config } from '../config/config.ts';
import type { Command, Typed } from './command.ts';
import {
  argument,
  givenOption,
  parsePosting,
  textOption,
  writingOptions,
} from './command-input.ts';
import { accountForm } from './posting-schema.ts';
import { postOne } from './single-posting.ts';

export const open: Command = {
  name: 'open',
  summary: 'open an account',
  arguments: [
    { name: 'branch', summary: 'branch of the bank' },
    { name: 'account', summary: 'number of the new account', isNew: true },
  ],
  options: [
    { flags: '--balance <AMOUNT>', summary: 'first balance', defaultValue: '0' },
    { flags: '--owner <NAME>', summary: 'whose account it is' },
    { flags: '--label <WORD>', summary: 'a word to find it by; may be repeated', repeatable: true },
    ...writingOptions,
  ],
  examples: [
    'bankctl open branch1 ACC --balance 100',
    'bankctl open branch1 NEW --owner "Ada Lovelace" --label vip --label retail',
    'bankctl open branch2 ACC --dry-run',
  ],
  results: [accountForm('open')],
  makesDatabase: () => true,
  run: async (typed, session) => postOne(session, parseOpen(typed, await session.config())),
};

/** The open that the arguments ask for. */
export function parseOpen(typed: Typed, config: Config) {
  const fields = {
    branch: argument(typed, 0),
    account: argument(typed, 1),
    amount: textOption(typed, 'balance') ?? '0',
    ...givenOption(typed, 'owner'),
    ...givenOption(typed, 'label', 'labels'),
  };
  return parsePosting('open', fields, typed, config);
}
