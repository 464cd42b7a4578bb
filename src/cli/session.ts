import type { MongoClient } from 'mongodb';
import type { Bank } from '../bank/bank.ts';
import type { Commits } from '../bank/commits.ts';
import type { Command, Connected, GlobalOptions, Session, Typed } from '../commands/command.ts';
import { commandLine } from '../commands/command-line.ts';
import { mongodHost } from '../commands/mongod-host.ts';
import { noticeCommand, noticeText } from '../commands/notice.ts';
import { type Config, databaseNameProblem } from '../config/config.ts';
import { findConfig } from '../config/search.ts';
import type { Context } from '../core/context.ts';
import { BankctlError } from '../core/errors.ts';
import { forPerson, hasPassword, withoutSecretsIn } from '../core/redaction.ts';
import { quote } from '../core/text.ts';
import { UnfinishedOperation } from '../core/unfinished-operation.ts';
import { checkUri, databaseOf, hostsOf } from '../core/uri.ts';
import { ignoredNotice } from '../core/uri-options.ts';
import type { AnsweredCommand } from '../database/command-log.ts';
import { formats } from '../render/formats.ts';
import { progressLine } from '../render/progress.ts';
import { uriFromFile } from '../system/uri-file.ts';

/** How long to wait, after Ctrl-C, for the answer to a commit, milliseconds. */
const maxAnswerMs = 2_000;

/** A command, and what was typed after its name. */
export interface Asked {
  readonly command: Command;
  readonly typed: Typed;
}

/** The config and the connection of one command line, each opened at most once. */
export class OpenSession {
  readonly session: Session;
  readonly #makesDatabase: boolean;
  #config: Promise<Config> | undefined;
  #bank: Promise<Bank> | undefined;
  #connected: Promise<Connected> | undefined;
  #client: MongoClient | undefined;
  #commits: Commits | undefined;
  #uri: string | undefined;

  /** @param asked absent if no command is run, as for completion */
  constructor(globals: GlobalOptions, context: Context, asked?: Asked) {
    this.#makesDatabase = asked !== undefined && makesDatabase(asked);
    const showLine = progressLine(context, globals.quiet);
    const clean = (text: string) =>
      forPerson(text, [this.#uri, globals.uri, context.env['BANKCTL_URI']]);
    const writeLine = (line: string) => {
      showLine(undefined);
      context.stderr.write(`${clean(line)}\n`);
    };
    const say: Session['say'] = (...notice) => writeLine(noticeText(globals, ...notice));
    this.session = Object.freeze({
      context,
      globals,
      ...{ say, writeLine },
      talk: globals.quiet ? () => undefined : say,
      progress: (line: string | undefined) => showLine(line && clean(line)),
      confirm: async (question: string) => {
        showLine(undefined);
        const isLine = formats[globals.output].jsonTalk;
        if (isLine) say('question', question);
        else context.stderr.write(`${clean(question)} `);
        const answer = await readAnswer(context);
        // Without an answer, the cursor is still behind the question.
        if (answer === undefined && !isLine) context.stderr.write('\n');
        return /^y(es)?$/i.test(answer ?? '');
      },
      lineWith: (change: (args: Typed['args']) => Typed['args']) => {
        if (asked === undefined) return 'bankctl';
        const { command, typed } = asked;
        return commandLine(command, { ...typed, args: change(typed.args) }, { globals });
      },
      config: () => {
        this.#config ??= this.#loadConfig();
        return this.#config;
      },
      uri: async () => (await givenUri(this.session)) ?? (await this.session.config()).uri,
      connect: () => {
        this.#connected ??= this.#connect();
        return this.#connected;
      },
      bank: (options?: { readonly rename: boolean }) => {
        this.#bank ??= this.#openBank(options?.rename ?? false);
        return this.#bank;
      },
    });
  }

  async #loadConfig(): Promise<Config> {
    const { globals, context, talk } = this.session;
    const config = await findConfig(globals.config, context);
    if (config.source !== undefined || globals.quiet) return config;
    const { isFirstTimeIn } = await import('../system/said-once.ts');
    if (await isFirstTimeIn(context.env, 'no-config', context.cwd)) {
      const names = config.branches.map(({ name }) => name).join(' and ');
      talk('no_config', `No config file found: using the built-in one, with ${names}.`);
    }
    return config;
  }

  async #connect(): Promise<Connected> {
    const { globals, context, config } = this.session;
    const { connect } = await import('../database/connection.ts');
    const make = this.#makesDatabase;
    const { uri, database } = await findDeployment(await config(), this.session, make);
    this.#uri = uri;
    const { interrupted } = context;
    const onCommand = globals.verbose
      ? (command: AnsweredCommand) => noticeCommand(this.session, command)
      : undefined;
    this.#client = await connect(uri, { timeoutMs: globals.timeoutMs, interrupted, onCommand });
    return { client: this.#client, uri, database };
  }

  async #openBank(rename: boolean): Promise<Bank> {
    const { globals, context, config, connect } = this.session;
    const [{ client, database }, { openBank }] = await Promise.all([
      connect(),
      import('../bank/index.ts'),
    ]);
    const draw = () => context.freshSeed() / 2 ** 31;
    const bank = await openBank(
      client,
      { ...(await config()), database },
      { timeoutMs: globals.timeoutMs, draw, rename },
    );
    this.#commits = bank.commits;
    return bank;
  }

