import { type Decimal128, type Document, Long } from 'mongodb';
import { BankctlError } from '../core/errors.ts';
import type { Currency } from '../core/money.ts';
import { quote } from '../core/text.ts';
import { balanceFromDecimal, toDecimal } from './decimal.ts';
import type {
  Asked,
  Entry,
  PastRefusal,
  Posting,
  Refusal,
  RefusalReason,
} from './operations/entry.ts';
import type { ProfileChange, ProfileEdit } from './operations/profile.ts';
import { readEdit, readProfileChange } from './stored-profile.ts';
import { timeOf, versionOf } from './stored-values.ts';

/** The effect of an operation on one account, as it is stored. */
interface PostingDocument {
  readonly branch: string;
  readonly account_number: string;
  readonly amount: Decimal128;
  readonly balance_after: Decimal128;
  readonly version: Long;
  /** Of an operation that set an owner or labels. */
  readonly profile?: ProfileChange;
}

/** What every document of the journal has, one for each operation id. */
interface OperationDocument {
  /** The operation id. */
  readonly _id: string;
  readonly type: string;
  /** The server's time, and later than any earlier transaction's posting of the same account. */
  readonly at: Date;
  /** The position among the operations of its transaction; older versions stored none. */
  readonly seq?: number;
  readonly memo?: string;
  /** Who asked for it, as `user@host`. */
  readonly by: string;
  /** Digest of the request, see `requestDigest`. */
  readonly request: string;
  /** Refusals of the same id that this document replaced, oldest first. */
  readonly refused_before?: readonly PastRefusal[];
}

/**
 * An applied operation, append-only. `(at, seq, _id)` is the order of application: whatever an
 * operation depends on comes before it, on every member and in every copy.
 */
export interface AppliedDocument extends OperationDocument {
  /** The operation that this one reverses; the server refuses a second reversal of it. */
  readonly reverses?: string;
  readonly postings: readonly PostingDocument[];
  /** What a `label` asked for. */
  readonly label?: ProfileEdit;
  /** Of an adopted document: the fields that changed, as another program had written them. */
  readonly was?: Readonly<Record<string, unknown>>;
}

/** A row of a file that the rules refused, so that it stays refused: see `post`. */
interface RefusedDocument extends OperationDocument {
  readonly refused: RefusalReason;
  /** What the row asked for, in the words of the command line; its type and memo are above. */
  readonly asked: Asked;
}

/** A document of the journal: see `isApplied`. */
export type JournalDocument = AppliedDocument | RefusedDocument;

/** The currency of a branch. @throws `unknown_branch` */
type CurrencyOf = (branch: string) => Currency;

/** True for an applied operation, false for a refused one. */
export function isApplied(document: JournalDocument): document is AppliedDocument {
  return 'postings' in document;
}

/** The stored form of an applied operation. */
export function toJournalDocument(entry: Entry, currencyOf: CurrencyOf): AppliedDocument {
  const document = {
    _id: entry.id,
    type: entry.type,
    at: entry.at,
    seq: entry.seq,
    ...(entry.memo === undefined ? {} : { memo: entry.memo }),
    by: entry.by,
    ...(entry.reverses === undefined ? {} : { reverses: entry.reverses }),
    request: entry.request,
    ...(entry.edit === undefined ? {} : { label: entry.edit }),
    postings: entry.postings.map((posting) => {
      const currency = currencyOf(posting.branch);
      return {
        branch: posting.branch,
        account_number: posting.account,
        amount: toDecimal(posting.amountMinor, currency),
        balance_after: toDecimal(posting.balanceAfterMinor, currency),
        version: Long.fromBigInt(posting.version),
        ...(posting.profile === undefined ? {} : { profile: posting.profile }),
      };
    }),
  };
  const { refusedBefore } = entry;
  return refusedBefore === undefined ? document : { ...document, refused_before: refusedBefore };
}

/** The stored form of a refused operation. */
export function toRefusedDocument(refusal: Refusal): RefusedDocument {
  return {
    _id: refusal.id,
    type: refusal.type,
    at: refusal.at,
    seq: refusal.seq,
    ...(refusal.memo === undefined ? {} : { memo: refusal.memo }),
    by: refusal.by,
    request: refusal.request,
    refused: refusal.reason,
    asked: refusal.asked,
    ...(refusal.refusedBefore === undefined ? {} : { refused_before: refusal.refusedBefore }),
  };
}

