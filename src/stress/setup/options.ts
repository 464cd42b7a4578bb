import type { PostPoint } from '../../bank/post.ts';
import { BankctlError } from '../../core/errors.ts';
import { nearest } from '../../core/near-names.ts';
import { quote } from '../../core/text.ts';
import { type IncrementModel, incrementModels } from '../plan/increments.ts';
import type { FaultKind } from '../plan/ledger.ts';
import { type SharedPoint, sharedPoints } from '../subjects/shared-model.ts';

/** The ways to use `bankctl stress`; `schedules` is `--exhaustive --model ledger`. */
export type StressMode = 'load' | 'ledger' | 'exhaustive' | 'schedules' | 'check';

/** All models. */
export const stressModels = [...incrementModels, 'ledger'] as const;
/** One of them. */
export type StressModelName = (typeof stressModels)[number];

/** Where a transaction of `post` can be held, in the order in which it passes them. */
export const ledgerPoints = ['read', 'written', 'committing'] as const satisfies PostPoint[];

/** The modes in which an option means something; for a number, also its bounds and its default. */
interface Flag {
  readonly modes: readonly StressMode[];
  readonly min?: number;
  readonly max?: number;
  readonly standard?: number;
}

const driven = ['load', 'ledger'] as const;
const explored = ['exhaustive', 'schedules'] as const;
const run = [...driven, 'exhaustive'] as const;

/** Every option of `bankctl stress`. */
const stressFlags = {
  workers: { modes: [...run, 'schedules'], min: 1, max: 1024, standard: 8 },
  threads: { modes: driven, min: 1, max: 64, standard: 1 },
  // Also the limit of a run that is limited by time.
  ops: { modes: driven, min: 1, max: 10_000_000, standard: 1000 },
  duration: { modes: driven, min: 1, max: 86_400_000 },
  branches: { modes: run, min: 2, max: 64, standard: 2 },
  model: { modes: [...run, 'schedules'] },
  faults: { modes: ['ledger'] },
  replicas: { modes: ['ledger'], min: 1, max: 3 },
  exhaustive: { modes: explored },
  points: { modes: explored },
  preemptions: { modes: explored, min: 0, max: 10_000 },
  random: { modes: ['exhaustive'], min: 1, max: 10_000_000 },
  seed: { modes: run, min: 0, max: 2 ** 32 - 1 },
  schedule: { modes: ['exhaustive'] },
  history: { modes: run },
  report: { modes: [...run, 'check'] },
  keep: { modes: run },
} as const satisfies Readonly<Record<string, Flag>>;

/** The name of an option of `bankctl stress`. */
export type StressFlag = keyof typeof stressFlags;
/** The name of one that is a number. */
export type NumberFlag = {
  [Name in StressFlag]: (typeof stressFlags)[Name] extends { min: number } ? Name : never;
}[StressFlag];

/** With increments, the maximum number of workers depends on the points. */
const exploringWorkers = {
  exhaustive: { min: 0, max: 10 ** 9 },
  schedules: { min: 2, max: 3 },
} as const;

/** The bounds of a number in a mode. */
export function boundsOf(
  flag: NumberFlag,
  mode: StressMode,
): { readonly min: number; readonly max: number } {
  const exploring = flag === 'workers' && (mode === 'exhaustive' || mode === 'schedules');
  return exploring ? exploringWorkers[mode] : stressFlags[flag];
}

/** The options of a command line, insofar as they say what kind of run it asks for. */
interface Words {
  readonly args: readonly (string | undefined)[];
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
}

/** Each of these implies `--exhaustive`. */
const exploring = ['exhaustive', 'schedule', 'random', 'points', 'preemptions'] as const;
/** Options that the id of a schedule already contains. */
const saidById = ['workers', 'points', 'preemptions', 'random', 'seed', 'model'] as const;

/**
 * The mode that a command line asks for.
 *
 * @throws `usage` if it has an option that means nothing there
 */
export function modeOf({ args, options }: Words): StressMode {
  const given = (name: string) => options[name] !== undefined;
  const asking = exploring.find(given);
  const mode = args[0] === 'check' ? 'check' : chosenMode(options, asking);
  const because = mode === 'check' ? 'stress check' : `--${asking ?? 'ops'}`;
  const unfit = Object.entries<Flag>(stressFlags)
    .filter(([name, { modes }]) => given(name) && !modes.includes(mode))
    .map(([name, { modes }]) => ({ name, isExploring: modes.includes('exhaustive') }));
  const foreign = unfit.find(({ isExploring }) => mode !== 'schedules' || !isExploring);
  if (foreign) throw meaningless(foreign.name, because);
  if (given('schedule')) {
    const said = saidById.find(given);
    if (said) throw meaningless(said, '--schedule', ', whose id says it');
  }
  if (asking && mode !== 'check' && given('seed') && !given('random')) {
    throw meaningless('seed', '--exhaustive', ': nothing is drawn at random without --random');
  }
  const [missing] = unfit;
  if (!missing) return mode;
  throw new BankctlError(
    'usage',
    `--${missing.name} cannot be used with --exhaustive --model ledger.`,
    `Leave out --${missing.name}.`,
  );
}

