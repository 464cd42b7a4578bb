import type { ClientSession, Document } from 'mongodb';
import { BankctlError } from '../errors.ts';
import type { Bank } from './bank.ts';
import { within } from './bound.ts';
import type { BranchModel } from './branch.ts';
import { fromDecimal } from './decimal.ts';
import { formatAmount } from './money.ts';

/** Number and sum of a branch's accounts; keys as in the JSON result. */
export interface BranchBalance {
  readonly branch: string;
  readonly collection: string;
  readonly currency: string;
  readonly accounts: number;
  readonly total: string;
}

/** The whole bank at one moment. */
export interface BankBalance {
  readonly branches: readonly BranchBalance[];
  /** Sum over the branches of each currency. */
  readonly totals: Readonly<Record<string, string>>;
}

/** An account, in the words of the JSON result. */
export interface AccountBalance {
  readonly account: string;
  readonly balance: string;
  readonly status: string;
}

/**
 * All branches in one consistent snapshot: money in a running transfer is never counted twice or
 * not at all. A bank without a journal has no snapshots, and is read branch by branch.
 *
 * Source: MongoDB manual, "Read Concern snapshot" (snapshot sessions).
 */
export function bankBalance(bank: Bank): Promise<BankBalance> {
  const read = async (session: ClientSession) => {
    const totals: BranchSum[] = [];
    for (const branch of bank.branches) {
      totals.push({ branch, ...(await branchTotal(branch, session)) });
    }
    return sumUp(totals);
  };
  return within(bank.timeoutMs, () => bank.inSession(read, snapshotOf(bank)));
}

/** Number and sum of a branch's accounts, in minor units. */
export interface BranchSum {
  readonly branch: BranchModel;
  readonly accounts: number;
  readonly minor: bigint;
}

/** Adds up the branches of each currency. */
export function sumUp(sums: readonly BranchSum[]): BankBalance {
  const totals = new Map<string, { readonly minor: bigint; readonly digits: number }>();
  for (const { branch, minor } of sums) {
    const { code, digits } = branch.currency;
    totals.set(code, { minor: (totals.get(code)?.minor ?? 0n) + minor, digits });
  }
  return {
    branches: sums.map(({ branch, accounts, minor }) => ({
      branch: branch.name,
      collection: branch.collection,
      currency: branch.currency.code,
      accounts,
      total: formatAmount(minor, branch.currency),
    })),
    totals: Object.fromEntries(
      [...totals].map(([code, { minor, digits }]) => [code, formatAmount(minor, { digits })]),
    ),
  };
}

/**
 * All accounts of a branch in order of their number, in batches, from one snapshot.
 *
 * @throws `bad_balance`
 */
export async function* accountBalances(
  bank: Bank,
  name: string,
): AsyncIterable<readonly AccountBalance[]> {
  const branch = bank.branches.get(name);
  const session = bank.startSession(snapshotOf(bank));
  try {
    for await (const documents of branch.accounts(session)) {
      yield documents.map((document) => ({
        account: document['account_number'],
        balance: storedBalance(branch, document),
        status: document['status'],
      }));
    }
  } finally {
    await session.endSession();
  }
}

/**
 * One account.
 *
 * @throws `account_not_found`, `wrong_branch`, `bad_balance`
 */
export async function accountBalance(bank: Bank, name: string, account: string) {
  const branch = bank.branches.get(name);
  const [document] = await within(bank.timeoutMs, () => branch.read([account]));
  if (!document) throw await missing(branch, account);
  return {
    branch: branch.name,
    account,
    currency: branch.currency.code,
    balance: storedBalance(branch, document),
    version: Number(document['version']),
    status: String(document['status']),
  };
}

function snapshotOf(bank: Bank): { readonly snapshot: boolean } {
  return { snapshot: bank.journal !== undefined };
}

async function branchTotal(
  branch: BranchModel,
  session: ClientSession,
): Promise<{ readonly accounts: number; readonly minor: bigint }> {
  const { accounts, total } = await branch.total(session);
  if (accounts === 0) return { accounts: 0, minor: 0n };
  const minor = fromDecimal(total, branch.currency);
  if (minor === undefined) {
    throw new BankctlError(
      'bad_balance',
      `The balances of ${branch.name} do not add up to an exact amount of ${branch.currency.code}.`,
    );
  }
  return { accounts, minor };
}

function storedBalance(branch: BranchModel, document: Document): string {
  const minor = fromDecimal(document['balance'], branch.currency);
  if (minor === undefined) {
    throw new BankctlError(
      'bad_balance',
      `The balance of ${branch.name}:${document['account_number']} is not an exact amount ` +
        `of ${branch.currency.code}.`,
    );
  }
  return formatAmount(minor, branch.currency);
}

async function missing(branch: BranchModel, account: string): Promise<BankctlError> {
  const strays = await branch.strays([account]);
  if (strays.length > 0) {
    return new BankctlError(
      'wrong_branch',
      `The document of ${account} in the collection ${branch.collection} ` +
        `does not carry the stamp of ${branch.name}.`,
    );
  }
  return new BankctlError(
    'account_not_found',
    `There is no account ${account} in ${branch.name}.`,
    `bankctl balance ${branch.name} lists its accounts.`,
  );
}
