import type { BankBalance } from '../bank/balances.ts';
import { findBranch } from '../bank/find-branch.ts';
import { parseAccountNumber } from '../bank/names.ts';
import type { Config } from '../config/config.ts';
import type { View } from '../render/view.ts';
import { type Command, type Result, type Session, streamOf, type Typed } from './command.ts';

/** What `balance` was asked to show: the bank, a branch, or an account. */
export interface BalanceInput {
  readonly branch: string | undefined;
  readonly account: string | undefined;
}

export const balance: Command = {
  name: 'balance',
  summary: 'show the balances of the bank, of a branch, or of one account',
  description: 'All figures are of one moment: one consistent snapshot of the database.',
  arguments: [
    { name: 'branch', summary: 'list the accounts of this branch', optional: true },
    { name: 'account', summary: 'show this account', optional: true },
  ],
  options: [],
  examples: ['bankctl balance', 'bankctl balance branch1', 'bankctl balance branch1 ACC --json'],
  run: async (typed, session) => {
    const { branch, account } = parseBalance(typed, await session.config());
    if (branch === undefined) return wholeBank(session);
    return account === undefined
      ? oneBranch(session, branch)
      : oneAccount(session, branch, account);
  },
};

/** @throws `unknown_branch`, `invalid_account` */
export function parseBalance(typed: Typed, config: Config): BalanceInput {
  const [branch, account] = typed.args;
  return {
    branch: branch === undefined ? undefined : findBranch(config, branch).name,
    account: account === undefined ? undefined : parseAccountNumber(account),
  };
}

async function wholeBank(session: Session): Promise<Result> {
  const { bankBalance } = await import('../bank/balances.ts');
  const { branches, totals } = await bankBalance(await session.bank());
  return {
    kind: 'single',
    data: {
      branches: branches.map(({ collection: _, ...branch }) => branch),
      totals,
    },
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

async function oneBranch(session: Session, branch: string): Promise<Result> {
  const { accountBalances } = await import('../bank/balances.ts');
  return streamOf(
    accountBalances(await session.bank(), branch),
    [{ name: 'account' }, { name: 'balance', align: 'right' }, { name: 'status' }],
    ({ account, balance: amount, status }) => [account, amount, status],
  );
}

async function oneAccount(session: Session, branch: string, account: string): Promise<Result> {
  const { accountBalance } = await import('../bank/balances.ts');
  const found = await accountBalance(await session.bank(), branch, account);
  const { currency, ...data } = found;
  return {
    kind: 'single',
    data: {
      branch: data.branch,
      account: data.account,
      balance: data.balance,
      version: data.version,
      status: data.status,
    },
    view: {
      layout: 'record',
      columns: [
        { name: 'branch' },
        { name: 'account' },
        { name: 'balance' },
        { name: 'currency' },
        { name: 'version' },
        { name: 'status' },
      ],
      rows: [
        [data.branch, data.account, data.balance, currency, String(data.version), data.status],
      ],
    },
  };
}
