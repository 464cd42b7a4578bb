import type { Bank } from '../bank/bank.ts';
import type { HistoryRow } from '../bank/history.ts';
import { type AccountReference, parseAccountNumber } from '../bank/operations/names.ts';
import { findBranch } from '../config/branch-lookup.ts';
import type { Config } from '../config/config.ts';
import { Status } from '../core/errors.ts';
import { timeFormat } from '../core/time.ts';
import { formats } from '../render/formats.ts';
import { streamOf } from '../render/result.ts';
import { type ColumnOf, column, figure } from '../render/view.ts';
import { hintAtPlace } from './bank-notices.ts';
import type { Command, Session, Typed } from './command.ts';
import { argument, wholeNumberOption } from './command-input.ts';
import { failure, noticeRange, resultZone, type TypedRange } from './notice.ts';
import { profileFields } from './posting-schema.ts';
import { noteColumn, profileColumns } from './profile-text.ts';
import { amount, manyOf, nullable, objectOf, text, time, wholeNumber } from './result-schema.ts';
import { statement } from './statement.ts';
import { parseMonths, rangeOptions } from './time-range.ts';

export const history: Command = {
  name: 'history',
  summary: 'show the statement of an account: its postings with the running balance',
  description:
    'A bare date is that whole day in the timezone of the config, so --until 2026-11-30 includes ' +
    'the 30th. Times are ISO 8601; without an offset they are in that zone. Tables show times in ' +
    'the zone, JSON and CSV in UTC. A table begins with what was brought forward and ends with ' +
    'the money in and out and what is carried forward; what another program did to the balance ' +
    'between two postings is a line of its own.',
  arguments: [
    { name: 'branch', summary: 'branch of the bank' },
    { name: 'account', summary: 'number of the account' },
  ],
  options: [
    { flags: '--month <MONTH>', summary: 'only what was posted in this month, such as 2026-11' },
    ...rangeOptions,
    { flags: '--limit <COUNT>', summary: 'show only the newest COUNT postings' },
    { flags: '--author', summary: 'show in the table who posted' },
  ],
  examples: [
    'bankctl history branch1 ACC',
    'bankctl history branch1 ACC --month 2026-11',
    'bankctl history branch1 ACC --since 2026-11-01 --until 2026-11-15',
    'bankctl history branch1 ACC --limit 20 -o csv',
  ],
  results: [
    manyOf(
      objectOf<HistoryRow>({
        ...{ at: time, operation: text, type: text, counterparty: nullable(text) },
        ...{ amount, balance: amount, currency: text, version: wholeNumber },
        ...{ memo: nullable(text), by: text, reverses: nullable(text) },
        ...{ branch: text, account: text },
        ...profileFields,
      }),
    ),
  ],
  run: async (typed, session) => {
    const config = await session.config();
    const { branch, account, limit, author, ...range } = parseHistory(typed, config);
    const formatAt = timeFormat(await resultZone(session));
    const { accountHistory, balanceAtEnd } = await import('../bank/index.ts');
    let status: Status = Status.done;
    const bank = await session.bank();
    const rows = accountHistory(
      bank,
      { branch, account },
      { since: range.since?.from, until: range.until?.to, limit },
      (error) => {
        status = error.status;
        failure(session, error);
      },
    );
    const batches = sayRange(
      session,
      bank,
      { ...range, zone: config.timezone, account: { branch, account } },
      rows,
    );
    const { forPeople } = formats[session.globals.output];
    const columns: readonly ColumnOf<HistoryRow>[] = [
      { name: 'at', cell: ({ at }) => formatAt(new Date(at)) },
      ...[column('operation'), column('type'), column('counterparty')],
      ...[figure('amount'), figure('balance'), figure('version')],
      forPeople ? noteColumn<HistoryRow>((row) => [row]) : column('memo'),
      ...(forPeople && !author ? [] : [column('by')]),
      ...(forPeople ? [] : fileColumns),
    ];
    const balanceBefore = () => balanceAtEnd(bank, { branch, account }, range.until?.to);
    const { currency } = bank.branches.get(branch);
    const stream = forPeople
      ? statement(batches, { currency, columns, balanceBefore })
      : streamOf(batches, columns);
    return { ...stream, status: () => status };
  },
};

/** What a file says besides: it must tell by itself whose statement it is. */
const fileColumns: readonly ColumnOf<HistoryRow>[] = [
  ...[column('reverses'), ...profileColumns<HistoryRow>((row) => row)],
  ...[column('branch'), column('account'), column('currency')],
];

/** Yields the batches; announces their range of time with the first, or that there are none. */
async function* sayRange(
  session: Session,
  bank: Bank,
  { account, ...range }: TypedRange & { readonly zone: string; readonly account: AccountReference },
  batches: AsyncIterable<readonly HistoryRow[]>,
): AsyncIterable<readonly HistoryRow[]> {
  let rows = 0;
  try {
    for await (const batch of batches) {
      if (rows === 0) noticeRange(session, range, range.zone);
      rows += batch.length;
      yield batch;
    }
  } catch (error) {
    throw await hintAtPlace(session, bank, error, [account]);
  }
  if (rows > 0 || !(range.since || range.until)) return;
  noticeRange(session, range, range.zone);
  session.talk('no_postings', 'No postings in that time.');
}

/** What `history` was asked for. */
interface HistoryInput extends TypedRange {
  readonly branch: string;
  readonly account: string;
  readonly limit: number | undefined;
  readonly author: boolean;
}

/** @throws `unknown_branch`, `invalid_account`, `usage` */
export function parseHistory(typed: Typed, config: Config): HistoryInput {
  const branch = findBranch(config, argument(typed, 0)).name;
  const account = parseAccountNumber(argument(typed, 1));
  const limit = wholeNumberOption(typed, 'limit', { min: 1, max: 1e9 });
  const author = typed.options['author'] === true;
  return { branch, account, ...parseMonths(typed, config.timezone), limit, author };
}
