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

/** `bankctl open [options] <branch> <account>`. */
export function usageOf({ name, options, arguments: specs }: Command): string {
  const optional = options.length > 0 ? ['[options]'] : [];
  return ['bankctl', name, ...optional, ...specs.map(termOf)].join(' ');
}
