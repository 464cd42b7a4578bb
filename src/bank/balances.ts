import type { ClientSession, Document } from 'mongodb';
import { BankctlError } from '../core/errors.ts';
import { formatAmount, maxMinor } from '../core/money.ts';
import { shellWord } from '../core/text.ts';
import { readAccount, wrongBranch } from './account.ts';
import type { Bank } from './bank.ts';
import type { AccountState } from './book.ts';
import type { BranchModel } from './branch.ts';
import { runWithin } from './deadline.ts';
import { fromDecimal } from './decimal.ts';
import { auditHint, takeOver } from './next-step.ts';
import { noProfile, type Profile } from './operations/profile.ts';
import { fromStored } from './stored-balance.ts';
import { readProfile } from './stored-profile.ts';
import type { BranchTotal, Problem, ProblemCode, Tally } from './survey.ts';

/** Number and sum of a branch's accounts; keys as in the JSON result. */
export interface BranchBalance {
  readonly branch: string;
  readonly collection: string;
  readonly currency: string;
  /** Documents with the branch's stamp. */
  readonly accounts: number;
  /** Null if unknown, because a balance cannot be read or an account exists twice. */
  readonly total: string | null;
  /** What is wrong with documents of the collection; absent if nothing is. */
  readonly problems?: readonly Problem[];
  /** Alongside an unknown total: the accounts whose balance can be read, and their sum. */
  readonly readable?: { readonly accounts: number; readonly total: string };
}

/** The whole bank at one moment. */
export interface BankBalance {
  readonly branches: readonly BranchBalance[];
  /** Sum over the branches of each currency; null if one of them is not known. */
  readonly totals: Readonly<Record<string, string | null>>;
}

/** An account, as in the JSON result. */
export interface AccountBalance {
  /** Null if the document has no account number. */
  readonly account: string | null;
  /** Null if the stored balance is not an exact amount. */
  readonly balance: string | null;
  readonly currency: string;
  readonly status: string | null;
}

/**
 * All branches in one snapshot, so that money in a transfer under way is counted exactly once. A
 * bank without a journal has no snapshots and is read branch by branch.
 * Source: MongoDB manual, "Read Concern snapshot" (snapshot sessions).
 */
export function bankBalance(bank: Bank): Promise<BankBalance> {
  const read = async (session: ClientSession) => {
    const sums: BranchSum[] = [];
    const [totals, unique] = await Promise.all([
      bank.branches.totals(session),
      bank.branches.unique(),
    ]);
    for (const branch of bank.branches) {
      const total = totals.get(branch.name);
      if (total) sums.push(await branchSum(branch, total, session, unique));
    }
    return sumUp(sums);
  };
  return runWithin(bank.timeoutMs, () => bank.inSession(read, snapshotOf(bank)));
}

/** Number and sum of a branch's accounts, in minor units. */
interface BranchSum {
  readonly branch: BranchModel;
  readonly accounts: number;
  /** Undefined if it is not known. */
  readonly minor: bigint | undefined;
  readonly problems: readonly Problem[];
  readonly readable?: { readonly accounts: number; readonly minor: bigint };
}

/** Looks at the documents a second time only if something is wrong. */
async function branchSum(
  branch: BranchModel,
  { accounts, unread, foreign, total }: BranchTotal,
  session: ClientSession,
  unique: ReadonlySet<string>,
): Promise<BranchSum> {
  const sum = accounts === unread ? 0n : fromDecimal(total, branch.currency);
  const isUnique = accounts <= 1 || unique.has(branch.name);
  const duplicates = isUnique ? [] : await branch.duplicates(session);
  const isSound = unread === 0 && sum !== undefined && sum <= maxMinor && sum >= -maxMinor;
  if (isSound && foreign === 0 && duplicates.length === 0) {
    return { branch, accounts, minor: sum, problems: [] };
  }
  const { problems: found, readable } = await branch.problems(session);
  const problems = [...found, ...duplicates];
  const isKnown = !problems.some(({ code }) => hidesTotal(code));
  const minors = readable.totals.map((part) => fromDecimal(part, branch.currency) ?? 0n);
  const minor = minors.reduce((all, part) => all + part, 0n);
  return isKnown
    ? { branch, accounts, minor, problems }
    : {
        ...{ branch, accounts, minor: undefined, problems },
        ...(duplicates.length === 0 && { readable: { accounts: readable.accounts, minor } }),
      };
}

/**
 * True for a problem that makes a total or an account unknown; documents with any other are left
 * out or counted.
 */
function hidesTotal(code: ProblemCode): boolean {
  return code === 'bad_balance' || code === 'duplicate_account';
}

