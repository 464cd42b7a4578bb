import { type Document, Double, Int32 } from 'mongodb';
import { BankctlError } from '../../core/errors.ts';
import { formatAmount } from '../../core/money.ts';
import { quote } from '../../core/text.ts';
import { readAccount } from '../account.ts';
import type { AccountState } from '../book.ts';
import type { BranchModel } from '../branch.ts';
import { isLegacyAccount, type LegacyAccount, readLegacy } from '../legacy-document.ts';
import { fromStored, maxBalanceMinor, toStored } from '../stored-balance.ts';
import { exactOf } from './exact-amount.ts';
import { closedWithMoney, takenField } from './own-fields.ts';

/** Why a document is left alone; most are also codes of errors or of findings. */
export type ConflictCode =
  | 'invalid_account'
  | 'misplaced_document'
  | 'duplicate_account'
  | 'bad_balance'
  | 'bad_document'
  | 'balance_limit'
  | 'balance_not_zero'
  | 'field_taken'
  | 'behind_journal'
  | 'version_gap'
  | 'account_moved'
  | 'refused_by_server';

/** A document that is left alone. */
export interface Conflict {
  readonly verdict: 'conflict';
  readonly code: ConflictCode;
  /** Canonical; undefined if it has none. */
  readonly account: string | undefined;
  /** A clause about the document. */
  readonly reason: string;
}

/** A document that is an account, or is to become one. */
export interface Sound {
  /** `known` is one that bankctl can use as it is; `adopt` one that it never stamped. */
  readonly verdict: 'known' | 'adopt' | 'convert';
  readonly account: string;
  /** In minor units, rounded to the currency's digits. */
  readonly balanceMinor: bigint;
  /** The exact balance before, see `exactOf`, if rounding it changes money. */
  readonly roundedFrom: bigint | undefined;
  /** The account number as it is stored, if that changes. */
  readonly renumberedFrom?: unknown;
  /** A field of the other program is written over. */
  readonly takesField?: boolean;
}

/** What is known and wanted besides the document itself. */
export interface JudgeRules {
  readonly isDuplicate: IsDuplicate;
  /** Fields of the other program are written over, see `takenField`. */
  readonly replacesFields: boolean;
}

/** What is to be done with a document. */
export type Verdict = Sound | Conflict;

/** Whether several documents of a collection have one account number, in whatever spelling. */
export type IsDuplicate = (account: string) => boolean;

/** Judges one document of a collection, as far as the collection tells. */
export function judge(
  document: Document,
  branch: BranchModel,
  { isDuplicate, replacesFields }: JudgeRules,
): Verdict {
  const verdict = judgeDocument(document, branch, replacesFields);
  const { account } = verdict;
  return account !== undefined && isDuplicate(account) ? duplicate(account) : verdict;
}

/**
 * Judges one document by itself: neither the other documents with its number nor the journal count.
 *
 * @param document with numbers in the driver's types
 */
export function judgeDocument(
  document: Document,
  branch: BranchModel,
  replacesFields = false,
): Verdict {
  const { branch: stamp, version } = document;
  if (stamp == null) return judgeLegacy(document, branch, replacesFields);
  // What the old program calls a branch too, in documents that bankctl never wrote.
  if (stamp === branch.name && version === undefined && document['status'] === undefined) {
    return judgeLegacy(document, branch, replacesFields);
  }
  if (stamp !== branch.name) {
    const shown = typeof stamp === 'string' ? quote(stamp) : 'something that is no text';
    return conflict('misplaced_document', document, branch, `is stamped for ${shown}`);
  }
  return judgeStamped(document, branch);
}

