import type { Config } from '../config/config.ts';
import type { Command, Typed } from './command.ts';
import { argument, givenOption, parsePosting, writingOptions } from './command-input.ts';
import { accountForm } from './posting-schema.ts';
import { postOne } from './single-posting.ts';

export const label: Command = {
  name: 'label',
  summary: 'say whose an account is, and give it words to find it by',
  description: [
    'Sets the owner, one line of at most 200 characters, and adds and removes labels: at most 20',
    'words of at most 40 characters, which may also be given together, as vip,retail. bankctl',
    'accounts finds accounts by both, in any case. It moves no money, is journalled like any other',
    'operation, and bankctl reverse takes it back, unless what it set was changed again since. A',
    'frozen account can be labelled, a closed one cannot.',
    '',
    'A field owner or labels that another program keeps in its documents stays its own: bankctl',
    'neither reads nor writes it.',
  ].join('\n'),
  arguments: [
    { name: 'branch', summary: 'branch of the bank' },
    { name: 'account', summary: 'number of the account' },
  ],
  options: [
    { flags: '--owner <NAME>', summary: 'whose account it is; - takes the owner off' },
    { flags: '--add <WORD>', summary: 'a label to add; may be repeated', repeatable: true },
    { flags: '--remove <WORD>', summary: 'a label to remove; may be repeated', repeatable: true },
    ...writingOptions,
  ],
  examples: [
    'bankctl label branch1 ACC --owner "Ada Lovelace" --add vip --add retail',
    'bankctl label branch1 ACC --remove vip --memo "left the programme"',
    'bankctl label branch1 ACC --owner -',
  ],
  results: [accountForm('label')],
  run: async (typed, session) => postOne(session, parseLabel(typed, await session.config())),
};

/** The label that the arguments ask for. */
export function parseLabel(typed: Typed, config: Config) {
  const fields = {
    branch: argument(typed, 0),
    account: argument(typed, 1),
    ...givenOption(typed, 'owner'),
    ...givenOption(typed, 'add'),
    ...givenOption(typed, 'remove'),
  };
  return parsePosting('label', fields, typed, config);
}
