import type { Bank } from '../bank/bank.ts';
import { referenceKey, shellReference } from '../bank/operations/names.ts';
import {
  accountsOf,
  type Change,
  isPlain,
  type Operation,
  type PlainOperation,
} from '../bank/operations/operation.ts';
import type { ProfileEdit } from '../bank/operations/profile.ts';
import { BankctlError, Status } from '../core/errors.ts';
import { quote, shellWord } from '../core/text.ts';
import { UnfinishedOperation } from '../core/unfinished-operation.ts';
import type { SingleResult } from '../render/result.ts';
import { hintAtPlace } from './bank-notices.ts';
import type { Session } from './command.ts';
import type { WritingInput } from './command-input.ts';
import { type Posted, postedResult } from './posting-result.ts';

/** After this long, the user is shown the operation's id, which makes it safe to repeat. */
const announceIdAfterMs = 1_000;

/**
 * Posts one operation and describes the outcome.
 *
 * @throws the rule that refuses it; `outcome_unknown` and `interrupted` with the id to repeat it by
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
  const bank = await session.bank().catch(async (error: unknown) => {
    throw dryRun ? error : await explain(error, operation, undefined, interrupted.aborted);
  });
  const plain = !bank.journal && isPlain(operation) ? operation : undefined;
  const named = dryRun && id === undefined ? '' : ` on operation ${operation.id}`;
  const announceId = () => session.talk('still_working', `Still working${named}.`);
  const slow = setTimeout(announceId, announceIdAfterMs);
  // A second Ctrl-C ends the process while it waits for an answer, and nothing else shows the id.
  if (bank.journal && !dryRun) interrupted.addEventListener('abort', announceId, { once: true });
  try {
    const posted = plain
      ? await postWithoutJournal(bank, plain, dryRun)
      : await postJournalled(bank, operation, dryRun, session.context.author);
    announce(session, posted);
    if (operation.type === 'label') sayAbsent(session, operation, posted);
    return postedResult(posted, bank.branches);
  } catch (failed) {
    const error = await hintAtPlace(session, bank, failed, accountsOf(operation, new Map()));
    if (dryRun) throw error;
    throw await explain(error, operation, plain, interrupted.aborted);
  } finally {
    clearTimeout(slow);
    interrupted.removeEventListener('abort', announceId);
  }
}

async function postJournalled(
  bank: Bank,
  operation: Operation,
  dryRun: boolean,
  by: string,
): Promise<Posted> {
  const { post } = await import('../bank/index.ts');
  const [outcome] = await post(bank, [operation], { by, dryRun });
  if (!outcome) throw new Error('a posted operation has no outcome');
  if (!outcome.applied) throw outcome.error;
  const { entry, replayed } = outcome;
  // A real run would make up a different id.
  const shownId = dryRun && !operation.idGiven ? null : entry.id;
  return { ...entry, type: operation.type, operation: shownId, replayed, dryRun };
}

async function postWithoutJournal(
  bank: Bank,
  operation: PlainOperation,
  dryRun: boolean,
): Promise<Posted> {
  const { postPlain } = await import('../bank/index.ts');
  const postings = [await postPlain(bank, operation, { dryRun })];
  const { type } = operation;
  return { operation: null, type, replayed: false, dryRun, reverses: undefined, postings };
}

function announce(session: Session, { operation, replayed, dryRun }: Posted): void {
  if (dryRun) session.talk('dry_run', 'Dry run: nothing was written.');
  else if (replayed) {
    session.talk('replayed', `Operation ${operation} was applied before; nothing was added.`);
  }
}

/** A label that the account did not have is probably a typing mistake, which must not be missed. */
function sayAbsent(session: Session, { remove = [] }: ProfileEdit, { postings }: Posted): void {
  const [posting] = postings;
  const before = posting?.profile?.before.labels ?? [];
  const absent = remove.filter((label) => !before.includes(label));
  if (posting === undefined || absent.length === 0) return;
  const label = absent.length === 1 ? 'the label' : 'the labels';
  const labels = `${label} ${absent.map(quote).join(', ')}`;
  const has = before.length === 0 ? 'It had none.' : `It had ${before.map(quote).join(', ')}.`;
  const message = `${referenceKey(posting)} did not have ${labels} that --remove names. ${has}`;
  session.say('label_absent', message, { labels: absent });
}

/**
 * The error, with what it means for the operation, and how to make sure of it. If the answer to a
 * commit never came, the outcome is open; after any other failure this command applied nothing,
 * though an earlier one with a given id may have. The same id makes a repeated command safe either
 * way; without a journal (`plain`) there is no id, and only the balance can tell.
 */
async function explain(
  error: unknown,
  { id, idGiven }: Pick<Operation, 'id' | 'idGiven'>,
  plain: PlainOperation | undefined,
  interrupted: boolean,
): Promise<unknown> {
  const again = plain ? 'repeat the command' : `repeat the command with --id ${shellWord(id)}`;
  const hint = `To try again, ${again}.`;
  const about = { cause: error, ...(plain ? {} : { operationIds: [id] }) };
  const unchanged = plain
    ? `${plain.branch}:${plain.account} was not changed.`
    : `operation ${id} was not applied${idGiven ? ' by this command' : ''}.`;
  const unknown = plain ? await unknownWrite(error, plain) : unknownCommit(error, id, again);
  if (unknown) {
    const message = interrupted ? `Interrupted. ${unknown.message}` : unknown.message;
    // Without an id, repeating what was applied would apply it twice.
    const unsafe = { ...about, mayRepeat: !plain };
    return new BankctlError('outcome_unknown', message, unknown.hint, unsafe);
  }
  if (interrupted && !(error instanceof BankctlError && error.status === Status.refused)) {
    return new BankctlError('interrupted', `Interrupted: ${unchanged}`, hint, about);
  }
  const sentence = plain ? unchanged : `The ${unchanged}`;
  if (!(error instanceof BankctlError)) {
    const then = plain ? 'Then repeat the command.' : hint;
    return new UnfinishedOperation(sentence, then, error, about.operationIds);
  }
  if (plain) return error;
  if (error.code !== 'timed_out') return idGiven ? withOperation(error, id) : error;
  const longer = `To try again, ${again}, and give it more time with --timeout 60s.`;
  return new BankctlError('timed_out', `${error.message} ${sentence}`, longer, about);
}

/** Nobody can look up an id that was made up for an operation that was refused. */
function withOperation(error: BankctlError, id: string): BankctlError {
  if (error.status === Status.usage) return error;
  const operationIds = [...new Set([id, ...error.operationIds])];
  return new BankctlError(error.code, error.message, error.hint, { cause: error, operationIds });
}

type Said = Pick<BankctlError, 'message' | 'hint'>;

function unknownCommit(error: unknown, id: string, again: string): Said | undefined {
  if (!(error instanceof BankctlError) || error.code !== 'outcome_unknown') return undefined;
  const look = `bankctl show ${shellWord(id)} shows it too`;
  const hint = `To make sure, ${again}: it is applied once; ${look}.`;
  return { message: error.message, hint };
}

async function unknownWrite(
  error: unknown,
  { branch, account }: PlainOperation,
): Promise<Said | undefined> {
  const { WriteUnknown } = await import('../bank/index.ts');
  if (!(error instanceof WriteUnknown)) return undefined;
  const unknown = `Whether ${branch}:${account} was changed is not known`;
  return {
    message: `${unknown}, and there is no journal to ask.`,
    hint: `See what is there with bankctl balance ${shellReference({ branch, account })}.`,
  };
}
