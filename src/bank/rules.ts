import type { BranchConfig } from '../config/config.ts';
import { BankctlError } from '../errors.ts';
import type { AccountStatus } from './account.ts';
import type { Posting } from './journal.ts';
import { formatAmount, maxMinor } from './money.ts';
import { createsAccount, type Operation, referenceKey } from './operation.ts';

/** An account as the rules see it. */
export interface AccountState {
  readonly version: bigint;
  readonly balanceMinor: bigint;
  readonly status: AccountStatus;
  readonly openedAt: Date;
  readonly postedAt: Date;
}

/** What is known of an account when the rules are applied: its state, or why there is none. */
export type Reading = AccountState | 'missing' | 'foreign' | 'bad_balance';

/** What an operation does, once the rules let it through. */
export interface Accepted {
  readonly at: Date;
  readonly postings: readonly Posting[];
}

/**
 * The reading of a batch: it starts as what the database said and moves on as operations are
 * accepted, so that the second operation on an account sees what the first one did.
 */
export interface Book {
  /** The server's time at the reading. */
  readonly now: Date;
  readonly accounts: Map<string, Reading>;
  readonly branch: (name: string) => BranchConfig;
}

/**
 * Applies the rules to one operation and moves the book on. Pure but for the book.
 *
 * @throws `BankctlError` with the code of the rule that refuses it; the book is then unchanged
 */
export function applyOperation(book: Book, operation: Operation): Accepted {
  const branch = book.branch(operation.branch);
  if (operation.type === 'increment' && operation.amountMinor === 0n) {
    throw new BankctlError('amount_zero', 'The amount is zero, which would move nothing.');
  }
  const before = stateBefore(book, operation, branch);
  const balanceMinor = before.balanceMinor + operation.amountMinor;
  checkBounds(branch, operation, before.balanceMinor, balanceMinor);
  const at = new Date(Math.max(book.now.getTime(), before.postedAt.getTime()));
  const after: AccountState = {
    ...before,
    version: before.version + 1n,
    balanceMinor,
    postedAt: at,
  };
  book.accounts.set(referenceKey(operation), after);
  return {
    at,
    postings: [
      {
        branch: operation.branch,
        account: operation.account,
        amountMinor: operation.amountMinor,
        balanceBeforeMinor: before.balanceMinor,
        balanceAfterMinor: balanceMinor,
        version: after.version,
      },
    ],
  };
}

function stateBefore(book: Book, operation: Operation, branch: BranchConfig): AccountState {
  const reading = book.accounts.get(referenceKey(operation)) ?? 'missing';
  const shown = `${branch.name}:${operation.account}`;
  switch (reading) {
    case 'missing':
      if (createsAccount(operation)) return newAccount(book.now);
      throw new BankctlError(
        'account_not_found',
        `There is no account ${operation.account} in ${branch.name}.`,
        `Open it with bankctl open ${branch.name} ${operation.account}, or add --create.`,
      );
    case 'foreign':
      throw new BankctlError(
        'wrong_branch',
        `The document of ${operation.account} in the collection ${branch.collection} ` +
          `does not carry the stamp of ${branch.name}.`,
      );
    case 'bad_balance':
      throw new BankctlError(
        'bad_balance',
        `The balance of ${shown} is not an exact amount of ${branch.currency.code}.`,
      );
    default:
      return existingAccount(operation, reading, shown);
  }
}

function existingAccount(operation: Operation, state: AccountState, shown: string): AccountState {
  if (operation.type === 'open') {
    throw new BankctlError(
      'account_exists',
      `There is an account ${shown} already.`,
      `See it with bankctl balance ${operation.branch} ${operation.account}.`,
    );
  }
  if (state.status === 'frozen') {
    throw new BankctlError(
      'account_frozen',
      `The account ${shown} is frozen.`,
      `Unfreeze it with bankctl unfreeze ${operation.branch} ${operation.account}.`,
    );
  }
  if (state.status === 'closed') {
    throw new BankctlError('account_closed', `The account ${shown} is closed.`);
  }
  return state;
}

function newAccount(now: Date): AccountState {
  return { version: 0n, balanceMinor: 0n, status: 'open', openedAt: now, postedAt: now };
}

function checkBounds(
  branch: BranchConfig,
  operation: Operation,
  beforeMinor: bigint,
  afterMinor: bigint,
): void {
  const { currency } = branch;
  if (afterMinor < branch.minBalanceMinor) {
    throw new BankctlError(
      'below_minimum',
      `The account ${branch.name}:${operation.account} has ${formatAmount(beforeMinor, currency)} ` +
        `${currency.code}; ${formatAmount(operation.amountMinor, currency)} would leave ` +
        `${formatAmount(afterMinor, currency)}, below the minimum of ` +
        `${formatAmount(branch.minBalanceMinor, currency)}.`,
    );
  }
  if (afterMinor > maxMinor) {
    throw new BankctlError(
      'balance_limit',
      `The account ${branch.name}:${operation.account} would have more than ` +
        `${formatAmount(maxMinor, currency)} ${currency.code}.`,
    );
  }
}
