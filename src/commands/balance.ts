import type { AccountBalance, accountBalance, BankBalance } from '../bank/balances.ts';
import type { Bank } from '../bank/bank.ts';
import { type AccountReference, parseAccountNumber } from '../bank/operations/names.ts';
import type { PastMoment } from '../bank/past-balances.ts';
import type { Movement, WatchEvent } from '../bank/watch.ts';
import { findBranch } from '../config/branch-lookup.ts';
import type { Config } from '../config/config.ts';
import { BankctlError } from '../core/errors.ts';
import { isCapable } from '../core/terminal.ts';
import { quote } from '../core/text.ts';
import { formatDay, formatTime, parseSpan, type Span, timeFormat } from '../core/time.ts';
import { formats } from '../render/formats.ts';
import { type Result, streamOf } from '../render/result.ts';
import {
  column,
  figure,
  gridView,
  recordView,
  rowsOf,
  unknown,
  type View,
} from '../render/view.ts';
import { balanceForms } from './balance-schema.ts';
import {
  hintAtPlace,
  leftOutCounts,
  leftOutNotes,
  reportAllProblems,
  reportProblems,
  sayLeftOut,
  warnOfNoBank,
} from './bank-notices.ts';
import type { Command, Session, Typed } from './command.ts';
import { textOption } from './command-input.ts';
import { failure, resultZone } from './notice.ts';

/** What `balance` was asked to show: the bank, a branch, or an account; now or as it was. */
interface BalanceInput {
  readonly branch: string | undefined;
  readonly account: string | undefined;
  readonly at: Span | undefined;
  readonly watch: boolean;
}

export const balance: Command = {
  name: 'balance',
  summary: 'show the balances of the bank, of a branch, or of one account',
  description:
    'All figures are from one moment: one consistent snapshot of the database. --watch shows ' +
    'changes until Ctrl-C: on a terminal it redraws the balances, in a pipe it prints a line per ' +
    'posting. --at takes ISO 8601: a bare date is the end of that day in the timezone of the ' +
    'config, and a time without an offset is in that zone.',
  arguments: [
    { name: 'branch', summary: 'list the accounts of this branch', optional: true },
    { name: 'account', summary: 'show this account', optional: true },
  ],
  options: [
    { flags: '--at <TIME>', summary: 'the balances at this time, or at the end of this day' },
    { flags: '--watch', summary: 'show changes as they happen' },
  ],
  examples: [
    'bankctl balance',
    'bankctl balance branch1',
    'bankctl balance branch1 ACC --json',
    'bankctl balance --at 2026-11-01',
    'bankctl balance --watch',
  ],
  results: balanceForms,
  run: async (typed, session) => {
    const input = parseBalance(typed, await session.config());
    if (input.watch) return watchBank(session, input);
    const { branch, account, at } = input;
    if (branch === undefined) return showBank(session, at);
    if (account === undefined) return showBranch(session, branch, at);
    return showAccount(session, { branch, account }, at);
  },
};

/** @throws `unknown_branch`, `invalid_account`, `usage` */
export function parseBalance(typed: Typed, config: Config): BalanceInput {
  const [branch, account] = typed.args;
  const at = textOption(typed, 'at');
  const watch = typed.options['watch'] === true;
  if (watch && at !== undefined) {
    throw new BankctlError(
      'usage',
      '--at shows the past and --watch the present: not both at once.',
    );
  }
  return {
    branch: branch === undefined ? undefined : findBranch(config, branch).name,
    account: account === undefined ? undefined : parseAccountNumber(account),
    at: at === undefined ? undefined : parseSpan(at, '--at', config.timezone),
    watch,
  };
}

