import { countExplanations } from './explanations.ts';
import { type CallSums, type Network, solveNetwork } from './network.ts';

/**
 * What is known of one account number at one place: a branch, or a stray collection. All amounts
 * in one unit. A branch that calls were meant for is a place even if it has no such account.
 */
export interface EvidencePlace {
  readonly name: string;
  /** Whether it has a document of that account number. */
  readonly isHeld: boolean;
  /** Balance less what was meant; negative if it has too little. */
  readonly residual: bigint;
  /** The acknowledged calls that were meant for it; undefined if only balances are known. */
  readonly calls: CallSums | undefined;
  /** Calls whose outcome is unknown, by sign, as absolute amounts. */
  readonly unknown: { readonly plus: bigint; readonly minus: bigint };
}

/** What can be said of one account number. Amounts in the unit of the places. */
export type Statement =
  | (Said & { readonly code: 'misplaced_write'; readonly from: string; readonly to: string })
  | (Said & {
      readonly code: 'lost_write' | 'outside_write';
      /** Undefined if it is known only that it is the account number's. */
      readonly branch: string | undefined;
    });

interface Said {
  /** Net, and not zero; of a write that was lost, negative for a withdrawal. */
  readonly amount: bigint;
  /** Whether it is true whatever became of the single calls. */
  readonly certain: boolean;
}

/** The bounds of the net amount of `from`'s money that is in `to`; below zero for the way back. */
export interface Bounds {
  readonly from: string;
  readonly to: string;
  readonly min: bigint;
  readonly max: bigint;
}

/** All that can be said of one account number. */
export interface Verdict {
  readonly statements: readonly Statement[];
  /** The number of basic explanations if it is known and above 1: see `countExplanations`. */
  readonly explanations: number | undefined;
  /** For two places whose flow is not certain. */
  readonly bounds: Bounds | undefined;
  /** True if no fates of the calls explain the balances: the log, or what it is added to, is not
   * whole, or somebody else wrote. */
  readonly isContradicted: boolean;
}

const nothing: Verdict = {
  statements: [],
  explanations: undefined,
  bounds: undefined,
  isContradicted: false,
};

/**
 * What is known about the money of one account number, from balances and sums alone: see
 * docs/legacy.md. The right balance of a place is always its balance less its residual. `certain`
 * is true exactly if a statement holds in every possible world, which is any fate of any calls with
 * these sums, provided that the opening is right, the log whole, and nobody else wrote.
 *
 * @param isDoubtful whether the residuals themselves may be wrong
 */
export function judge(places: readonly EvidencePlace[], { isDoubtful = false } = {}): Verdict {
  const hasUnknown = places.some(({ unknown }) => unknown.plus > 0n || unknown.minus > 0n);
  const reduced = hasUnknown ? misplacedUnknown(places.map(lessUnknown)) : places;
  if (reduced.every(({ residual }) => residual === 0n)) return nothing;
  if (hasUnknown || isDoubtful) return { ...nothing, statements: remainder(reduced, netLoss) };
  const known = reduced.flatMap(({ calls, ...place }) => (calls ? [{ ...place, calls }] : []));
  if (known.length < reduced.length) return balancesOnly(reduced);
  const network = solveNetwork(known);
  return network ? possible(known, network) : contradicted(known);
}

type Known = EvidencePlace & { readonly calls: CallSums };

/** What is left of a residual if calls of unknown outcome explain as much of it as they can. */
function lessUnknown(place: EvidencePlace): EvidencePlace {
  const { residual, unknown } = place;
  const explained = clamp(residual, -unknown.minus, unknown.plus);
  const plus = unknown.plus - clamp(explained, 0n, unknown.plus);
  return { ...place, residual: residual - explained, unknown: { ...unknown, plus } };
}

/** What is too much in all may have come from calls of unknown outcome that went elsewhere. */
function misplacedUnknown(places: readonly EvidencePlace[]): readonly EvidencePlace[] {
  const sum = places.reduce((total, { residual }) => total + residual, 0n);
  let excess = sum > 0n ? sum : 0n;
  return places.map((place) => {
    const taken = clamp(excess, 0n, place.unknown.plus);
    excess -= taken;
    return { ...place, residual: place.residual - taken };
  });
}

function clamp(value: bigint, min: bigint, max: bigint): bigint {
  if (value < min) return min;
  return value > max ? max : value;
}

/** Without calls, nothing is known of their signs; only one place leaves no other explanation. */
function balancesOnly(places: readonly EvidencePlace[]): Verdict {
  const [only, ...others] = places;
  if (only && others.length === 0 && only.residual < 0n) {
    const lost = { code: 'lost_write', branch: only.name, amount: -only.residual } as const;
    return { ...nothing, statements: [{ ...lost, certain: true }] };
  }
  return { ...nothing, statements: remainder(places, netLoss) };
}

function contradicted(places: readonly Known[]): Verdict {
  const calls = places.reduce((sum, { calls: { plus } }) => sum + plus.all - plus.matched, 0n);
  const statements = remainder(places, (missing) => {
    const lost = clamp(missing, 0n, calls);
    return [...lostOf(lost, false), ...outside(lost - missing)];
  });
  return { ...nothing, statements, isContradicted: true };
}