/** Adds up the branches of each currency. */
export function sumUp(sums: readonly BranchSum[]): BankBalance {
  const totals = new Map<string, { minor: bigint | undefined; readonly digits: number }>();
  for (const { branch, minor } of sums) {
    const { code, digits } = branch.currency;
    const { minor: before } = totals.get(code) ?? { minor: 0n };
    const unknown = minor === undefined || before === undefined;
    totals.set(code, { minor: unknown ? undefined : before + minor, digits });
  }
  const shown = (minor: bigint | undefined, digits: number) =>
    minor === undefined ? null : formatAmount(minor, { digits });
  return {
    branches: sums.map(({ branch, accounts, minor, problems, readable }) => ({
      branch: branch.name,
      collection: branch.collection,
      currency: branch.currency.code,
      accounts,
      total: shown(minor, branch.currency.digits),
      ...(problems.length > 0 && { problems }),
      ...(readable && {
        readable: {
          accounts: readable.accounts,
          total: formatAmount(readable.minor, branch.currency),
        },
      }),
    })),
    totals: Object.fromEntries(
      [...totals].map(([code, { minor, digits }]) => [code, shown(minor, digits)]),
    ),
  };
}

/**
 * All accounts of a branch by number, in batches, from one snapshot. What is wrong with documents
 * goes to the tally.
 */
export async function* accountBalances(
  bank: Bank,
  name: string,
  tally: Tally,
): AsyncIterable<readonly AccountBalance[]> {
  const session = bank.startSession(snapshotOf(bank));
  try {
    for await (const rows of accountsIn(bank.branches.get(name), session, tally)) {
      yield rows.map(({ profile: _profile, ...row }) => row);
    }
  } finally {
    await session.endSession();
  }
}

/** An account with whatever its owner and labels are. */
interface ProfiledBalance extends AccountBalance {
  readonly profile: Profile;
}

/** Like `accountBalances`, but in the caller's session, and with the profiles. */
export async function* accountsIn(
  branch: BranchModel,
  session: ClientSession,
  tally: Tally,
): AsyncIterable<readonly ProfiledBalance[]> {
  let previous: Document = {};
  let repeated = false;
  for await (const documents of branch.accounts(session, tally)) {
    const rows: ProfiledBalance[] = [];
    for (const document of documents) {
      const problem = problemOf(branch, document);
      if (problem) tally.add(problem, document);
      const again = isNumbered(document) && isSameNumber(previous, document);
      if (again && !repeated) tally.add('duplicate_account', previous);
      if (again) tally.add('duplicate_account', document);
      repeated = again;
      previous = document;
      const profile = readProfile(document) ?? noProfile;
      rows.push({ ...toAccountBalance(branch, document), profile });
    }
    yield rows;
  }
}

function isNumbered({ account_number }: Document): boolean {
  return typeof account_number === 'string' && account_number !== '';
}

function isSameNumber(left: Document, right: Document): boolean {
  return left['account_number'] === right['account_number'];
}

function problemOf(branch: BranchModel, document: Document): ProblemCode | undefined {
  const state = readAccount(document, branch);
  if (!(state instanceof BankctlError)) return isNumbered(document) ? undefined : 'bad_document';
  return state.code === 'bad_balance' ? 'bad_balance' : 'bad_document';
}

function toAccountBalance(branch: BranchModel, document: Document): AccountBalance {
  const minor = fromStored(document['balance'], branch);
  const status: unknown = document['status'];
  return {
    account: isNumbered(document) ? document['account_number'] : null,
    balance: minor === undefined ? null : formatAmount(minor, branch.currency),
    currency: branch.currency.code,
    status: typeof status === 'string' ? status : null,
  };
}

/**
 * @throws `account_not_found`, `wrong_branch`, `duplicate_account`, `bad_balance`, `bad_document`
 */
export async function accountBalance(bank: Bank, name: string, account: string) {
  const branch = bank.branches.get(name);
  const state = await runWithin(bank.timeoutMs, () => findAccount(branch, account));
  if (state instanceof BankctlError) throw state;
  return {
    branch: branch.name,
    account,
    currency: branch.currency.code,
    balance: formatAmount(state.balanceMinor, branch.currency),
    version: Number(state.version),
    status: state.status,
  };
}

/**
 * An account of a branch, or why it is not known. If a second document has the number, whatever its
 * stamp, it is unclear which one is the account.
 */
export async function findAccount(
  branch: BranchModel,
  account: string,
): Promise<AccountState | BankctlError> {
  const [document, second] = await branch.find([account]);
  if (second) {
    return new BankctlError(
      'duplicate_account',
      `The collection ${branch.collection} holds several documents of ${branch.name}:${account}.`,
      `${auditHint(branch.name)}; keep one of them.`,
    );
  }
  if (!document) return missing(branch, account);
  return document['branch'] === branch.name
    ? readAccount(document, branch)
    : wrongBranch(branch, account);
}

function snapshotOf(bank: Bank): { readonly snapshot: boolean } {
  return { snapshot: bank.journal !== undefined };
}

/** The number of an account that bankctl did not open may be stored in another form. */
async function missing(branch: BranchModel, account: string): Promise<BankctlError> {
  const hasForeign = await branch.hasForeign();
  return new BankctlError(
    'account_not_found',
    `There is no account ${account} in ${branch.name}` +
      `${hasForeign ? '; its collection also holds documents of other programs' : ''}.`,
    hasForeign
      ? takeOver(branch.name)
      : `bankctl balance ${shellWord(branch.name)} lists its accounts.`,
  );
}
