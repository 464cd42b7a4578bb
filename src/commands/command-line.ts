import { hasPassword } from '../core/redaction.ts';
import { shellWord } from '../core/text.ts';
import type { Command, GlobalOptions, Session, Typed } from './command.ts';

/**
 * What to type to run a command again as it was typed. A secret URI is left for the user to fill
 * in: without any, the command would run on another database.
 */
export function commandLine(
  { name, options }: Command,
  typed: Typed,
  { globals }: Pick<Session, 'globals'>,
): string {
  const given = options.flatMap(({ flags, defaultValue }) => {
    const [flag = ''] = flags.split(' ');
    const value =
      typed.options[flag.slice(2).replace(/-\w/g, (letter) => letter.slice(1).toUpperCase())];
    if (Array.isArray(value)) return value.flatMap((one) => [flag, one]);
    if (typeof value !== 'string') return value === true ? [flag] : [];
    return value === defaultValue ? [] : [flag, value];
  });
  const global = databaseWords(globals);
  const args = typed.args.filter((word) => word !== undefined);
  // A word that looks like an option would be taken for one.
  const words = args.some((word) => optionLike.test(word))
    ? [...given, ...global, '--', ...args]
    : [...args, ...given, ...global];
  return ['bankctl', name, ...words].map(shellWord).join(' ');
}

/** The options that say which database it is, as they were typed, but for a secret. */
export function databaseWords({ config, uri, uriFile }: GlobalOptions): readonly string[] {
  return Object.entries({
    '--config': config,
    '--uri': uri !== undefined && hasPassword(uri) ? uriPlaceholder : uri,
    '--uri-file': uriFile,
  }).flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]));
}

/** What stands for a URI that is not shown; as it is, it is refused. */
export const uriPlaceholder = 'URI';

const optionLike = /^-(?!$|(?:\d+|\d*\.\d+)$)/;
