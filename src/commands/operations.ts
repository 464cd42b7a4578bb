import type { ListedOperation, ListedRefusal, OperationQuery } from '../bank/operation-list.ts';
import { parseAccountNumber } from '../bank/operations/names.ts';
import { operationTypes } from '../bank/operations/operation.ts';
import { findBranch, unknownBranch } from '../config/branch-lookup.ts';
import type { Config } from '../config/config.ts';
import { BankctlError, Status } from '../core/errors.ts';
import { quote, shellWord } from '../core/text.ts';
import { parseSpan, timeFormat } from '../core/time.ts';
import { formats } from '../render/formats.ts';
import { type StreamResult, streamOf } from '../render/result.ts';
import { type ColumnOf, column } from '../render/view.ts';
import { warnOfNoBank } from './bank-notices.ts';
import type { Command, Session, Typed } from './command.ts';
import { textOption, wholeNumberOption } from './command-input.ts';
import { matchedFirst } from './matched-posting.ts';
import { failure, noticeRange, resultZone, type TypedRange } from './notice.ts';
import { profileFields } from './posting-schema.ts';
import { noteColumn, profileColumns } from './profile-text.ts';
import {
  listOf,
  manyOf,
  mapOf,
  nullable,
  objectOf,
  optional,
  text,
  time,
  wholeNumber,
} from './result-schema.ts';
import { parseRange, rangeOptions } from './time-range.ts';

const shared = { operation: text, at: time, by: text, type: text, memo: nullable(text) };

export const operations: Command = {
  name: 'operations',
  summary: 'list operations of the journal, newest last',
  description: [
    'Lists what was applied, in the order in which it was applied; all that is given must hold.',
    'With --batch, what was reversed since says by which operation.',
    '--refused lists the rows of files that were refused instead. The options --branch, --account,',
    '--amount, --min and --max are about one posting: the same one.',
    '',
    'An amount without a sign matches what came in and what went out; --amount=-500 only the',
    'latter. Times are as in bankctl history. A branch with an account, a batch, a range of time,',
    'what was refused, and the types freeze, unfreeze and close are found by an index; any other',
    'search reads the whole journal, or all of its range.',
  ].join('\n'),
  arguments: [],
  options: [
    { flags: '--branch <BRANCH>', summary: 'only with a posting in this branch' },
    { flags: '--account <ACCOUNT>', summary: 'only with a posting of ACCOUNT or BRANCH:ACCOUNT' },
    { flags: '--by <USER>', summary: 'only by this author: user@host, or user on any host' },
    { flags: '--type <TYPE>', summary: 'only of this type', choices: operationTypes },
    { flags: '--on <DAY>', summary: 'only what was posted on this day' },
    ...rangeOptions,
    { flags: '--amount <AMOUNT>', summary: 'only with this amount' },
    { flags: '--min <AMOUNT>', summary: 'only with this amount or more, in or out' },
    { flags: '--max <AMOUNT>', summary: 'only with this amount or less, in or out' },
    { flags: '--memo <TEXT>', summary: 'only with TEXT in the memo' },
    { flags: '--batch <NAME>', summary: 'only rows that apply --batch NAME gave an id' },
    { flags: '--refused', summary: 'what was refused, instead of what was applied' },
    { flags: '--limit <COUNT>', summary: 'show only the newest COUNT operations' },
  ],
  examples: [
    'bankctl operations --branch branch2 --amount=-500 --on 2026-11-24',
    'bankctl operations --account branch1:ACC --limit 20',
    'bankctl operations --since 2026-11-01 --until 2026-11-30 -o csv > november.csv',
    'bankctl operations --refused --batch payroll-2026-11',
  ],
  results: [
    manyOf(
      objectOf<ListedOperation>({
        ...shared,
        reverses: nullable(text),
        reversed_by: optional(nullable(text)),
        postings: listOf(
          objectOf<ListedOperation['postings'][number]>({
            ...{ branch: text, account: text, amount: text, currency: nullable(text) },
            ...{ balance: text, version: wholeNumber },
            ...profileFields,
          }),
        ),
      }),
    ),
    manyOf(
      objectOf<ListedRefusal>({
        ...shared,
        asked: mapOf(text),
        refused: objectOf({ code: text, message: text }),
      }),
      'with --refused',
    ),
  ],
  run: async (typed, session) => {
    const config = await session.config();
    const { range, ...query } = parseOperations(typed, config);
    const zone = await resultZone(session);
    const { listOperations } = await import('../bank/index.ts');
    const bank = await session.bank();
    await warnOfNoBank(bank, session);
    let status: Status = Status.done;
    const rows = listOperations(bank, query, (error) => {
      status = error.status;
      failure(session, error);
    });
    const stream = present(session, announceRange(session, range, zone, rows), query, zone);
    return { ...stream, status: () => status };
  },
};