async function showBank(session: Session, at: Span | undefined): Promise<Result> {
  const bank = await session.bank();
  await warnOfNoBank(bank, session);
  await sayLeftOut(bank, session);
  const { bankBalance, bankBalanceAt } = await import('../bank/index.ts');
  const past = at && (await bankBalanceAt(bank, at));
  const { branches, totals } = past ?? (await bankBalance(bank));
  const status = reportAllProblems(session, bank, branches);
  const leftOut = leftOutCounts(branches);
  if (past) await sayMoment(session, past);
  for (const name of past?.unknownBranches ?? []) {
    const message =
      `The journal has postings of ${quote(name)}, which is not a branch of the config. ` +
      'They are left out here.';
    session.say('unknown_branch', message, { branch: name });
  }
  return {
    kind: 'single',
    data: {
      branches: branches.map(({ collection: _, ...branch }) => branch),
      totals,
      ...(leftOut && { left_out: leftOut }),
      ...(past && momentData(past)),
    },
    view: bankView({ branches, totals }),
    status,
  };
}

/** Says which moment it is, and whether the answer can still change. */
async function sayMoment(session: Session, moment: PastMoment): Promise<void> {
  const { at, final, finalFrom, isDay, isOver } = moment;
  const { timezone } = await session.config();
  const data = momentData({ at, final });
  const end = isDay
    ? `the end of ${formatDay(at, timezone)} (${timezone})`
    : formatTime(at, timezone);
  session.talk('moment', `As of ${end}.`, data);
  if (final) return;
  const from = formatTime(finalFrom, timezone);
  const reason = isOver
    ? 'an operation under way can still be posted with an earlier time'
    : 'that day is not over, and what is posted in it still counts';
  session.say('not_final', `Not final: ${reason}, until ${from}.`, {
    ...data,
    final_from: finalFrom.toISOString(),
  });
}

function momentData({ at, final }: Pick<PastMoment, 'at' | 'final'>) {
  return { at: at.toISOString(), final };
}

const branchColumns = [
  column('branch'),
  column('currency'),
  figure('accounts'),
  figure('total', unknown),
];

function bankView({ branches, totals }: BankBalance): View {
  const sums = Object.entries(totals).map(([currency, total]) => ({
    branch: 'total',
    currency,
    total,
    accounts: countAccounts(branches, currency),
  }));
  return {
    ...gridView(branches, branchColumns),
    footer: rowsOf(sums, branchColumns),
    notes: leftOutNotes(branches),
  };
}

function countAccounts(branches: BankBalance['branches'], currency: string): number {
  return branches
    .filter((branch) => branch.currency === currency)
    .reduce((sum, { accounts }) => sum + accounts, 0);
}

async function showBranch(session: Session, name: string, at: Span | undefined): Promise<Result> {
  const bank = await session.bank();
  await warnOfNoBank(bank, session);
  const { accountBalances, createTally } = await import('../bank/index.ts');
  const tally = createTally();
  const rows = at ? readPast(session, bank, name, at) : accountBalances(bank, name, tally);
  const columns = [
    column('account', unknown),
    figure('balance', unknown),
    column('status', unknown),
  ];
  const notes = () => leftOutNotes([{ branch: name, problems: tally.problems() }]);
  return {
    ...streamOf<AccountBalance>(rows, columns, notes),
    status: () => reportProblems(session, bank.branches.get(name), { problems: tally.problems() }),
  };
}

async function* readPast(session: Session, bank: Bank, name: string, at: Span) {
  const { accountBalancesAt } = await import('../bank/index.ts');
  let moment: PastMoment | undefined;
  const batches = accountBalancesAt(bank, name, at, (read) => {
    moment = read;
  });
  for await (const rows of batches) {
    const data = moment && momentData(moment);
    yield rows.map((row) => ({ ...row, ...data }));
  }
  if (moment) await sayMoment(session, moment);
}

async function showAccount(
  session: Session,
  reference: AccountReference,
  at: Span | undefined,
): Promise<Result> {
  const bank = await session.bank();
  const { accountBalance, accountBalanceAt } = await import('../bank/index.ts');
  if (!at) {
    const read = accountBalance(bank, reference.branch, reference.account);
    const found = await read.catch(async (error: unknown) => {
      throw await hintAtPlace(session, bank, error, [reference]);
    });
    return accountResult(found);
  }
  const past = await accountBalanceAt(bank, reference, at);
  await sayMoment(session, past);
  return accountResult(past, momentData(past));
}

