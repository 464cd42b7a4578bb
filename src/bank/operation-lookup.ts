import { distance } from 'fastest-levenshtein';
import { Decimal128, type Document } from 'mongodb';
import { BankctlError } from '../core/errors.ts';
import { type Currency, formatAmount } from '../core/money.ts';
import { oneMistakeAway } from '../core/near-names.ts';
import { quote, shellWord } from '../core/text.ts';
import type { Bank } from './bank.ts';
import { runWithin } from './deadline.ts';
import { balanceFromDecimal } from './decimal.ts';
import { journalOf } from './history.ts';
import type { Journal } from './journal.ts';
import {
  type AppliedDocument,
  fromRefusedDocument,
  isApplied,
  type JournalDocument,
} from './journal-document.ts';
import type { PastRefusal } from './operations/entry.ts';
import { type ShownProfile, showProfile } from './operations/profile.ts';
import { readProfileChange } from './stored-profile.ts';
import { timeOf, versionOf } from './stored-values.ts';

/** A posting, as in the JSON result. */
export interface ShownPosting extends Partial<ShownProfile> {
  readonly branch: string;
  readonly account: string;
  readonly amount: string;
  /** What the account had after it. */
  readonly balance: string;
  /** Null for a branch that the config leaves out. */
  readonly currency: string | null;
  readonly version: number;
}

/** What the journal says of every operation. */
interface ShownOperation {
  readonly operation: string;
  readonly type: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly by: string;
  readonly memo: string | null;
  readonly request: string;
  /** Earlier refusals of the same id, oldest first; absent if there were none. */
  readonly refused_before?: readonly Readonly<Record<string, string>>[];
}

/** An operation that was applied. */
export interface ShownApplied extends ShownOperation {
  readonly state: 'applied';
  readonly reverses: string | null;
  readonly reversed_by: string | null;
  /** Of an adopted document: what was replaced in it, as text. */
  readonly was?: Readonly<Record<string, string>>;
  readonly postings: readonly ShownPosting[];
}

/** An operation of a file that the rules refused: it changed nothing. */
export interface ShownRefused extends ShownOperation {
  readonly state: 'refused';
  readonly refused: { readonly code: string; readonly message: string };
  /** What it asked for, in the words of the command line. */
  readonly asked: Readonly<Record<string, string>>;
}

/** Too many ids share a shorter prefix. */
const minPrefixLength = 4;

/** How many ids a message names. */
const maxNamed = 5;

/**
 * What the journal says of an operation: applied, or refused. An id that is not in it may be the
 * beginning of exactly one that is.
 * @throws `operation_not_found`, with similar ids; `operation_ambiguous`, `bad_document`,
 *   `journal_disabled`
 */
export function findOperation(bank: Bank, id: string): Promise<ShownApplied | ShownRefused> {
  const journal = journalOf(bank);
  return runWithin(bank.timeoutMs, async () => {
    const exact = await read(bank, journal, id);
    if (exact) return exact;
    const following = await journal.idsBeside(id, 'after', maxNamed + 1);
    const begun = following.filter((other) => other.startsWith(id));
    const [only, second] = begun;
    if ([...id].length >= minPrefixLength && only !== undefined) {
      if (second !== undefined) throw ambiguous(id, begun);
      const meant = await read(bank, journal, only);
      if (meant) return meant;
    }
    throw notFound(id, await nearIds(journal, id, following));
  });
}

async function read(bank: Bank, journal: Journal, id: string) {
  const [document] = await journal.find([id]);
  if (!document) return undefined;
  if (!isApplied(document)) return showRefused(document);
  const [reversal] = await journal.findReversals([id]);
  return showApplied(bank, document, reversal);
}

function ambiguous(id: string, begun: readonly string[]): BankctlError {
  return new BankctlError(
    'operation_ambiguous',
    `Several operations have an id that begins with ${quote(id)}: ${listIds(begun)}.`,
    undefined,
    { operationIds: begun.slice(0, maxNamed) },
  );
}

/** Never advises repeating anything: whoever mistyped an id would pay twice. */
function notFound(id: string, near: readonly string[]): BankctlError {
  const [nearest] = near;
  const look = 'An operation still under way may yet arrive: look again in two minutes';
  const rest = `A refused single command leaves no trace.${prefixHint(id)}`;
  return new BankctlError(
    'operation_not_found',
    `The journal has no operation ${quote(id)}${nearestClause(near)}.`,
    nearest === undefined
      ? `${look}, and check the id. ${rest}`
      : `If the id was mistyped, type bankctl show ${shellWord(nearest)}. ${look}. ${rest}`,
    { operationIds: [id] },
  );
}

/** A clause to follow a sentence about an id that does not exist. */
function nearestClause(near: readonly string[]): string {
  if (near.length === 0) return '';
  return `; the nearest ${near.length === 1 ? 'is' : 'are'} ${listIds(near)}`;
}

function prefixHint(id: string): string {
  if ([...id].length >= minPrefixLength) return '';
  return ` To look for the beginning of an id, give at least ${minPrefixLength} characters.`;
}

/** The `operation_not_found` of an operation that was to be reversed, with similar ids. */
export async function notFoundToReverse(bank: Bank, id: string): Promise<BankctlError> {
  const journal = journalOf(bank);
  const near = await runWithin(bank.timeoutMs, async () =>
    nearIds(journal, id, await journal.idsBeside(id, 'after', maxNamed + 1)),
  );
  const [nearest] = near;
  return new BankctlError(
    'operation_not_found',
    `There is no operation ${quote(id)} to reverse${nearestClause(near)}.`,
    nearest && `If the id was mistyped, look with bankctl show ${shellWord(nearest)} first.`,
    { operationIds: [id] },
  );
}

