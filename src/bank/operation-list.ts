import { type ClientSession, Decimal128, type Document } from 'mongodb';
import { BankctlError } from '../core/errors.ts';
import { findAccount } from './balances.ts';
import type { Bank } from './bank.ts';
import { escapeRegex, idsOfBatch } from './batch-files.ts';
import { runWithin } from './deadline.ts';
import { journalOf } from './history.ts';
import type { Journal } from './journal.ts';
import { isApplied, type JournalDocument } from './journal-document.ts';
import {
  type ShownPosting,
  type ShownRefused,
  showApplied,
  showRefused,
} from './operation-lookup.ts';
import { statusTypes } from './operations/operation.ts';

/** Which operations are listed: those for which all that is given holds. */
export interface OperationQuery {
  readonly branch?: string | undefined;
  readonly account?: string | undefined;
  /** A name as the journal has it, or the part before its `@`. */
  readonly by?: string | undefined;
  readonly type?: string | undefined;
  /** A half-open range of time. */
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
  /** Amounts as plain decimals; without a sign they match what came and what went. */
  readonly amount?: string | undefined;
  readonly min?: string | undefined;
  readonly max?: string | undefined;
  /** Part of a memo, in any case. */
  readonly memo?: string | undefined;
  /** The name that `apply` was given for a file. */
  readonly batch?: string | undefined;
  /** True for the refused operations instead of the applied ones. */
  readonly refused: boolean;
  /** Only the newest so many. */
  readonly limit?: number | undefined;
}

/** An applied operation, as in the JSON result. */
export interface ListedOperation {
  readonly operation: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly by: string;
  readonly type: string;
  readonly memo: string | null;
  readonly reverses: string | null;
  /** The operation that reversed it; present if the operations of a batch are listed. */
  readonly reversed_by?: string | null;
  readonly postings: readonly ShownPosting[];
}

/** A refused operation, as in the JSON result. */
export interface ListedRefusal
  extends Pick<ListedOperation, 'operation' | 'at' | 'by' | 'type' | 'memo'>,
    Pick<ShownRefused, 'asked' | 'refused'> {}

/**
 * The operations of the journal that match, in the order in which they were applied, in batches,
 * from one snapshot; which of a batch are reversed is newer.
 * @param reportProblem called with what is wrong with a document that cannot be read
 * @throws `journal_disabled`
 */
export async function* listOperations(
  bank: Bank,
  query: OperationQuery,
  reportProblem: (error: BankctlError) => void,
): AsyncIterable<readonly (ListedOperation | ListedRefusal)[]> {
  const journal = journalOf(bank);
  const session = bank.startSession({ snapshot: true });
  const list = (
    document: JournalDocument,
    reversals: Reversals,
  ): readonly (ListedOperation | ListedRefusal)[] => {
    try {
      return [isApplied(document) ? listApplied(bank, document, reversals) : listRefused(document)];
    } catch (error) {
      if (!(error instanceof BankctlError)) throw error;
      reportProblem(error);
      return [];
    }
  };
  try {
    for await (const documents of select(bank, journal, query, session)) {
      const ids = documents.map(({ _id }) => _id);
      const found =
        query.batch === undefined || query.refused
          ? undefined
          : await runWithin(bank.timeoutMs, () => journal.findReversals(ids));
      const reversals = found && new Map(found.map(({ _id, reverses = '' }) => [reverses, _id]));
      yield documents.flatMap((document) => list(document, reversals));
    }
  } finally {
    await session.endSession();
  }
}

/** One account's postings are found by their versions, whose order is that of application. */
async function* select(
  bank: Bank,
  journal: Journal,
  query: OperationQuery,
  session: ClientSession,
): AsyncIterable<readonly JournalDocument[]> {
  const { branch, account, refused, limit, since, until } = query;
  const filter = filterOf(query);
  if (refused || branch === undefined || account === undefined) {
    yield* journal.select(filter, limit, session);
    return;
  }
  // Without a version to begin at, the search takes more round trips the more postings there are.
  const state = await runWithin(bank.timeoutMs, () =>
    findAccount(bank.branches.get(branch), account),
  );
  const near = state instanceof BankctlError ? undefined : state.version;
  yield* journal.ofAccount({ branch, account }, { since, until, limit, near, filter }, session);
}

/** Ids of reversals by what they reversed, if they were looked for. */
type Reversals = ReadonlyMap<string, string> | undefined;

function listApplied(
  bank: Bank,
  document: Parameters<typeof showApplied>[1],
  reversals: Reversals,
): ListedOperation {
  const shown = showApplied(bank, document, undefined);
  const { operation, at, by, type, memo, reverses, postings } = shown;
  const reversed = reversals ? { reversed_by: reversals.get(operation) ?? null } : {};
  return { operation, at, by, type, memo, reverses, ...reversed, postings };
}

function listRefused(document: Parameters<typeof showRefused>[0]): ListedRefusal {
  const { operation, at, by, type, memo, asked, refused } = showRefused(document);
  return { operation, at, by, type, memo, asked, refused };
}

function filterOf(query: OperationQuery): Document {
  const { by, type, since, until, memo, batch, refused } = query;
  const clauses: Document[] = [
    refused
      ? { refused: { $exists: true }, postings: { $exists: false } }
      : { postings: { $exists: true } },
  ];
  if (by !== undefined) clauses.push({ by: { $regex: `^${escapeRegex(by)}(@|$)` } });
  if (type !== undefined) clauses.push({ type });
  // Changes of status have an index of their own, by their accounts.
  if (type !== undefined && statusTypes.includes(type)) {
    clauses.push({ 'postings.branch': { $exists: true } });
  }
  if (since) clauses.push({ at: { $gte: since } });
  if (until) clauses.push({ at: { $lt: until } });
  if (memo !== undefined) clauses.push({ memo: { $regex: escapeRegex(memo), $options: 'i' } });
  if (batch !== undefined) clauses.push({ _id: idsOfBatch(batch) });
  const posting = postingFilter(query);
  if (posting.length > 0) clauses.push({ postings: { $elemMatch: { $and: posting } } });
  return { $and: clauses };
}

/** What one posting must be like. */
function postingFilter({ branch, account, amount, min, max }: OperationQuery): Document[] {
  const clauses: Document[] = [];
  if (branch !== undefined) clauses.push({ branch });
  if (account !== undefined) clauses.push({ account_number: account });
  if (amount !== undefined) {
    const either = /^[+-]/.test(amount) ? [amount] : [amount, `-${amount}`];
    clauses.push({ amount: { $in: either.map((text) => Decimal128.fromString(text)) } });
  }
  if (min !== undefined) clauses.push(beyond('$gte', '$lte', min));
  if (max !== undefined) {
    clauses.push({ amount: { $lte: Decimal128.fromString(max) } });
    clauses.push({ amount: { $gte: Decimal128.fromString(`-${max}`) } });
  }
  return clauses;
}

/** At least that much, of either sign. */
function beyond(above: string, below: string, amount: string): Document {
  return {
    $or: [
      { amount: { [above]: Decimal128.fromString(amount) } },
      { amount: { [below]: Decimal128.fromString(`-${amount}`) } },
    ],
  };
}
