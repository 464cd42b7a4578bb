import { type ClientSession, Decimal128, type Document, Double, Long } from 'mongodb';
import { BankctlError } from '../../core/errors.ts';
import { count } from '../../core/text.ts';
import type { Bank } from '../bank.ts';
import type { BranchModel } from '../branch.ts';
import { type Deadline, runWithin } from '../deadline.ts';
import type { Journal } from '../journal.ts';
import { type AppliedDocument, isApplied, toJournalDocument } from '../journal-document.ts';
import type { Rewrite } from '../legacy-collection.ts';
import { requestDigest, requestOf } from '../operations/operation.ts';
import { toStored } from '../stored-balance.ts';
import { CommitUnknown, transact } from '../transaction.ts';
import { keptFields } from './own-fields.ts';
import {
  behindJournal,
  type JudgeRules,
  judge,
  judgeDocument,
  type Sound,
  type Verdict,
} from './verdict.ts';

/** What became of a document, for certain. */
interface Settled {
  readonly id: unknown;
  readonly verdict: Verdict;
}

/** What all batches of a branch share. */
export interface BatchContext extends JudgeRules {
  readonly bank: Bank;
  readonly journal: Journal;
  readonly branch: BranchModel;
  /** Who asks, as `user@host`. */
  readonly by: string;
}

/** Which documents a batch has: those that follow in the order of `_id`, and how many at most. */
export interface Batch {
  readonly after: Document | undefined;
  readonly limit: number;
  /** The id of the operation that adopts the nth document, the same however often it is tried. */
  readonly operation: (index: number) => string;
}

/** How a batch is tried. */
interface Attempt {
  /** An earlier attempt may have taken effect after all. */
  readonly isRetry: boolean;
  /** The journal is asked first; otherwise its index refuses a second adoption of an account. */
  readonly asksJournal: boolean;
}

/** A batch of many that conflicts this often is given up, for smaller ones. */
const conflictsBeforeSplit = 2;

/**
 * Adopts or converts the next documents in one transaction, each judged by what the transaction
 * reads: a write of another program in between makes it run again.
 *
 * @returns what became of them, in order; empty after the last document
 * @throws `outcome_unknown`; any other error means that nothing was written
 */
export async function adoptBatch(
  context: BatchContext,
  batch: Batch,
  attempt: Attempt,
): Promise<readonly Settled[]> {
  const { bank } = context;
  let isSent = false;
  try {
    return await runWithin(bank.timeoutMs, (deadline) =>
      bank.inSession((session) =>
        transact(
          session,
          {
            run: (mayBeApplied) => {
              isSent = false;
              const isRetry = attempt.isRetry || mayBeApplied;
              return runOnce(context, batch, { ...attempt, isRetry }, { session, deadline });
            },
            committing: () => {
              isSent = true;
            },
          },
          {
            ...{ deadline, draw: bank.draw, commits: bank.commits, blocked: bank.endAbandoned },
            givesUp: (conflicts) =>
              batch.limit > 1 && !attempt.isRetry && conflicts >= conflictsBeforeSplit,
          },
        ),
      ),
    );
  } catch (error) {
    const isLate = error instanceof BankctlError && error.code === 'timed_out';
    if (!(error instanceof CommitUnknown) && !(isLate && isSent)) throw error;
    const some = count(batch.limit, 'more document');
    const message = `Up to ${some} of ${context.branch.name} may or may not be adopted.`;
    throw new BankctlError('outcome_unknown', message, undefined, { cause: error });
  }
}

/** A document, with what is to be done with it. */
interface Judged extends Settled {
  readonly document: Document;
  readonly operation: string;
  /** True for what an earlier attempt did. */
  readonly isDone?: boolean;
}

/** One run of the transaction's body: it computes and writes, and remembers nothing. */
async function runOnce(
  context: BatchContext,
  { after, limit, operation }: Batch,
  { isRetry, asksJournal }: Attempt,
  { session, deadline }: { readonly session: ClientSession; readonly deadline: Deadline },
): Promise<readonly Settled[]> {
  deadline.check();
  const { bank, branch, journal } = context;
  const documents = await branch.legacy.page(after, limit, session);
  const read = documents.map((document, index): Judged => {
    const verdict = judge(document, branch, context);
    return { id: document['_id'], document, operation: operation(index), verdict };
  });
  const judged = await checkJournal(context, read, { isRetry, asksJournal }, session);
  const changes = judged.filter(isChange);
  if (changes.length === 0) return judged;
  const at = await bank.serverTime();
  await bank.identity.claim(session);
  deadline.check();
  const rewriting = branch.legacy.rewrite(
    changes.flatMap((change) => rewriteOf(change, branch, at)),
    session,
  );
  // Awaited below; without this, a failure before that would be an unhandled rejection.
  rewriting.catch(() => undefined);
  const entries = changes.flatMap((change, seq) => entryOf(change, context, at, seq));
  const rewritten = await rewriting;
  if (rewritten !== changes.length) {
    throw new Error(`${branch.name} took ${rewritten} of ${changes.length} changes`);
  }
  deadline.check();
  if (entries.length > 0) await journal.append(entries)(session);
  return judged;
}

