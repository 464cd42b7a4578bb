import type { Command, GlobalOptions, Session, Typed } from '../commands/command.ts';
import type { Context } from '../core/context.ts';
import { BankctlError, Status } from '../core/errors.ts';
import { jsonText, shellWord } from '../core/text.ts';
import { OutputClosed } from '../render/output.ts';
import { present } from '../render/present.ts';
import type { Result } from '../render/result.ts';
import { type Asked, OpenSession } from './session.ts';
import { requireCount } from './typed-arguments.ts';

/**
 * Runs one command: opens what it asks for, on first use, and closes all of it here,
 * whether it ends well, fails or is interrupted.
 *
 * @returns the status of the result
 */
export async function execute(
  command: Command,
  typed: Typed,
  globals: GlobalOptions,
  context: Context,
): Promise<Status> {
  const asked = { command, typed };
  const opened = new OpenSession(globals, context, asked);
  let ended: Result | undefined;
  try {
    requireCount(command, typed.args);
    const running = command.run(typed, opened.session);
    const result = await untilInterrupted(running, opened, asked, isWhole);
    ended = result;
    const shown = present(result, globals, context).catch((error: unknown) => {
      throw notShownError(result, error, opened.session.say);
    });
    if (isWhole(result)) await shown;
    else await untilInterrupted(shown, opened, asked);
    return statusOf(result);
  } catch (error) {
    if (ended && isNormalEnd(ended, error)) {
      // What a terminal shows for Ctrl-C is still on the line.
      if (ended.kind === 'live') context.stdout.write('\n');
      return statusOf(ended);
    }
    if (error instanceof OutputClosed) return ended ? statusOf(ended) : Status.done;
    throw await opened.explain(error);
  } finally {
    opened.session.progress(undefined);
    await opened.close();
  }
}

function statusOf(result: Result): Status {
  if (result.kind === 'stream') return result.status?.() ?? Status.done;
  return result.kind === 'single' ? (result.status ?? Status.done) : Status.done;
}

/** Ctrl-C is the normal way to stop watching. */
function isNormalEnd(result: Result, error: unknown): boolean {
  const isEndless = result.kind === 'live' || (result.kind === 'stream' && result.endless);
  return isEndless === true && error instanceof BankctlError && error.code === 'interrupted';
}

/**
 * What was done but cannot be shown must not look like a failure, nor be hidden: it is reported on
 * stderr instead.
 */
function notShownError(result: Result, error: unknown, say: Session['say']): unknown {
  if (result.kind !== 'single') return error;
  const { operation, wrote = operation !== undefined } = result;
  const lost =
    operation === undefined
      ? `The result is ${jsonText(result.data)}.`
      : `Operation ${operation} was applied.`;
  if (error instanceof OutputClosed && wrote) say('not_shown', lost);
  if (!(error instanceof BankctlError) || !wrote) return error;
  const hint =
    operation === undefined
      ? error.hint
      : `See it with bankctl show ${shellWord(operation)}; do not repeat it without --id.`;
  const operationIds = operation === undefined ? [] : [operation];
  const about = { cause: error, operationIds };
  return new BankctlError(error.code, `${lost} ${error.message}`, hint, about);
}

/**
 * A result that is complete is shown in spite of Ctrl-C: it may report money that was
 * moved, or what was done before the interruption.
 */
function isWhole(result: Result): boolean {
  return result.kind === 'single';
}

/**
 * On Ctrl-C: waits a moment for the answers to commits that were sent, then closes what is open,
 * which aborts a transaction under way, and lets the work end.
 *
 * @param isWorthKeeping whether the value counts in spite of the interruption
 */
async function untilInterrupted<T>(
  work: Promise<T>,
  opened: OpenSession,
  asked: Asked,
  isWorthKeeping: (value: T) => boolean = () => false,
): Promise<T> {
  const { interrupted } = opened.session.context;
  const close = () => void opened.stop();
  interrupted.addEventListener('abort', close, { once: true });
  try {
    const value = await work;
    if (interrupted.aborted && !isWorthKeeping(value)) throw interruptedError(asked);
    return value;
  } catch (error) {
    if (!interrupted.aborted || saysMoreThanInterrupted(error)) throw error;
    throw interruptedError(asked, error);
  } finally {
    interrupted.removeEventListener('abort', close);
  }
}

/** What to do after Ctrl-C. A command that has no dry run repeats nothing by being run again. */
function interruptedError({ command, typed }: Asked, cause?: unknown): BankctlError {
  const isDry = typed.options['dryRun'] === true;
  const message = isDry ? 'Interrupted. Nothing was changed.' : 'Interrupted.';
  const writes = command.options.some(({ flags }) => flags === '--dry-run');
  const hint = isDry || !writes ? 'Run it again.' : undefined;
  return new BankctlError('interrupted', message, hint, { cause });
}

/** Errors that say more than that the user pressed Ctrl-C. */
function saysMoreThanInterrupted(error: unknown): boolean {
  return (
    error instanceof BankctlError &&
    (['interrupted', 'outcome_unknown'].includes(error.code) || error.status !== Status.unavailable)
  );
}
