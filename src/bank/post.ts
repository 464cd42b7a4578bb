import { type ClientSession, MongoError, MongoServerError } from 'mongodb';
import { BankctlError } from '../errors.ts';
import { quote } from '../text.ts';
import type { Bank } from './bank.ts';
import { type Bound, within } from './bound.ts';
import type { AccountChange } from './branch.ts';
import { type Entry, fromJournalDocument, type Journal, toJournalDocument } from './journal.ts';
import { formatAmount } from './money.ts';
import { createsAccount, type Operation, referenceKey, requestDigest } from './operation.ts';
import { readBook } from './reading.ts';
import { applyOperation, type Book } from './rules.ts';

/** What became of one operation. */
export type Outcome = Applied | Refused;

/** Applied now, applied before (`replayed`), or what would be applied (`dryRun`). */
export interface Applied {
  readonly applied: true;
  readonly operation: Operation;
  readonly replayed: boolean;
  readonly dryRun: boolean;
  readonly entry: Entry;
}

/** Refused by a rule: it changed nothing. */
export interface Refused {
  readonly applied: false;
  readonly operation: Operation;
  readonly error: BankctlError;
}

/** Where a caller may hold a batch, to drive two of them against one another. */
export type PostPoint = 'read' | 'written' | 'committing';

export interface PostOptions {
  /** Who asks, as `user@host`. */
  readonly by: string;
  /** The same reading, rules and result, and nothing written. */
  readonly dryRun?: boolean;
  readonly reached?: (point: PostPoint) => Promise<void>;
}

/**
 * The one write path: every change of an account goes through here. One transaction reads the
 * accounts of the batch, applies the rules in order on that reading, writes the accounts with
 * one bulk write a branch, and appends the journal documents. A refused operation does not hurt
 * the others.
 *
 * @returns one outcome an operation, in order
 * @throws `outcome_unknown` where the answer to the commit never came; any other error means
 *   that nothing was applied
 *
 * Sources: MongoDB manual, "Transactions"; driver specification "Convenient API for
 * Transactions" (the callback may run more than once, so it only computes and writes).
 */
export async function post(
  bank: Bank,
  operations: readonly Operation[],
  options: PostOptions,
): Promise<readonly Outcome[]> {
  const { journal } = bank;
  if (!journal) {
    throw new BankctlError('journal_disabled', 'Without a journal there are no transactions.');
  }
  const batch: Batch = { bank, journal, operations, options };
  await prepareCollections(batch);
  let committing = false;
  try {
    return await within(bank.timeoutMs, (bound) =>
      bank.inSession((session) =>
        session.withTransaction(async () => {
          committing = false;
          const outcomes = await attempt(batch, session, bound);
          committing = true;
          return outcomes;
        }, transactionOptions),
      ),
    );
  } catch (error) {
    throw committing ? unknownOutcome(error, operations) : error;
  }
}

/** A collection's concerns are ignored inside a transaction, so they are set on it. */
const transactionOptions = {
  readConcern: { level: 'snapshot' },
  writeConcern: { w: 'majority' },
  readPreference: 'primary',
} as const;

interface Batch {
  readonly bank: Bank;
  readonly journal: Journal;
  readonly operations: readonly Operation[];
  readonly options: PostOptions;
}

/** Collections cannot be given a validator inside a transaction, so new accounts need this. */
async function prepareCollections({ bank, journal, operations, options }: Batch): Promise<void> {
  const names = operations.filter(createsAccount).map((operation) => operation.branch);
  if (names.length === 0 || options.dryRun) return;
  await Promise.all([
    journal.prepare(),
    ...[...new Set(names)].map((name) => bank.branches.get(name).prepare()),
  ]);
}

/** One run of the transaction's body. */
async function attempt(
  batch: Batch,
  session: ClientSession,
  bound: Bound,
): Promise<readonly Outcome[]> {
  const { operations, options } = batch;
  bound.check();
  const earlier = await findEarlier(batch, session);
  const book = await readBook(batch.bank, operations, session);
  await options.reached?.('read');
  const outcomes = operations.map((operation) => settle(book, earlier, operation, options));
  const fresh = outcomes.filter((outcome) => isFresh(outcome));
  if (fresh.length > 0 && !options.dryRun) {
    await write(batch, fresh, book, session);
    await options.reached?.('written');
  }
  await options.reached?.('committing');
  // Behind this line the batch may take effect, and giving up leaves the outcome unknown.
  bound.check();
  return outcomes;
}

function isFresh(outcome: Outcome): outcome is Applied {
  return outcome.applied && !outcome.replayed;
}

/** Entries by id: those that the journal has, and then those of this batch. */
type Entries = Map<string, Entry>;