/** Some fates of the calls explain the balances: says what all of them have in common. */
function possible(places: readonly Known[], network: Network): Verdict {
  const bounds = boundsOf(places);
  const fixed = [...fixedMoves(places, network), ...fixedLosses(places, network)];
  const left = places.map((place) => ({
    ...place,
    residual: fixed.reduce((rest, one) => rest - shareOf(one, place), place.residual),
  }));
  const isSettled = left.every(({ residual }) => residual === 0n);
  // What all lost together is known in every case, though not of which branch it was.
  const loss = (missing: bigint) => lostOf(missing, true);
  const rest = bounds && !isSettled ? withinBounds(bounds, left, loss) : remainder(left, loss);
  const explanations = isSettled ? undefined : countExplanations(places);
  return {
    statements: [...fixed, ...rest],
    explanations: explanations !== undefined && explanations > 1 ? explanations : undefined,
    bounds: isSettled ? undefined : bounds,
    isContradicted: false,
  };
}

/** What a statement adds to the residual of a place. */
function shareOf(statement: Statement, { name }: EvidencePlace): bigint {
  const { amount } = statement;
  if (statement.code !== 'misplaced_write') return statement.branch === name ? -amount : 0n;
  return (statement.to === name ? amount : 0n) - (statement.from === name ? amount : 0n);
}

function fixedMoves(places: readonly Known[], network: Network): readonly Statement[] {
  return places.flatMap((from, index) =>
    places.slice(index + 1).flatMap((to, offset): readonly Statement[] => {
      const { minor, isFixed } = network.moved(index, index + 1 + offset);
      return isFixed && minor !== 0n ? [move(from.name, to.name, minor, true)] : [];
    }),
  );
}

function fixedLosses(places: readonly Known[], network: Network): readonly Statement[] {
  return places.flatMap(({ name }, index): readonly Statement[] => {
    const { minor: amount, isFixed } = network.lost(index);
    if (!isFixed || amount === 0n) return [];
    return [{ code: 'lost_write', branch: name, amount, certain: true }];
  });
}

function move(one: string, other: string, amount: bigint, certain: boolean): Statement {
  const [from, to] = amount > 0n ? [one, other] : [other, one];
  return { code: 'misplaced_write', from, to, amount: amount < 0n ? -amount : amount, certain };
}

function lostOf(amount: bigint, certain: boolean): readonly Statement[] {
  return amount === 0n ? [] : [{ code: 'lost_write', branch: undefined, amount, certain }];
}

function outside(amount: bigint): readonly Statement[] {
  if (amount === 0n) return [];
  return [{ code: 'outside_write', branch: undefined, amount, certain: false }];
}

/** What is missing in all, when nothing about it is certain: lost, or too much. */
function netLoss(missing: bigint): readonly Statement[] {
  return missing > 0n ? lostOf(missing, false) : outside(-missing);
}

/**
 * One of several explanations: what cancels is said to have moved, in the order of the places.
 *
 * @param loss says what is missing in all
 */
function remainder(
  places: readonly EvidencePlace[],
  loss: (missing: bigint) => readonly Statement[],
): readonly Statement[] {
  const givers = places.map(({ name, residual }) => ({
    name,
    left: residual < 0n ? -residual : 0n,
  }));
  const takers = places.map(({ name, residual }) => ({
    name,
    left: residual > 0n ? residual : 0n,
  }));
  const moves: Statement[] = [];
  for (const giver of givers) {
    for (const taker of takers) {
      const amount = clamp(giver.left, 0n, taker.left);
      if (amount === 0n) continue;
      moves.push(move(giver.name, taker.name, amount, false));
      giver.left -= amount;
      taker.left -= amount;
    }
  }
  const whole = loss(-places.reduce((sum, { residual }) => sum + residual, 0n));
  const [only, ...others] = places;
  if (!only || others.length > 0) return [...moves, ...whole];
  // With one place there is no doubt whose it is.
  return whole.map((one) => (one.code === 'misplaced_write' ? one : { ...one, branch: only.name }));
}

/** For two places: the least that moved between them for sure, if any did, and the loss. */
function withinBounds(
  { from, to, min, max }: Bounds,
  places: readonly EvidencePlace[],
  loss: (missing: bigint) => readonly Statement[],
): readonly Statement[] {
  const least = clamp(0n, min, max);
  const missing = -places.reduce((sum, { residual }) => sum + residual, 0n);
  return [...(least === 0n ? [] : [move(from, to, least, false)]), ...loss(missing)];
}

/**
 * Of two places A and B without negative amounts, if x is what went net from A to B: A lost −r_A −
 * x, B lost x − r_B, and each of these lies between what is known to have missed and what is not
 * known to have matched.
 */
function boundsOf(places: readonly Known[]): Bounds | undefined {
  const [from, to, ...others] = places;
  if (!from || !to || others.length > 0) return undefined;
  if (places.some(({ calls }) => calls.minus.all > 0n)) return undefined;
  const [a, b] = [from.calls.plus, to.calls.plus];
  return {
    from: from.name,
    to: to.name,
    min: larger(to.residual + b.missed, -from.residual - a.all + a.matched),
    max: -larger(from.residual + a.missed, -to.residual - b.all + b.matched),
  };
}

function larger(one: bigint, other: bigint): bigint {
  return one > other ? one : other;
}