type FoundAccount = Omit<Awaited<ReturnType<typeof accountBalance>>, 'status'> & {
  readonly status: string;
};

function accountResult(found: FoundAccount, moment?: object): Result {
  const { branch, account, balance: amount, currency, version, status } = found;
  const data = { branch, account, balance: amount, currency, version, status, ...moment };
  return { kind: 'single', data, view: accountView(found) };
}

function accountView(found: FoundAccount): View {
  const { branch, account, balance: amount, currency, version, status } = found;
  return recordView({ branch, account, balance: amount, currency, version, status });
}

/** On a terminal the balances are redrawn as they move; elsewhere each posting is a line. */
async function watchBank(session: Session, input: BalanceInput): Promise<Result> {
  const bank = await session.bank();
  await warnOfNoBank(bank, session);
  if (input.branch === undefined) await sayLeftOut(bank, session);
  const { watchPostings } = await import('../bank/index.ts');
  const events = watchPostings(bank, input, session.context.interrupted);
  const { stdoutIsTerminal, env } = session.context;
  if (stdoutIsTerminal && isCapable(env) && formats[session.globals.output].forPeople) {
    return { kind: 'live', frames: drawFrames(bank, input, events) };
  }
  const formatAt = timeFormat(await resultZone(session));
  const stream = streamOf<Movement>(readMovements(session, events), [
    { name: 'at', cell: ({ at }) => formatAt(new Date(at)) },
    column('branch'),
    column('account'),
    figure('amount'),
    figure('balance'),
    column('type'),
    column('operation'),
  ]);
  return { ...stream, endless: true };
}

const lostPlace = 'Lost the place in the journal: changes made meanwhile are not shown.';

async function* readMovements(
  session: Session,
  events: AsyncIterable<WatchEvent>,
): AsyncIterable<readonly Movement[]> {
  for await (const event of events) {
    switch (event.kind) {
      case 'moved':
        yield event.movements;
        break;
      case 'unreadable':
        failure(session, event.error);
        break;
      case 'lost_place':
        session.talk('place_lost', lostPlace);
        break;
      case 'reconnecting':
        session.talk('reconnecting', 'Reconnecting ...');
    }
  }
}

async function* drawFrames(
  bank: Bank,
  input: BalanceInput,
  events: AsyncIterable<WatchEvent>,
): AsyncIterable<View> {
  yield await drawFrame(bank, input, ['Waiting for a change. Press Ctrl-C to end.']);
  for await (const event of events) {
    const notes = notesAfter(event);
    if (notes) yield await drawFrame(bank, input, notes);
  }
}

/** The notes under the balances after an event; undefined if nothing is to be redrawn. */
function notesAfter(event: WatchEvent): readonly string[] | undefined {
  switch (event.kind) {
    case 'moved':
      return event.movements
        .slice(-5)
        .map((to) => `${to.at}  ${to.branch}:${to.account}  ${to.amount}  → ${to.balance}`);
    case 'lost_place':
      return [lostPlace];
    case 'unreadable':
      return [event.error.message];
    case 'reconnecting':
      return undefined;
  }
}

/** The balances as they are now, with notes below them. */
async function drawFrame(
  bank: Bank,
  { branch, account }: BalanceInput,
  notes: readonly string[],
): Promise<View> {
  const { bankBalance, accountBalance } = await import('../bank/index.ts');
  if (branch !== undefined && account !== undefined) {
    return { ...accountView(await accountBalance(bank, branch, account)), notes };
  }
  const whole = await bankBalance(bank);
  const branches = whole.branches.filter((row) => branch === undefined || row.branch === branch);
  const totals = branch === undefined ? whole.totals : {};
  const view = bankView({ branches, totals });
  return { ...view, notes: [...(view.notes ?? []), ...notes] };
}
