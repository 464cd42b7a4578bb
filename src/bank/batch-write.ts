import { setImmediate as turn } from 'node:timers/promises';
import type { ClientSession } from 'mongodb';
import type { Bank } from './bank.ts';
import type { Book } from './book.ts';
import type { AccountChange } from './branch.ts';
import type { Journal } from './journal.ts';
import { type JournalDocument, toJournalDocument, toRefusedDocument } from './journal-document.ts';
import type { Entry, Refusal } from './operations/entry.ts';
import { referenceKey } from './operations/names.ts';

/** What a batch writes. */
interface BatchWrite {
  readonly bank: Bank;
  readonly journal: Journal;
  /** What is applied, in order. */
  readonly entries: readonly Entry[];
  /** What is kept as refused. */
  readonly refused: readonly Refusal[];
  /** Ids that the journal has as refused, and that are now decided again. */
  readonly decidedAnew: readonly string[];
  /** The accounts as they are after the batch. */
  readonly book: Book;
  /** @throws once the batch has no time left */
  readonly check: () => void;
}

/** How many journal documents are sent together, while the next ones are made. */
const documentsAtOnce = 2500;

/**
 * Writes the accounts branch by branch, then the journal. While the server works on one part, the
 * next one is made.
 * @throws whatever the server says; an `Error` if an account was not at the version read
 */
export async function writeBatch(batch: BatchWrite, session: ClientSession): Promise<void> {
  let sending = writeAccounts(batch, session);
  const total = batch.entries.length + batch.refused.length;
  for (let start = 0; start < total; start += documentsAtOnce) {
    // Awaited below; without this, a failure before that would be an unhandled rejection.
    sending.catch(() => undefined);
    await turn();
    const documents = documentsOf(batch, start);
    await sending;
    batch.check();
    sending = batch.journal.append(documents, session);
  }
  await sending;
}

function documentsOf({ bank, entries, refused }: BatchWrite, start: number): JournalDocument[] {
  const end = start + documentsAtOnce;
  const applied = entries
    .slice(start, end)
    .map((entry) => toJournalDocument(entry, bank.branches.currencyOf));
  const firstRefused = Math.max(start - entries.length, 0);
  const lastRefused = Math.max(end - entries.length, 0);
  return [...applied, ...refused.slice(firstRefused, lastRefused).map(toRefusedDocument)];
}

async function writeAccounts(batch: BatchWrite, session: ClientSession): Promise<void> {
  const { bank, journal, decidedAnew } = batch;
  if (decidedAnew.length > 0) {
    const forgotten = await journal.forgetRefused(decidedAnew, session);
    if (forgotten !== decidedAnew.length) {
      throw new Error(`${forgotten} of ${decidedAnew.length} refused operations were deleted`);
    }
  }
  for (const [name, changes] of changesByBranch(batch)) {
    const written = await bank.branches.get(name).write([...changes.values()], session);
    if (written !== changes.size) {
      throw new Error(`${name} took ${written} of ${changes.size} changes`);
    }
  }
}

/** One change per account, however many operations of the batch touch it. */
function changesByBranch({
  entries,
  book,
}: BatchWrite): ReadonlyMap<string, ReadonlyMap<string, AccountChange>> {
  const changes = new Map<string, Map<string, AccountChange>>();
  for (const { postings } of entries) {
    for (const posting of postings) {
      const ofBranch = changes.get(posting.branch) ?? new Map<string, AccountChange>();
      changes.set(posting.branch, ofBranch);
      const known = ofBranch.get(posting.account);
      if (known && !posting.profile) continue;
      const state = book.accounts.get(referenceKey(posting));
      if (state === undefined || state === 'missing' || state instanceof Error) {
        throw new Error('an applied posting has no account');
      }
      const versionRead = known?.versionRead ?? posting.version - 1n;
      // What no operation of the batch set is not written again.
      const profile = posting.profile && state.profile;
      ofBranch.set(posting.account, { ...state, account: posting.account, versionRead, profile });
    }
  }
  return changes;
}
