import type { ClientSession } from 'mongodb';
import type { BankctlError } from '../core/errors.ts';
import type { Bank } from './bank.ts';
import { createJudge, type Judge, type JudgeOptions } from './judge.ts';
import type { Entry } from './operations/entry.ts';
import type { Operation } from './operations/operation.ts';
import type { PostMemory } from './post-memory.ts';
import { type ReadOptions, readBook } from './reading.ts';
import { overlay, type Rehearsal } from './rehearsal.ts';

/** A batch, and what it is judged by. */
interface JudgedBatch {
  readonly bank: Bank;
  readonly operations: readonly Operation[];
  readonly options: JudgeOptions & { readonly rehearsal?: Rehearsal };
  readonly memory: PostMemory;
  readonly refusedByServer?: ReadonlyMap<string, BankctlError>;
}

/** What the transaction itself has appended, judged at which time. */
interface OwnEntries {
  readonly early: readonly Entry[];
  readonly now: Date;
}

/**
 * Reads what a batch is judged by.
 *
 * @param own is judged once more, with the same result: the accounts have not been written yet
 */
export async function beginToJudge(
  batch: JudgedBatch,
  session: ClientSession,
  read: ReadOptions,
  own?: OwnEntries,
): Promise<Judge> {
  const { bank, operations, options, memory, refusedByServer } = batch;
  const book = await readBook(bank, operations, session, read);
  for (const { id, reverses } of own?.early ?? []) {
    book.entries.delete(id);
    if (reverses !== undefined) book.reversals.delete(reverses);
  }
  if (options.rehearsal) overlay(book, operations, options.rehearsal);
  const judging = { bank, options, isOwn: memory.isOwn };
  return createJudge(
    refusedByServer ? { ...judging, refusedByServer } : judging,
    own ? { ...book, now: own.now } : book,
    operations,
  );
}
