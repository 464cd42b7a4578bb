import type { MongoClient } from 'mongodb';
import type { Bank } from '../bank/bank.ts';
import type { Commits } from '../bank/commits.ts';
import type { Command, GlobalOptions, Session, Typed } from '../commands/command.ts';
import type { Config } from '../config/config.ts';
import { findConfig } from '../config/find.ts';
import type { Context } from '../core/context.ts';
import { BankctlError, Status } from '../core/errors.ts';
import { forPerson, withoutSecretsIn } from '../core/redaction.ts';
import { jsonText, shellWord } from '../core/text.ts';
import { Unfinished } from '../core/unfinished.ts';
import { OutputClosed, present } from '../render/present.ts';
import { progressLine } from '../render/progress.ts';
import type { Result } from '../render/result.ts';

/** For this long after Ctrl-C the answer to a commit is waited for, milliseconds. */
const longestAnswerMs = 2_000;

/**
 * Runs one command: opens what it asks for, when it first asks, and closes all of it here,
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
  const makes = command.makesDatabase?.(typed) === true && typed.options['dryRun'] !== true;
  const opened = new Opened(globals, context, makes);
  let ended: Result | undefined;
  try {
    const running = command.run(typed, opened.session);
    const result = await untilInterrupted(running, opened, context, isWhole);
    ended = result;
    const shown = present(result, globals, context).catch((error: unknown) => {
      throw unshown(result, error, opened.session.say);
    });
    if (isWhole(result)) await shown;
    else await untilInterrupted(shown, opened, context);
    return statusOf(result);
  } catch (error) {
    if (isNormalEnd(ended, error)) return Status.interrupted;
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

/** Ctrl-C is how one stops following what moves. */
function isNormalEnd(result: Result | undefined, error: unknown): boolean {
  const isEndless = result?.kind === 'live' || (result?.kind === 'stream' && result.endless);
  return isEndless === true && error instanceof BankctlError && error.code === 'interrupted';
}

/**
 * What was done and cannot be shown must not look like what failed, nor be hidden: it is said on
 * stderr instead.
 */
function unshown(result: Result, error: unknown, say: (line: string) => void): unknown {
  if (result.kind !== 'single') return error;
  const { operation, wrote = operation !== undefined } = result;
  const lost =
    operation === undefined
      ? `The result is ${jsonText(result.data)}.`
      : `Operation ${operation} was applied.`;
  if (error instanceof OutputClosed && wrote) say(lost);
  if (!(error instanceof BankctlError) || !wrote) return error;
  const hint =
    operation === undefined
      ? error.hint
      : `See it with bankctl show ${shellWord(operation)}; do not repeat it without --id.`;
  return new BankctlError(error.code, `${lost} ${error.message}`, hint, { cause: error });
}

/**
 * A result that has come as a whole is shown, whatever Ctrl-C says: it may tell of money that was
 * moved, or of what was done until the interruption.
 */
function isWhole(result: Result): boolean {
  return result.kind === 'single';
}

/**
 * On Ctrl-C: waits a moment for the answers to commits that were sent, then closes what is open,
 * which aborts a transaction under way, and lets the work end.
 *
 * @param counts whether what the work came to is worth having in spite of that
 */
async function untilInterrupted<T>(
  work: Promise<T>,
  opened: Opened,
  context: Context,
  counts: (value: T) => boolean = () => false,
): Promise<T> {
  const { interrupted } = context;
  const close = () => void opened.stop();
  interrupted.addEventListener('abort', close, { once: true });
  try {
    const value = await work;
    if (interrupted.aborted && !counts(value))
      throw new BankctlError('interrupted', 'Interrupted.');
    return value;
  } catch (error) {
    if (!interrupted.aborted || isTold(error)) throw error;
    throw new BankctlError('interrupted', 'Interrupted.', undefined, { cause: error });
  } finally {
    interrupted.removeEventListener('abort', close);
  }
}

/** Errors that say more than that the user pressed Ctrl-C. */
function isTold(error: unknown): boolean {
  return (
    error instanceof BankctlError &&
    (['interrupted', 'outcome_unknown'].includes(error.code) || error.status !== Status.unavailable)
  );
}

