import { deserialize, serialize } from 'node:v8';
import { createSpool } from '../system/spool.ts';
import { type AccountState, type Book, isState } from './book.ts';
import type { Entry, Posting, Refusal } from './operations/entry.ts';
import { referenceKey } from './operations/names.ts';
import { accountsOf, type Operation, reversedBy } from './operations/operation.ts';

/**
 * What a dry run of many batches would have done so far, by which the next batch is judged. It is
 * kept on disk, so that memory does not grow with what would be changed.
 */
export interface Rehearsal {
  readonly accounts: Kept<AccountState>;
  /** What became of operations, by their ids. Kept only if a later operation may ask for it. */
  readonly entries: Kept<Entry>;
  readonly refusals: Kept<Refusal>;
  /** Ids of reversals by the id of what they reverse. */
  readonly reversals: Kept<string>;
  /** Lets go of the disk. Repeatable. */
  readonly close: () => void;
}

/** Values by key. */
interface Kept<T> {
  readonly get: (key: string) => T | undefined;
  readonly set: (key: string, value: T) => void;
  readonly delete: (key: string) => void;
}

/** What is known of the operations of a dry run. */
interface RehearsalOptions {
  /** No operation has the id of another one, and none reverses one. */
  readonly areUnrelated?: boolean;
}

/** A dry run in which nothing has been done yet. */
export function createRehearsal({ areUnrelated = false }: RehearsalOptions = {}): Rehearsal {
  const spool = createSpool();
  const kept = <T>(prefix: string, pack: (value: T) => Buffer, unpack: (bytes: Buffer) => T) => ({
    get: (key: string) => {
      const bytes = spool.get(prefix + key);
      return bytes === undefined || bytes.length === 0 ? undefined : unpack(bytes);
    },
    set: (key: string, value: T) => spool.set(prefix + key, pack(value)),
    delete: (key: string) => {
      if (spool.get(prefix + key)) spool.set(prefix + key, Buffer.alloc(0));
    },
  });
  const none = { get: () => undefined, set: () => undefined, delete: () => undefined };
  return {
    accounts: kept('account ', packState, unpackState),
    entries: areUnrelated ? none : kept('entry ', packEntry, unpackEntry),
    refusals: areUnrelated
      ? none
      : kept('refusal ', serialize, (bytes): Refusal => deserialize(bytes)),
    reversals: areUnrelated ? none : kept('reversal ', Buffer.from, String),
    close: spool.close,
  };
}

/** Overlays what the run would have done on what was read for these operations. */
export function overlay(book: Book, operations: readonly Operation[], rehearsal: Rehearsal): void {
  const overlaid = new Set<string>();
  for (const operation of operations) {
    overlayId(book, operation.id, rehearsal);
    const reversed = reversedBy(operation);
    if (reversed !== undefined) {
      overlayId(book, reversed, rehearsal);
      const reversal = rehearsal.reversals.get(reversed);
      const entry = reversal === undefined ? undefined : rehearsal.entries.get(reversal);
      if (entry) book.reversals.set(reversed, entry);
    }
    for (const reference of accountsOf(operation, book.entries)) {
      const key = referenceKey(reference);
      if (overlaid.has(key)) continue;
      overlaid.add(key);
      const account = rehearsal.accounts.get(key);
      if (account) book.accounts.set(key, account);
    }
  }
}

function overlayId(book: Book, id: string, { entries, refusals }: Rehearsal): void {
  const entry = entries.get(id);
  const refusal = entry ? undefined : refusals.get(id);
  if (entry) {
    book.entries.set(id, entry);
    book.refusals.delete(id);
  } else if (refusal) book.refusals.set(id, refusal);
}

/** Keeps what a batch would have done. */
export function rehearse(
  rehearsal: Rehearsal,
  book: Book,
  {
    entries,
    refused,
  }: { readonly entries: readonly Entry[]; readonly refused: readonly Refusal[] },
): void {
  const changed = new Set<string>();
  for (const refusal of refused) rehearsal.refusals.set(refusal.id, refusal);
  for (const entry of entries) {
    rehearsal.refusals.delete(entry.id);
    rehearsal.entries.set(entry.id, entry);
    if (entry.reverses !== undefined) rehearsal.reversals.set(entry.reverses, entry.id);
    for (const posting of entry.postings) changed.add(referenceKey(posting));
  }
  for (const key of changed) {
    const state = book.accounts.get(key);
    if (isState(state)) rehearsal.accounts.set(key, state);
  }
}

function packEntry(entry: Entry): Buffer {
  const { id, type, at, seq, memo, by, reverses, request, postings, edit } = entry;
  const packed = postings.map((it) => [
    it.branch,
    it.account,
    it.amountMinor,
    it.balanceBeforeMinor,
    it.balanceAfterMinor,
    it.version,
    it.profile,
  ]);
  return serialize([id, type, at, seq, memo, by, reverses, request, packed, edit]);
}

function unpackEntry(bytes: Buffer): Entry {
  const [id, type, at, seq, memo, by, reverses, request, packed, edit] = deserialize(bytes);
  const postings: Posting[] = [];
  for (const [
    branch,
    account,
    amountMinor,
    balanceBeforeMinor,
    balanceAfterMinor,
    version,
    profile,
  ] of packed) {
    const amounts = { amountMinor, balanceBeforeMinor, balanceAfterMinor };
    postings.push({ branch, account, ...amounts, version, profile });
  }
  return { id, type, at, seq, memo, by, reverses, request, postings, edit };
}

function packState(state: AccountState): Buffer {
  const { version, balanceMinor, status, openedAt, postedAt, profile, hasBadProfile } = state;
  return serialize([version, balanceMinor, status, openedAt, postedAt, profile, hasBadProfile]);
}

/** As if an earlier transaction had left it. */
function unpackState(bytes: Buffer): AccountState {
  const [version, balanceMinor, status, openedAt, postedAt, profile, hasBadProfile] =
    deserialize(bytes);
  const nextAt = new Date(postedAt.getTime() + 1);
  const times = { openedAt, postedAt, nextAt };
  const rest = { profile, hasBadProfile, documentId: undefined };
  return { version, balanceMinor, status, ...times, ...rest };
}
