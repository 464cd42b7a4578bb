import type { Posting } from '../bank/journal.ts';
import { formatAmount } from '../bank/money.ts';
import type { IncrementOperation, OpenOperation, Operation } from '../bank/operation.ts';
import type { PlainOperation } from '../bank/plain.ts';
import { BankctlError } from '../errors.ts';
import type { Column, View } from '../render/view.ts';
import type { Session } from './command.ts';

/** An operation on one account as it was asked for; the id is made here where none is given. */
export type Asked = (OpenOperation | IncrementOperation) & {
  readonly id: string | undefined;
  readonly memo: string | undefined;
};

/** What came of it, in the words of the JSON result. */
export interface Posted {
  /** The id that the journal has; null in a bank without one. */
  readonly operation: string | null;
  readonly replayed: boolean;
  readonly dry_run: boolean;
  readonly branch: string;
  readonly account: string;
  readonly currency: string;
  readonly amount: string;
  readonly balance_before: string;
  readonly balance: string;
  readonly version: number;
  /** The record of these columns, with a note where it was a replay or a dry run. */
  readonly view: (columns: readonly PostedColumn[]) => View;
}

type PostedColumn = Exclude<keyof Posted, 'view' | 'replayed' | 'dry_run'>;

/** After this long, the user learns the id that makes sure of the operation. */
const tellIdAfterMs = 1_000;

/**
 * Posts one operation and describes what came of it.
 *
 * @throws the rule that refuses it; `outcome_unknown` and `interrupted` with the id that makes sure
 */
export async function postOne(session: Session, asked: Asked, dryRun: boolean): Promise<Posted> {
  const { context } = session;
  const operation: PlainOperation = {
    ...asked,
    id: asked.id ?? context.freshId(),
    idGiven: asked.id !== undefined,
  };
  const bank = await session.bank();
  if (bank.journal === undefined) return postWithoutJournal(session, operation, dryRun);
  const { post } = await import('../bank/post.ts');
  const slow = setTimeout(
    () => session.talk(`Still working on operation ${operation.id}.`),
    tellIdAfterMs,
  );
  try {
    const [outcome] = await post(bank, [operation], { by: context.author, dryRun });
    if (!outcome) throw new Error('a posted operation has no outcome');
    if (!outcome.applied) throw outcome.error;
    const [posting] = outcome.entry.postings;
    if (!posting) throw new Error('an applied operation has no posting');
    return posted(session, operation.id, posting, outcome);
  } catch (error) {
    throw withId(error, operation, context.interrupted.aborted);
  } finally {
    clearTimeout(slow);
  }
}

async function postWithoutJournal(
  session: Session,
  operation: PlainOperation,
  dryRun: boolean,
): Promise<Posted> {
  const { postPlain } = await import('../bank/plain.ts');
  const posting = await postPlain(await session.bank(), operation, { dryRun });
  return posted(session, null, posting, { replayed: false, dryRun });
}

async function posted(
  session: Session,
  operation: string | null,
  posting: Posting,
  { replayed, dryRun }: { readonly replayed: boolean; readonly dryRun: boolean },
): Promise<Posted> {
  const bank = await session.bank();
  const { currency } = bank.branches.get(posting.branch);
  const fields = {
    operation,
    replayed,
    dry_run: dryRun,
    branch: posting.branch,
    account: posting.account,
    currency: currency.code,
    amount: formatAmount(posting.amountMinor, currency),
    balance_before: formatAmount(posting.balanceBeforeMinor, currency),
    balance: formatAmount(posting.balanceAfterMinor, currency),
    version: Number(posting.version),
  };
  if (dryRun) session.talk('Dry run: nothing was written.');
  else if (replayed) session.talk(`Operation ${operation} was applied before; nothing was added.`);
  return {
    ...fields,
    view: (columns) => ({
      layout: 'record',
      columns: columns.map((name): Column => ({ name })),
      rows: [columns.map((name) => String(fields[name] ?? ''))],
    }),
  };
}

/**
 * The error, with the id that makes sure of the operation: an answer that never came leaves it
 * open whether it was applied, and repeating the command with its id settles it.
 */
function withId(error: unknown, operation: Operation, interrupted: boolean): unknown {
  const again = `To make sure, repeat the command with --id ${shellWord(operation.id)}`;
  if (error instanceof BankctlError && error.code === 'outcome_unknown') {
    return interrupted
      ? new BankctlError('interrupted', `Interrupted. ${error.message}`, `${again}.`)
      : new BankctlError('outcome_unknown', error.message, `${again}: it is applied once.`);
  }
  if (!interrupted || (error instanceof BankctlError && error.status === 1)) return error;
  return new BankctlError('interrupted', `Interrupted: operation ${operation.id} was not applied.`);
}

/** A word as a shell reads it back. */
function shellWord(text: string): string {
  return /^[\w.:@/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
