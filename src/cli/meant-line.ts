import type { Command, GlobalOptions, OptionSpec, Typed } from '../commands/command.ts';
import { commandLine, databaseWords, uriPlaceholder } from '../commands/command-line.ts';
import { flagsOf, takesReference } from '../commands/option-flags.ts';
import type { Config } from '../config/config.ts';
import { BankctlError, type ErrorCode } from '../core/errors.ts';
import { nearest } from '../core/near-names.ts';
import { hasPassword } from '../core/redaction.ts';
import { shellWord } from '../core/text.ts';
import { isAmountLike, plainAmount } from './meant-amount.ts';
import { meantArguments } from './meant-arguments.ts';
import { separateArguments } from './typed-arguments.ts';

/** A command as it was typed. */
interface Asked {
  readonly command: Command;
  readonly typed: Typed;
  readonly globals: GlobalOptions;
}

/** Errors that may come from words in the wrong place. */
const misplaced: ReadonlySet<ErrorCode> = new Set([
  ...(['usage', 'unknown_branch', 'invalid_account', 'invalid_amount'] as const),
  'account_not_found',
]);

/**
 * The error, with the command line that was probably meant as its hint, if its arguments suggest
 * one. Nothing is ever run on a guess.
 *
 * @param readConfig if it fails, the guess does without
 */
export async function withMeantLine(
  error: unknown,
  { command, typed, globals }: Asked,
  readConfig: () => Promise<Config>,
): Promise<unknown> {
  if (!(error instanceof BankctlError && misplaced.has(error.code))) return error;
  const config = await readConfig().catch(() => undefined);
  const guess = meantArguments(command, typed, config);
  const hint = guess
    ? (guess.advice ?? didYouMean(commandLine(command, guess, { globals })))
    : nameBranch({ command, typed, globals }, config);
  return hint === undefined
    ? error
    : new BankctlError(error.code, error.message, hint, { cause: error });
}

/** What to type if the branch of an account is missing. */
function nameBranch(
  { command, typed, globals }: Asked,
  config: Config | undefined,
): string | undefined {
  const words = typed.args.flatMap((word) => (word ? [word] : []));
  const isTransfer = command.arguments[0]?.name === 'from';
  if (!config || !(isTransfer || takesReference(command))) return undefined;
  const accounts = words.slice(0, isTransfer ? 2 : 1);
  const rest = words.slice(accounts.length);
  const needed = command.arguments.some(({ name }) => name === 'amount') ? 1 : 0;
  const bare = accounts.filter((word) => !word.includes(':'));
  const [first] = bare;
  if (
    first === undefined ||
    bare.some(isAmountLike) ||
    rest.length !== needed ||
    !rest.every(isAmountLike)
  ) {
    return undefined;
  }
  if (words.some((word) => config.branches.some(({ name }) => name === word))) return undefined;
  const named = accounts.map((word) => (bare.includes(word) ? 'BRANCH:' : '') + shellWord(word));
  const database = databaseWords(globals).map(shellWord);
  const line = ['bankctl', command.name, ...named, ...rest.map(shellWord), ...database].join(' ');
  const find = ['bankctl accounts', shellWord(first), ...database].join(' ');
  return `Name the branch too: ${line}; ${find} says which has it.`;
}

function didYouMean(line: string): string {
  return `Did you mean ${line}?`;
}

/** What people call a command that has another name here. */
const otherNames: Readonly<Record<string, string>> = {
  ...{ add: 'increment', credit: 'increment', debit: 'increment', deposit: 'increment' },
  ...{ withdraw: 'increment', pay: 'transfer', send: 'transfer', move: 'transfer' },
  ...{ create: 'open', new: 'open', undo: 'reverse', revert: 'reverse', get: 'balance' },
  ...{ list: 'accounts', ls: 'accounts', search: 'accounts', find: 'accounts' },
  ...{ journal: 'operations', log: 'operations', statement: 'history', block: 'freeze' },
  ...{ lock: 'freeze', unblock: 'unfreeze', unlock: 'unfreeze', verify: 'audit' },
};

/**
 * A hint at the command that was meant by a word that is none.
 *
 * @param argv the words after `bankctl`
 */
