import type { ClientSession, Document } from 'mongodb';
import { BankctlError } from '../core/errors.ts';
import { readAccount, wrongBranch } from './account.ts';
import type { Bank } from './bank.ts';
import type { Book, Reading } from './book.ts';
import type { BranchModel } from './branch.ts';
import type { NextVersion } from './journal.ts';
import { fromJournalDocument, fromRefusedDocument, isApplied } from './journal-document.ts';
import { auditHint } from './next-step.ts';
import type { Entry, Refusal } from './operations/entry.ts';
import { type AccountReference, byBranch, referenceKey } from './operations/names.ts';
import { accountsOf, type Operation, reversedBy } from './operations/operation.ts';

/** What is read besides the accounts. */
export interface ReadOptions {
  /**
   * Which ids are looked up in the journal: those from outside; all, as after a commit whose answer
   * was lost; or none, if it is enough that the server refuses a second one.
   */
  readonly ids: 'given' | 'all' | 'none';
  /**
   * Whether to look up if the journal is ahead of an account; otherwise the server's index decides.
   */
  readonly versions: boolean;
}

/**
 * Reads all that the rules need: what the journal says of the operations' ids and of what they
 * reverse, the accounts they touch, and the server's time.
 */
export async function readBook(
  bank: Bank,
  operations: readonly Operation[],
  session?: ClientSession,
  options: ReadOptions = { ids: 'given', versions: false },
): Promise<Book> {
  // One after the other: in parallel they would need a second connection, which takes longer to
  // open.
  const read = await readInTurn(bank, operations, session, options);
  // Asked for inside the transaction, whose life the server bounds: a client that was suspended in
  // between cannot commit a time that `balance --at` took for final.
  const now = await bank.serverTime();
  return { now, ...read, branch: bank.branches.get };
}

/** A session has one call under way at a time. */
async function readInTurn(
  bank: Bank,
  operations: readonly Operation[],
  session: ClientSession | undefined,
  { ids, versions }: ReadOptions,
): Promise<Omit<Book, 'now' | 'branch'>> {
  const reversed = operations.map(reversedBy).filter((id) => id !== undefined);
  // A fresh id cannot be in the journal, so only those that came from outside are looked up.
  const asked = operations
    .filter(({ idGiven }) => ids === 'all' || (ids === 'given' && idGiven))
    .map(({ id }) => id);
  const decided = await readDecided(bank, [...asked, ...reversed], session);
  const reversals = await readReversals(bank, reversed, session);
  const references = operations.flatMap((operation) => accountsOf(operation, decided.entries));
  const accounts = await readAccounts(bank, references, session);
  const behind = versions ? await readBehind(bank, accounts, references, session) : new Map();
  return { ...decided, reversals, accounts, behind };
}

/** What the journal says of some operations, applied or refused. */
export async function readDecided(
  bank: Bank,
  ids: readonly string[],
  session: ClientSession | undefined,
): Promise<Pick<Book, 'entries' | 'refusals'>> {
  const entries = new Map<string, Entry>();
  const refusals = new Map<string, Refusal>();
  if (ids.length === 0 || !bank.journal) return { entries, refusals };
  for (const document of await bank.journal.find(ids, session)) {
    if (isApplied(document)) {
      entries.set(document._id, fromJournalDocument(document, bank.branches.currencyOf));
    } else refusals.set(document._id, fromRefusedDocument(document));
  }
  return { entries, refusals };
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
      fromJournalDocument(document, bank.branches.currencyOf),
    ]),
  );
}

/**
 * The readings of these accounts by `referenceKey`; those that are missing are left out.
 */
export async function readAccounts(
  bank: Bank,
  references: readonly AccountReference[],
  session: ClientSession | undefined,
): Promise<Map<string, Reading>> {
  const readings = new Map<string, Reading>();
  for (const [name, accounts] of byBranch(references)) {
    const branch = bank.branches.get(name);
    const found = new Map<string, Document[]>();
    for (const document of await branch.find([...accounts], session)) {
      const account = String(document['account_number']);
      const others = found.get(account);
      if (others) others.push(document);
      else found.set(account, [document]);
    }
    for (const [account, documents] of found) {
      readings.set(referenceKey({ branch: name, account }), toReading(documents, account, branch));
    }
  }
  return readings;
}

/**
 * If a second document has the number, whatever its stamp, it is unclear which one is the account.
 */
function toReading(
  [document = {}, second]: readonly Document[],
  account: string,
  branch: BranchModel,
): Reading {
  const shown = referenceKey({ branch: branch.name, account });
  if (second) {
    return new BankctlError(
      'duplicate_account',
      `The collection ${branch.collection} has two documents of ${shown}, with _id ` +
        `${String(document['_id'])} and ${String(second['_id'])}; nothing was written.`,
      `${auditHint(branch.name)}; keep one of them.`,
    );
  }
  if (document['branch'] !== branch.name) return wrongBranch(branch, account);
  if (document['account_number'] === account) return readAccount(document, branch);
  return new BankctlError('bad_document', `The document of ${shown} has no valid account_number.`);
}

/** Accounts that the journal is ahead of: another program deleted or replaced the documents. */
async function readBehind(
  { journal }: Bank,
  readings: ReadonlyMap<string, Reading>,
  references: readonly AccountReference[],
  session: ClientSession | undefined,
): Promise<Map<string, BankctlError>> {
  const next = new Map<string, NextVersion>();
  for (const { branch, account } of references) {
    const key = referenceKey({ branch, account });
    const reading = readings.get(key) ?? 'missing';
    if (reading instanceof BankctlError) continue;
    next.set(key, { branch, account, version: reading === 'missing' ? 1n : reading.version + 1n });
  }
  const posted = (await journal?.postedVersions([...next.values()], session)) ?? [];
  return new Map(
    posted.map(referenceKey).map((key) => {
      const fate = readings.has(key) ? 'was replaced by an older one' : 'is gone';
      const message = `The journal has postings of ${key} that its document lacks: it ${fate}.`;
      return [key, new BankctlError('behind_journal', message)];
    }),
  );
}
