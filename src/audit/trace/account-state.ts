import type { Document } from 'mongodb';
import type { Change } from '../../bank/changes.ts';
import { isLegacyAccount, readLegacy } from '../../bank/legacy-document.ts';
import type { BranchConfig, Config } from '../../config/config.ts';
import type { Currency } from '../../core/money.ts';

/** What is known of a document that holds an account. */
export interface AccountState {
  /** The canonical account number; undefined if it cannot be read. */
  readonly account: string | undefined;
  /** The balance in minor units; undefined if it is not known. */
  readonly minor: bigint | undefined;
  /** The version of its stamp; zero without a stamp, undefined if it is not known. */
  readonly version: bigint | undefined;
}

/** The branch that owns a collection. */
export function branchOf(
  { branches }: Config,
  collection: string | undefined,
): BranchConfig | undefined {
  return branches.find((branch) => branch.collection === collection);
}

/** What findings call a collection: its branch, or a stray by its name. */
export function placeName(config: Config, collection: string): string {
  const branch = branchOf(config, collection);
  if (branch) return branch.name;
  const isTaken = config.branches.some(({ name }) => name === collection);
  return isTaken ? `the collection ${collection}` : collection;
}

/**
 * The version to which bankctl raised an account by a change; undefined if others made it. bankctl
 * sets the version and the time of the posting each time, raises the version each time, and writes
 * only into the collections of branches. A program that saves a document as it once read it sets
 * both too, but does not raise the version.
 * @param before if it is not known, a change that looks like one of bankctl's is taken for one
 */
export function ownVersion(
  { kind, fields }: Change,
  branch: BranchConfig | undefined,
  before: AccountState | undefined,
): bigint | undefined {
  const version = versionOf(fields['version']);
  if (!branch || version === undefined || fields['posted_at'] == null) return undefined;
  if (kind === 'insert') return fields['branch'] === branch.name ? version : undefined;
  return kind === 'update' && version > (before?.version ?? 0n) ? version : undefined;
}

function versionOf(value: unknown): bigint | undefined {
  const text = String(value);
  return /^\d{1,19}$/.test(text) ? BigInt(text) : undefined;
}

/**
 * True if a change left every amount as it was: another form of the balance, such as a decimal in
 * place of a double, which is how `adopt` mends an account that it has already taken over.
 */
export function isChangeOfForm({ kind, fields, removed }: Change, currency: Currency): boolean {
  if (kind !== 'update' || removed.length > 0) return false;
  const read = readLegacy({ account_number: 'any', balance: fields['balance'] }, { currency });
  return Object.keys(fields).join() === 'balance' && isLegacyAccount(read) && !read.isRounded;
}

/** True for a document that another program may take for an account. */
export function holdsAccount(document: Document): boolean {
  return document['account_number'] != null && document['balance'] != null;
}

/** Reads a whole document. */
export function stateOf(document: Document, currency: Currency): AccountState {
  const number = readLegacy({ account_number: document['account_number'] }, { currency });
  return {
    account: isLegacyAccount(number) ? number.account : undefined,
    minor: balanceOf(document['balance'], currency),
    version: document['branch'] == null ? 0n : (versionOf(document['version']) ?? 0n),
  };
}

/** The state after a change; what it did not set is as it was before. */
export function stateAfter(
  before: AccountState | undefined,
  { kind, fields, removed }: Change,
  currency: Currency,
): AccountState {
  if (kind === 'insert' || kind === 'replace') return stateOf(fields, currency);
  // A version without a stamp is another program's own.
  const isStamped = fields['branch'] != null || before?.version !== 0n;
  const unset = removed.includes('balance') ? balanceOf(undefined, currency) : before?.minor;
  return {
    account: 'account_number' in fields ? stateOf(fields, currency).account : before?.account,
    minor: 'balance' in fields ? balanceOf(fields['balance'], currency) : unset,
    version: isStamped && 'version' in fields ? versionOf(fields['version']) : before?.version,
  };
}

function balanceOf(balance: unknown, currency: Currency): bigint | undefined {
  const read = readLegacy({ account_number: 'any', balance }, { currency });
  return isLegacyAccount(read) ? read.balanceMinor : undefined;
}
