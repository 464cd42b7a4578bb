import { Command as Commander, CommanderError, Option } from 'commander';
import type { Command, GlobalOptions, OptionSpec, Typed } from '../commands/command.ts';
import { environment, exitStatuses } from '../commands/exit-statuses.ts';
import { type GlobalSpec, globalOptions } from '../commands/global-options.ts';
import { commands } from '../commands/index.ts';
import { shortTermsOf, termOf, termsOf } from '../commands/option-flags.ts';
import { findConfig } from '../config/search.ts';
import type { Context } from '../core/context.ts';
import { parseDuration } from '../core/duration.ts';
import { BankctlError, errorTable, Status } from '../core/errors.ts';
import { wantsColour } from '../core/terminal.ts';
import { quote, sentence } from '../core/text.ts';
import { formats, type OutputFormat } from '../render/formats.ts';
import type { CompletionHost } from './completion/complete.ts';
import { helpPage, helpPages } from './help-page.ts';
import { meantCommand, meantOption, withMeantLine } from './meant-line.ts';
import { separateArguments } from './typed-arguments.ts';

/** What follows the list of commands. */
function helpAfter(): string {
  const statuses = exitStatuses.map(({ status, meaning }) => `${status} ${meaning}`).join(', ');
  const variables = Object.keys(environment).join(', ');
  return [
    `Exit statuses: ${statuses}.`,
    `Pages that help prints: ${helpPages.join(', ')}.`,
    `Environment: ${variables}.`,
  ]
    .map((text) => `\n${fold(text)}`)
    .join('\n');
}

/** Lines of at most 80 characters. */
function fold(text: string): string {
  return text.replace(/(.{1,79})(?: |$)/g, '$1\n').trimEnd();
}

/**
 * argv → command → run → render → write. The only importer of commander.
 *
 * @returns the exit status
 * @throws `BankctlError` for everything that `main` has to report
 */
export async function run(
  argv: readonly string[],
  context: Context,
  version: string,
): Promise<Status> {
  const [help, name = ''] = argv;
  if (help === 'help' && argv.length === 2) {
    const page = await helpPage(name);
    if (page !== undefined) {
      context.stdout.write(page);
      return Status.done;
    }
  }
  const chosen = parse(argv, context, version);
  if (!chosen) return Status.done;
  const { execute } = await import('./execution.ts');
  try {
    return await execute(chosen.command, chosen.typed, chosen.globals, context);
  } catch (error) {
    const readConfig = () => findConfig(chosen.globals.config, context);
    throw withHelpOf(chosen.command.name, await withMeantLine(error, chosen, readConfig));
  }
}

/**
 * Answers the script of a shell, see `complete`. Never fails, and says nothing on stderr: it runs
 * while somebody types.
 */
export async function completeWord(argv: readonly string[], context: Context): Promise<void> {
  const { complete } = await import('./completion/complete.ts');
  const host = {
    stdout: context.stdout,
    tree: { commands, options: globalOptions },
    lookUp: async (...asked: Parameters<CompletionHost['lookUp']>) =>
      (await import('./live-values.ts')).liveValues(...asked, context),
  };
  await complete(argv, host).catch(() => undefined);
}

/** A usage error without a hint of its own points to the help of its command. */
function withHelpOf(name: string | undefined, error: unknown): unknown {
  const isPlain = error instanceof BankctlError && error.hint === errorTable.usage.hint;
  if (!isPlain || name === undefined) return error;
  const hint = `See bankctl ${name} --help.`;
  return new BankctlError(error.code, error.message, hint, { cause: error });
}

interface Chosen {
  readonly command: Command;
  readonly typed: Typed;
  readonly globals: GlobalOptions;
}

/** @returns undefined if the command line asked for help, which is then printed */
export function parse(
  argv: readonly string[],
  context: Context,
  version: string,
): Chosen | undefined {
  let chosen: Chosen | undefined;
  const verb = argv.find((word) => commands.some(({ name }) => name === word));
  const program = createProgram(argv, context, version, (choice) => {
    chosen = choice;
  });
  try {
    program.parse(argv.length === 0 ? ['--help'] : [...argv], { from: 'user' });
    return chosen;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    if (error.code === 'commander.help') throw noHelpFor(argv);
    throw withHelpOf(verb, usageError(error, argv, verb));
  }
}

/**
 * The command tree, built from the list for each command line. A command that is not used in it
 * has a name and a summary only: to fill in all of them would take longer than the rest of a start.
 */
function createProgram(
  argv: readonly string[],
  context: Context,
  version: string,
  choose: (chosen: Chosen) => void,
): Commander {
  const program = new Commander('bankctl')
    .description('Administers bank accounts in MongoDB, one collection per branch.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command, or a page: see below')
    .configureHelp({
      showGlobalOptions: true,
      helpWidth: Math.min(context.width, 100),
      subcommandTerm: (sub) => sub.name(),
    })
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: () => undefined,
      getOutHelpWidth: () => Math.min(context.width, 100),
      getOutHasColors: () => false,
    })
    .exitOverride()
    .addHelpText('after', helpAfter());
  for (const spec of globalOptions) program.addOption(createOption(spec));
  for (const command of commands) {
    const sub = program.command(command.name).summary(command.summary);
    if (argv.includes(command.name)) fillIn(sub, command, program, context, choose);
  }
  return program;
}

