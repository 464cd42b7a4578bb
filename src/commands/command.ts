import type { Bank } from '../bank/bank.ts';
import type { Config } from '../config/config.ts';
import type { Context } from '../context.ts';
import type { Status } from '../errors.ts';
import type { Column, Row, View } from '../render/view.ts';

/** A positional argument. */
export interface ArgumentSpec {
  readonly name: string;
  readonly summary: string;
  readonly optional?: boolean;
  readonly choices?: readonly string[];
}

/** An option: a switch, or one that takes a value. */
export interface OptionSpec {
  /** In commander's notation: `--id <ID>`, `--create`. */
  readonly flags: string;
  readonly summary: string;
  readonly choices?: readonly string[];
  readonly defaultValue?: string;
}

/** Arguments and options as they were typed; a command's `parse…` makes a typed input of them. */
export interface Typed {
  readonly args: readonly (string | undefined)[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
}

/** The options that every command takes. */
export interface GlobalOptions {
  readonly config: string | undefined;
  readonly uri: string | undefined;
  readonly uriFile: string | undefined;
  readonly output: OutputFormat;
  readonly colour: boolean;
  readonly quiet: boolean;
  /** Bound on each call to the database, milliseconds. */
  readonly timeoutMs: number;
}

export const outputFormats = ['table', 'json', 'ndjson', 'csv'] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** What a command hands back: data, and how people see it. Nothing is printed by a command. */
export type Result = SingleResult | StreamResult | LiveResult;

/** A result that fits in memory. */
export interface SingleResult {
  readonly kind: 'single';
  /** The operation that was applied: what the user must learn even where nothing can be shown. */
  readonly operation?: string;
  /** True if the work changed the bank: then the result is said even if stdout is broken. */
  readonly wrote?: boolean;
  /** Printed as it is by `--json`; keys as in the reference. */
  readonly data: unknown;
  readonly view: View;
  /** Where it is not 0 though the command did its work, as when `stress` finds a violation. */
  readonly status?: Status;
}

/** A result too long for memory: its parts are printed as they come. */
export interface StreamResult {
  readonly kind: 'stream';
  /** True if it goes on until Ctrl-C, which is then its normal end. */
  readonly endless?: boolean;
  /** At least one part, so that an empty list has its head. */
  readonly parts: AsyncIterable<Part>;
  /** Called after all parts are printed, if what they showed may not be status 0. */
  readonly status?: () => Status;
}

/**
 * A result that changes while somebody looks: redrawn in place on a terminal. Elsewhere the
 * changes themselves are printed, one line each.
 */
export interface LiveResult {
  readonly kind: 'live';
  readonly frames: AsyncIterable<View>;
}

/** Some items of a long result, as data and as people see them. */
export interface Part {
  readonly items: readonly unknown[];
  readonly view: View;
}

/** Makes a long result of batches of items. */
export function streamOf<Item>(
  batches: AsyncIterable<readonly Item[]>,
  columns: readonly Column[],
  row: (item: Item) => Row,
): StreamResult {
  const part = (items: readonly Item[]): Part => ({
    items,
    view: { layout: 'grid', columns, rows: items.map(row) },
  });
  async function* parts(): AsyncIterable<Part> {
    let any = false;
    for await (const batch of batches) {
      any = true;
      yield part(batch);
    }
    if (!any) yield part([]);
  }
  return { kind: 'stream', parts: parts() };
}

/** What a command may use while it runs. What is costly is opened when it is first asked for. */
export interface Session {
  readonly context: Context;
  readonly globals: GlobalOptions;
  /** A line for people, on stderr, also with `--quiet`: what must not be missed. */
  readonly say: (line: string) => void;
  /** A line for people, on stderr; silent with `--quiet`. */
  readonly talk: (line: string) => void;
  /** A line that is redrawn in place, on a terminal only; undefined takes it away. */
  readonly progress: (line: string | undefined) => void;
  readonly config: () => Promise<Config>;
  /** With `rename`, a bank whose identity the config contradicts is opened all the same. */
  readonly bank: (options?: { readonly rename: boolean }) => Promise<Bank>;
}

/** One verb: how it is typed, what it is for, and what it does. */
export interface Command {
  readonly name: string;
  /** One line, as it stands in `bankctl --help`. */
  readonly summary: string;
  /** What a person must know before typing it; shown by `bankctl NAME --help`. */
  readonly description?: string;
  readonly arguments: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  /** Lines to copy, each a whole command line. */
  readonly examples: readonly string[];
  /**
   * Whether it makes a local database where there is none; never in a dry run. Another command
   * would show a bank without accounts, as to a cron job whose HOME is another.
   */
  readonly makesDatabase?: (typed: Typed) => boolean;
  readonly run: (typed: Typed, session: Session) => Promise<Result>;
}
