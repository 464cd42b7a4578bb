import { BankctlError } from '../../core/errors.ts';
import type { FaultKind } from '../check/fault-watch.ts';
import { type LoadOptions, type LoadSettings, settleLoadOptions } from '../load/load-options.ts';

/** What to run; anything left out has its default. */
export interface LedgerOptions extends Omit<LoadOptions, 'models'> {
  readonly faults?: FaultKind | undefined;
  /** Servers of the throwaway replica set; 3 where left out with the fault `failover`, else 1. */
  readonly replicas?: number | undefined;
}

/** `LedgerOptions` with every default filled in, and within its bounds. */
export interface LedgerSettings extends Omit<LoadSettings, 'models'> {
  readonly faults: FaultKind | undefined;
  readonly replicas: 1 | 3;
}

/** Faults need time to strike. */
const faultyDurationMs = 10_000;

/** The judge remembers every id, and the last line of the history has them all. */
const mostLedgerOperations = 3_000_000;

/**
 * Fills in the defaults.
 *
 * @throws `usage` where a value is outside its bounds, or does not go with another
 */
export function settleLedgerOptions(options: LedgerOptions): LedgerSettings {
  const { faults, replicas = faults === 'failover' ? 3 : 1 } = options;
  if (replicas !== 1 && replicas !== 3) {
    throw new BankctlError('usage', `--replicas ${replicas} is not 1 or 3.`, 'Give 1 or 3.');
  }
  if (options.uri !== undefined && (faults !== undefined || options.replicas !== undefined)) {
    const flag = faults === undefined ? '--replicas' : '--faults';
    throw new BankctlError(
      'usage',
      `${flag} does not go with --uri: stress starts and kills servers of its own only.`,
      `Leave out --uri, or ${flag}.`,
    );
  }
  if (faults !== undefined && replicas !== (faults === 'kill' ? 1 : 3)) {
    const needed = faults === 'kill' ? 1 : 3;
    throw new BankctlError(
      'usage',
      `--faults ${faults} needs --replicas ${needed}.`,
      'kill is for a server that is alone, failover for one of three.',
    );
  }
  const { models: _, ...settings } = settleLoadOptions({
    ...options,
    durationMs: options.durationMs ?? (faults === undefined ? undefined : faultyDurationMs),
  });
  const operations = Math.min(settings.operations, mostLedgerOperations);
  return Object.freeze({ ...settings, operations, faults, replicas });
}
