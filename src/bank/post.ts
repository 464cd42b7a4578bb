import type { ClientSession, MongoServerError } from 'mongodb';
import { BankctlError } from '../errors.ts';
import { quote } from '../text.ts';
import type { Bank } from './bank.ts';
import { type Bound, within } from './bound.ts';
import { isDuplicate, isFaultOfOne } from './fault.ts';
import { type Entry, type Journal, type Refusal, requestOfEntry } from './journal.ts';
import { formatAmount } from './money.ts';
import { createsAccount, type Operation, requestDigest, requestOf } from './operation.ts';
import { type IdsRead, readBook } from './reading.ts';
import { type RefusalRule, standingRefusals, toError } from './refusals.ts';
import { overlay, type Rehearsal, rehearse } from './rehearsal.ts';
import { applyOperation, type Book } from './rules.ts';
import { CommitUnknown, transact } from './transaction.ts';
import { writeBatch } from './write-batch.ts';

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

/** How operations are posted. */
export interface PostOptions {
  /** Who asks, as `user@host`. */
  readonly by: string;
  /** The same reading, rules and result, and nothing written. */
  readonly dryRun?: boolean;
  /** All or nothing: one refusal refuses the whole batch. */
  readonly atomic?: boolean;
  /** What is behind the first refusal is not attempted, and has no outcome. */
  readonly stopAtRefusal?: boolean;
  /** Refusals are remembered, as a file that is run again needs it. */
  readonly refusals?: RefusalRule;
  /** What earlier batches of the same dry run would have done. */
  readonly rehearsal?: Rehearsal;
  /**
   * The caller does not expect any of the ids in the journal, and saves the look-up; the server's
   * refusal of a second one is the check, and the batch is then read again with it.
   */
  readonly expectFresh?: boolean;
  readonly reached?: (point: PostPoint) => Promise<void>;
  /**
   * How often one operation may meet a conflict before it is refused; as often as there is time
   * where left out. Whoever holds its rival has to bound it: a rival that is held never lets go.
   */
  readonly mostConflicts?: number;
  /**
   * Told of the outcomes of each part as soon as it is committed. Where a later part fails, these
   * stand, whatever the error says of the rest.
   */
  readonly settled?: (outcomes: readonly Outcome[]) => void;
}

/**
 * The most operations in one transaction. What an account costs is shared by its operations:
 * measured over 1,000 accounts, 10,000 take half of the server's time that 3,000 do for each, and
 * more gain little. They end within a second or two, far below the server's limit of 60 s. A
 * caller with long memos gives fewer, see `readBatches`.
 */
export const mostOperations = 10_000;

/** A batch that conflicts this often is split, so that its other operations need not wait. */
const conflictsBeforeSplit = 6;

/**
 * The one write path: every change of an account goes through here. One transaction a batch
 * reads the accounts, applies the rules in order on that reading, writes the accounts with one
 * bulk write a branch, and appends the journal documents. A refused operation does not hurt the
 * others; operations on one account take effect in the order given.
 *
 * @returns one outcome an operation, in order; with `stopAtRefusal` up to the first refusal
 * @throws `outcome_unknown` where the answer to a commit never came; any other error means that
 *   nothing of the failed batch was applied
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
  if (options.atomic && operations.length > mostOperations) {
    throw new BankctlError(
      'too_many_operations',
      `${operations.length} operations are too many for one transaction; ` +
        `${mostOperations} are the most.`,
    );
  }
  const outcomes: Outcome[] = [];
  for (let start = 0; start < operations.length; start += mostOperations) {
    const batch = operations.slice(start, start + mostOperations);
    outcomes.push(...(await postBatch({ bank, journal, operations: batch, options })));
    if (isStopped(outcomes, options)) break;
  }
  return outcomes;
}

function isStopped(outcomes: readonly Outcome[], { stopAtRefusal }: PostOptions): boolean {
  return stopAtRefusal === true && outcomes.at(-1)?.applied === false;
}

interface Batch {
  readonly bank: Bank;
  readonly journal: Journal;
  readonly operations: readonly Operation[];
  readonly options: PostOptions;
}

/** Posts a batch within its time; one that is stuck on a part of it goes in halves. */
async function postBatch(batch: Batch): Promise<readonly Outcome[]> {
  // Written by the body each time it runs: whether giving up now leaves the outcome open.
  const state = { committing: false };
  try {
    return await within(batch.bank.timeoutMs, (bound) => postInHalves(batch, bound, state));
  } catch (error) {
    const timedOut = error instanceof BankctlError && error.code === 'timed_out';
    if (error instanceof CommitUnknown || (timedOut && state.committing)) {
      throw unknownOutcome(batch.operations, error);
    }
    throw error;
  }
}

