import type { BankBalance } from '../bank/balances.ts';
import type { Bank } from '../bank/bank.ts';
import { findBranch } from '../bank/find-branch.ts';
import { parseAccountNumber } from '../bank/names.ts';
import type { AccountReference } from '../bank/operation.ts';
import type { Movement, WatchEvent } from '../bank/watch.ts';
import type { Config } from '../config/config.ts';
import { BankctlError } from '../errors.ts';
import { type Column, recordView, type View } from '../render/view.ts';
import { parseTime } from '../time.ts';
import { type Command, type Result, type Session, streamOf, type Typed } from './command.ts';
import { sayLeftOut } from './left-out.ts';
import { textOption } from './typed.ts';

/** What `balance` was asked to show: the bank, a branch, or an account; now or as it was. */
export interface BalanceInput {
  readonly branch: string | undefined;
  readonly account: string | undefined;
  readonly at: Date | undefined;
  readonly watch: boolean;
}

export const balance: Command = {
  name: 'balance',
  summary: 'show the balances of the bank, of a branch, or of one account',
  description:
    'All figures are of one moment: one consistent snapshot of the database. --watch follows ' +
    'what moves until Ctrl-C: on a terminal the balances are redrawn, on a pipe each posting ' +
    'is a line.',
  arguments: [
    { name: 'branch', summary: 'list the accounts of this branch', optional: true },
    { name: 'account', summary: 'show this account', optional: true },
  ],
  options: [
    { flags: '--at <TIME>', summary: 'as it was at this time, ISO 8601, UTC without an offset' },
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
    at: at === undefined ? undefined : parseTime(at, '--at'),
    watch,
  };
}

async function wholeBank(session: Session, at: Date | undefined): Promise<Result> {
  const bank = await session.bank();
  sayLeftOut(bank, session);
  const { bankBalance, bankBalanceAt } = await import('../bank/index.ts');
  const { branches, totals } = await (at ? bankBalanceAt(bank, at) : bankBalance(bank));
  return {
    kind: 'single',
    data: { branches: branches.map(({ collection: _, ...branch }) => branch), totals },
    view: bankView({ branches, totals }),
  };
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
      total,
    ]),
    footer: Object.entries(totals).map(([currency, total]) => [
      'total',
      currency,
      String(accountsIn(branches, currency)),
      total,
    ]),
  };
}

function accountsIn(branches: BankBalance['branches'], currency: string): number {
  return branches
    .filter((branch) => branch.currency === currency)
    .reduce((sum, { accounts }) => sum + accounts, 0);
}

async function oneBranch(session: Session, branch: string, at: Date | undefined): Promise<Result> {
  const bank = await session.bank();
  const { accountBalances, accountBalancesAt } = await import('../bank/index.ts');
  return streamOf(
    at ? accountBalancesAt(bank, branch, at) : accountBalances(bank, branch),
    [{ name: 'account' }, { name: 'balance', align: 'right' }, { name: 'status' }],
    ({ account, balance: amount, status }) => [account, amount, status],
  );
}

async function oneAccount(
  session: Session,
  reference: AccountReference,
  at: Date | undefined,
): Promise<Result> {
  const found = await readAccount(await session.bank(), reference, at);
  const { currency: _, ...data } = found;
  return { kind: 'single', data, view: accountView(found) };
}

async function readAccount(bank: Bank, reference: AccountReference, at: Date | undefined) {
  const { accountBalance, accountBalanceAt } = await import('../bank/index.ts');
  if (at) return accountBalanceAt(bank, reference, at);
  return accountBalance(bank, reference.branch, reference.account);
}

type FoundAccount = Awaited<ReturnType<typeof readAccount>>;

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
  if (input.branch === undefined) sayLeftOut(bank, session);
  const { watchPostings } = await import('../bank/index.ts');
  const events = watchPostings(bank, input, session.context.interrupted);
  if (session.context.stdoutIsTerminal && session.globals.output === 'table') {
    return { kind: 'live', frames: frames(bank, input, events) };
  }
  return streamOf<Movement>(
    movements(session, events),
    movementColumns,
    ({ at, branch, account, amount, balance: after, type, operation }) => [
      at,
      branch,
      account,
      amount,
      after,
      type,
      operation,
    ],
  );
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
