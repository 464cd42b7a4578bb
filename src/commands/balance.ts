import type { accountBalance, BankBalance } from '../bank/balances.ts';
import type { Bank } from '../bank/bank.ts';
import { type AccountReference, parseAccountNumber } from '../bank/operations/names.ts';
import type { PastMoment } from '../bank/past-balances.ts';
import type { Tally } from '../bank/survey.ts';
import type { Movement, WatchEvent } from '../bank/watch.ts';
import type { Config } from '../config/config.ts';
import { findBranch } from '../config/find-branch.ts';
import { BankctlError } from '../core/errors.ts';
import { quote } from '../core/text.ts';
import { formatTime, parseSpan, type Span, timeFormat } from '../core/time.ts';
import { type Result, streamOf } from '../render/result.ts';
import { type Column, recordView, type View } from '../render/view.ts';
import {
  hintAtNoBank,
  sayLeftOut,
  tellAllProblems,
  tellProblems,
  warnOfNoBank,
} from './bank-notices.ts';
import type { Command, Session, Typed } from './command.ts';
import { failure, notice, resultZone, warning } from './notice.ts';
import { textOption } from './typed.ts';

/** What `balance` was asked to show: the bank, a branch, or an account; now or as it was. */
export interface BalanceInput {
  readonly branch: string | undefined;
  readonly account: string | undefined;
  readonly at: Span | undefined;
  readonly watch: boolean;
}

export const balance: Command = {
  name: 'balance',
  summary: 'show the balances of the bank, of a branch, or of one account',
  description:
    'All figures are of one moment: one consistent snapshot of the database. --watch follows ' +
    'what moves until Ctrl-C: on a terminal the balances are redrawn, on a pipe each posting ' +
    'is a line. --at takes ISO 8601: a bare date is the end of that day in the timezone of the ' +
    'config, and a time without an offset is in that zone.',
  arguments: [
    { name: 'branch', summary: 'list the accounts of this branch', optional: true },
    { name: 'account', summary: 'show this account', optional: true },
  ],
  options: [
    { flags: '--at <TIME>', summary: 'as it was at this time, or at the end of this day' },
    { flags: '--watch', summary: 'follow what moves' },
  ],
  examples: [
    'bankctl balance',
    'bankctl balance branch1',
    'bankctl balance branch1 ACC --json',
    'bankctl balance --at 2026-11-01',
    'bankctl balance --watch',
  ],
  run: async (typed, session) => {
    const input = parseBalance(typed, await session.config());
    if (input.watch) return watched(session, input);
    const { branch, account, at } = input;
    if (branch === undefined) return wholeBank(session, at);
    if (account === undefined) return oneBranch(session, branch, at);
    return oneAccount(session, { branch, account }, at);
  },
};

/** @throws `unknown_branch`, `invalid_account`, `usage` */
export function parseBalance(typed: Typed, config: Config): BalanceInput {
  const [branch, account] = typed.args;
  const at = textOption(typed, 'at');
  const watch = typed.options['watch'] === true;
  if (watch && at !== undefined) {
    throw new BankctlError('usage', '--at looks back and --watch looks on: not both at once.');
  }
  return {
    branch: branch === undefined ? undefined : findBranch(config, branch).name,
    account: account === undefined ? undefined : parseAccountNumber(account),
    at: at === undefined ? undefined : parseSpan(at, '--at', config.timezone),
    watch,
  };
}

async function wholeBank(session: Session, at: Span | undefined): Promise<Result> {
  const bank = await session.bank();
  await warnOfNoBank(bank, session);
  sayLeftOut(bank, session);
  const { bankBalance, bankBalanceAt } = await import('../bank/index.ts');
  const past = at && (await bankBalanceAt(bank, at));
  const { branches, totals } = past ?? (await bankBalance(bank));
  const status = tellAllProblems(session, bank, branches);
  if (past) await tellMoment(session, past);
  for (const name of past?.unknownBranches ?? []) {
    const message = `The journal has postings of ${quote(name)}, which is no branch of the config.`;
    warning(session, 'unknown_branch', `${message} They are left out here.`, { branch: name });
  }
  return {
    kind: 'single',
    data: {
      branches: branches.map(({ collection: _, ...branch }) => branch),
      totals,
      ...(past && momentData(past)),
    },
    view: bankView({ branches, totals }),
    status,
  };
}

