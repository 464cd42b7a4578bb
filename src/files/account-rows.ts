import type { AccountStatus } from '../bank/operations/entry.ts';
import { type AccountReference, parseAccountNumber } from '../bank/operations/names.ts';
import { type OpenedProfile, parseProfile } from '../bank/operations/open.ts';
import { findBranch } from '../config/branch-lookup.ts';
import type { Config } from '../config/config.ts';
import { parseAmount } from '../core/money.ts';
import { quote } from '../core/text.ts';
import { allFaults, checkDecimal } from './row-faults.ts';
import { LineProblem, type Row, type RowShape } from './rows.ts';

/** The columns of exported accounts, in order. */
export const accountColumns = [
  ...['branch', 'account', 'balance', 'currency', 'status', 'owner', 'labels'],
] as const;

/** The rows of `import`: one account each. */
export const accountShape: RowShape = Object.freeze({
  noun: 'an account',
  columns: accountColumns,
  otherNames: { amount: 'balance', account_number: 'account' },
  flags: [],
  names: ['account'],
  amounts: ['balance'],
  needed: () => ['account', 'balance'],
});

/** An account as a row describes it. */
export interface AccountRow extends AccountReference, OpenedProfile {
  readonly line: number;
  readonly balanceMinor: bigint;
  readonly status: AccountStatus;
}

/** Where rows go. */
export interface Target {
  readonly config: Config;
  /** The branch of rows that do not name one. */
  readonly branch: string;
  /** Whether a row may name another branch. */
  readonly anyBranch: boolean;
}

/**
 * Reads a row. Pure; needs no database.
 *
 * @throws `LineProblem` with the number of the line, and what was expected
 */
export function toAccount(row: Row, target: Target): AccountRow {
  try {
    return readAccountRow(row, target);
  } catch (error) {
    throw allFaults(error, row, target.config, row.fields['balance'], target.branch);
  }
}

function readAccountRow({ line, fields, decimal }: Row, target: Target): AccountRow {
  const { account, balance, status = 'open' } = fields;
  if (account === undefined || balance === undefined) {
    const missing = account === undefined ? 'account' : 'balance';
    throw new LineProblem(
      line,
      `has no value for ${quote(missing)}: an account needs account and balance`,
    );
  }
  if (!isStatus(status)) {
    throw new LineProblem(line, `has the status ${quote(status)}, not open, frozen or closed`);
  }
  const branch = findBranch(target.config, fields['branch'] ?? target.branch);
  if (!target.anyBranch && branch.name !== target.branch) {
    throw new LineProblem(
      line,
      `is an account of ${branch.name}, and this is an import into ${target.branch}`,
      'Import rows into the branches that they name with --any-branch.',
    );
  }
  const { currency } = branch;
  if ((fields['currency'] ?? currency.code) !== currency.code) {
    throw new LineProblem(
      line,
      `is in ${quote(fields['currency'] ?? '')}, and ${branch.name} keeps ${currency.code}`,
    );
  }
  const balanceMinor = parseAmount(balance, currency);
  checkDecimal(balance, decimal);
  if (status === 'closed' && balanceMinor !== 0n) {
    throw new LineProblem(
      line,
      `is closed and has ${balance}: a closed account must have a balance of 0`,
    );
  }
  const number = parseAccountNumber(account);
  const opened = { branch: branch.name, account: number, balanceMinor, status };
  return { line, ...opened, ...parseProfile(fields) };
}

function isStatus(text: string): text is AccountStatus {
  return text === 'open' || text === 'frozen' || text === 'closed';
}
