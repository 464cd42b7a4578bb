import type { MongoClient } from 'mongodb';
import type { Bank } from '../bank/bank.ts';
import type { Config } from '../config/config.ts';
import type { Context } from '../core/context.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { NoticeCode } from '../core/notices.ts';
import type { Format } from '../render/formats.ts';
import type { Result } from '../render/result.ts';
import type { ArgumentName, Placeholder } from './placeholders.ts';
import type { ResultForm } from './result-schema.ts';

/** A positional argument. */
export interface ArgumentSpec {
  /** Says what it stands for: see `placeholders`. */
  readonly name: ArgumentName;
  readonly summary: string;
  readonly optional?: boolean;
  /** True for the last argument, if it may be repeated. */
  readonly variadic?: boolean;
  /** True if it names what does not exist yet, so that nothing can be completed. */
  readonly isNew?: boolean;
  readonly choices?: readonly string[];
}

/** An option: a switch, or one that takes a value. */
export interface OptionSpec {
  /** In commander's notation: `--id <ID>`, `-o, --output <FORMAT>`, `--create`. */
  readonly flags: `-${Lowercase<string>}` | `-${Lowercase<string>} <${Placeholder}>`;
  readonly summary: string;
  readonly choices?: readonly string[];
  readonly defaultValue?: string;
  /** True if it may be given several times, each with another value. */
  readonly repeatable?: boolean;
}

/** Arguments and options as they were typed; a command's `parse…` validates them. */
export interface Typed {
  readonly args: readonly (string | undefined)[];
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
}

/** The options that every command takes. */
export interface GlobalOptions extends Format {
  readonly config: string | undefined;
  readonly uri: string | undefined;
  readonly uriFile: string | undefined;
  readonly quiet: boolean;
  /** Whether each command to the database is shown on stderr. */
  readonly verbose: boolean;
  /** Bound on each call to the database, milliseconds. */
  readonly timeoutMs: number;
}

/** A connection, and the database on it that the bank is in. */
export interface Connected {
  readonly client: MongoClient;
  /** May hold a password. */
  readonly uri: string;
  readonly database: string;
}

/** Facts for a program, in addition to the sentence for people. */
export type NoticeFacts = Readonly<Record<string, unknown>>;

/**
 * Says a sentence to people, followed by its `hint`; with JSON or NDJSON it is one line,
 * `{"notice":{code, message, hint?, …facts}}`.
 */
type Talk = (code: NoticeCode | ErrorCode, message: string, facts?: NoticeFacts) => void;

/** What a command may use while it runs. What is costly is opened on first use. */
export interface Session {
  readonly context: Context;
  readonly globals: GlobalOptions;
  /** Says something on stderr, also with `--quiet`: what must not be missed. */
  readonly say: Talk;
  /** Says something on stderr; silent with `--quiet`. */
  readonly talk: Talk;
  /** Writes a line on stderr as it is. */
  readonly writeLine: (line: string) => void;
  /** A line that is redrawn in place, on a terminal only; undefined removes it. */
  readonly progress: (line: string | undefined) => void;
  /**
   * Asks a question on stderr, also with `--quiet`, which the next line of stdin answers.
   *
   * @returns true for `y` or `yes`
   */
  readonly confirm: (question: string) => Promise<boolean>;
  /** What to type for this command with other arguments. */
  readonly lineWith: (change: (args: Typed['args']) => Typed['args']) => string;
  readonly config: () => Promise<Config>;
  /** The URI that was given; undefined if the local database is meant. */
  readonly uri: () => Promise<string | undefined>;
  /** Connects, once; creates no database. Opens no bank, which may contradict the config. */
  readonly connect: () => Promise<Connected>;
  /** With `rename`, opens the bank even if the config contradicts its identity. */
  readonly bank: (options?: { readonly rename: boolean }) => Promise<Bank>;
}

/** The beginning of a file that a command reads. */
export interface SampleFile {
  readonly name: string;
  readonly text: string;
}

/** One verb: how it is typed, what it is for, and what it does. */
export interface Command {
  readonly name: string;
  /** One line, as shown by `bankctl --help`. */
  readonly summary: string;
  /** What a person must know before typing it; shown by `bankctl NAME --help`. */
  readonly description?: string;
  readonly arguments: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  /** Complete command lines to copy. */
  readonly examples: readonly string[];
  /** Files that it reads, for people to see what one looks like. */
  readonly samples?: readonly SampleFile[];
  /** What it prints as JSON. */
  readonly results: readonly ResultForm[];
  /**
   * Whether it creates a local database if there is none; never in a dry run. If every command did,
   * a cron job with another HOME would be shown a bank without accounts.
   */
  readonly makesDatabase?: (typed: Typed) => boolean;
  readonly run: (typed: Typed, session: Session) => Promise<Result>;
}