/** @param asking the option that asks for an exploration, if any does */
function chosenMode({ model, faults, replicas }: Words['options'], asking?: string): StressMode {
  const text = typeof model === 'string' ? model : '';
  const names = text.split(',').map((name) => name.trim().toLowerCase());
  if (asking) return names.join() === 'ledger' ? 'schedules' : 'exhaustive';
  const isLedger = names.includes('ledger') || faults !== undefined || replicas !== undefined;
  return isLedger ? 'ledger' : 'load';
}

function meaningless(name: string, because: string, why = ''): BankctlError {
  return new BankctlError(
    'usage',
    `--${name} means nothing with ${because}${why}.`,
    `Leave out one of --${name} and ${because}.`,
  );
}

/** Reads names separated by commas; the error for an unknown one suggests the nearest. */
function parseNames<Name extends string>(
  text: string,
  known: readonly Name[],
  unknown: string,
  all: string,
): readonly Name[] {
  return text.split(',').map((part) => {
    const name = part.trim().toLowerCase();
    const found = known.find((candidate) => candidate === name);
    if (found !== undefined) return found;
    const meant = nearest(name, known);
    const hint = meant ? `Did you mean ${meant}?` : all;
    throw new BankctlError('usage', `${unknown} ${quote(name)}.`, hint);
  });
}

/**
 * Reads the list of `--model`.
 *
 * @throws `usage`, with the nearest name
 */
export function parseModels<Name extends string>(
  text: string,
  known: readonly Name[],
): readonly Name[] {
  return parseNames(text, known, 'There is no model', `The models are ${known.join(', ')}.`);
}

/** Reads names of points in any order, or `all`. */
function pickPoints<Point extends string>(
  text: string,
  known: readonly Point[],
  ...[unknown, all]: readonly [unknown: string, all: string]
): readonly Point[] {
  if (text.split(',').some((name) => name.trim().toLowerCase() === 'all')) return known;
  const names = parseNames(text, known, unknown, all);
  return known.filter((point) => names.includes(point));
}

/**
 * Reads the list of `--points`: names separated by commas, or `all`.
 *
 * @throws `usage`, with the nearest name
 */
export function parsePoints(text: string): readonly SharedPoint[] {
  const all = `The points are ${sharedPoints.join(', ')}, or all of them: all.`;
  return pickPoints(text, sharedPoints, 'There is no point', all);
}

/**
 * Like `parsePoints`, for the points of the ledger.
 *
 * @throws `usage`, with the nearest name
 */
export function parseLedgerPoints(text: string): readonly PostPoint[] {
  const all = `Its points are ${ledgerPoints.join(', ')}.`;
  return pickPoints(text, ledgerPoints, 'The ledger has no point', all);
}

/** The points of an exploration without `--points`. */
export const defaultPoints: readonly SharedPoint[] = Object.freeze(['switched', 'written']);

/** What to explore. */
export interface ExhaustiveOptions {
  /** In the order in which they are run; both by default. */
  readonly models?: readonly IncrementModel[] | undefined;
  readonly workers: number;
  /** Workers take branch1, branch2, … in turn; 2 by default. */
  readonly branches?: number | undefined;
  readonly points: readonly SharedPoint[];
  /** Skip schedules with more preemptions. */
  readonly preemptions?: number | undefined;
  /** Draw `count` schedules at random instead, from this seed. */
  readonly random?: { readonly count: number; readonly seed: number } | undefined;
  /** The id of one schedule to replay; model, points and workers are then those of the id. */
  readonly schedule?: string | undefined;
  /** Refuse explorations that would take longer, in milliseconds; an hour by default. */
  readonly budgetMs?: number | undefined;
}

/** What to drive; each option has a default. */
export interface LoadOptions {
  readonly seed: number;
  /** Concurrent tasks; each does one operation at a time. */
  readonly workers?: number | undefined;
  /** Threads that the workers are spread over, each with models and connections of its own. */
  readonly threads?: number | undefined;
  /** How many operations; by default 1000, or as many as `durationMs` allows. */
  readonly operations?: number | undefined;
  /** No operation starts later, milliseconds. */
  readonly durationMs?: number | undefined;
  readonly branches?: number | undefined;
  /** In this order. */
  readonly models?: readonly IncrementModel[] | undefined;
  /** Leaves the databases, or the throwaway server's data, in place. */
  readonly keep?: boolean | undefined;
  /** A deployment to use instead of a throwaway server; it names no database. */
  readonly uri?: string | undefined;
  /** A file for one line per event; an older one is overwritten. */
  readonly history?: string | undefined;
  /** Limit on each call to the database, milliseconds. */
  readonly timeoutMs?: number | undefined;
}