export function meantCommand(
  word: string,
  argv: readonly string[],
  commands: readonly Command[],
): string | undefined {
  const names = commands.map(({ name }) => name);
  const at = argv.indexOf(word);
  const later = argv.findIndex((other, index) => index > at && names.includes(other));
  if (at >= 0 && later >= 0) {
    const others = argv.filter((_, index) => index !== later);
    return didYouMean(lineOf([argv[later] ?? '', ...others]));
  }
  if (word === 'version') return didYouMean('bankctl --version');
  const near = nearest(word, names);
  if (near !== undefined) return didYouMean(lineOf(argv.map((it) => (it === word ? near : it))));
  const other = Object.hasOwn(otherNames, word) ? otherNames[word] : undefined;
  const command = commands.find(({ name }) => name === other);
  if (command === undefined) return undefined;
  const line = lineFor(command, word, argv);
  if (line !== undefined) return didYouMean(lineOf(line));
  const { name } = command;
  return takingOut.has(word)
    ? 'An amount below 0 takes money out: bankctl increment BRANCH ACCOUNT -50.'
    : `${didYouMean(`bankctl ${name}`)} bankctl ${name} --help shows how.`;
}

/** Words for an increment that is below 0. */
const takingOut: ReadonlySet<string> = new Set(['withdraw', 'debit']);

/**
 * The words with the name of the command in place of `word`; undefined if its arguments would not
 * fit the command.
 */
function lineFor(
  command: Command,
  word: string,
  argv: readonly string[],
): readonly string[] | undefined {
  const at = argv.indexOf(word);
  const after = argv.slice(at + 1);
  const end = after.findIndex((it) => it.startsWith('-'));
  const args = end < 0 ? after : after.slice(0, end);
  const words = separateArguments(command, args);
  const { length: most } = command.arguments;
  const isVariadic = command.arguments.at(-1)?.variadic === true;
  const least = command.arguments.filter(({ optional }) => !optional).length;
  if (at < 0 || args.length === 0 || words.length < least) return undefined;
  if (words.length > most && !isVariadic) return undefined;
  const named = argv.with(at, command.name);
  if (command.arguments.at(-1)?.name !== 'amount') return named;
  // One that has a sign already, or a currency, may be meant otherwise.
  const plain = plainAmount(args.at(-1) ?? '');
  if (!/^\d+(?:\.\d+)?$/.test(plain)) return undefined;
  return named.with(at + args.length, takingOut.has(word) ? `-${plain}` : plain);
}

/** As `meantCommand`, for an option; also for an amount that was taken for one. */
export function meantOption(
  typed: string,
  argv: readonly string[],
  options: readonly OptionSpec[],
): string | undefined {
  const [flag = ''] = typed.split('=');
  const flags = options.flatMap(flagsOf);
  const begun = flags.filter((it) => it.startsWith(flag));
  const near =
    begun.length === 1 ? begun[0] : (sameOption(flag, flags) ?? nearestFlag(flag, flags));
  const meant = isAmountLike(flag) ? plainAmount(flag) : near;
  const at = argv.indexOf(typed);
  if (meant === undefined || meant === flag || at < 0) return undefined;
  const word = meant + typed.slice(flag.length);
  return didYouMean(lineOf(argv.map((other, index) => (index === at ? word : other))));
}

/** What people call options that have other names here, or in another command. */
const otherFlags: readonly (readonly string[])[] = [
  ['--label', '--add', '--labels', '--tag', '--tags'],
  ['--owner', '--name', '--holder', '--customer'],
  ['--memo', '-m', '--note', '--comment', '--reason', '--description', '--message', '--text'],
  ['--by', '--author', '--user'],
  ['--since', '--from', '--after', '--start'],
  ['--until', '--to', '--before', '--end'],
  ['--yes', '--force', '--confirm'],
  ['--version', '-v'],
];

/** Another word for the same option. */
function sameOption(flag: string, flags: readonly string[]): string | undefined {
  const group = otherFlags.find((names) => names.includes(flag));
  return group?.find((name) => name !== flag && flags.includes(name));
}

/** Without the dashes, which would make any two short words alike. */
function nearestFlag(flag: string, flags: readonly string[]): string | undefined {
  const bare = (text: string) => text.replace(/^--?/, '');
  // Every other letter is near a single one.
  const long = flags.filter((it) => bare(it).length > 1);
  const near = bare(flag).length > 1 ? nearest(bare(flag), long.map(bare)) : undefined;
  return flags.find((it) => near !== undefined && bare(it) === near);
}

/** A command line that can be copied, with a placeholder for a secret URI. */
function lineOf(argv: readonly string[]): string {
  const shown = argv.map((word, at) =>
    (word.includes('://') || argv[at - 1] === '--uri') && hasPassword(word)
      ? word.replace(/^(--[\w-]+=)?.*$/s, `$1${uriPlaceholder}`)
      : word,
  );
  return ['bankctl', ...shown].map(shellWord).join(' ');
}
