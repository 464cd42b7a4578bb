import { hasPassword } from '../core/redaction.ts';
import { shellWord } from '../core/text.ts';
import type { Again, Left } from '../files/again.ts';
import type { Session } from './command.ts';

/** The options of the commands that read a file which matter when it is run again. */
export interface AgainInput {
  /** `-` is the standard input. */
  readonly file: string;
  readonly format: string | undefined;
  readonly results: string | undefined;
}

/**
 * Makes what to type so that an interrupted run of a file is completed, or found complete.
 *
 * @param words what stands behind the verb, without the options of `AgainInput`
 */
export function again(
  verb: string,
  words: readonly string[],
  { file, format, results }: AgainInput,
  { globals }: Session,
): Again {
  const shown = globals.uri !== undefined && !hasPassword(globals.uri) ? globals.uri : undefined;
  const options = {
    '--format': format,
    '--results': results,
    '--config': globals.config,
    '--uri': shown,
    '--uri-file': globals.uriFile,
  };
  const typed = Object.entries(options).flatMap(([flag, value]) =>
    value === undefined ? [] : [flag, value],
  );
  const command = ['bankctl', verb, ...words, ...typed].map(shellWord).join(' ');
  const purposes: Record<Left, string> = {
    all: words.includes('--dry-run') ? 'To try again' : `To ${verb} it`,
    rest: words.includes('--dry-run') ? 'To try again' : `To ${verb} the rest`,
    unknown: 'To make sure',
  };
  const how = file === '-' ? 'give the same rows again to' : 'run it again';
  return (left) => `${purposes[left]}, ${how}: ${command}`;
}
