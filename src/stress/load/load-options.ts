import { BankctlError } from '../../core/errors.ts';
import { type LoadModelName, loadModelNames } from '../subjects/load-models.ts';

/** What to run; anything left out has the default of `loadDefaults`. */
export interface LoadOptions {
  readonly seed: number;
  /** Concurrent tasks; each does one increment at a time. */
  readonly workers?: number | undefined;
  /** Threads that the workers are spread over, each with models and connections of its own. */
  readonly threads?: number | undefined;
  /** How many increments; without a bound on the time it is 1000. */
  readonly operations?: number | undefined;
  /** No increment begins later than this, milliseconds. */
  readonly durationMs?: number | undefined;
  readonly branches?: number | undefined;
  /** In this order. */
  readonly models?: readonly LoadModelName[] | undefined;
  /** Leaves the databases, or the throwaway server's data, in place. */
  readonly keep?: boolean | undefined;
  /** A deployment to use instead of a throwaway server; it names no database. */
  readonly uri?: string | undefined;
  /** A file for one line an event, made anew. */
  readonly history?: string | undefined;
  /** Bound on each call to the database, milliseconds. */
  readonly timeoutMs?: number | undefined;
}

/** `LoadOptions` with every default filled in, and within its bounds. */
export interface LoadSettings {
  readonly seed: number;
  readonly workers: number;
  readonly threads: number;
  readonly operations: number;
  readonly durationMs: number | undefined;
  readonly branches: number;
  readonly models: readonly LoadModelName[];
  readonly keep: boolean;
  readonly uri: string | undefined;
  readonly history: string | undefined;
  readonly timeoutMs: number;
}

/** What a run is when nothing else is asked for. */
export const loadDefaults = Object.freeze({
  workers: 8,
  threads: 1,
  operations: 1000,
  branches: 2,
  timeoutMs: 10_000,
});

/** The most operations of one run; also the bound of a run that is bounded by time. */
export const mostOperations = 10_000_000;

/**
 * Fills in the defaults.
 *
 * @throws `usage` where a value is outside its bounds
 */
export function settleLoadOptions(options: LoadOptions): LoadSettings {
  const workers = bounded('--workers', options.workers ?? loadDefaults.workers, 1, 1024);
  const threads = bounded('--threads', options.threads ?? loadDefaults.threads, 1, 64);
  if (threads > workers) {
    throw new BankctlError('usage', `--threads ${threads} is more than --workers ${workers}.`);
  }
  refuseKeepAlone(options);
  const { durationMs } = options;
  const operations =
    options.operations ?? (durationMs === undefined ? loadDefaults.operations : mostOperations);
  return Object.freeze({
    seed: bounded('--seed', options.seed, 0, 2 ** 32 - 1),
    workers,
    threads,
    operations: bounded('--ops', operations, 1, mostOperations),
    durationMs:
      durationMs === undefined ? undefined : bounded('--duration', durationMs, 1, 86_400_000),
    branches: bounded('--branches', options.branches ?? loadDefaults.branches, 2, 64),
    models: options.models?.length ? [...new Set(options.models)] : loadModelNames,
    keep: options.keep ?? false,
    uri: options.uri,
    history: options.history,
    timeoutMs: options.timeoutMs ?? loadDefaults.timeoutMs,
  });
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

function bounded(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new BankctlError(
    'usage',
    `${name} ${value} is not a whole number from ${least} to ${most}.`,
    `Give a number from ${least} to ${most}.`,
  );
}
