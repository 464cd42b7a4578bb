import type { ClientSession } from 'mongodb';
import { readAccount } from './account.ts';
import type { Bank } from './bank.ts';
import { type Entry, fromJournalDocument } from './journal.ts';
import { type AccountReference, type Operation, referenceKey } from './operation.ts';
import type { Book, Reading } from './rules.ts';

/**
 * Which ids are looked up in the journal: those that came from outside, all of them, as after a
 * commit whose answer was lost, or none, where the server's refusal of a second one will do.
 */
export type IdsRead = 'given' | 'all' | 'none';

/**
 * Reads all that the rules need to judge the operations: what the journal says of their ids and
 * of what they reverse, the accounts they touch, and the server's time.
 */
export async function readBook(
  bank: Bank,
  operations: readonly Operation[],
  session?: ClientSession,
  ids: IdsRead = 'given',
): Promise<Book> {
  // One after the other: at once they would need a second connection, which takes longer to open.
  const now = await bank.serverTime();
  const read = await readInTurn(bank, operations, session, ids);
  return { now, ...read, branch: bank.branches.get };
}

/** A session has one call under way at a time. */
async function readInTurn(
  bank: Bank,
  operations: readonly Operation[],
  session: ClientSession | undefined,
  ids: IdsRead,
): Promise<Pick<Book, 'accounts' | 'entries' | 'reversals'>> {
  const reversed = operations.flatMap((operation) =>
    operation.type === 'reverse' ? [operation.reverses] : [],
  );
  // A fresh id cannot be in the journal, so only those that came from outside are looked up.
  const asked = operations
    .filter(({ idGiven }) => ids === 'all' || (ids === 'given' && idGiven))
    .map(({ id }) => id);
  const entries = await readEntries(bank, [...asked, ...reversed], session);
  const reversals = await readReversals(bank, reversed, session);
  const references = operations.flatMap((operation) => accountsOf(operation, entries));
  return { entries, reversals, accounts: await readAccounts(bank, references, session) };
}

async function readEntries(
  bank: Bank,
  ids: readonly string[],
  session: ClientSession | undefined,
): Promise<Map<string, Entry>> {
  if (ids.length === 0 || !bank.journal) return new Map();
  const documents = await bank.journal.find(ids, session);
  return new Map(
    documents.map((document) => [document._id, fromJournalDocument(document, bank.branches)]),
  );
}

async function readReversals(
  bank: Bank,
  ids: readonly string[],
  session: ClientSession | undefined,
): Promise<Map<string, Entry>> {
  if (ids.length === 0 || !bank.journal) return new Map();
  const documents = await bank.journal.findReversals(ids, session);
  return new Map(
    documents.map((document) => [
      document.reverses ?? '',
      fromJournalDocument(document, bank.branches),
    ]),
  );
}

/** The accounts that an operation touches; those of a reversal stand in what it reverses. */
export function accountsOf(
  operation: Operation,
  entries: ReadonlyMap<string, Entry>,
): readonly AccountReference[] {
  switch (operation.type) {
    case 'transfer':
      return [operation.from, operation.to];
    case 'reverse':
      return entries.get(operation.reverses)?.postings ?? [];
    default:
      return [operation];
  }
}

async function readAccounts(
  bank: Bank,
  references: readonly AccountReference[],
  session: ClientSession | undefined,
): Promise<Map<string, Reading>> {
  const readings = new Map<string, Reading>();
  for (const [name, accounts] of byBranch(references)) {
    const branch = bank.branches.get(name);
    const keyOf = (account: string) => referenceKey({ branch: name, account });
    for (const document of await branch.read([...accounts], session)) {
      readings.set(keyOf(document['account_number']), readAccount(document, branch.currency));
    }
    const missing = [...accounts].filter((account) => !readings.has(keyOf(account)));
    if (missing.length === 0) continue;
    for (const document of await branch.strays(missing, session)) {
      readings.set(keyOf(document['account_number']), 'foreign');
    }
  }
  return readings;
}

function byBranch(
  references: readonly AccountReference[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const wanted = new Map<string, Set<string>>();
  for (const { branch, account } of references) {
    const accounts = wanted.get(branch) ?? new Set();
    wanted.set(branch, accounts.add(account));
  }
  return wanted;
}
