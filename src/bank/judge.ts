import { BankctlError, type ErrorCode, errorTable } from '../core/errors.ts';
import { formatAmount } from '../core/money.ts';
import { quote, shellWord } from '../core/text.ts';
import type { Bank } from './bank.ts';
import type { Book } from './book.ts';
import type { Entry, PastRefusal, Refusal } from './operations/entry.ts';
import {
  askedOf,
  editOf,
  legsOf,
  type Operation,
  requestDigest,
  requestOf,
  requestOfEntry,
  reversedBy,
} from './operations/operation.ts';
import { applyLegs } from './rules.ts';

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
  /** When it was refused before, if that still holds: see `RefusalRule`. */
  readonly standing?: Date;
  /** In an atomic batch: the index of the operation whose refusal refused this one too. */
  readonly because?: number;
}

/**
 * Refusals of a file are kept in the journal, in the transaction of what is applied. Otherwise a
 * file that is run again would have its refused rows judged by the effects of later rows, and could
 * end in a different state than after its first run.
 */
interface RefusalRule {
  /** The same request under a refused id stays refused. Without it, it is judged anew. */
  readonly stand: boolean;
}

/** How operations are judged. */
export interface JudgeOptions {
  /** Who asks, as `user@host`. */
  readonly by: string;
  /** The same reading, rules and result, and nothing written. */
  readonly dryRun?: boolean;
  /** All or nothing: one refusal refuses the whole batch. */
  readonly atomic?: boolean;
  /** What comes after the first refusal is not attempted, and has no outcome. */
  readonly stopAtRefusal?: boolean;
  /** Refusals are kept in the journal, except those of an atomic batch and of a dry run. */
  readonly refusals?: RefusalRule;
}

/** The result of judging a batch. */
export interface Judged {
  /** The reading, as the batch leaves it. */
  readonly book: Book;
  readonly outcomes: readonly Outcome[];
  /** What is to be written: operations that are applied now, in order. */
  readonly entries: readonly Entry[];
  /** What is to be kept as refused. */
  readonly refused: readonly Refusal[];
  /** Ids that were read as refused and are now decided again. */
  readonly decidedAnew: readonly string[];
}

/** What the operations of a batch are judged with. */
interface Judging {
  readonly bank: Bank;
  readonly options: JudgeOptions;
  /** True for an entry that this very run sent, whose answer never came. */
  readonly isOwn: (entry: Entry) => boolean;
  /** What the server itself refused, by operation id. */
  readonly refusedByServer?: ReadonlyMap<string, BankctlError>;
}

/** Judges a batch, at once or part by part. Advances its book. */
export interface Judge {
  readonly book: Book;
  /** What was judged so far. */
  readonly outcomes: readonly Outcome[];
  /** What is to be written of it, in order. */
  readonly entries: readonly Entry[];
  /** Judges at most so many operations more. */
  readonly advance: (maxOperations: number) => void;
  /** Judges what is left. */
  readonly end: () => Judged;
}

/** Operations are judged in order, each by the state that those before it left. */
export function createJudge(judging: Judging, book: Book, operations: readonly Operation[]): Judge {
  const { atomic, stopAtRefusal } = judging.options;
  const read = new Map(book.refusals);
  const outcomes: Outcome[] = [];
  const entries: Entry[] = [];
  const isOver = () => stopAtRefusal === true && outcomes.at(-1)?.applied === false;
  const advance = (maxOperations: number) => {
    const start = outcomes.length;
    for (const operation of operations.slice(start, start + maxOperations)) {
      if (isOver()) return;
      outcomes.push(judgeOne(judging, book, operation, outcomes.length, entries));
    }
  };
  const end = (): Judged => {
    advance(operations.length);
    const culprit = outcomes.findIndex(({ applied }) => !applied);
    if (atomic && culprit >= 0) {
      // All or nothing: what the rules let through is not applied either.
      const none = { entries: [], refused: [], decidedAnew: [] };
      return { book, outcomes: refuseAll(outcomes, culprit), ...none };
    }
    const changed = [...book.refusals].filter(([id, refusal]) => read.get(id) !== refusal);
    const decidedAnew = [...read].filter(([id, refusal]) => book.refusals.get(id) !== refusal);
    return {
      book,
      outcomes,
      entries,
      refused: changed.map(([, refusal]) => refusal),
      decidedAnew: decidedAnew.map(([id]) => id),
    };
  };
  return { book, outcomes, entries, advance, end };
}

