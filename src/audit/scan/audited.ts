import type { ClientSession } from 'mongodb';
import type { Bank } from '../../bank/bank.ts';
import { isServerError } from '../../database/driver-errors.ts';
import type { AuditHost } from '../audit-host.ts';
import type { Observer, Place } from '../observer.ts';
import type { Fingerprints } from './fingerprints.ts';
import { notPermitted, type Unread } from './places.ts';

/** One audit under way: what it reads, and what it has seen so far. */
export interface Audited {
  readonly bank: Bank;
  /** Reads one snapshot, if the bank has a journal. */
  readonly session: ClientSession;
  /** The same, but for a capped collection, which is read as it is: it has no snapshot. */
  readonly sessionOf: (place: Place) => ClientSession;
  readonly host: AuditHost;
  readonly places: readonly Place[];
  readonly observers: readonly Observer[];
  readonly fingerprints: Fingerprints;
  /** The same of owners and labels, whose sum is zero if the journal says what documents have. */
  readonly profiles: Fingerprints;
  readonly unread: Unread[];
  /** Collections whose documents were not read. */
  readonly skipped: Set<string>;
  /** Collections in which an account number has several documents. */
  readonly repeated: Set<string>;
  /** Account numbers of which a posting was changed since it was written. */
  readonly altered: Set<string>;
  readonly checked: { accounts: number; operations: number };
}

/** Goes on without a part that may not be read, and says so. */
export async function* unlessForbidden<T>(
  { unread, skipped }: Pick<Audited, 'unread' | 'skipped'>,
  part: Omit<Unread, 'reason'> & { readonly collection: string },
  work: AsyncIterable<T>,
): AsyncGenerator<T> {
  try {
    yield* work;
  } catch (error) {
    if (!isServerError(error, 'unauthorized')) throw error;
    skipped.add(part.collection);
    unread.push({ ...part, reason: notPermitted });
  }
}

/** How an unread part is named: by its branch, or else by its collection. */
export function partOf(place: Place) {
  return place.isBranch
    ? { branch: place.name, collection: place.collection }
    : { collection: place.collection };
}