function judgeLegacy(document: Document, branch: BranchModel, replacesFields: boolean): Verdict {
  const read = readLegacy(document, branch);
  if (!isLegacyAccount(read)) {
    const code = read.field === 'balance' ? 'bad_balance' : 'invalid_account';
    return conflict(code, document, branch, read.reason);
  }
  const sound = checkLimit('adopt', document, read, branch);
  if (sound.verdict === 'conflict') return sound;
  const { account } = read;
  const closed = closedWithMoney(document, read, branch);
  if (closed !== undefined) {
    return { verdict: 'conflict', code: 'balance_not_zero', account, reason: closed };
  }
  const taken = takenField(document, read, branch);
  if (taken !== undefined && !replacesFields) {
    return { verdict: 'conflict', code: 'field_taken', account, reason: taken };
  }
  const number: unknown = document['account_number'];
  const renumberedFrom = number === account ? undefined : number;
  return { ...sound, renumberedFrom, takesField: taken !== undefined };
}

function judgeStamped(document: Document, branch: BranchModel): Verdict {
  const { account_number: account, balance } = document;
  const read = readLegacy(document, branch);
  if (!isLegacyAccount(read)) {
    const code = read.field === 'balance' ? 'bad_balance' : 'bad_document';
    return conflict(code, document, branch, read.reason);
  }
  if (balance == null) return conflict('bad_balance', document, branch, 'has no balance');
  if (account !== read.account) {
    return conflict('bad_document', document, branch, 'has an account number in another form');
  }
  const sound = checkLimit('convert', document, read, branch);
  if (sound.verdict === 'conflict') return sound;
  const state = stateOf(document, branch, sound.balanceMinor);
  if (state instanceof BankctlError) {
    const { message } = state;
    const [reason = message] = /has no valid .*(?=\.$)/.exec(message) ?? [];
    return conflict('bad_document', document, branch, reason);
  }
  const isKnown =
    fromStored(balance, branch) !== undefined &&
    (branch.storage === 'double') === isBinaryNumber(balance);
  return isKnown ? { ...sound, verdict: 'known' } : sound;
}

/** A stamped document as the rest of bankctl sees it, once its balance is in the branch's form. */
export function stateOf(
  document: Document,
  branch: BranchModel,
  balanceMinor: bigint,
): AccountState | BankctlError {
  const { version } = document;
  const plain = version instanceof Double || version instanceof Int32 ? version.value : version;
  return readAccount(
    { ...document, version: plain, balance: toStored(balanceMinor, branch) },
    branch,
  );
}

/** True for what the old program calls a number, and reads as one. */
function isBinaryNumber(value: unknown): boolean {
  return value instanceof Double || value instanceof Int32 || typeof value === 'number';
}

function checkLimit(
  verdict: 'adopt' | 'convert',
  document: Document,
  { account, balanceMinor, isRounded }: LegacyAccount,
  branch: BranchModel,
): Verdict {
  const limitMinor = maxBalanceMinor(branch);
  if (balanceMinor > limitMinor || balanceMinor < -limitMinor) {
    const [has, limit] = [balanceMinor, limitMinor].map((it) => formatAmount(it, branch.currency));
    const reason = `has ${has}, beyond the ${limit} that a double holds exactly`;
    return { verdict: 'conflict', code: 'balance_limit', account, reason };
  }
  const roundedFrom = isRounded ? exactOf(document['balance']) : undefined;
  return { verdict, account, balanceMinor, roundedFrom };
}

function conflict(
  code: ConflictCode,
  document: Document,
  branch: BranchModel,
  reason: string,
): Conflict {
  return { verdict: 'conflict', code, account: accountOf(document, branch), reason };
}

/** Of a document whose number others have too: nobody knows which of them is the account. */
function duplicate(account: string): Conflict {
  const reason = 'is the number of several documents';
  return { verdict: 'conflict', code: 'duplicate_account', account, reason };
}

/**
 * Of a document without a stamp whose account is in the journal already, by another document that
 * may be gone.
 */
export function behindJournal(account: string): Conflict {
  const reason =
    'has postings in the journal, of another document or of one that this one replaced';
  return { verdict: 'conflict', code: 'behind_journal', account, reason };
}

/** The canonical account number of a document, whatever else is wrong with it. */
export function accountOf(
  { account_number }: Document,
  { currency }: Pick<BranchModel, 'currency'>,
): string | undefined {
  const read = readLegacy({ account_number }, { currency });
  return isLegacyAccount(read) ? read.account : undefined;
}
