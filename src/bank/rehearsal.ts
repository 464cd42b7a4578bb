import { deserialize, serialize } from 'node:v8';
import { type AccountState, type Book, isState } from './book.ts';
import type { Entry, Posting, Refusal } from './operations/entry.ts';
import { referenceKey } from './operations/names.ts';
import { accountsOf, type Operation, reversedBy } from './operations/operation.ts';

/**
 * What a dry run of many batches would have done so far, by which the next batch is judged. Each
 * entry and account state is packed into one string, which takes a quarter of the memory of the
 * objects.
 */
export interface Rehearsal {
  /** Packed account states, by `referenceKey`. */
  readonly accounts: Map<string, string>;
  /** Packed entries by id. */
  readonly entries: Map<string, string>;
  /** Packed refusals by id. */
  readonly refusals: Map<string, string>;
  /** Ids of reversals by the id of what they reverse. */
  readonly reversals: Map<string, string>;
}

/** A dry run in which nothing has been done yet. */
export function createRehearsal(): Rehearsal {
  return { accounts: new Map(), entries: new Map(), refusals: new Map(), reversals: new Map() };
}

/** Overlays what the run would have done on what was read for these operations. */
export function overlay(book: Book, operations: readonly Operation[], rehearsal: Rehearsal): void {
  for (const operation of operations) {
    overlayId(book, operation.id, rehearsal);
    const reversed = reversedBy(operation);
    if (reversed !== undefined) {
      overlayId(book, reversed, rehearsal);
      const reversal = rehearsal.entries.get(rehearsal.reversals.get(reversed) ?? '');
      if (reversal) book.reversals.set(reversed, unpackEntry(reversal));
    }
    for (const reference of accountsOf(operation, book.entries)) {
      const key = referenceKey(reference);
      const account = rehearsal.accounts.get(key);
      if (account) book.accounts.set(key, unpackState(account));
    }
  }
}

function overlayId(book: Book, id: string, { entries, refusals }: Rehearsal): void {
  const entry = entries.get(id);
  const refusal = refusals.get(id);
  if (entry) {
    book.entries.set(id, unpackEntry(entry));
    book.refusals.delete(id);
  } else if (refusal) book.refusals.set(id, unpack(refusal)[0]);
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
  for (const refusal of refused) rehearsal.refusals.set(refusal.id, pack([refusal]));
  for (const entry of entries) {
    rehearsal.refusals.delete(entry.id);
    rehearsal.entries.set(entry.id, packEntry(entry));
    if (entry.reverses !== undefined) rehearsal.reversals.set(entry.reverses, entry.id);
    for (const posting of entry.postings) {
      const key = referenceKey(posting);
      const state = book.accounts.get(key);
      if (isState(state)) {
        rehearsal.accounts.set(key, packState(state));
      }
    }
  }
}

/** One byte per character: bigints and times in their binary form, without field names. */
function pack(values: readonly unknown[]): string {
  return serialize(values).toString('latin1');
}

function unpack(packed: string) {
  return deserialize(Buffer.from(packed, 'latin1'));
}

function packEntry(entry: Entry): string {
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
  return pack([id, type, at, seq, memo, by, reverses, request, packed, edit]);
}

function unpackEntry(text: string): Entry {
  const [id, type, at, seq, memo, by, reverses, request, packed, edit] = unpack(text);
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

function packState(state: AccountState): string {
  const { version, balanceMinor, status, openedAt, postedAt, profile, hasBadProfile } = state;
  return pack([version, balanceMinor, status, openedAt, postedAt, profile, hasBadProfile]);
}

/** As if an earlier transaction had left it. */
function unpackState(text: string): AccountState {
  const [version, balanceMinor, status, openedAt, postedAt, profile, hasBadProfile] = unpack(text);
  const nextAt = new Date(postedAt.getTime() + 1);
  const times = { openedAt, postedAt, nextAt };
  const rest = { profile, hasBadProfile, documentId: undefined };
  return { version, balanceMinor, status, ...times, ...rest };
}