function refuseAll(outcomes: readonly Outcome[], culprit: number): readonly Outcome[] {
  const refused = outcomes[culprit];
  if (!refused || refused.applied) return outcomes;
  const { operation, error } = refused;
  return outcomes.map((outcome): Outcome => {
    if (!outcome.applied || outcome.replayed) return outcome;
    const because = new BankctlError(
      'batch_refused',
      `Not applied, since operation ${quote(operation.id)} of the same batch was refused: ` +
        error.message,
      `Correct operation ${quote(operation.id)}, and run the batch again.`,
      { cause: error, operationIds: [operation.id] },
    );
    return { applied: false, operation: outcome.operation, error: because, because: culprit };
  });
}

/** @param entries what is to be written; an operation that is applied now is added to it */
function judgeOne(
  { bank, options, isOwn, refusedByServer }: Judging,
  book: Book,
  operation: Operation,
  seq: number,
  entries: Entry[],
): Outcome {
  const { id } = operation;
  const dryRun = options.dryRun ?? false;
  const request = operation.request ?? requestDigest(requestOf(operation));
  const earlier = book.entries.get(id);
  if (earlier) {
    if (earlier.request !== request)
      return refusal(operation, idConflict(operation, earlier, book));
    const replayed = !isOwn(earlier);
    return { applied: true, operation, replayed, dryRun, entry: earlier };
  }
  const last = book.refusals.get(id);
  const standing = options.refusals?.stand ? standingOf(last, request) : undefined;
  if (standing) return { ...refusal(operation, toError(standing)), standing: standing.at };
  const { by } = options;
  try {
    const byServer = refusedByServer?.get(id);
    if (byServer) throw byServer;
    const { at, postings } = applyLegs(book, legsOf(operation, book));
    // Field by field: putting it together from parts takes twice as long.
    const entry: Entry = {
      id,
      type: operation.type,
      at,
      seq,
      memo: operation.memo,
      by,
      reverses: reversedBy(operation),
      request,
      refusedBefore: refusedBefore(last),
      edit: editOf(operation),
      postings,
    };
    entries.push(entry);
    book.entries.set(id, entry);
    if (last) book.refusals.delete(id);
    if (entry.reverses !== undefined) book.reversals.set(entry.reverses, entry);
    return { applied: true, operation, replayed: false, dryRun, entry };
  } catch (error) {
    if (!(error instanceof BankctlError)) throw error;
    if (options.refusals && !options.atomic) {
      const kept = { at: book.now, seq, by, request, refusedBefore: refusedBefore(last) };
      book.refusals.set(id, toRefusal(bank, operation, kept, error));
    }
    return refusal(operation, error);
  }
}

function refusal(operation: Operation, error: BankctlError): Refused {
  return { applied: false, operation, error };
}

/** Names the first field in which the two requests under one id differ. */
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
    `See the first with bankctl show ${shellWord(id)}; use a fresh id only for a new operation.`,
    { operationIds: [id] },
  );
}

/** Limits the earlier refusals kept for an id, so that a document stays small. */
const maxRefusedBefore = 16;

/**
 * The refusal of that request, if its id was last refused: even if another request was refused
 * under the id since, such as a corrected row that was still wrong.
 */
function standingOf(
  last: Refusal | undefined,
  request: string,
): Pick<Refusal, 'at' | 'reason'> | undefined {
  if (!last || last.request === request) return last;
  const past = last.refusedBefore?.findLast((before) => before.request === request);
  return past && { at: past.at, reason: past };
}

/** The error of a refusal that stands. */
function toError({ reason }: Pick<Refusal, 'reason'>): BankctlError {
  const { code, message } = reason;
  return new BankctlError(
    isErrorCode(code) ? code : 'refused_by_server',
    message,
    'It was refused before; --retry-refused tries it again.',
  );
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code);
}

/** What the journal keeps about an operation that is refused now. */
function toRefusal(
  bank: Bank,
  operation: Operation,
  kept: Pick<Refusal, 'at' | 'seq' | 'by' | 'request' | 'refusedBefore'>,
  { code, message, hint }: BankctlError,
): Refusal {
  const { id, type, memo } = operation;
  const own = hint === errorTable[code].hint ? {} : { hint };
  const reason = { code, message, ...own };
  return { id, type, memo, ...kept, reason, asked: askedOf(operation, bank.branches.currencyOf) };
}

/** The refusals of an id, once the last of them is replaced. */
function refusedBefore(last: Refusal | undefined): readonly PastRefusal[] | undefined {
  if (!last) return undefined;
  const { at, by, request, reason } = last;
  const { code, message } = reason;
  return [...(last.refusedBefore ?? []), { at, by, code, message, request }].slice(
    -maxRefusedBefore,
  );
}