/** A fresh id cannot be in the journal, so only the ids that came from outside are looked up. */
async function findEarlier(batch: Batch, session: ClientSession): Promise<Entries> {
  const ids = batch.operations.filter((operation) => operation.idGiven).map(({ id }) => id);
  const documents = ids.length === 0 ? [] : await batch.journal.find(ids, session);
  const entries = documents.map((document) => fromJournalDocument(document, batch.bank.branches));
  return new Map(entries.map((entry) => [entry.id, entry]));
}

function settle(book: Book, entries: Entries, operation: Operation, options: PostOptions): Outcome {
  const dryRun = options.dryRun ?? false;
  try {
    const request = requestDigest(operation);
    const earlier = entries.get(operation.id);
    if (earlier) {
      if (earlier.request !== request) throw idConflict(operation, earlier, book);
      return { applied: true, operation, replayed: true, dryRun, entry: earlier };
    }
    const entry: Entry = {
      id: operation.id,
      type: operation.type,
      memo: operation.memo,
      by: options.by,
      request,
      ...applyOperation(book, operation),
    };
    entries.set(entry.id, entry);
    return { applied: true, operation, replayed: false, dryRun, entry };
  } catch (error) {
    if (error instanceof BankctlError) return { applied: false, operation, error };
    throw error;
  }
}

/** Names the first field in which a request differs from the one that its id stands for. */
function idConflict(operation: Operation, earlier: Entry, book: Book): BankctlError {
  const [posting] = earlier.postings;
  const shownAmount = (branch: string, minor: bigint | undefined) =>
    minor === undefined ? 'none' : formatAmount(minor, book.branch(branch).currency);
  const fields: readonly (readonly [string, string, string])[] = [
    ['type', earlier.type, operation.type],
    ['branch', posting?.branch ?? 'none', operation.branch],
    ['account', posting?.account ?? 'none', operation.account],
    [
      'amount',
      shownAmount(posting?.branch ?? operation.branch, posting?.amountMinor),
      shownAmount(operation.branch, operation.amountMinor),
    ],
    ['memo', earlier.memo ?? 'none', operation.memo ?? 'none'],
  ];
  const [name, was, is] = fields.find(([, was, is]) => was !== is) ?? ['request', '', ''];
  return new BankctlError(
    'operation_id_conflict',
    `The operation id ${quote(operation.id)} was used for another request: ` +
      `its ${name} was ${was}, now it is ${is}.`,
  );
}

/** Writes what the batch changed: the accounts branch by branch, then the journal. */
async function write(
  batch: Batch,
  applied: readonly Applied[],
  book: Book,
  session: ClientSession,
): Promise<void> {
  const { bank, journal } = batch;
  const changes = changesByBranch(applied, book);
  for (const [name, ofBranch] of changes) {
    const written = await bank.branches.get(name).write([...ofBranch.values()], session);
    if (written !== ofBranch.size) {
      throw new Error(`${name} took ${written} of ${ofBranch.size} changes`);
    }
  }
  const documents = applied.map(({ entry }) => toJournalDocument(entry, bank.branches));
  await journal.append(documents, session);
}

/** One change an account, however many operations of the batch touch it. */
function changesByBranch(
  applied: readonly Applied[],
  book: Book,
): ReadonlyMap<string, ReadonlyMap<string, AccountChange>> {
  const changes = new Map<string, Map<string, AccountChange>>();
  for (const posting of applied.flatMap(({ entry }) => entry.postings)) {
    const state = book.accounts.get(referenceKey(posting));
    if (typeof state !== 'object') throw new Error('an applied posting has no account');
    const ofBranch = changes.get(posting.branch) ?? new Map<string, AccountChange>();
    changes.set(posting.branch, ofBranch);
    if (ofBranch.has(posting.account)) continue;
    ofBranch.set(posting.account, {
      ...state,
      account: posting.account,
      versionRead: posting.version - 1n,
    });
  }
  return changes;
}

/** An error of the commit itself: whether it took effect is known only where the server says so. */
function unknownOutcome(error: unknown, operations: readonly Operation[]): unknown {
  const timedOut = error instanceof BankctlError && error.code === 'timed_out';
  const unanswered =
    error instanceof MongoError &&
    (!(error instanceof MongoServerError) || error.hasErrorLabel('UnknownTransactionCommitResult'));
  if (!timedOut && !unanswered) return error;
  const [first] = operations;
  const what = operations.length === 1 && first ? `The operation ${first.id}` : 'The batch';
  return new BankctlError(
    'outcome_unknown',
    `${what} may or may not be applied: the answer to its commit never came.`,
    undefined,
    { cause: error },
  );
}
