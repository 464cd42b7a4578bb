import type { Command } from './command.ts';
import { argument, parsePosting, writingOptions } from './command-input.ts';
import { accountForm } from './posting-schema.ts';
import { postOne } from './single-posting.ts';

export const freeze = statusCommand(
  'freeze',
  'block an account: no money moves until it is unfrozen',
);

export const unfreeze = statusCommand('unfreeze', 'unblock a frozen account: money can move again');

export const close = statusCommand('close', 'close an account for good; its balance must be zero');

/** The three commands differ only in their verb. */
function statusCommand(type: 'freeze' | 'unfreeze' | 'close', summary: string): Command {
  return {
    name: type,
    summary,
    arguments: [
      { name: 'branch', summary: 'branch of the bank' },
      { name: 'account', summary: 'number of the account' },
    ],
    options: writingOptions,
    examples: [`bankctl ${type} branch1 ACC --memo "by court order"`],
    results: [accountForm(type)],
    run: async (typed, session) => {
      const fields = { branch: argument(typed, 0), account: argument(typed, 1) };
      return postOne(session, parsePosting(type, fields, typed, await session.config()));
    },
  };
}
