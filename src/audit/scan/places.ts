import type { Document } from 'mongodb';
import type { Bank } from '../../bank/bank.ts';
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
}

/** The branches asked for, in the order of the config; if none, all of them, and the strays. */
export async function findPlaces(bank: Bank, branches: readonly string[]): Promise<Places> {
  const wanted = new Set(branches);
  const places = bank.config.branches
    .filter(({ name }) => wanted.size === 0 || wanted.has(name))
    .map((branch): Place => {
      const { name, collection, currency } = branch;
      return { name, collection, isBranch: true, branch, currency };
    });
  if (wanted.size > 0) return { places, unread: [] };
  const { strays, unread } = await findStrays(bank);
  return { places: [...places, ...strays], unread };
}

async function findStrays(bank: Bank) {
  const unread: Unread[] = [];
  const strays: Place[] = [];
  for (const name of await otherCollections(bank, unread)) {
    try {
      if (!holdsAccounts(await bank.scan.sample(name, sampleSize))) continue;
      const currency = sharedCurrency(bank);
      strays.push({ name, collection: name, isBranch: false, branch: undefined, currency });
    } catch (error) {
      if (!isServerError(error, 'unauthorized')) throw error;
      unread.push({ collection: name, reason: notPermitted });
    }
  }
  return { strays, unread };
}

/** Why a part is unread, most of the time. */
export const notPermitted = 'The user has no permission to read it.';

async function otherCollections(bank: Bank, unread: Unread[]): Promise<readonly string[]> {
  try {
    const names = await bank.scan.otherCollections();
    return names.filter((name) => !bank.identity.collections.includes(name));
  } catch (error) {
    if (!isServerError(error, 'unauthorized')) throw error;
    unread.push({ reason: 'The user has no permission to list the collections of the database.' });
    return [];
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
