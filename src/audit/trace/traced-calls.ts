import type { IntendedRow } from '../evidence/intended-row.ts';
import type { AccountNumber } from '../evidence/seen-numbers.ts';
import type { Call } from './call-graph.ts';

/** A row of the log, as far as a trace needs it. */
export interface TracedCall {
  readonly line: number;
  readonly id: string | undefined;
  readonly branch: string;
  readonly amountMinor: bigint;
  readonly time: Date | undefined;
  readonly isAcknowledged: boolean;
  readonly modified: number | undefined;
  /** For the matching; of those that may be unseen, none must have a write. */
  readonly call: Call;
  /** Its write may be where the history does not reach. */
  readonly mayBeUnseen: boolean;
}

/** What limits the sight of a trace. */
export interface Sight {
  readonly skewMs: number;
  /** The earliest moment at which a call of the log may have written. */
  readonly firstMs: number;
  /** The history has everything from then on. */
  readonly beginMs: number;
  /** Before then there may be writes that it does not tell of. */
  readonly blindUntilMs: number;
  /** No write is later; a call that is has a clock that is wrong. */
  readonly endMs: number;
  /** Turns minor units of a branch into those of the trace. */
  readonly scaleOf: (branch: string) => bigint;
  /** True if the history has all that ever happened to the account number. */
  readonly isCovered: (account: string) => boolean;
}

/**
 * A row as a call.
 * @returns undefined for a row that is older than the balance that counts
 */
export function toTracedCall(
  row: IntendedRow,
  number: AccountNumber | undefined,
  sight: Sight,
): TracedCall | undefined {
  const { line, id, branch, account, amountMinor, time, modified } = row;
  const { fromMs, toMs } = windowOf(row, sight.skewMs);
  const baseMs = lastBase(number);
  const endMs = (row.endTime ?? time)?.getTime() ?? Number.POSITIVE_INFINITY;
  // Its writes are not counted either, by whichever of the clocks.
  if (endMs + 2 * sight.skewMs < baseMs) return undefined;
  const mayBeUnseen =
    fromMs < baseMs ||
    fromMs < sight.blindUntilMs ||
    fromMs > sight.endMs ||
    (fromMs < sight.beginMs && !sight.isCovered(account));
  const isAcknowledged = row.outcome === 'acknowledged';
  const landed = landedOf(row);
  return {
    ...{ line, id, branch, amountMinor, time, modified, isAcknowledged, mayBeUnseen },
    call: {
      amount: amountMinor * sight.scaleOf(branch),
      ...{ fromMs, toMs },
      landed: landed === 'yes' && mayBeUnseen ? 'maybe' : landed,
    },
  };
}

/** A call that got no answer may take effect later, and one whose end is not known, at any time. */
function windowOf({ time, endTime, outcome }: IntendedRow, skewMs: number) {
  const isOpen = endTime === undefined || outcome === 'unknown';
  return {
    fromMs: time ? time.getTime() - skewMs : Number.NEGATIVE_INFINITY,
    toMs: isOpen ? Number.POSITIVE_INFINITY : endTime.getTime() + skewMs,
  };
}

function landedOf({ outcome, modified }: IntendedRow): Call['landed'] {
  if (outcome === 'unknown' || modified === undefined) return 'maybe';
  return modified === 0 ? 'no' : 'yes';
}

/** The latest moment at which a balance of the number is taken as known, milliseconds. */
function lastBase(number: AccountNumber | undefined): number {
  const times = (number?.places ?? []).map(
    ({ base, givenAt }) => (givenAt ?? base?.at)?.getTime() ?? Number.NEGATIVE_INFINITY,
  );
  return Math.max(Number.NEGATIVE_INFINITY, ...times);
}
