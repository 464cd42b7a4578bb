import type { ArgumentSpec, Command, OptionSpec } from './command.ts';

/** `-o, --output <FORMAT>` gives `-o` and `--output`. */
export function flagsOf({ flags }: Pick<OptionSpec, 'flags'>): readonly string[] {
  return flags.replace(/ <.*/, '').split(', ');
}

/** `-o, --output <FORMAT>` gives `--output`. */
export function longFlag(option: Pick<OptionSpec, 'flags'>): string {
  return flagsOf(option).find((flag) => flag.startsWith('--')) ?? '';
}

/** `-o, --output <FORMAT>` gives `-o`; undefined if there is none. */
export function shortFlag(option: Pick<OptionSpec, 'flags'>): string | undefined {
  return flagsOf(option).find((flag) => !flag.startsWith('--'));
}

/** `-o, --output <FORMAT>` gives `FORMAT`; undefined for a switch. */
export function placeholderOf({ flags }: Pick<OptionSpec, 'flags'>): string | undefined {
  return /<(.*)>/.exec(flags)?.[1];
}

/** How an argument is written in a synopsis: `<branch>`, or `[branch...]` if it may be left out. */
export function termOf({ name, optional, variadic }: ArgumentSpec): string {
  const term = variadic ? `${name}...` : name;
  return optional ? `[${term}]` : `<${term}>`;
}

/** Whether its branch and account may be typed as one word, BRANCH:ACCOUNT. */
export function takesReference({ arguments: [first, second] }: Synopsis): boolean {
  return first?.name === 'branch' && second?.name === 'account';
}

/** The arguments of a command line: `<branch> <account>`. */
export function termsOf({ arguments: specs }: Synopsis): string {
  return specs.map(termOf).join(' ');
}

/** The same with BRANCH:ACCOUNT as one word; undefined if there is no such way. */
export function shortTermsOf(command: Synopsis): string | undefined {
  const [branch, , ...rest] = command.arguments;
  if (!branch || !takesReference(command)) return undefined;
  const reference = branch.optional ? '[branch:account]' : '<branch:account>';
  return [reference, ...rest.map(termOf)].join(' ');
}

/** `bankctl open [options] <branch> <account>`. */
export function usageOf(command: Command): string {
  return usageWith(command, termsOf(command));
}

/** `bankctl open [options] <branch:account>`; undefined if there is no such way. */
export function shortUsageOf(command: Command): string | undefined {
  const terms = shortTermsOf(command);
  return terms === undefined ? undefined : usageWith(command, terms);
}

type Synopsis = Pick<Command, 'arguments'>;

function usageWith({ name, options }: Command, terms: string): string {
  return ['bankctl', name, options.length > 0 ? '[options]' : '', terms].filter(Boolean).join(' ');
}
