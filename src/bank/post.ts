import { setTimeout as pause } from 'node:timers/promises';
import type { ClientSession } from 'mongodb';
import { BankctlError } from '../core/errors.ts';
import { isConflict, isDuplicate, isServerError, mayBeCapped } from '../database/driver-errors.ts';
import type { Bank } from './bank.ts';
import { checkCapped, prepareCollections, prepareDoubles } from './batch-collections.ts';
import { beginToJudge } from './batch-judge.ts';
import { appendEarly, createWriter, mayBeginWithJournal, writeBatch } from './batch-write.ts';
import { type Deadline, runWithin } from './deadline.ts';
import { conflictsBeforeHold, holdAccounts, maxWaits } from './hold.ts';
import type { Journal } from './journal.ts';
import type { Judged, JudgeOptions, Outcome } from './judge.ts';
import { isFaultOfOne, refusalOf } from './operation-faults.ts';
import type { Operation } from './operations/operation.ts';
import { OutcomeUnknown } from './outcome-unknown.ts';
import { createMemory, type PostMemory } from './post-memory.ts';
import { type Rehearsal, rehearse } from './rehearsal.ts';
import { CommitUnknown, transact, waitMs } from './transaction.ts';

/** Points at which a caller may hold a batch, to drive two of them against each other. */
export type PostPoint = 'read' | 'written' | 'committing';

/** How operations are posted. */
export interface PostOptions extends JudgeOptions {
  /** What earlier batches of the same dry run would have done. */
  readonly rehearsal?: Rehearsal;
  /** What earlier calls of the same run learned; one for each run, see `createMemory`. */
  readonly memory?: PostMemory;
  /**
   * The caller expects none of the ids in the journal, and saves the look-up: if the server then
   * refuses a second one, the batch is read again with it.
   */
  readonly expectFresh?: boolean;
  /**
   * Called when the server is busy with the journal, so that the caller can begin to make the next
   * operations ready. A transaction that runs again calls it again.
   */
  readonly meanwhile?: () => void;
  readonly onPoint?: (point: PostPoint) => Promise<void>;
  /**
   * How often one operation may meet a conflict before it is refused; unbounded if undefined. A
   * caller that holds its rival must set a limit: a rival that is held never lets go.
   */
  readonly maxConflicts?: number;
  /**
   * Called with the outcomes of each part as soon as it is committed. They stand even if a later
   * part fails.
   */
  readonly onSettled?: (outcomes: readonly Outcome[]) => void;
  /**
   * Each operation has a caller of its own: what keeps one from being judged at all, such as an
   * unknown branch, is its own outcome, not an error for all.
   */
  readonly manyCallers?: boolean;
}

/**
 * The maximum number of operations in one transaction. Operations share the cost of an account:
 * over 1,000 accounts, each of 10,000 operations takes half the server time that each of 3,000
 * takes, and more would gain little. They end within a second or two, far below the server's limit
 * of 60 s. A caller with long memos passes fewer, see `readBatches`.
 */
export const maxOperations = 10_000;

/**
 * A batch of many callers that conflicts this often is split: those of its other operations need
 * not wait for the account that is in use. The rows of one file would, so they stay together:
 * smaller batches would only be more of them, on the same accounts.
 */
const conflictsBeforeSplit = 6;

/**
 * A batch of one caller that is aborted although it holds its accounts is divided by this: it was
 * no rival, but most likely the server, which aborts transactions that fill its cache together.
 */
const shrinkAfterLostHold = 4;

/**
 * The one write path: every change of an account goes through here. One transaction per batch reads
 * the accounts, applies the rules in order, writes the accounts with one bulk write per branch, and
 * appends to the journal. A refused operation does not affect the others. A batch that the server
 * refuses, that conflicts too often or takes too long is split in halves, each with the time limit
 * of a whole one, unless it is atomic.
 * @returns one outcome per operation, in order; with `stopAtRefusal` up to the first refusal
 * @throws `OutcomeUnknown` if the answer to a commit never came; any other error means that nothing
 *   of the failed batch was applied
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
  if (options.atomic && operations.length > maxOperations) {
    throw new BankctlError(
      'too_many_operations',
      `${operations.length} operations are too many for one transaction; ` +
        `${maxOperations} is the maximum.`,
    );
  }
  const memory = options.memory ?? createMemory();
  const outcomes: Outcome[] = [];
  for (let start = 0; start < operations.length; ) {
    const size = options.atomic ? operations.length : Math.min(maxOperations, memory.batchSize);
    const batch = operations.slice(start, start + size);
    start += size;
    const shared = { bank, journal, options, memory, thorough: false };
    outcomes.push(...(await postBatch({ ...shared, operations: batch })));
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
  readonly memory: PostMemory;
  /** Everything is looked up, including what is otherwise left to the server to refuse. */
  readonly thorough: boolean;
  /** What the server refused, by operation id. */
  readonly refusedByServer?: ReadonlyMap<string, BankctlError>;
  /** How often its time passed while others had its accounts. */
  readonly waits?: number;
}

