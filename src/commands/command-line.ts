import { hasPassword } from '../core/redaction.ts';
import { shellWord } from '../core/text.ts';
import type { Command, Session, Typed } from './command.ts';

/** What to type to run a command again as it was typed, but without a password. */
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
  const shownUri = globals.uri !== undefined && !hasPassword(globals.uri) ? globals.uri : undefined;
  const global = Object.entries({
    '--config': globals.config,
    '--uri': shownUri,
    '--uri-file': globals.uriFile,
  }).flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]));
  const args = typed.args.filter((word) => word !== undefined);
  // A word that looks like an option would be taken for one.
  const words = args.some((word) => optionLike.test(word))
    ? [...given, ...global, '--', ...args]
    : [...args, ...given, ...global];
  return ['bankctl', name, ...words].map(shellWord).join(' ');
}

const optionLike = /^-(?!$|(?:\d+|\d*\.\d+)$)/;
