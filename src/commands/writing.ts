import {
  type Change,
  isPlain,
  type Operation,
  type PlainOperation,
} from '../bank/operations/operation.ts';
import { BankctlError, Status } from '../core/errors.ts';
import { shellWord } from '../core/text.ts';
import { Unfinished } from '../core/unfinished.ts';
import type { SingleResult } from '../render/result.ts';
import { hintAtNoBank } from './bank-notices.ts';
import type { Session } from './command.ts';
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
  { dryRun, ...asked }: Change & WritingInput,
): Promise<SingleResult> {
  const { id } = asked;
  const operation: Operation = {
    ...asked,
    id: id ?? session.context.freshId(),
    idGiven: id !== undefined,
  };
  const { interrupted } = session.context;
  const bank = await session.bank().catch((error: unknown) => {
    throw dryRun ? error : withId(error, operation, interrupted.aborted);
  });
  const named = dryRun && id === undefined ? '' : ` on operation ${operation.id}`;
  const tellId = () => session.talk(`Still working${named}.`);
  const slow = setTimeout(tellId, tellIdAfterMs);
  // A second Ctrl-C ends the process while it waits for an answer, and nothing else would tell.
  if (bank.journal && !dryRun) interrupted.addEventListener('abort', tellId, { once: true });
  try {
    const posted =
      isPlain(operation) && !bank.journal
        ? await postWithoutJournal(session, operation, dryRun)
        : await postJournalled(session, operation, dryRun);
    tell(session, posted);
    return postedResult(posted, bank.branches);
  } catch (failed) {
    const error = await hintAtNoBank(bank, failed);
    if (dryRun) throw error;
    throw isPlain(operation) && !bank.journal
      ? await withoutId(error, operation, interrupted.aborted)
      : withId(error, operation, interrupted.aborted);
  } finally {
    clearTimeout(slow);
    interrupted.removeEventListener('abort', tellId);
  }
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
  // A real run would make up another id.
  const shownId = dryRun && !operation.idGiven ? null : entry.id;
  return { ...entry, type: operation.type, operation: shownId, replayed, dryRun };
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
 * The error, with what it means for the operation and the id that makes sure. An answer to a commit
 * that never came leaves it open; after any other failure this command applied nothing, though an
 * earlier one with a given id may have. The same id makes a repeated command safe either way.
 */
function withId(
  error: unknown,
  { id, idGiven }: Pick<Operation, 'id' | 'idGiven'>,
  interrupted: boolean,
): unknown {
  const again = `repeat the command with --id ${shellWord(id)}`;
  const code = error instanceof BankctlError ? error.code : undefined;
  if (error instanceof BankctlError && code === 'outcome_unknown') {
    const message = interrupted ? `Interrupted. ${error.message}` : error.message;
    const look = `bankctl show ${shellWord(id)} tells too`;
    const hint = `To make sure, ${again}: it is applied once; ${look}.`;
    return new BankctlError(code, message, hint, { cause: error });
  }
  const fate = `operation ${id} was not applied${idGiven ? ' by this command' : ''}.`;
  const notApplied = `The ${fate}`;
  if (interrupted && !(error instanceof BankctlError && error.status === Status.refused)) {
    const message = `Interrupted: ${fate}`;
    return new BankctlError('interrupted', message, `To try again, ${again}.`, { cause: error });
  }
  if (error instanceof BankctlError && code === 'timed_out') {
    const hint = `To try again, ${again}, and give it more time with --timeout 60s.`;
    return new BankctlError(code, `${error.message} ${notApplied}`, hint, { cause: error });
  }
  if (error instanceof BankctlError) return error;
  return new Unfinished(notApplied, `To try again, ${again}.`, error);
}

/**
 * Without a journal there is no id that could make sure: if the answer to the one write never came,
 * only the balance can tell.
 */
async function withoutId(
  error: unknown,
  { branch, account }: PlainOperation,
  interrupted: boolean,
): Promise<unknown> {
  const { WriteUnknown } = await import('../bank/index.ts');
  if (error instanceof WriteUnknown) {
    const unknown = `Whether ${branch}:${account} was changed is not known`;
    const open = `${unknown}, and there is no journal to ask.`;
    const where = `${shellWord(branch)} ${shellWord(account)}`;
    const look = `See what is there with bankctl balance ${where}.`;
    const message = interrupted ? `Interrupted. ${open}` : open;
    return new BankctlError('outcome_unknown', message, look, { cause: error });
  }
  const unchanged = `${branch}:${account} was not changed.`;
  if (interrupted && !(error instanceof BankctlError && error.status === Status.refused)) {
    const hint = 'To try again, repeat the command.';
    return new BankctlError('interrupted', `Interrupted: ${unchanged}`, hint, { cause: error });
  }
  if (error instanceof BankctlError) return error;
  return new Unfinished(unchanged, 'Then repeat the command.', error);
}