/** What `operations` was asked for. */
interface OperationsInput extends OperationQuery {
  readonly range: TypedRange;
}

/** @throws `unknown_branch`, `invalid_account`, `invalid_amount`, `usage` */
export function parseOperations(typed: Typed, config: Config): OperationsInput {
  const branch = textOption(typed, 'branch');
  const range = parseDays(typed, config.timezone);
  const amount = (name: string, sign: string) => {
    const text = textOption(typed, name);
    if (text === undefined || new RegExp(`^${sign}\\d{1,24}(\\.\\d{1,9})?$`).test(text))
      return text;
    throw new BankctlError('invalid_amount', `--${name} ${quote(text)} is not an amount of money.`);
  };
  return {
    ...parsePlace(
      branch === undefined ? undefined : findBranch(config, branch).name,
      typed,
      config,
    ),
    ...{ by: textOption(typed, 'by'), type: textOption(typed, 'type') },
    ...{ range, since: range.since?.from, until: range.until?.to },
    ...{ amount: amount('amount', '[+-]?'), min: amount('min', ''), max: amount('max', '') },
    ...{ memo: textOption(typed, 'memo'), batch: textOption(typed, 'batch') },
    refused: typed.options['refused'] === true,
    limit: wholeNumberOption(typed, 'limit', { min: 1, max: 10_000 }),
  };
}

/** An account may come with its branch; after `--branch`, another word before a colon is text. */
function parsePlace(branch: string | undefined, typed: Typed, config: Config) {
  const text = textOption(typed, 'account');
  if (text === undefined) return { branch, account: undefined };
  const colon = text.indexOf(':');
  const [word, rest] = [text.slice(0, Math.max(colon, 0)), text.slice(colon + 1)];
  const named = config.branches.find(({ name }) => name === word.normalize('NFC'))?.name;
  if (named !== undefined && branch !== undefined && named !== branch) {
    throw new BankctlError(
      'usage',
      `--branch ${branch} and --account ${quote(text)} name two branches.`,
      `Leave out --branch, or type --account ${shellWord(`${branch}:${text}`)} for an account ` +
        'that is called so.',
    );
  }
  if (named !== undefined) return { branch: named, account: parseAccountNumber(rest) };
  if (branch !== undefined || colon < 1) return { branch, account: parseAccountNumber(text) };
  const both = `--branch BRANCH --account ${shellWord(text)}`;
  return unknownBranch(word, config, `If ${quote(text)} is an account, name its branch: ${both}.`);
}

/** A day of its own, or a range. */
function parseDays(typed: Typed, zone: string): TypedRange {
  const range = parseRange(typed, zone);
  const text = textOption(typed, 'on');
  if (text === undefined) return range;
  const on = parseSpan(text, '--on', zone);
  if (range.since || range.until) {
    throw new BankctlError(
      'usage',
      '--on is a range of time of its own, so --since and --until cannot be given with it.',
      'Leave out --on, or the others.',
    );
  }
  if (on.isDay) return { since: on, until: on };
  throw new BankctlError('usage', '--on takes a day.', 'Write it as --on 2026-11-24.');
}

/** Yields the batches; announces their range of time with the first, or that there are none. */
async function* announceRange<Item>(
  session: Session,
  range: TypedRange,
  zone: string,
  batches: AsyncIterable<readonly Item[]>,
): AsyncIterable<readonly Item[]> {
  let any = false;
  for await (const batch of batches) {
    if (!any) noticeRange(session, range, zone);
    any = true;
    yield batch;
  }
  if (any) return;
  noticeRange(session, range, zone);
  session.talk('no_operations', 'No operation matches.');
}

