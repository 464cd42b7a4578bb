import type { Document } from 'mongodb';
import type { Bank } from '../../bank/bank.ts';
import type { CollectionKind, CollectionKinds } from '../../bank/collection-kinds.ts';
import { isServerError } from '../../database/driver-errors.ts';
import type { Place } from '../observer.ts';

/** A part of the database that could not be read. */
export interface Unread {
  readonly branch?: string;
  readonly collection?: string;
  readonly reason: string;
}

/** Where an audit looks, and what it may not. */
interface Places {
  readonly places: readonly Place[];
  readonly unread: readonly Unread[];
  /** Collections of which the server has no snapshot, so that they are read as they are. */
  readonly capped: ReadonlySet<string>;
}

/** The branches asked for, in the order of the config; if none, all of them, and the strays. */
export async function findPlaces(bank: Bank, branches: readonly string[]): Promise<Places> {
  const wanted = new Set(branches);
  const unread: Unread[] = [];
  // Only for strays is it said that the collections cannot be listed.
  const unlisted = wanted.size > 0 ? [] : unread;
  const kinds = await unlessUnlisted<CollectionKinds>(unlisted, () => bank.scan.kinds(), new Map());
  const places: Place[] = [];
  for (const branch of bank.config.branches) {
    const { name, collection, currency } = branch;
    if (wanted.size > 0 && !wanted.has(name)) continue;
    const kind = kinds.get(collection);
    if (kind === undefined) places.push({ name, collection, isBranch: true, branch, currency });
    else unread.push({ branch: name, collection, reason: unreadable[kind] });
  }
  const journal = bank.journal?.collection;
  const kind = journal === undefined ? undefined : kinds.get(journal);
  if (journal !== undefined && kind) unread.push({ collection: journal, reason: unreadable[kind] });
  if (wanted.size > 0) return { places, unread, capped: new Set() };
  const strays = unread.some(isUnlisted) ? [] : await findStrays(bank, unread);
  const capped = strays.filter(({ collection }) => kinds.get(collection) === 'capped');
  return {
    ...{ places: [...places, ...strays], unread },
    capped: new Set(capped.map(({ collection }) => collection)),
  };
}

/** Why the collection of a branch, or the journal, is not read, and what to do about it. */
const unreadable: Readonly<Record<CollectionKind, string>> = {
  capped:
    'It is capped: the server drops its oldest documents, and shows no single moment of it. ' +
    'Copy the documents into a collection that is not capped.',
  view: 'It is a view. Name the collection behind it in the config.',
  timeseries: 'It is a time series, whose documents cannot be changed. Name another collection.',
};

async function findStrays(bank: Bank, unread: Unread[]): Promise<readonly Place[]> {
  const strays: Place[] = [];
  const others = await unlessUnlisted(unread, () => bank.scan.otherCollections(), []);
  for (const name of others.filter((one) => !bank.identity.collections.includes(one))) {
    try {
      if (!holdsAccounts(await bank.scan.sample(name, sampleSize))) continue;
      const currency = sharedCurrency(bank);
      strays.push({ name, collection: name, isBranch: false, branch: undefined, currency });
    } catch (error) {
      if (!isServerError(error, 'unauthorized')) throw error;
      unread.push({ collection: name, reason: notPermitted });
    }
  }
  return strays;
}

/** Why a part is unread, most of the time. */
export const notPermitted = 'The user has no permission to read it.';

const notListed = 'The user has no permission to list the collections of the database.';

function isUnlisted({ reason }: Unread): boolean {
  return reason === notListed;
}

async function unlessUnlisted<T>(unread: Unread[], work: () => Promise<T>, otherwise: T) {
  try {
    return await work();
  } catch (error) {
    if (!isServerError(error, 'unauthorized')) throw error;
    unread.push({ reason: notListed });
    return otherwise;
  }
}

const sampleSize = 100;

/** Accounts have a number and a balance; at least half of them must, since strays hold anything. */
function holdsAccounts(documents: readonly Document[]): boolean {
  const accounts = documents.filter((one) => 'account_number' in one && 'balance' in one);
  return accounts.length > 0 && accounts.length * 2 >= documents.length;
}

function sharedCurrency({ config: { branches } }: Bank) {
  const [first] = branches;
  const isShared = branches.every(({ currency }) => currency.code === first?.currency.code);
  return isShared ? first?.currency : undefined;
}