/** How far a batch got, for recovering from whatever ended it. */
interface Progress {
  running: Promise<unknown>;
  /** What a commit was sent for; undefined if giving up now leaves nothing unknown. */
  committing: Judged | undefined;
  conflicts: number;
  /** Others have its accounts. */
  isWaiting: boolean;
  /** It has its accounts, and when it is aborted, had them. */
  isHolding: boolean;
}

/** True for the rows of one file: whoever waits for one of them waits for all. */
function isOfOneCaller({ operations, options }: Batch): boolean {
  return operations.length > 1 && !options.manyCallers;
}

/** Posts a batch within its time limit. */
async function postBatch(batch: Batch): Promise<readonly Outcome[]> {
  const { bank, memory, options, operations } = batch;
  if (operations.length > memory.batchSize && !options.atomic) return postHalves(batch);
  const progress: Progress = {
    running: Promise.resolve(),
    committing: undefined,
    conflicts: 0,
    isWaiting: false,
    isHolding: false,
  };
  try {
    const judged = await runWithin(bank.timeoutMs, (deadline) => {
      const posting = postOnce(batch, deadline, progress);
      progress.running = posting;
      return posting;
    });
    memory.isContended = progress.conflicts > 0;
    if (!memory.isContended) memory.grow(operations.length);
    memory.forgetSettled(judged.outcomes);
    if (options.rehearsal) rehearse(options.rehearsal, judged.book, judged);
    options.onSettled?.(judged.outcomes);
    return judged.outcomes;
  } catch (error) {
    if (error instanceof CommitUnknown || (isTimeOut(error) && progress.committing)) {
      memory.rememberSent(progress.committing?.entries ?? []);
      throw new OutcomeUnknown(operations, error);
    }
    return recover(batch, progress, error);
  }
}

/** Nothing of the batch was applied: it is posted in halves, is refused, or fails. */
async function recover(
  batch: Batch,
  progress: Progress,
  error: unknown,
): Promise<readonly Outcome[]> {
  const { operations, options, memory, bank } = batch;
  const [only] = operations;
  const many = operations.length > 1;
  if (options.atomic || !only) throw error;
  if (isTimeOut(error)) {
    if (!many || !(await answersStill(bank, progress))) throw error;
    if (progress.isWaiting) {
      const waits = (batch.waits ?? 0) + 1;
      if (waits < maxWaits) return postBatch({ ...batch, waits });
      throw error;
    }
    memory.limit(Math.ceil(operations.length / 2));
  } else if (isOfOneCaller(batch) && progress.isHolding && isConflict(error)) {
    memory.shrink(Math.ceil(operations.length / shrinkAfterLostHold));
  } else if (!isFaultOfOne(error, options.manyCallers ?? false)) throw error;
  if (many) return postHalves(batch);
  const refused = refusalOf(only, error);
  if (batch.refusedByServer || !options.refusals || options.dryRun) {
    const outcomes = [{ applied: false as const, operation: only, error: refused }];
    options.onSettled?.(outcomes);
    return outcomes;
  }
  // It is kept like any other refusal.
  return postBatch({ ...batch, thorough: true, refusedByServer: new Map([[only.id, refused]]) });
}

async function postHalves(batch: Batch): Promise<readonly Outcome[]> {
  const middle = Math.ceil(batch.operations.length / 2);
  const outcomes: Outcome[] = [];
  for (const half of [batch.operations.slice(0, middle), batch.operations.slice(middle)]) {
    outcomes.push(...(await postBatch({ ...batch, operations: half })));
    if (isStopped(outcomes, batch.options)) break;
  }
  return outcomes;
}

function isTimeOut(error: unknown): boolean {
  return error instanceof BankctlError && error.code === 'timed_out';
}

/** A server that takes longer than this to tell its time is too slow for any batch. */
const maxAnswerMs = 1_000;

/**
 * Whether the server still answers, so that a smaller batch has a chance. Returns only after the
 * batch that was given up on is aborted, whose locks would be in its way.
 */
async function answersStill({ timeoutMs, serverTime }: Bank, { running }: Progress) {
  try {
    await runWithin(Math.min(timeoutMs, maxAnswerMs), serverTime);
  } catch {
    return false;
  }
  await runWithin(timeoutMs, () => running).catch(() => undefined);
  return true;
}

/**
 * A second, thorough look finds the duplicate that the server refused. A branch that the config has
 * since given doubles still has the validator of decimals, which refuses them.
 */
async function postOnce(batch: Batch, deadline: Deadline, progress: Progress): Promise<Judged> {
  await prepareCollections(batch);
  deadline.check();
  try {
    return await inTransaction(batch, deadline, progress);
  } catch (error) {
    if (batch.thorough) throw error;
    if (isServerError(error, 'documentValidationFailure')) await prepareDoubles(batch, error);
    else if (!isDuplicate(error)) throw error;
    deadline.check();
    return inTransaction({ ...batch, thorough: true }, deadline, progress);
  }
}