async function postInHalves(
  batch: Batch,
  bound: Bound,
  state: { committing: boolean },
): Promise<readonly Outcome[]> {
  const { bank, operations } = batch;
  try {
    await prepareCollections(batch);
    bound.check();
    const { book, outcomes } = await bank.inSession((session) =>
      transact(
        session,
        async ({ mayBeApplied }) => {
          state.committing = false;
          const judged = await attempt(batch, session, bound, mayBeApplied);
          state.committing = true;
          return judged;
        },
        {
          bound,
          draw: bank.draw,
          blocked: bank.endAbandoned,
          mostConflicts:
            operations.length > 1
              ? conflictsBeforeSplit
              : (batch.options.mostConflicts ?? Number.POSITIVE_INFINITY),
        },
      ),
    );
    if (batch.options.rehearsal) {
      const fresh = outcomes.filter(isFresh).map(({ entry }) => entry);
      rehearse(batch.options.rehearsal, book, fresh);
    }
    batch.options.settled?.(outcomes);
    return outcomes;
  } catch (error) {
    const [only] = operations;
    if (batch.options.expectFresh && isDuplicate(error)) {
      return postInHalves({ ...batch, options: lookingUp(batch.options) }, bound, state);
    }
    const ofManyCallers = batch.options.settled !== undefined;
    if (!isFaultOfOne(error, ofManyCallers) || batch.options.atomic || !only) throw error;
    if (operations.length === 1) {
      const refused = [refusedOne(only, error)];
      batch.options.settled?.(refused);
      return refused;
    }
    const middle = Math.ceil(operations.length / 2);
    const halves = [operations.slice(0, middle), operations.slice(middle)];
    const outcomes: Outcome[] = [];
    for (const half of halves) {
      outcomes.push(...(await postInHalves({ ...batch, operations: half }, bound, state)));
      if (isStopped(outcomes, batch.options)) break;
    }
    return outcomes;
  }
}

function lookingUp({ expectFresh: _, ...options }: PostOptions): PostOptions {
  return options;
}

function refusedOne(operation: Operation, error: MongoServerError | BankctlError): Refused {
  if (error instanceof BankctlError) return { applied: false, operation, error };
  return {
    applied: false,
    operation,
    error: new BankctlError(
      'refused_by_server',
      `The server refused operation ${quote(operation.id)}: ${error.message}.`,
      undefined,
      { cause: error },
    ),
  };
}

/** Collections cannot be given a validator inside a transaction, so new accounts need this. */
async function prepareCollections({ bank, journal, operations, options }: Batch): Promise<void> {
  const names = new Set(operations.filter(createsAccount).map(({ branch }) => branch));
  if (names.size === 0 || options.dryRun) return;
  await bank.identity.prepare();
  await Promise.all([
    journal.prepare(),
    ...[...names].map((name) => bank.branches.get(name).prepare()),
  ]);
}

/** One run of the transaction's body: it computes and writes, and remembers nothing. */
async function attempt(
  batch: Batch,
  session: ClientSession,
  bound: Bound,
  mayBeApplied: boolean,
): Promise<Judged> {
  bound.check();
  const ids = batch.options.expectFresh ? 'none' : 'given';
  let judged = await judge(batch, session, mayBeApplied ? 'all' : ids);
  // What looks refused may have been applied before: then it is a replay.
  if (ids === 'none' && !mayBeApplied && judged.outcomes.some(({ applied }) => !applied)) {
    judged = await judge(batch, session, 'all');
  }
  const { bank, journal, options } = batch;
  await options.reached?.('read');
  const { book, outcomes } = judged;
  const fresh = outcomes.filter(isFresh);
  if (fresh.length > 0) {
    await (options.dryRun ? bank.identity.checkClaim(session) : bank.identity.claim(session));
  }
  if (fresh.length > 0 && !options.dryRun) {
    const refused = options.refusals ? outcomes.filter(isRefused).map(toRefusal) : [];
    const entries = fresh.map(({ entry }) => entry);
    await writeBatch({ bank, journal, entries, refused, book }, session);
    await options.reached?.('written');
  }
  await options.reached?.('committing');
  return judged;
}

