import type { Entry } from './journal.ts';
import { type Operation, referenceKey } from './operation.ts';
import { accountsOf } from './reading.ts';
import type { Book, Reading } from './rules.ts';

/**
 * What a dry run of many batches would have done so far, so that each batch is judged by what the
 * ones before it would have left. Its memory grows with the accounts and the ids of the run.
 */
export interface Rehearsal {
  readonly accounts: Map<string, Reading>;
  readonly entries: Map<string, Entry>;
  /** Reversals by the id of what they reverse. */
  readonly reversals: Map<string, Entry>;
}

/** A dry run in which nothing has been done yet. */
export function createRehearsal(): Rehearsal {
  return { accounts: new Map(), entries: new Map(), reversals: new Map() };
}

/** Puts what the run would have done over what was read for these operations. */
export function overlay(
  book: Book,
  operations: readonly Operation[],
  { accounts, entries, reversals }: Rehearsal,
): void {
  for (const operation of operations) {
    carry(entries, operation.id, book.entries);
    if (operation.type === 'reverse') {
      carry(entries, operation.reverses, book.entries);
      carry(reversals, operation.reverses, book.reversals);
    }
    for (const reference of accountsOf(operation, book.entries)) {
      carry(accounts, referenceKey(reference), book.accounts);
    }
  }
}

/** Keeps what a batch would have done. */
export function rehearse(rehearsal: Rehearsal, book: Book, entries: readonly Entry[]): void {
  for (const entry of entries) {
    rehearsal.entries.set(entry.id, entry);
    if (entry.reverses !== undefined) rehearsal.reversals.set(entry.reverses, entry);
    for (const posting of entry.postings) {
      carry(book.accounts, referenceKey(posting), rehearsal.accounts);
    }
  }
}

function carry<T>(from: ReadonlyMap<string, T>, key: string, into: Map<string, T>): void {
  const value = from.get(key);
  if (value !== undefined) into.set(key, value);
}