async function inTransaction(
  batch: Batch,
  deadline: Deadline,
  progress: Progress,
): Promise<Judged> {
  const { bank, operations, options, memory } = batch;
  const patient = isOfOneCaller(batch);
  const isExpected = patient && memory.isContended && !options.dryRun;
  // Those that waited for the last batch come first.
  if (isExpected) await pause(waitMs(0, bank.draw));
  return bank.inSession((session) =>
    transact(
      session,
      {
        run: async (mayBeApplied, conflicts) => {
          progress.committing = undefined;
          progress.conflicts = conflicts;
          deadline.check();
          progress.isWaiting = isExpected || conflicts >= (patient ? 1 : conflictsBeforeHold);
          progress.isHolding = false;
          try {
            const release = await holdFor(batch, session, deadline, progress);
            const isSafe = progress.isHolding || conflicts === 0;
            return await attempt(batch, session, deadline, { mayBeApplied, release, isSafe });
          } catch (error) {
            if (mayBeCapped(error)) await checkCapped(batch);
            throw error;
          }
        },
        committing: (judged) => {
          progress.committing = judged;
        },
      },
      {
        deadline,
        draw: bank.draw,
        commits: bank.commits,
        blocked: bank.endAbandoned,
        givesUp: (conflicts) => {
          if (operations.length === 1)
            return conflicts >= (options.maxConflicts ?? Number.POSITIVE_INFINITY);
          if (!patient) return conflicts >= conflictsBeforeSplit;
          return progress.isHolding && !options.atomic;
        },
        patient,
      },
    ),
  );
}

/** Holds the accounts of a batch that met others before, or else those of its first row. */
async function holdFor(
  batch: Batch,
  session: ClientSession,
  deadline: Deadline,
  progress: Progress,
): Promise<Attempt['release']> {
  const { bank, operations, options } = batch;
  if (!progress.isWaiting) {
    const held = atStart(batch, progress.conflicts);
    return held.length > 0 ? holdAccounts(bank, held, session) : undefined;
  }
  const release = await holdAccounts(bank, operations, session);
  progress.isWaiting = false;
  progress.isHolding = true;
  if (isOfOneCaller(batch) && !options.atomic) deadline.restart();
  return release;
}

/** What is known of the runs before. */
interface Attempt {
  readonly mayBeApplied: boolean;
  /** Ends the hold of accounts, if it holds any. */
  readonly release: (() => Promise<void>) | undefined;
  /** Nobody came in between yet, or it holds all its accounts. */
  readonly isSafe: boolean;
}

/** One run of the transaction's body: it computes and writes, and remembers nothing. */
async function attempt(
  batch: Batch,
  session: ClientSession,
  deadline: Deadline,
  { mayBeApplied, release, isSafe }: Attempt,
): Promise<Judged> {
  deadline.check();
  const { bank, journal, options } = batch;
  const all = mayBeApplied || batch.thorough;
  const given = options.expectFresh ? 'none' : 'given';
  const versions = batch.thorough || options.dryRun === true;
  const writer = createWriter(session, deadline.check);
  const place = { bank, journal, writer, meanwhile: () => options.meanwhile?.() };
  try {
    const judge = await beginToJudge(batch, session, { ids: all ? 'all' : given, versions });
    // The accounts are then written last, by which time others may have them: against rivals, only
    // if it holds them.
    // What was refused before has to be deleted first.
    const isEarly = isSafe && mayBeginWithJournal(batch) && judge.book.refusals.size === 0;
    const early = isEarly ? await appendEarly(place, judge) : [];
    let judged = judge.end();
    // What looks refused may have been applied before: then it is a replay.
    if (!all && options.expectFresh && judged.outcomes.some(({ applied }) => !applied)) {
      await writer.settle();
      const own = { early, now: judged.book.now };
      judged = (await beginToJudge(batch, session, { ids: 'all', versions }, own)).end();
    }
    await options.onPoint?.('read');
    const { entries, refused, decidedAnew, book } = judged;
    const writes = entries.length + refused.length > 0;
    if (writes && options.dryRun) await bank.identity.checkClaim(session);
    if (writes && !options.dryRun) {
      await bank.identity.claim(session);
      const changes = { entries, refused, decidedAnew, book, appended: early.length };
      await writeBatch({ ...place, ...changes });
      await options.onPoint?.('written');
    }
    await release?.();
    await options.onPoint?.('committing');
    return judged;
  } finally {
    // If a part cannot be made, the one before it is still under way.
    await writer.settle();
  }
}

/**
 * What a batch holds that nobody was in the way of. One that begins with the journal would meet
 * another run of the same file only there, after each has written thousands of documents, which the
 * server takes long to get rid of. So both meet on the accounts of the first row.
 */
function atStart(batch: Batch, conflicts: number): readonly Operation[] {
  const isFirst = conflicts === 0 && !batch.thorough;
  return isFirst && mayBeginWithJournal(batch) ? batch.operations.slice(0, 1) : [];
}