/** What the journal adds: accounts that it has already, and what an earlier attempt did. */
async function checkJournal(
  { journal, branch }: BatchContext,
  read: readonly Judged[],
  { isRetry, asksJournal }: Attempt,
  session: ClientSession,
): Promise<readonly Judged[]> {
  const done = new Map<string, AppliedDocument>();
  if (isRetry) {
    const ids = read.map(({ operation }) => operation);
    for (const entry of await journal.find(ids, session)) {
      if (isApplied(entry)) done.set(entry.postings[0]?.account_number ?? '', entry);
    }
  }
  const wanted = read.flatMap(({ verdict }) =>
    verdict.verdict === 'adopt' ? [verdict.account] : [],
  );
  const posted =
    asksJournal && wanted.length > 0
      ? await journal.accountsPosted(branch.name, wanted, session)
      : new Set<string>();
  return read.map((one): Judged => {
    const { verdict } = one;
    const entry = done.get(verdict.account ?? '');
    if (entry && verdict.verdict === 'known')
      return { ...one, isDone: true, verdict: verdictOf(entry, branch) };
    const isBehind = verdict.verdict === 'adopt' && posted.has(verdict.account);
    return isBehind ? { ...one, verdict: behindJournal(verdict.account) } : one;
  });
}

/** What an adoption of this run did to its document. */
function verdictOf({ postings, was }: AppliedDocument, branch: BranchModel): Verdict {
  const [posting] = postings;
  const kept = { account_number: posting?.account_number, balance: posting?.amount };
  return judgeDocument({ ...kept, ...was }, branch, true);
}

function isChange({ verdict, isDone }: Judged): boolean {
  return !isDone && (verdict.verdict === 'adopt' || verdict.verdict === 'convert');
}

function rewriteOf({ id, document, verdict }: Judged, branch: BranchModel, at: Date): Rewrite[] {
  if (verdict.verdict === 'conflict') return [];
  if (verdict.verdict === 'adopt') {
    return [{ id, fields: adoptedFields(document, verdict, branch, at) }];
  }
  return [{ id, fields: { balance: toStored(verdict.balanceMinor, branch) } }];
}

function adoptedFields(
  document: Document,
  { account, balanceMinor }: Sound,
  branch: BranchModel,
  at: Date,
) {
  return {
    account_number: account,
    balance: toStored(balanceMinor, branch),
    branch: branch.name,
    version: Long.ONE,
    ...keptFields(document, at),
  };
}

function entryOf(
  { document, operation, verdict }: Judged,
  { branch, by }: BatchContext,
  at: Date,
  seq: number,
): AppliedDocument[] {
  if (verdict.verdict !== 'adopt') return [];
  const { account, balanceMinor: amountMinor } = verdict;
  const asked = { type: 'adopt' as const, branch: branch.name, account, amountMinor };
  const change = { ...asked, balanceMinor: amountMinor, version: 0n };
  const request = requestOf({ ...change, id: operation, idGiven: false, memo: undefined });
  const balances = { balanceBeforeMinor: 0n, balanceAfterMinor: amountMinor, version: 1n };
  const entry = toJournalDocument(
    {
      ...{ id: operation, type: 'adopt', at, seq, by, memo: undefined, reverses: undefined },
      request: requestDigest(request),
      postings: [{ branch: branch.name, account, amountMinor, ...balances }],
    },
    () => branch.currency,
  );
  const was = replacedFields(document, adoptedFields(document, verdict, branch, at));
  return [was === undefined ? entry : { ...entry, was }];
}

/** The fields that are written over with something else, as they were. */
function replacedFields(
  document: Document,
  fields: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> | undefined {
  const replaced = Object.entries(fields).flatMap(([name, value]) => {
    const before: unknown = document[name];
    return before == null || isSame(before, value) ? [] : [[name, before]];
  });
  return replaced.length > 0 ? Object.fromEntries(replaced) : undefined;
}

function isSame(before: unknown, value: unknown): boolean {
  if (before instanceof Decimal128 && value instanceof Decimal128) {
    return before.toString() === value.toString();
  }
  if (before instanceof Double && value instanceof Double) return before.value === value.value;
  return before === value;
}