/** What to drive the ledger with. */
interface LedgerOptions extends Omit<LoadOptions, 'models'> {
  readonly faults?: FaultKind | undefined;
  /** Servers of the throwaway replica set; by default 3 with the fault `failover`, else 1. */
  readonly replicas?: number | undefined;
}

/** What to drive, whichever models. */
export interface StressOptions extends LedgerOptions {
  /** In this order, the ledger last; shared and branch by default. */
  readonly models?: readonly StressModelName[] | undefined;
}

/** Options within their bounds, with defaults filled in; those in `Open` have none. */
type Settled<Options, Open extends keyof Options> = {
  readonly [Name in keyof Options]-?: Name extends Open
    ? Options[Name] | undefined
    : Exclude<Options[Name], undefined>;
};

/** `LoadOptions` with defaults filled in. */
export type LoadSettings = Settled<LoadOptions, 'durationMs' | 'uri' | 'history'>;

/** `LedgerOptions` with defaults filled in. */
export interface LedgerSettings extends Omit<LoadSettings, 'models'> {
  readonly faults: FaultKind | undefined;
  readonly replicas: 1 | 3;
}

const defaultTimeoutMs = 10_000;
/** The default with faults: they need time to strike. */
const faultyDurationMs = 10_000;
/** The judge keeps every id in memory, and the last line of the history lists them all. */
const maxLedgerOperations = 3_000_000;

/**
 * Fills in the defaults.
 *
 * @throws `usage` if a value is outside its bounds
 */
export function completeLoadOptions(options: LoadOptions): LoadSettings {
  const { workers, threads, ops, branches } = stressFlags;
  const { durationMs } = options;
  const unbounded = durationMs === undefined ? ops.standard : ops.max;
  const settings = {
    seed: checkBounds('seed', options.seed),
    workers: checkBounds('workers', options.workers ?? workers.standard),
    threads: checkBounds('threads', options.threads ?? threads.standard),
    operations: checkBounds('ops', options.operations ?? unbounded),
    durationMs: durationMs === undefined ? undefined : checkBounds('duration', durationMs),
    branches: checkBounds('branches', options.branches ?? branches.standard),
    models: options.models?.length ? [...new Set(options.models)] : incrementModels,
    keep: options.keep ?? false,
    uri: options.uri,
    history: options.history,
    timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
  };
  if (settings.threads > settings.workers) {
    throw new BankctlError(
      'usage',
      `--threads ${settings.threads} is more than --workers ${settings.workers}.`,
    );
  }
  refuseKeepAlone(options);
  return Object.freeze(settings);
}

/**
 * Fills in the defaults.
 *
 * @throws `usage` if a value is outside its bounds, or is not compatible with another
 */
export function completeLedgerOptions(options: LedgerOptions): LedgerSettings {
  const { faults, uri, replicas = faults === 'failover' ? 3 : 1 } = options;
  if (replicas !== 1 && replicas !== 3) {
    throw new BankctlError('usage', `--replicas ${replicas} is not 1 or 3.`, 'Give 1 or 3.');
  }
  if (uri !== undefined && (faults !== undefined || options.replicas !== undefined)) {
    const flag = faults === undefined ? '--replicas' : '--faults';
    throw new BankctlError(
      'usage',
      `${flag} does not go with --uri: stress starts and kills servers of its own only.`,
      `Leave out --uri, or ${flag}.`,
    );
  }
  const needed = faults === undefined ? replicas : faults === 'kill' ? 1 : 3;
  if (replicas !== needed) {
    throw new BankctlError(
      'usage',
      `--faults ${faults} needs --replicas ${needed}.`,
      'kill is for a single server, failover for one of three.',
    );
  }
  const { models: _, ...settings } = completeLoadOptions({
    ...options,
    durationMs: options.durationMs ?? (faults === undefined ? undefined : faultyDurationMs),
  });
  const operations = Math.min(settings.operations, maxLedgerOperations);
  return Object.freeze({ ...settings, operations, faults, replicas });
}

/**
 * `--keep` needs a server that stays.
 *
 * @throws `usage`
 */
export function refuseKeepAlone({ keep, uri }: Pick<LoadOptions, 'keep' | 'uri'>): void {
  if (!keep || uri !== undefined) return;
  throw new BankctlError(
    'usage',
    '--keep has nothing to keep: a throwaway server ends with the command.',
    'Give a --uri, whose server stays; stress makes up a database there.',
  );
}

/**
 * Returns the number if it is within the bounds of its option.
 *
 * @throws `usage`
 */
export function checkBounds(flag: NumberFlag, value: number): number {
  const { min, max } = stressFlags[flag];
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new BankctlError(
    'usage',
    `--${flag} ${value} is not a whole number from ${min} to ${max}.`,
    `Give a number from ${min} to ${max}.`,
  );
}