  /** A driver's error in words that a person can act on, without any secret. */
  async explain(error: unknown): Promise<unknown> {
    return withoutSecretsIn(await this.#explained(error), [this.#uri]);
  }

  async #explained(error: unknown): Promise<unknown> {
    if (error instanceof BankctlError) return error;
    const cause = error instanceof UnfinishedOperation ? error.cause : error;
    if (this.#uri === undefined) return cause;
    const { databaseError } = await import('../database/database-error.ts');
    const { timeoutMs } = this.session.globals;
    const failure = databaseError(cause, { uri: this.#uri, timeoutMs });
    if (!(error instanceof UnfinishedOperation && failure instanceof BankctlError)) return failure;
    const { fate, hint, operationIds } = error;
    // First what to fix, such as a missing role; then what to type.
    const hints = /\bagain\b|--id/i.test(failure.hint) ? hint : `${failure.hint} ${hint}`;
    return new BankctlError(failure.code, `${failure.message} ${fate}`, hints, {
      cause,
      operationIds,
    });
  }

  /** Closes when the commits under way are answered, or their time is up. */
  async stop(): Promise<void> {
    await this.#commits?.stop(Math.min(maxAnswerMs, this.session.globals.timeoutMs));
    await this.close();
  }

  async close(): Promise<void> {
    await this.#client?.close();
  }
}

/** Never in a dry run. */
function makesDatabase({ command, typed }: Asked): boolean {
  return command.makesDatabase?.(typed) === true && typed.options['dryRun'] !== true;
}

/**
 * The next line of stdin, without the white space around it; undefined if there is none. The
 * terminal itself does the editing, so that Ctrl-C still interrupts.
 */
async function readAnswer({ stdin, interrupted }: Context): Promise<string | undefined> {
  const { createInterface } = await import('node:readline');
  const lines = createInterface({ input: stdin, terminal: false, signal: interrupted });
  try {
    for await (const line of lines) return line.trim();
    return undefined;
  } finally {
    lines.close();
  }
}

/** Where the bank is. */
interface Deployment {
  readonly uri: string;
  readonly database: string;
}

/**
 * Where the database is: what the command line or the environment says, else the config, else the
 * local one.
 *
 * @param make whether to create a local one if there is none
 * @throws `invalid_uri`; `config_mismatch` if the URI and the config name different databases
 */
async function findDeployment(
  config: Config,
  session: Session,
  make: boolean,
): Promise<Deployment> {
  const given = await givenUri(session);
  if (given === undefined && config.uri === undefined) {
    const { ensureLocal } = await import('../database/local/local-database.ts');
    const { uri, started, paths } = await ensureLocal(mongodHost(session), { make });
    session.progress(undefined);
    if (started) session.talk('local_started', `Started the local database in ${paths.dataDir}.`);
    return { uri, database: config.database };
  }
  const uri = given ?? checkUri(config.uri ?? '', 'in the config');
  const database = namedDatabase(uri, config);
  const notice = ignoredNotice(uri);
  if (notice !== undefined) session.talk('ignored_uri_options', notice);
  if (given === undefined && isFound(session)) {
    session.talk(
      'database_used',
      `Using the database at ${hostsOf(uri)}, as ${config.source} says.`,
    );
  }
  return { uri, database };
}

/** Whether the config was found, in the working directory or above it, and not named. */
function isFound({ globals, context }: Session): boolean {
  return globals.config === undefined && context.env['BANKCTL_CONFIG'] === undefined;
}

/** The database that the URI names, which must not contradict the config file. */
function namedDatabase(uri: string, config: Config): string {
  const named = databaseOf(uri);
  if (named === undefined || named === config.database) return config.database;
  const authHint =
    named === 'admin'
      ? 'If admin is where the user is looked up, write /?authSource=admin instead of /admin.'
      : undefined;
  if (config.databaseGiven) {
    throw new BankctlError(
      'config_mismatch',
      `The URI names the database ${quote(named)}, but ${config.source} says ` +
        `${quote(config.database)}.`,
      authHint ?? 'Name the same database in both, or in one of them only.',
    );
  }
  const problem = databaseNameProblem(named);
  if (problem === undefined) return named;
  throw new BankctlError(
    'invalid_uri',
    `The URI names the database ${quote(named)}, which ${problem}.`,
    authHint ?? 'Name the database of the bank after the hosts, or in the config.',
  );
}

/**
 * The deployment that the user named. The command line takes precedence over the
 * environment.
 *
 * @throws `invalid_uri`
 */
async function givenUri({ globals, context, talk }: Session): Promise<string | undefined> {
  if (globals.uriFile !== undefined) return uriFromFile(globals.uriFile, context.interrupted);
  if (globals.uri !== undefined) {
    if (hasPassword(globals.uri)) {
      talk(
        'password_visible',
        'Others can see a password on the command line: use BANKCTL_URI or --uri-file.',
      );
    }
    return checkUri(globals.uri, 'given with --uri');
  }
  const uri = context.env['BANKCTL_URI'];
  return uri === undefined ? undefined : checkUri(uri, 'in BANKCTL_URI');
}
