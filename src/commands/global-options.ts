import { formats } from '../render/formats.ts';
import type { OptionSpec } from './command.ts';

/** An option of every command, and what it does to others. */
export interface GlobalSpec extends OptionSpec {
  /** The option that cannot be given with it. */
  readonly conflicts?: string;
  /** The values that it gives to others. */
  readonly implies?: Readonly<Record<string, string>>;
}

/** The options that every command takes, in the order of the help. */
export const globalOptions: readonly GlobalSpec[] = [
  {
    flags: '--config <PATH>',
    summary: 'config file (default: found here or in a parent directory)',
  },
  { flags: '--uri <URI>', summary: 'MongoDB deployment (default: the local database)' },
  {
    flags: '--uri-file <PATH>',
    summary: 'file that holds the URI, for one with a password',
    conflicts: 'uri',
  },
  {
    flags: '-o, --output <FORMAT>',
    summary: 'format of the result',
    choices: Object.keys(formats),
    defaultValue: 'table',
  },
  { flags: '--json', summary: 'the same as -o json', implies: { output: 'json' } },
  { flags: '--no-color', summary: 'print without colour; NO_COLOR does the same' },
  { flags: '--no-pager', summary: 'print long results directly, without a pager' },
  { flags: '-q, --quiet', summary: 'print only the result and errors' },
  {
    flags: '--verbose',
    summary: 'show each command to the database and its time on stderr',
    conflicts: 'quiet',
  },
  {
    flags: '--timeout <TIME>',
    summary: 'time limit for each call to the database',
    defaultValue: '10s',
  },
];
