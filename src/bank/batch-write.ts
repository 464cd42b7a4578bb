import { setImmediate as turn } from 'node:timers/promises';
import type { ClientSession } from 'mongodb';
import type { Bank } from './bank.ts';
import type { Book } from './book.ts';
import type { AccountChange } from './branch.ts';
import type { Journal } from './journal.ts';
import { type JournalDocument, toJournalDocument, toRefusedDocument } from './journal-document.ts';
import type { Judge, JudgeOptions } from './judge.ts';
import type { Entry, Refusal } from './operations/entry.ts';
import { referenceKey } from './operations/names.ts';
import type { Operation } from './operations/operation.ts';
import type { Sender } from './sender.ts';

/** Where a batch writes. */
interface BatchPlace {
  readonly bank: Bank;
  readonly journal: Journal;
  readonly writer: Writer;
  /** See `PostOptions`. */
  readonly meanwhile: () => void;
}

/** What a batch writes. */
interface BatchWrite extends BatchPlace {
  /** What is applied, in order. */
  readonly entries: readonly Entry[];
  /** How many of them are in the journal already: see `appendEarly`. */
  readonly appended: number;
  /** What is kept as refused. */
  readonly refused: readonly Refusal[];
  /** Ids that the journal has as refused, and that are now decided again. */
  readonly decidedAnew: readonly string[];
  /** The accounts as they are after the batch. */
  readonly book: Book;
}

/** What a batch is, for the order in which it is written. */
interface AppendedBatch {
  readonly bank: Bank;
  readonly operations: readonly Operation[];
  readonly options: JudgeOptions;
}

/** Sends the calls of a transaction one by one. */
interface Writer {
  /**
   * Sends when the call before it is answered, and returns then: what comes next is made while the
   * server works on it.
   * @throws what that call ended with
   */
  readonly send: (part: Sender<unknown>) => Promise<void>;
  /** Waits for the last answer. @throws what that call ended with */
  readonly settle: () => Promise<unknown>;
}

/** @param check throws once the batch has no time left */
export function createWriter(session: ClientSession, check: () => void): Writer {
  let sending: Promise<unknown> = Promise.resolve();
  return {
    send: async (part) => {
      await sending;
      check();
      sending = part(session);
      // Awaited later; without this, a failure before that would be an unhandled rejection.
      sending.catch(() => undefined);
      await turn();
    },
    settle: () => sending,
  };
}

/**
 * How many journal documents are sent together, while the next ones are made. More would outlive
 * two collections of the heap, which copies them each time.
 */
const documentsAtOnce = 1000;

/** Of a large batch: the server waits for these. */
const documentsAtFirst = 250;

/**
 * Whether a batch may begin with the journal: judging it takes so long that the server should not
 * wait for the end of it, and whatever is judged to be applied is written.
 */
export function mayBeginWithJournal({ bank, operations, options }: AppendedBatch): boolean {
  const isLarge = operations.length > documentsAtOnce;
  return isLarge && !options.dryRun && !options.atomic && bank.identity.isClaimed();
}

/**
 * Appends a large batch to the journal part by part, each judged while the server works on the one
 * before it, up to the first part that has a refusal.
 * @returns what was appended
 */
export async function appendEarly(
  { bank, journal, writer, meanwhile }: BatchPlace,
  { outcomes, entries, advance }: Judge,
): Promise<readonly Entry[]> {
  let appended = 0;
  for (;;) {
    const judged = outcomes.length;
    advance(appended === 0 ? documentsAtFirst : documentsAtOnce);
    const isRefused = outcomes.slice(judged).some(({ applied }) => !applied);
    if (isRefused || entries.length === appended) return entries.slice(0, appended);
    const documents = entries
      .slice(appended)
      .map((entry) => toJournalDocument(entry, bank.branches.currencyOf));
    await writer.send(journal.append(documents));
    // What the server got first keeps it busy only until the next part is made.
    if (appended > 0) meanwhile();
    appended = entries.length;
  }
}

/**
 * Writes the accounts branch by branch, then what the journal still lacks. While the server works
 * on one part, the next one is made and encoded.
 * @throws whatever the server says; an `Error` if an account was not at the version read
 */
export async function writeBatch(batch: BatchWrite): Promise<void> {
  for (const part of partsOf(batch)) await batch.writer.send(part);
  await batch.writer.settle();
}

/** Each part is made when it is asked for. */
function* partsOf(batch: BatchWrite): Iterable<Sender<unknown>> {
  const { bank, journal, decidedAnew, entries, refused, appended } = batch;
  if (decidedAnew.length > 0) {
    yield async (session) => {
      const forgotten = await journal.forgetRefused(decidedAnew, session);
      if (forgotten === decidedAnew.length) return;
      throw new Error(`${forgotten} of ${decidedAnew.length} refused operations were deleted`);
    };
  }
  for (const [name, changes] of changesByBranch(batch)) {
    const write = bank.branches.get(name).write([...changes.values()]);
    yield async (session) => {
      const written = await write(session);
      if (written !== changes.size)
        throw new Error(`${name} took ${written} of ${changes.size} changes`);
    };
  }
  const total = entries.length + refused.length;
  for (let start = appended; start < total; start += documentsAtOnce) {
    yield journal.append(documentsOf(batch, start));
    batch.meanwhile();
  }
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