/** Says which moment it is, and whether the answer can still change. */
async function tellMoment(session: Session, moment: PastMoment): Promise<void> {
  const { at, final, finalFrom, isOver } = moment;
  const { timezone } = await session.config();
  const data = momentData({ at, final });
  notice(session, 'moment', `What was posted up to ${formatTime(at, timezone)}.`, data);
  if (final) return;
  const from = formatTime(finalFrom, timezone);
  const reason = isOver
    ? 'an operation under way can still be posted with an earlier time'
    : 'that day is not over, and what is posted in it still counts';
  warning(session, 'not_final', `Not final: ${reason}, until ${from}.`, {
    ...data,
    final_from: finalFrom.toISOString(),
  });
}

function momentData({ at, final }: Pick<PastMoment, 'at' | 'final'>) {
  return { at: at.toISOString(), final };
}

function bankView({ branches, totals }: BankBalance): View {
  return {
    layout: 'grid',
    columns: [
      { name: 'branch' },
      { name: 'currency' },
      { name: 'accounts', align: 'right' },
      { name: 'total', align: 'right' },
    ],
    rows: branches.map(({ branch, currency, accounts, total }) => [
      branch,
      currency,
      String(accounts),
      total ?? unknown,
    ]),
    footer: Object.entries(totals).map(([currency, total]) => [
      'total',
      currency,
      String(accountsIn(branches, currency)),
      total ?? unknown,
    ]),
  };
}

/** Printed for an unknown figure: not a number, so that nobody takes it for one. */
const unknown = '?';

function accountsIn(branches: BankBalance['branches'], currency: string): number {
  return branches
    .filter((branch) => branch.currency === currency)
    .reduce((sum, { accounts }) => sum + accounts, 0);
}

async function oneBranch(session: Session, name: string, at: Span | undefined): Promise<Result> {
  const bank = await session.bank();
  await warnOfNoBank(bank, session);
  const { createTally } = await import('../bank/index.ts');
  const tally = createTally();
  const branch = bank.branches.get(name);
  const rows = at ? pastRows(session, bank, name, at) : presentRows(bank, name, tally);
  return {
    ...streamOf(
      rows,
      [{ name: 'account' }, { name: 'balance', align: 'right' }, { name: 'status' }],
      ({ account, balance: amount, status }) => [
        account ?? unknown,
        amount ?? unknown,
        status ?? unknown,
      ],
    ),
    status: () => tellProblems(session, branch, { problems: tally.problems() }),
  };
}

async function* presentRows(bank: Bank, name: string, tally: Tally) {
  const { accountBalances } = await import('../bank/index.ts');
  yield* accountBalances(bank, name, tally);
}

async function* pastRows(session: Session, bank: Bank, name: string, at: Span) {
  const { accountBalancesAt } = await import('../bank/index.ts');
  let moment: PastMoment | undefined;
  const batches = accountBalancesAt(bank, name, at, (read) => {
    moment = read;
  });
  for await (const rows of batches) {
    const data = moment && momentData(moment);
    yield rows.map((row) => ({ ...row, ...data }));
  }
  if (moment) await tellMoment(session, moment);
}

