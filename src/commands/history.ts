import { findBranch } from '../bank/find-branch.ts';
import type { HistoryRow } from '../bank/history.ts';
import { parseAccountNumber } from '../bank/names.ts';
import { parseTime } from '../time.ts';
import { type Command, streamOf } from './command.ts';
import { argument, textOption, wholeNumberOption } from './typed.ts';

export const history: Command = {
  name: 'history',
  summary: 'list the postings of an account with the running balance',
  arguments: [
    { name: 'branch', summary: 'branch of the bank' },
    { name: 'account', summary: 'number of the account' },
  ],
  options: [
    { flags: '--since <TIME>', summary: 'leave out what was posted before, ISO 8601' },
    { flags: '--until <TIME>', summary: 'leave out what was posted at this time or after' },
    { flags: '--limit <COUNT>', summary: 'the newest so many' },
  ],
  examples: [
    'bankctl history branch1 ACC',
    'bankctl history branch1 ACC --since 2026-11-01 --limit 20 -o csv',
  ],
  run: async (typed, session) => {
    const branch = findBranch(await session.config(), argument(typed, 0)).name;
    const account = parseAccountNumber(argument(typed, 1));
    const since = textOption(typed, 'since');
    const until = textOption(typed, 'until');
    const range = {
      since: since === undefined ? undefined : parseTime(since, '--since'),
      until: until === undefined ? undefined : parseTime(until, '--until'),
      limit: wholeNumberOption(typed, 'limit', { least: 1, most: 1e9 }),
    };
    const { accountHistory } = await import('../bank/index.ts');
    return streamOf<HistoryRow>(
      accountHistory(await session.bank(), { branch, account }, range),
      [
        { name: 'at' },
        { name: 'operation' },
        { name: 'type' },
        { name: 'amount', align: 'right' },
        { name: 'balance', align: 'right' },
        { name: 'version', align: 'right' },
        { name: 'memo' },
      ],
      (row) => [
        row.at,
        row.operation,
        row.type,
        row.amount,
        row.balance,
        String(row.version),
        row.memo ?? '',
      ],
    );
  },
};
