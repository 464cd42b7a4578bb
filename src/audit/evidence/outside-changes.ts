import type { SeenPosting } from '../observer.ts';
import type { AccountNumber, Basis, SeenNumber } from './seen-numbers.ts';

/** What the journal shows of changes past bankctl, net between two postings; minor units. */
export interface OutsideChanges {
  plusMinor: bigint;
  /** As an absolute amount. */
  minusMinor: bigint;
  last: Pick<SeenPosting, 'version' | 'balanceAfterMinor'> | undefined;
}

/**
 * Adds what changed between the last posting of an account and this one.
 *
 * @param isStart whether only what comes later matters
 */
export function noteOutside(seen: OutsideChanges, posting: SeenPosting, isStart: boolean): void {
  const { type, version, amountMinor, balanceAfterMinor } = posting;
  const { last } = seen;
  // What an adopt of a known account journals was written by another program.
  const beforeMinor = type === 'adopt' ? balanceAfterMinor : balanceAfterMinor - amountMinor;
  if (isStart || type === 'repair') [seen.plusMinor, seen.minusMinor] = [0n, 0n];
  else if (last && version === last.version + 1n) {
    addChange(seen, beforeMinor - last.balanceAfterMinor);
  }
  seen.last = posting;
}

function addChange(sums: OutsideChanges, changeMinor: bigint): void {
  if (changeMinor > 0n) sums.plusMinor += changeMinor;
  else sums.minusMinor -= changeMinor;
}

/**
 * Whether the journal proves that somebody else wrote, as a clause: it shows changes of an account
 * number that no fate of its calls can have made.
 */
export function unexplainedChange({ places }: AccountNumber, basis: Basis): string | undefined {
  // Between currencies there is no common unit, and hardly a number that has several.
  const codes = new Set(places.flatMap(({ place }) => place?.currency?.code ?? []));
  if (codes.size > 1) return undefined;
  const total: OutsideChanges = { plusMinor: 0n, minusMinor: 0n, last: undefined };
  let [plus, minus] = [0n, 0n];
  for (const seen of places) {
    addPlace(total, seen);
    plus += landed(seen.plus);
    minus += landed(seen.minus);
  }
  if (basis === 'statement') {
    return total.minusMinor > 0n
      ? 'the journal shows that another program took money away, which nobody may have meant'
      : undefined;
  }
  return total.plusMinor > plus || total.minusMinor > minus
    ? 'the journal shows changes by other programs that no calls of the log can have made'
    : undefined;
}

function addPlace(total: OutsideChanges, { outside, balanceMinor, version }: SeenNumber): void {
  total.plusMinor += outside.plusMinor;
  total.minusMinor += outside.minusMinor;
  const { last } = outside;
  if (!last || balanceMinor === undefined || version !== last.version) return;
  addChange(total, balanceMinor - last.balanceAfterMinor);
}

/** Of calls of one sign, the sum of all that may have changed something. */
function landed({ all, missed, unknown }: SeenNumber['plus']): bigint {
  return all - missed + unknown;
}
