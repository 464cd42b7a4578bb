import { parseReference } from '../bank/names.ts';
import type { AccountReference } from '../bank/operation.ts';
import type { Config } from '../config/config.ts';
import { findBranch } from '../config/find-branch.ts';
import { parseAmount } from '../core/money.ts';
import type { Command, Typed } from './command.ts';
import { argument, parseWriting, type WritingInput, writingOptions } from './typed.ts';
import { postOne } from './writing.ts';

/** What `transfer` was asked to do. */
export interface TransferInput extends WritingInput {
  readonly from: AccountReference;
  readonly to: AccountReference;
  readonly amountMinor: bigint;
}

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
  run: async (typed, session) => {
    const input = parseTransfer(typed, await session.config());
    return postOne(session, { type: 'transfer', ...input }, input);
  },
};

/** @throws the errors of its parts, all of status 2 but `amount_precision` */
export function parseTransfer(typed: Typed, config: Config): TransferInput {
  const from = parseReference(argument(typed, 0));
  const to = parseReference(argument(typed, 1));
  const source = findBranch(config, from.branch);
  return {
    from: { ...from, branch: source.name },
    to: { ...to, branch: findBranch(config, to.branch).name },
    amountMinor: parseAmount(argument(typed, 2), source.currency),
    ...parseWriting(typed),
  };
}
