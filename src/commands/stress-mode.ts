import { BankctlError, Status } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { hasPassword } from '../core/redaction.ts';
import { quote } from '../core/text.ts';
import { checkUri } from '../core/uri.ts';
import { ignoredNotice } from '../core/uri-options.ts';
import { uriFromFile } from '../system/uri-file.ts';
import type { Session, Typed } from './command.ts';
import { textOption } from './typed.ts';

/** The ways in which `bankctl stress` can be used. */
export type StressMode = 'load' | 'ledger' | 'exhaustive' | 'check';

/** The exit status of each verdict. */
export const verdictStatus = {
  demonstrated: Status.done,
  clean: Status.done,
  not_reproduced: Status.undecided,
  violation: Status.violation,
  undecided: Status.undecided,
} as const satisfies Readonly<Record<string, Status>>;

/** Which modes an option has a meaning in. Every option of `stress` has a row. */
const meaningIn: Readonly<Record<string, readonly StressMode[]>> = {
  workers: ['load', 'ledger', 'exhaustive'],
  threads: ['load', 'ledger'],
  ops: ['load', 'ledger'],
  duration: ['load', 'ledger'],
  branches: ['load', 'ledger', 'exhaustive'],
  seed: ['load', 'ledger', 'exhaustive'],
  model: ['load', 'ledger', 'exhaustive'],
  exhaustive: ['exhaustive'],
  points: ['exhaustive'],
  preemptions: ['exhaustive'],
  random: ['exhaustive'],
  schedule: ['exhaustive'],
  history: ['load', 'ledger', 'exhaustive'],
  faults: ['ledger'],
  replicas: ['ledger'],
  report: ['load', 'ledger', 'exhaustive', 'check'],
  keep: ['load', 'ledger', 'exhaustive'],
};

/** Each of these asks for the exhaustive mode, with or without `--exhaustive`. */
const exhaustiveOptions = ['exhaustive', 'schedule', 'random', 'points', 'preemptions'] as const;

/** What a schedule's id says already. */
const saidById = ['workers', 'points', 'preemptions', 'random', 'seed', 'model'] as const;

/**
 * The mode that a command line asks for.
 *
 * @throws `usage` where it has an option that means nothing there
 */
export function modeOf(typed: Typed): StressMode {
  const given = (name: string) => typed.options[name] !== undefined;
  const [action] = typed.args;
  const asking = exhaustiveOptions.find(given);
  const mode = action === 'check' ? 'check' : asking ? 'exhaustive' : runMode(typed);
  const because = mode === 'check' ? 'stress check' : `--${asking ?? 'ops'}`;
  for (const name of Object.keys(typed.options).filter(given)) {
    if (!(meaningIn[name] ?? []).includes(mode)) throw meaningless(name, because);
  }
  if (given('schedule')) {
    const said = saidById.find(given);
    if (said) throw meaningless(said, '--schedule', ', whose id says it');
  }
  if (mode === 'exhaustive' && given('seed') && !given('random')) {
    throw meaningless('seed', '--exhaustive', ': nothing is drawn at random without --random');
  }
  return mode;
}

/** The ledger is among the models, or something is asked for that only it has. */
function runMode(typed: Typed): StressMode {
  const { faults, replicas } = typed.options;
  const names = textOption(typed, 'model')?.toLowerCase().split(',') ?? [];
  const isLedger = names.some((name) => name.trim() === 'ledger');
  return isLedger || faults !== undefined || replicas !== undefined ? 'ledger' : 'load';
}

function meaningless(name: string, because: string, why = ''): BankctlError {
  return new BankctlError(
    'usage',
    `--${name} means nothing with ${because}${why}.`,
    `Leave out one of --${name} and ${because}.`,
  );
}

/**
 * Reads the list of `--model`.
 *
 * @throws `usage`, with the nearest name
 */
export function modelsOption<Name extends string>(
  typed: Typed,
  known: readonly Name[],
): readonly Name[] | undefined {
  const text = textOption(typed, 'model');
  if (text === undefined) return undefined;
  return text.split(',').map((part) => {
    const name = part.trim().toLowerCase();
    const found = known.find((candidate) => candidate === name);
    if (found !== undefined) return found;
    const meant = nearest(name, known);
    throw new BankctlError(
      'usage',
      `There is no model ${quote(name)}.`,
      meant ? `Did you mean ${meant}?` : `The models are ${known.join(', ')}.`,
    );
  });
}

/** Only what is on the command line: stress is not for the deployment of the config. */
export async function stressUri({
  globals,
  context,
  talk,
}: Pick<Session, 'globals' | 'context' | 'talk'>): Promise<string | undefined> {
  if (globals.uriFile !== undefined) return uriFromFile(globals.uriFile, context.interrupted);
  if (globals.uri === undefined) return undefined;
  if (hasPassword(globals.uri)) {
    talk('A password on the command line is seen by others: use --uri-file.');
  }
  const uri = checkUri(globals.uri, 'given with --uri');
  const notice = ignoredNotice(uri);
  if (notice !== undefined) talk(notice);
  return uri;
}
