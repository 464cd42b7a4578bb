import type { Decimal128, Document, Double, Long } from 'mongodb';
import type { BranchConfig } from '../config/config.ts';
import { BankctlError } from '../core/errors.ts';
import type { AccountState } from './book.ts';
import { takeOver } from './next-step.ts';
import type { AccountStatus } from './operations/entry.ts';
import { referenceKey } from './operations/names.ts';
import { fromStored, type Storage } from './stored-balance.ts';
import { badProfileFields, readProfile, type StoredProfile } from './stored-profile.ts';
import { timeOf, versionOf } from './stored-values.ts';

/** An account as it is stored, one document of its branch's collection. */
export interface AccountDocument extends StoredProfile {
  readonly account_number: string;
  /** A double only in a branch whose storage says so. */
  readonly balance: Decimal128 | Double;
  /** The stamp: the branch that this document belongs to. Every filter repeats it. */
  readonly branch: string;
  /** Counts the postings of the account: 1, 2, 3, … without gaps. */
  readonly version: Long;
  readonly status: AccountStatus;
  readonly opened_at: Date;
  /** When the newest posting was made; the next one is never earlier. */
  readonly posted_at: Date;
}

const statuses: ReadonlySet<unknown> = new Set<AccountStatus>(['open', 'frozen', 'closed']);

/**
 * An account as the rules need it, from its document; otherwise `bad_balance` if the balance is not
 * an exact amount of the currency, or too large, and `bad_document` for any other field.
 */
export function readAccount(
  document: Document,
  { name, currency, storage }: Pick<BranchConfig, 'name'> & Storage,
): AccountState | BankctlError {
  const { _id: documentId, account_number, balance, version, status, opened_at } = document;
  const shown = referenceKey({ branch: name, account: String(account_number) });
  const balanceMinor = fromStored(balance, { currency, storage });
  if (balanceMinor === undefined) {
    return new BankctlError(
      'bad_balance',
      `The balance of ${shown} is not an exact amount of ${currency.code}.`,
      takeOver(name),
    );
  }
  const bad = (field: string) =>
    new BankctlError('bad_document', `The document of ${shown} has no valid ${field}.`);
  const versionRead = versionOf(version);
  if (versionRead === undefined) return bad('version');
  if (!isStatus(status)) return bad('status');
  const openedAt = timeOf(opened_at);
  if (!openedAt) return bad('opened_at');
  const postedAt = timeOf(document['posted_at'] ?? opened_at);
  if (!postedAt) return bad('posted_at');
  const times = { openedAt, postedAt, nextAt: new Date(postedAt.getTime() + 1) };
  const profile = readProfile(document);
  const hasBadProfile = badProfileFields(document).length > 0;
  const state = { version: versionRead, balanceMinor, status, ...times, profile, documentId };
  return hasBadProfile ? { ...state, hasBadProfile } : state;
}

/** The refusal of an account when only a document with another stamp has its number. */
export function wrongBranch(
  { name, collection }: Pick<BranchConfig, 'name' | 'collection'>,
  account: string,
): BankctlError {
  return new BankctlError(
    'wrong_branch',
    `The document of ${account} in the collection ${collection} ` +
      `does not carry the stamp of ${name}.`,
    takeOver(name),
  );
}

function isStatus(value: unknown): value is AccountStatus {
  return statuses.has(value);
}