/** What a batch comes to on a reading. */
interface Judged {
  readonly book: Book;
  readonly outcomes: readonly Outcome[];
}

async function judge(batch: Batch, session: ClientSession, ids: IdsRead): Promise<Judged> {
  const { bank, operations, options } = batch;
  const book = await readBook(bank, operations, session, ids);
  if (options.rehearsal) overlay(book, operations, options.rehearsal);
  return { book, outcomes: settleAll(book, operations, options) };
}

function isFresh(outcome: Outcome): outcome is Applied {
  return outcome.applied && !outcome.replayed;
}

function settleAll(
  book: Book,
  operations: readonly Operation[],
  options: PostOptions,
): readonly Outcome[] {
  const standing = standingRefusals(options.refusals, book.entries.values());
  const outcomes: Outcome[] = [];
  for (const operation of operations) {
    outcomes.push(settle(book, operation, options, standing));
    if (isStopped(outcomes, options)) break;
  }
  const refused = outcomes.find((outcome) => !outcome.applied);
  if (!options.atomic || !refused) return outcomes;
  // All or nothing: what the rules let through is not applied either.
  return outcomes.map((outcome) =>
    isFresh(outcome)
      ? { applied: false, operation: outcome.operation, error: notApplied(refused) }
      : outcome,
  );
}

function notApplied({ operation }: Outcome): BankctlError {
  return new BankctlError(
    'batch_refused',
    `Not applied, since operation ${quote(operation.id)} of the same batch was refused.`,
  );
}

function settle(
  book: Book,
  operation: Operation,
  options: PostOptions,
  standing: ReadonlyMap<string, Refusal>,
): Outcome {
  const dryRun = options.dryRun ?? false;
  try {
    const digest = operation.request ?? requestDigest(requestOf(operation));
    const earlier = book.entries.get(operation.id);
    if (earlier) {
      if (earlier.request !== digest) throw idConflict(operation, earlier, book);
      return { applied: true, operation, replayed: true, dryRun, entry: earlier };
    }
    const refusal = standing.get(operation.id);
    if (refusal) throw toError(refusal);
    const entry: Entry = {
      id: operation.id,
      type: operation.type,
      memo: operation.memo,
      by: options.by,
      reverses: operation.type === 'reverse' ? operation.reverses : undefined,
      request: digest,
      ...applyOperation(book, operation),
    };
    book.entries.set(entry.id, entry);
    if (entry.reverses !== undefined) book.reversals.set(entry.reverses, entry);
    return { applied: true, operation, replayed: false, dryRun, entry };
  } catch (error) {
    if (error instanceof BankctlError) return { applied: false, operation, error };
    throw error;
  }
}

/** Names the first field in which a request differs from the one that its id stands for. */
function idConflict(operation: Operation, earlier: Entry, book: Book): BankctlError {
  const { id } = operation;
  const request = requestOf(operation);
  const past = requestOfEntry(earlier);
  const fields = new Set([...Object.keys(past), ...Object.keys(request)]);
  const field = [...fields].find((name) => past[name] !== request[name]) ?? 'request';
  const [posting] = earlier.postings;
  const shown = (value: string | undefined) => {
    if (!value) return 'none';
    if (field !== 'amount' || !posting) return value;
    return formatAmount(BigInt(value), book.branch(posting.branch).currency);
  };
  return new BankctlError(
    'operation_id_conflict',
    `The operation id ${quote(id)} was used for another request: ` +
      `its ${field} was ${shown(past[field])}, now it is ${shown(request[field])}.`,
  );
}

function isRefused(outcome: Outcome): outcome is Refused {
  return !outcome.applied;
}

function toRefusal({ operation, error }: Refused): Refusal {
  return { id: operation.id, code: error.code, message: error.message };
}

function unknownOutcome(operations: readonly Operation[], cause: unknown): BankctlError {
  const [first] = operations;
  const what =
    operations.length === 1 && first
      ? `The operation ${first.id}`
      : `A batch of ${operations.length} operations`;
  return new BankctlError(
    'outcome_unknown',
    `${what} may or may not be applied: the answer to its commit never came.`,
    undefined,
    { cause },
  );
}
