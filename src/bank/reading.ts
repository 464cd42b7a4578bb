import type { ClientSession } from 'mongodb';
import { readAccount } from './account.ts';
import type { Bank } from './bank.ts';
import { accountsOf, type Operation, referenceKey } from './operation.ts';
import type { Book, Reading } from './rules.ts';

/** Reads the accounts that the operations touch, and the server's time. */
export async function readBook(
  bank: Bank,
  operations: readonly Operation[],
  session?: ClientSession,
): Promise<Book> {
  const wanted = new Map<string, Set<string>>();
  for (const { branch, account } of operations.flatMap(accountsOf)) {
    const accounts = wanted.get(branch) ?? new Set();
    wanted.set(branch, accounts.add(account));
  }
  // The server's time is no part of the snapshot, so it need not wait for its turn in the session.
  const [now, accounts] = await Promise.all([
    bank.serverTime(),
    readAccounts(bank, wanted, session),
  ]);
  return { now, accounts, branch: bank.branches.get };
}

async function readAccounts(
  bank: Bank,
  wanted: ReadonlyMap<string, ReadonlySet<string>>,
  session: ClientSession | undefined,
): Promise<Map<string, Reading>> {
  const readings = new Map<string, Reading>();
  for (const [name, accounts] of wanted) {
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