function fillIn(
  sub: Commander,
  command: Command,
  program: Commander,
  context: Context,
  choose: (chosen: Chosen) => void,
): void {
  sub.description([command.summary, paragraphs(command.description)].filter(Boolean).join('\n\n'));
  // Their number is checked later, when BRANCH:ACCOUNT is two: see `requireCount`.
  for (const spec of command.arguments) {
    const argument = sub.createArgument(termOf({ ...spec, optional: true }), spec.summary);
    sub.addArgument(spec.choices ? argument.choices([...spec.choices]) : argument);
  }
  sub.allowExcessArguments().usage(synopsis(command));
  for (const spec of command.options) sub.addOption(createOption(spec));
  const samples = (command.samples ?? []).map(({ name, text }) => section(`${name}:`, text));
  const examples = section('Examples:', command.examples.join('\n'));
  sub.addHelpText('after', [examples, ...samples].join('\n'));
  sub.action(() => {
    choose({
      command,
      typed: { args: separateArguments(command, sub.args), options: sub.opts() },
      globals: readGlobals(program.opts(), context),
    });
  });
}

/** What follows the name of the command, in each way in which it can be typed. */
function synopsis(command: Command): string {
  const terms = [termsOf(command), shortTermsOf(command)].filter((it) => it !== undefined);
  return terms
    .map((of) => ['[options]', of].filter(Boolean).join(' '))
    .join(`\n       bankctl ${command.name} `);
}

/** Lines under a heading. */
function section(heading: string, text: string): string {
  return `\n${heading}\n${text.replace(/^/gm, '  ')}`;
}

function createOption({ flags, summary, choices, defaultValue, ...spec }: GlobalSpec): Option {
  const option = new Option(flags, summary);
  if (choices) option.choices([...choices]);
  if (spec.repeatable) option.argParser(appendValue);
  if (defaultValue !== undefined) option.default(defaultValue);
  if (spec.conflicts !== undefined) option.conflicts(spec.conflicts);
  if (spec.implies) option.implies(spec.implies);
  return option;
}

/** Joins the lines of each paragraph, except indented ones: commander wraps them. */
function paragraphs(text: string | undefined): string | undefined {
  return text?.replace(/(?<!\n)\n(?![\n ])/g, ' ');
}

function readGlobals(options: Record<string, unknown>, context: Context): GlobalOptions {
  const text = (name: string) => {
    const value = options[name];
    return typeof value === 'string' ? value : undefined;
  };
  const output = text('output');
  return Object.freeze({
    config: text('config'),
    uri: text('uri'),
    uriFile: text('uriFile'),
    output: isFormat(output) ? output : 'table',
    colour: options['color'] !== false && wantsColour(context.env, context.stdoutIsTerminal),
    pager: options['pager'] !== false,
    quiet: options['quiet'] === true,
    verbose: options['verbose'] === true,
    timeoutMs: parseDuration(text('timeout') ?? '10s', '--timeout'),
  });
}

function isFormat(text: string | undefined): text is OutputFormat {
  return text !== undefined && Object.hasOwn(formats, text);
}

function appendValue(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** `bankctl help NAME` for a command that does not exist, or options without a command. */
function noHelpFor(argv: readonly string[]): BankctlError {
  const after = argv.includes('help') ? argv.slice(argv.indexOf('help') + 1) : [];
  const name = after.find((word) => !word.startsWith('-')) ?? '';
  return unknownCommand(name, argv);
}

function unknownCommand(name: string, argv: readonly string[]): BankctlError {
  if (name === '') {
    return new BankctlError('unknown_command', 'The command is missing.');
  }
  const message = `There is no command ${quote(name)}.`;
  return new BankctlError('unknown_command', message, meantCommand(name, argv, commands));
}

/** Those that commander adds. */
const otherOptions: readonly OptionSpec[] = [
  { flags: '--version', summary: 'print the version' },
  { flags: '--help', summary: 'print help' },
];

/** Keeps commander's sentence without its prefix; what was meant instead is the hint. */
function usageError(
  error: CommanderError,
  argv: readonly string[],
  verb: string | undefined,
): BankctlError {
  const [first = ''] = error.message.replace(/^error: /, '').split('\n');
  const word = /'(.*)'/s.exec(first)?.[1] ?? '';
  if (error.code === 'commander.unknownCommand') return unknownCommand(word, argv);
  const own = commands.find(({ name }) => name === verb)?.options ?? [];
  const hint =
    error.code === 'commander.unknownOption'
      ? meantOption(word, argv, [...own, ...globalOptions, ...otherOptions])
      : undefined;
  return new BankctlError('usage', sentence(first.replace(/\.$/, '')), hint);
}