function present(
  session: Session,
  batches: AsyncIterable<readonly (ListedOperation | ListedRefusal)[]>,
  query: OperationQuery,
  zone: string,
): StreamResult {
  const formatAt = timeFormat(zone);
  const at = { name: 'at', cell: (item: { readonly at: string }) => formatAt(new Date(item.at)) };
  if (query.refused) return streamOf(only(batches, isRefusal), [at, ...refusalColumns]);
  const shared = [at, column('operation'), column('type'), column('by')];
  const { output } = session.globals;
  const { forPeople, isCsv } = formats[output];
  const listed = only(batches, isListed);
  const shown = forPeople || isCsv ? inOrder(listed, matchedFirst(query)) : listed;
  return streamOf(isCsv ? inPairs(shown) : shown, [
    ...shared,
    ...sideColumns(0),
    ...(forPeople ? [counterparty] : sideColumns(1)),
    forPeople ? noteColumn<ListedOperation>(({ postings }) => postings) : column('memo'),
    column('reverses'),
    ...(query.batch !== undefined
      ? [{ name: 'reversed_by', cell: (item: ListedOperation) => item.reversed_by ?? '' }]
      : []),
    ...(forPeople ? [] : profileColumns<ListedOperation>(({ postings: [first] }) => first)),
  ]);
}

async function* only<T, U extends T>(
  batches: AsyncIterable<readonly T[]>,
  is: (item: T) => item is U,
): AsyncIterable<readonly U[]> {
  for await (const batch of batches) yield batch.filter(is);
}

async function* inOrder(
  batches: AsyncIterable<readonly ListedOperation[]>,
  order: (operation: ListedOperation) => ListedOperation,
): AsyncIterable<readonly ListedOperation[]> {
  for await (const batch of batches) yield batch.map(order);
}

/** A line of CSV has two sides, so that one of a repair may need several lines. */
async function* inPairs(
  batches: AsyncIterable<readonly ListedOperation[]>,
): AsyncIterable<readonly ListedOperation[]> {
  for await (const batch of batches) {
    yield batch.flatMap((operation) => {
      const { postings } = operation;
      if (postings.length <= 2) return operation;
      const starts = postings.flatMap((_, index) => (index % 2 === 0 ? index : []));
      return starts.map((at) => ({ ...operation, postings: postings.slice(at, at + 2) }));
    });
  }
}

function isRefusal(item: ListedOperation | ListedRefusal): item is ListedRefusal {
  return 'refused' in item;
}

function isListed(item: ListedOperation | ListedRefusal): item is ListedOperation {
  return 'postings' in item;
}

const refusalColumns: readonly ColumnOf<ListedRefusal>[] = [
  ...[column('operation'), column('type'), column('by')],
  {
    name: 'asked',
    cell: ({ asked }) =>
      Object.entries(asked)
        .map(([name, value]) => `${name}=${value}`)
        .join(' '),
  },
  { name: 'code', cell: ({ refused }) => refused.code },
  { name: 'reason', cell: ({ refused }) => refused.message },
  column('memo'),
];

/** The account that a posting is of, in the words of the two-account commands. */
function sideColumns(index: number): readonly ColumnOf<ListedOperation>[] {
  const prefix = index === 0 ? '' : 'counter_';
  const field = (name: string, cell: (of: ListedOperation['postings'][number]) => string) => ({
    name: `${prefix}${name}`,
    cell: ({ postings }: ListedOperation) => {
      const posting = postings[index];
      return posting ? cell(posting) : '';
    },
  });
  return [
    field('account', ({ branch, account }) => `${branch}:${account}`),
    { ...field('amount', ({ amount }) => amount), align: 'right' },
    { ...field('balance', ({ balance }) => balance), align: 'right' },
    field('currency', ({ currency }) => currency ?? ''),
  ];
}

/** What people see of the other side; of a repair, of all others. */
const counterparty: ColumnOf<ListedOperation> = {
  name: 'counterparty',
  cell: ({ postings: [, ...others] }) =>
    others.map(({ branch, account }) => `${branch}:${account}`).join(', '),
};