function listIds(ids: readonly string[]): string {
  const shown = ids.slice(0, maxNamed).map(quote).join(', ');
  return ids.length > maxNamed ? `${shown} and others` : shown;
}

/**
 * Ids that `id` may have been meant to be, nearest first: those one typo away, and its neighbours
 * in sort order with the same beginning. All are looked up in the index on ids.
 */
async function nearIds(
  journal: Journal,
  id: string,
  following: readonly string[],
): Promise<readonly string[]> {
  const preceding = await journal.idsBeside(id, 'before', maxNamed);
  const least = Math.max(minPrefixLength, id.length / 2);
  const beside = [...following, ...preceding].filter(
    (other) => other.startsWith(id) || sharedLength(id, other) >= least,
  );
  const mistaken = await journal.idsAmong(oneMistakeAway(id));
  const near = [...new Set([...mistaken, ...beside])];
  const mistakes = (other: string) => distance(id.toLowerCase(), other.toLowerCase());
  return near.sort((left, right) => mistakes(left) - mistakes(right)).slice(0, maxNamed);
}

function sharedLength(left: string, right: string): number {
  let length = 0;
  while (length < left.length && left[length] === right[length]) length += 1;
  return length;
}

/** An applied operation as `show` has it. @throws `bad_document` */
export function showApplied(
  bank: Bank,
  document: AppliedDocument,
  reversal: AppliedDocument | undefined,
): ShownApplied {
  const { postings, reverses, was }: Document = document;
  if (!Array.isArray(postings)) throw badDocument(document, 'postings');
  const { operation, type, at, by, memo, request, ...rest } = sharedFields(document);
  return {
    ...{ operation, state: 'applied', type, at, by, memo },
    reverses: reverses ?? null,
    reversed_by: reversal?._id ?? null,
    request,
    ...(was && { was: Object.fromEntries(Object.entries(was).map(showReplaced)) }),
    postings: postings.map((posting) => showPosting(bank, document, Object(posting))),
    ...rest,
  };
}

/** A field of any type. */
function showReplaced([name, value]: readonly [string, unknown]): readonly [string, string] {
  const isPlain = Object(value) === value && Object.getPrototypeOf(value) === Object.prototype;
  const isListed = isPlain || Array.isArray(value);
  if (value instanceof Date) return [name, timeOf(value)?.toISOString() ?? 'an invalid date'];
  return [name, isListed ? JSON.stringify(value) : String(value)];
}

/** Amounts that are not exact, or of a branch that is not in the config, are shown as stored. */
function showPosting(bank: Bank, document: JournalDocument, posting: Document): ShownPosting {
  const { branch, account_number: account, profile: stored } = posting;
  const version = versionOf(posting['version']);
  if (typeof branch !== 'string' || typeof account !== 'string' || version === undefined) {
    throw badDocument(document, 'postings');
  }
  const profile = stored === undefined ? undefined : readProfileChange(stored);
  if (stored !== undefined && !profile) throw badDocument(document, 'postings.profile');
  const currency = [...bank.branches].find(({ name }) => name === branch)?.currency;
  const shown = (value: unknown) => {
    if (value instanceof Decimal128) return showAmount(value, currency);
    throw badDocument(document, 'postings');
  };
  return {
    ...{ branch, account, amount: shown(posting['amount']) },
    balance: shown(posting['balance_after']),
    currency: currency?.code ?? null,
    version: Number(version),
    ...(profile && showProfile(profile)),
  };
}

function showAmount(value: Decimal128, currency: Currency | undefined): string {
  const minor = currency && balanceFromDecimal(value, currency);
  return currency && minor !== undefined ? formatAmount(minor, currency) : value.toString();
}

/** A refused operation as `show` has it. @throws `bad_document` */
export function showRefused(document: Exclude<JournalDocument, AppliedDocument>): ShownRefused {
  const { reason, asked } = fromRefusedDocument(document);
  const { operation, type, at, by, memo, request, ...rest } = sharedFields(document);
  return {
    ...{ operation, state: 'refused', type, at, by, memo, request },
    refused: { code: reason.code, message: reason.message },
    asked,
    ...rest,
  };
}

function sharedFields(document: JournalDocument): ShownOperation {
  const { type, by, memo, request, refused_before: before }: Document = document;
  const at = timeOf(document.at);
  if (!at) throw badDocument(document, 'at');
  return {
    operation: document._id,
    ...{ type: String(type), at: at.toISOString(), by: String(by), memo: memo ?? null },
    request: String(request),
    ...(Array.isArray(before) && { refused_before: before.map(showPastRefusal) }),
  };
}

function showPastRefusal({ at, by, code, message, request }: PastRefusal) {
  const time = timeOf(at)?.toISOString() ?? '';
  return { at: time, by: String(by), code: String(code), message: String(message), request };
}

function badDocument({ _id }: JournalDocument, field: string): BankctlError {
  return new BankctlError(
    'bad_document',
    `The journal's document of the operation ${quote(_id)} has no valid ${field}.`,
    'Find out which program wrote it; bankctl would not have.',
  );
}
