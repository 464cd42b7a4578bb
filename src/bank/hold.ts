import type { ClientSession } from 'mongodb';
import type { Bank } from './bank.ts';
import { byBranch } from './operations/names.ts';
import { accountsOf, type Operation, reversedBy } from './operations/operation.ts';
import { readDecided } from './reading.ts';

/**
 * After this many conflicts a transaction holds its accounts before it reads them. A batch of
 * thousands does so at once: it learns in one call that others have them, not after all its work.
 */
export const conflictsBeforeHold = 3;

/**
 * How many time limits a batch waits for its accounts. A file tries it twice: by default that is as
 * long as the server lets a transaction live.
 */
export const maxWaits = 3;

/**
 * Makes the transaction the writer of its accounts before it reads anything. Another program that
 * writes one of them over and over would otherwise always come between the reading and the write;
 * so it waits, and bankctl gets its turn.
 * @returns lets go of the accounts, which must happen before the commit
 */
export async function holdAccounts(
  bank: Bank,
  operations: readonly Operation[],
  session: ClientSession,
): Promise<() => Promise<void>> {
  // Outside the session: the hold must be the first that the transaction does, since it sees
  // everything as of then.
  const accounts = await touchedAccounts(bank, operations);
  for (const [name, numbers] of accounts) {
    await bank.branches.get(name).hold([...numbers], session);
  }
  return async () => {
    for (const [name, numbers] of accounts) {
      await bank.branches.get(name).release([...numbers], session);
    }
  };
}

/** The numbers of the accounts that operations touch, by branch; also those of reversals. */
export async function touchedAccounts(
  bank: Bank,
  operations: readonly Operation[],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const reversed = operations.map(reversedBy).filter((id) => id !== undefined);
  const { entries } = await readDecided(bank, reversed, undefined);
  return byBranch(operations.flatMap((operation) => accountsOf(operation, entries)));
}