async function oneAccount(
  session: Session,
  reference: AccountReference,
  at: Span | undefined,
): Promise<Result> {
  const bank = await session.bank();
  if (!at) {
    const { accountBalance } = await import('../bank/index.ts');
    const read = accountBalance(bank, reference.branch, reference.account);
    const found = await read.catch(async (error: unknown) => {
      throw await hintAtNoBank(bank, error);
    });
    const { currency: _, ...data } = found;
    return { kind: 'single', data, view: accountView(found) };
  }
  const { accountBalanceAt } = await import('../bank/index.ts');
  const read = await accountBalanceAt(bank, reference, at);
  const { at: moment, final, finalFrom, isOver, ...found } = read;
  await tellMoment(session, { at: moment, final, finalFrom, isOver });
  const { currency: _, ...data } = found;
  const past = momentData({ at: moment, final });
  return { kind: 'single', data: { ...data, ...past }, view: accountView(found) };
}

type FoundAccount = Omit<Awaited<ReturnType<typeof accountBalance>>, 'status'> & {
  readonly status: string;
};

function accountView(found: FoundAccount): View {
  const { branch, account, balance: amount, currency, version, status } = found;
  return recordView({
    branch,
    account,
    balance: amount,
    currency,
    version: String(version),
    status,
  });
}

/** On a terminal the balances are redrawn as they move; elsewhere each posting is a line. */
async function watched(session: Session, input: BalanceInput): Promise<Result> {
  const bank = await session.bank();
  await warnOfNoBank(bank, session);
  if (input.branch === undefined) sayLeftOut(bank, session);
  const { watchPostings } = await import('../bank/index.ts');
  const events = watchPostings(bank, input, session.context.interrupted);
  if (session.context.stdoutIsTerminal && session.globals.output === 'table') {
    return { kind: 'live', frames: frames(bank, input, events) };
  }
  const formatAt = timeFormat(await resultZone(session));
  const stream = streamOf<Movement>(
    movements(session, events),
    movementColumns,
    ({ at, branch, account, amount, balance: after, type, operation }) => [
      formatAt(new Date(at)),
      branch,
      account,
      amount,
      after,
      type,
      operation,
    ],
  );
  return { ...stream, endless: true };
}

const movementColumns: readonly Column[] = [
  { name: 'at' },
  { name: 'branch' },
  { name: 'account' },
  { name: 'amount', align: 'right' },
  { name: 'balance', align: 'right' },
  { name: 'type' },
  { name: 'operation' },
];

const lostPlace = 'Lost its place in the journal: what moved meanwhile is not shown.';

async function* movements(
  session: Session,
  events: AsyncIterable<WatchEvent>,
): AsyncIterable<readonly Movement[]> {
  for await (const event of events) {
    if (event.kind === 'moved') yield event.movements;
    else if (event.kind === 'unreadable') failure(session, event.error);
    else session.talk(event.kind === 'lost_place' ? lostPlace : 'Reconnecting ...');
  }
}

async function* frames(
  bank: Bank,
  input: BalanceInput,
  events: AsyncIterable<WatchEvent>,
): AsyncIterable<View> {
  yield await frame(bank, input, ['Waiting for something to move. Ctrl-C ends.']);
  for await (const event of events) {
    if (event.kind === 'moved') {
      const newest = event.movements.slice(-5).map(movementLine);
      yield await frame(bank, input, newest);
    } else if (event.kind === 'lost_place') {
      yield await frame(bank, input, [lostPlace]);
    } else if (event.kind === 'unreadable') {
      yield await frame(bank, input, [event.error.message]);
    }
  }
}

function movementLine({ at, branch, account, amount, balance: after }: Movement): string {
  return `${at}  ${branch}:${account}  ${amount}  → ${after}`;
}

/** The balances as they are now, and what moved last. */
async function frame(
  bank: Bank,
  { branch, account }: BalanceInput,
  notes: readonly string[],
): Promise<View> {
  const { bankBalance, accountBalance } = await import('../bank/index.ts');
  if (branch === undefined || account === undefined) {
    const whole = await bankBalance(bank);
    const branches = whole.branches.filter((row) => branch === undefined || row.branch === branch);
    return { ...bankView({ branches, totals: branch === undefined ? whole.totals : {} }), notes };
  }
  return { ...accountView(await accountBalance(bank, branch, account)), notes };
}
