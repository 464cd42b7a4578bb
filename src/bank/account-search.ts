import type { ClientSession, Document } from 'mongodb';
import { BankctlError } from '../core/errors.ts';
import { formatAmount } from '../core/money.ts';
import { readAccount } from './account.ts';
import type { Bank } from './bank.ts';
import { escapeRegex } from './batch-files.ts';
import type { BranchModel } from './branch.ts';
import type { AppliedDocument } from './journal-document.ts';
import { type AccountReference, referenceKey } from './operations/names.ts';
import { noProfile, type Profile } from './operations/profile.ts';
import { labelsField, ownerField } from './stored-profile.ts';

/** Which accounts are looked for: those for which all that is given holds. */
export interface AccountQuery {
  /** The branches to look in, by name. */
  readonly branches: readonly string[];
  /** Part of the account number, in any case. */
  readonly text?: string | undefined;
  readonly status?: string | undefined;
  /** Part of the owner, in any case. */
  readonly owner?: string | undefined;
  /** Labels that it has all, in any case. */
  readonly labels?: readonly string[] | undefined;
  /** The lowest and the highest balance in minor units of a branch; undefined for no limit. */
  readonly bounds: (branch: Pick<BranchModel, 'currency'>) => {
    readonly minMinor: bigint | undefined;
    readonly maxMinor: bigint | undefined;
  };
}

/** An account that was found, as in the JSON result. */
export interface FoundAccount extends AccountReference, Profile {
  readonly balance: string;
  readonly currency: string;
  readonly status: string;
  /** Since when it is frozen or closed, in ISO 8601, UTC; null if it is open or it is not known. */
  readonly since: string | null;
  readonly by: string | null;
  /** The memo of the operation that froze or closed it. */
  readonly reason: string | null;
}

/**
 * The accounts that match, by branch and number, in batches, from one snapshot.
 * @param reportProblem called for each account that cannot be read
 */
export async function* findAccounts(
  bank: Bank,
  query: AccountQuery,
  reportProblem: (error: BankctlError) => void,
): AsyncIterable<readonly FoundAccount[]> {
  const filter = filterOf(query);
  const session = bank.startSession({ snapshot: bank.journal !== undefined });
  try {
    for (const name of query.branches) {
      const branch = bank.branches.get(name);
      const { minMinor, maxMinor } = query.bounds(branch);
      const isWithin = (minor: bigint) =>
        (minMinor === undefined || minor >= minMinor) &&
        (maxMinor === undefined || minor <= maxMinor);
      for await (const documents of branch.accounts(session, undefined, filter)) {
        const found = documents.flatMap((document) => {
          const account = toAccount(branch, document, isWithin);
          if (!(account instanceof BankctlError)) return account;
          reportProblem(account);
          return [];
        });
        yield await addReasons(bank, found, session);
      }
    }
  } finally {
    await session.endSession();
  }
}

/**
 * True if an account that matches has an owner or labels, leaving aside its balance. It stops at
 * the first.
 */
export async function anyProfile(bank: Bank, query: AccountQuery): Promise<boolean> {
  const hasOne = {
    $or: [{ [ownerField]: { $type: 'string' } }, { [`${labelsField}.0`]: { $exists: true } }],
  };
  const filter = { $and: [filterOf(query), hasOne] };
  for (const name of query.branches) {
    const { accounts } = bank.branches.get(name);
    for await (const documents of accounts(undefined, undefined, filter)) {
      if (documents.length > 0) return true;
    }
  }
  return false;
}

function filterOf({ text, status, owner, labels = [] }: AccountQuery): Document {
  const holding = (part: string) => ({ $regex: escapeRegex(part.normalize('NFC')), $options: 'i' });
  const exactly = (word: string) => ({ $regex: `^${escapeRegex(word)}$`, $options: 'i' });
  return {
    ...(text === undefined ? {} : { account_number: holding(text) }),
    ...(status === undefined ? {} : { status }),
    ...(owner === undefined ? {} : { [ownerField]: holding(owner) }),
    ...(labels.length === 0
      ? {}
      : { $and: labels.map((label) => ({ [labelsField]: exactly(label) })) }),
  };
}

type Unexplained = Omit<FoundAccount, 'since' | 'by' | 'reason'>;

function toAccount(
  branch: BranchModel,
  document: Document,
  isWithin: (minor: bigint) => boolean,
): readonly Unexplained[] | BankctlError {
  const state = readAccount(document, branch);
  if (state instanceof BankctlError) return state;
  if (!isWithin(state.balanceMinor)) return [];
  return [
    {
      branch: branch.name,
      account: String(document['account_number']),
      balance: formatAmount(state.balanceMinor, branch.currency),
      currency: branch.currency.code,
      status: state.status,
      ...(state.profile ?? noProfile),
    },
  ];
}

/** Says of accounts that are not open who made them so, when and why. */
async function addReasons(
  { journal }: Bank,
  accounts: readonly Unexplained[],
  session: ClientSession,
): Promise<readonly FoundAccount[]> {
  const changed = accounts.filter(({ status }) => status !== 'open');
  const [first] = changed;
  const numbers = changed.map(({ account }) => account);
  const newest = new Map<
    string,
    { readonly version: bigint; readonly document: AppliedDocument }
  >();
  const documents =
    first && journal ? await journal.statusChanges(first.branch, numbers, session) : [];
  for (const document of documents) {
    for (const { branch, account_number, version } of document.postings) {
      const key = referenceKey({ branch, account: account_number });
      const at = BigInt(version.toString());
      if (at > (newest.get(key)?.version ?? 0n)) newest.set(key, { version: at, document });
    }
  }
  return accounts.map((account) => {
    const change = account.status === 'open' ? undefined : newest.get(referenceKey(account));
    const { at, by = null, memo = null } = change?.document ?? {};
    return { ...account, since: at?.toISOString() ?? null, by, reason: memo };
  });
}