/**
 * @throws `bad_balance` if a stored amount is not exact in the branch's currency; `bad_document`
 *   for any other field; `unknown_branch`
 */
export function fromJournalDocument(document: AppliedDocument, currencyOf: CurrencyOf): Entry {
  const { reverses, label }: Document = document;
  const edit = label === undefined ? undefined : readEdit(label);
  if (!Array.isArray(document.postings) || document.postings.length === 0) {
    throw badDocument(document, 'postings');
  }
  if (reverses !== undefined && typeof reverses !== 'string')
    throw badDocument(document, 'reverses');
  if (label !== undefined && !edit) throw badDocument(document, 'label');
  return {
    ...sharedFields(document),
    reverses,
    ...(edit && { edit }),
    postings: document.postings.map((posting) => toPosting(posting, document, currencyOf)),
  };
}

/** @throws `bad_document` if a field is missing or of another type */
export function fromRefusedDocument(document: RefusedDocument): Refusal {
  const { refused, asked }: Document = document;
  if (typeof refused?.code !== 'string' || typeof refused.message !== 'string') {
    throw badDocument(document, 'refused');
  }
  return { ...sharedFields(document), reason: document.refused, asked: asked ?? {} };
}

function sharedFields(document: JournalDocument) {
  const { _id, type, at, seq = 0, memo, by, request, refused_before }: Document = document;
  for (const [name, value] of Object.entries({ _id, type, by, request })) {
    if (typeof value !== 'string') throw badDocument(document, name);
  }
  if (timeOf(at) === undefined) throw badDocument(document, 'at');
  if (!Number.isSafeInteger(seq)) throw badDocument(document, 'seq');
  if (memo !== undefined && typeof memo !== 'string') throw badDocument(document, 'memo');
  if (refused_before !== undefined && !Array.isArray(refused_before)) {
    throw badDocument(document, 'refused_before');
  }
  const { _id: id } = document;
  const shared = { id, type, at, seq, memo, by, request };
  return refused_before === undefined ? shared : { ...shared, refusedBefore: refused_before };
}

function toPosting(
  posting: PostingDocument,
  document: AppliedDocument,
  currencyOf: CurrencyOf,
): Posting {
  const { branch, account_number, profile: stored }: Document = Object(posting);
  if (typeof branch !== 'string' || typeof account_number !== 'string') {
    throw badDocument(document, 'postings');
  }
  const currency = knownCurrency(document, branch, currencyOf);
  const amountMinor = balanceFromDecimal(posting.amount, currency);
  const balanceAfterMinor = balanceFromDecimal(posting.balance_after, currency);
  if (amountMinor === undefined || balanceAfterMinor === undefined) {
    throw new BankctlError(
      'bad_balance',
      `The operation ${quote(document._id)} has an amount that is not exact in ${currency.code}.`,
    );
  }
  const version = versionOf(posting.version);
  if (version === undefined) throw badDocument(document, 'postings.version');
  const profile = stored === undefined ? undefined : readProfileChange(stored);
  if (stored !== undefined && !profile) throw badDocument(document, 'postings.profile');
  return {
    branch,
    account: account_number,
    amountMinor,
    balanceBeforeMinor: balanceAfterMinor - amountMinor,
    balanceAfterMinor,
    version,
    ...(profile && { profile }),
  };
}

function knownCurrency({ _id }: AppliedDocument, name: string, currencyOf: CurrencyOf) {
  try {
    return currencyOf(name);
  } catch (error) {
    throw new BankctlError(
      'unknown_branch',
      `The operation ${quote(_id)} also belongs to the branch ${quote(name)}, which the config ` +
        'leaves out.',
      'Run the command with a config that has the branch.',
      { cause: error },
    );
  }
}

function badDocument({ _id }: JournalDocument, field: string): BankctlError {
  return new BankctlError(
    'bad_document',
    `The journal document ${quote(String(_id))} has no valid ${field}.`,
  );
}
