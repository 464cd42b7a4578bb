import type { Command } from './command.ts';
import { argument, parsePosting, writingOptions } from './typed.ts';
import { postOne } from './writing.ts';

export const freeze = statusCommand(
  'freeze',
  'let nothing move on an account until it is unfrozen',
);

export const unfreeze = statusCommand('unfreeze', 'let money move again on a frozen account');

export const close = statusCommand('close', 'end an account for good; its balance must be zero');

/** The three differ in their verb alone. */
function statusCommand(type: 'freeze' | 'unfreeze' | 'close', summary: string): Command {
  return {
    name: type,
    summary,
    arguments: [
      { name: 'branch', summary: 'branch of the bank' },
      { name: 'account', summary: 'number of the account' },
    ],
    options: writingOptions,
    examples: [`bankctl ${type} branch1 ACC --memo "as the court ordered"`],
    run: async (typed, session) => {
      const fields = { branch: argument(typed, 0), account: argument(typed, 1) };
      return postOne(session, parsePosting(type, fields, typed, await session.config()));
    },
  };
}