/** The costly things of one command line, config and connection: each opened at most once. */
class Opened {
  readonly session: Session;
  readonly #context: Context;
  readonly #globals: GlobalOptions;
  readonly #makesDatabase: boolean;
  #config: Promise<Config> | undefined;
  #bank: Promise<Bank> | undefined;
  #client: MongoClient | undefined;
  #commits: Commits | undefined;
  #uri: string | undefined;
  readonly #showLine: ReturnType<typeof progressLine>;

  constructor(globals: GlobalOptions, context: Context, makesDatabase: boolean) {
    this.#globals = globals;
    this.#makesDatabase = makesDatabase;
    this.#context = context;
    const { quiet } = globals;
    const showLine = progressLine(context, quiet);
    this.#showLine = showLine;
    this.session = Object.freeze({
      context,
      globals,
      say: (line: string) => this.say(line),
      talk: (line: string) => {
        if (!quiet) this.say(line);
      },
      progress: (line: string | undefined) =>
        showLine(line === undefined ? line : this.#clean(line)),
      config: () => {
        this.#config ??= this.#loadConfig();
        return this.#config;
      },
      bank: (options?: { readonly rename: boolean }) => {
        this.#bank ??= this.#openBank(options?.rename ?? false);
        return this.#bank;
      },
    });
  }

  /** Said with `--quiet` too: what must be known, such as that money moved. */
  say(line: string): void {
    this.#showLine(undefined);
    this.#context.stderr.write(`${this.#clean(line)}\n`);
  }

  #clean(text: string): string {
    return forPerson(text, [this.#uri, this.#globals.uri, this.#context.env['BANKCTL_URI']]);
  }

  async #loadConfig(): Promise<Config> {
    const config = await findConfig(this.#globals.config, this.#context);
    if (config.source === undefined) {
      const names = config.branches.map(({ name }) => name).join(' and ');
      this.session.talk(`No config file found: using the built-in one, with ${names}.`);
    }
    return config;
  }

  async #openBank(rename: boolean): Promise<Bank> {
    const config = await this.session.config();
    const { timeoutMs } = this.#globals;
    const { interrupted } = this.#context;
    const [{ findDeployment, connect }, { openBank }] = await Promise.all([
      import('./deployment.ts'),
      import('../bank/index.ts'),
    ]);
    const { uri, database } = await findDeployment(config, this.session, this.#makesDatabase);
    this.#uri = uri;
    this.#client = await connect(uri, { timeoutMs, interrupted });
    const draw = () => this.#context.freshSeed() / 2 ** 31;
    const bank = await openBank(this.#client, { ...config, database }, { timeoutMs, draw, rename });
    this.#commits = bank.commits;
    return bank;
  }

  /** What the driver says, in words that a person can act on, without any secret. */
  async explain(error: unknown): Promise<unknown> {
    return withoutSecretsIn(await this.#told(error), [this.#uri]);
  }

  async #told(error: unknown): Promise<unknown> {
    if (error instanceof BankctlError) return error;
    const cause = error instanceof Unfinished ? error.cause : error;
    if (this.#uri === undefined) return cause;
    const { databaseError } = await import('./deployment.ts');
    const told = databaseError(cause, { uri: this.#uri, timeoutMs: this.#globals.timeoutMs });
    if (!(error instanceof Unfinished && told instanceof BankctlError)) return told;
    const { fate, hint } = error;
    // First what is to be mended, such as the role that is missing; then what to type.
    const hints = /\bagain\b|--id/i.test(told.hint) ? hint : `${told.hint} ${hint}`;
    return new BankctlError(told.code, `${told.message} ${fate}`, hints, { cause });
  }

  /** Closes once the commits under way are answered, or their time is over. */
  async stop(): Promise<void> {
    await this.#commits?.stop(Math.min(longestAnswerMs, this.#globals.timeoutMs));
    await this.close();
  }

  async close(): Promise<void> {
    await this.#client?.close();
  }
}
