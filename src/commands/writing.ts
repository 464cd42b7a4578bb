import type { Change, Operation } from '../bank/operation.ts';
import type { PlainOperation } from '../bank/plain.ts';
import { BankctlError } from '../errors.ts';
import { shellWord } from '../text.ts';
import type { Session, SingleResult } from './command.ts';
import { type Posted, postedResult } from './posted.ts';
import type { WritingInput } from './typed.ts';

/** After this long, the user learns the id that makes sure of the operation. */
const tellIdAfterMs = 1_000;

/**
 * Posts one operation and describes what came of it.
 *
 * @throws the rule that refuses it; `outcome_unknown` and `interrupted` with the id that makes sure
 */
export async function postOne(
  session: Session,
  change: Change,
  { id, memo, dryRun }: WritingInput,
): Promise<SingleResult> {
  const operation: Operation = {
    ...change,
    id: id ?? session.context.freshId(),
    idGiven: id !== undefined,
    memo,
  };
  const bank = await session.bank();
  const slow = setTimeout(
    () => session.talk(`Still working on operation ${operation.id}.`),
    tellIdAfterMs,
  );
  try {
    const posted =
      isPlain(operation) && !bank.journal
        ? await postWithoutJournal(session, operation, dryRun)
        : await postJournalled(session, operation, dryRun);
    tell(session, posted);
    return postedResult(posted, bank.branches);
  } catch (error) {
    throw withId(error, operation.id, session.context.interrupted.aborted);
  } finally {
    clearTimeout(slow);
  }
}

function isPlain(operation: Operation): operation is PlainOperation {
  return operation.type === 'open' || operation.type === 'increment';
}

async function postJournalled(
  session: Session,
  operation: Operation,
  dryRun: boolean,
): Promise<Posted> {
  const { post } = await import('../bank/index.ts');
  const [outcome] = await post(await session.bank(), [operation], {
    by: session.context.author,
    dryRun,
  });
  if (!outcome) throw new Error('a posted operation has no outcome');
  if (!outcome.applied) throw outcome.error;
  const { entry, replayed } = outcome;
  return { ...entry, operation: entry.id, replayed, dryRun };
}

async function postWithoutJournal(
  session: Session,
  operation: PlainOperation,
  dryRun: boolean,
): Promise<Posted> {
  const { postPlain } = await import('../bank/index.ts');
  const posting = await postPlain(await session.bank(), operation, { dryRun });
  return {
    operation: null,
    type: operation.type,
    replayed: false,
    dryRun,
    reverses: undefined,
    postings: [posting],
  };
}

function tell(session: Session, { operation, replayed, dryRun }: Posted): void {
  if (dryRun) session.talk('Dry run: nothing was written.');
  else if (replayed) session.talk(`Operation ${operation} was applied before; nothing was added.`);
}

/**
 * The error, with the id that makes sure of the operation: an answer that never came leaves it
 * open whether it was applied, and repeating the command with its id settles it.
 */
function withId(error: unknown, id: string, interrupted: boolean): unknown {
  const again = `To make sure, repeat the command with --id ${shellWord(id)}`;
  if (error instanceof BankctlError && error.code === 'outcome_unknown') {
    return interrupted
      ? new BankctlError('interrupted', `Interrupted. ${error.message}`, `${again}.`)
      : new BankctlError('outcome_unknown', error.message, `${again}: it is applied once.`);
  }
  if (!interrupted || (error instanceof BankctlError && error.status === 1)) return error;
  return new BankctlError('interrupted', `Interrupted: operation ${id} was not applied.`);
}
