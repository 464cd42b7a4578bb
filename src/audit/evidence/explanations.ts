import type { NetworkPlace } from './network.ts';

/** More places have too many spanning trees to try them all for each account number. */
const maxPlaces = 5;

/**
 * Counts the basic explanations of what places have too much or too little: sets of net flows
 * between the places and "nowhere" that form no loop, whatever their directions, and that the sums
 * of the calls allow. A flow out of a branch is of its own calls. Only calls with negative amounts
 * can bring money from nowhere.
 *
 * @returns undefined for more than 5 places
 */
export function countExplanations(places: readonly NetworkPlace[]): number | undefined {
  if (places.length > maxPlaces) return undefined;
  const nowhere = places.length;
  const residuals = [
    ...places.map(({ residual }) => residual),
    -places.reduce((sum, { residual }) => sum + residual, 0n),
  ];
  const anyDirection = places.some(({ calls }) => calls.minus.all > 0n);
  const canGive = (from: number) => anyDirection || (places[from]?.calls.plus.all ?? 0n) > 0n;
  const canTake = (to: number) => anyDirection || places[to]?.isHeld !== false;
  const found = new Set<string>();
  for (const tree of treesBySize[nowhere + 1] ?? []) {
    const flows = flowsOn(tree, residuals, canGive, canTake);
    if (flows && (anyDirection || isPossible(flows, places))) {
      const texts = flows.map(({ from, to, amount }) => `${from}-${to}:${amount}`);
      found.add(texts.sort().join());
    }
  }
  return found.size;
}

interface Flow {
  readonly from: number;
  readonly to: number;
  /** Above zero. */
  readonly amount: bigint;
}

type Edge = readonly [leaf: number, parent: number];

/**
 * Every tree on nodes 0 to `count` − 1, its edges in an order that takes off one leaf at a time.
 * Source: H. Prüfer, Neuer Beweis eines Satzes über Permutationen, 1918.
 */
function* treesOf(count: number): Iterable<readonly Edge[]> {
  if (count < 2) return;
  const codes = count ** (count - 2);
  for (let number = 0; number < codes; number += 1) {
    const code = Array.from(
      { length: count - 2 },
      (_, digit) => Math.floor(number / count ** digit) % count,
    );
    const degrees = Array.from({ length: count }, () => 1);
    for (const node of code) degrees[node] = (degrees[node] ?? 0) + 1;
    const edges = code.map((parent): Edge => {
      const leaf = degrees.indexOf(1);
      degrees[leaf] = 0;
      degrees[parent] = (degrees[parent] ?? 0) - 1;
      return [leaf, parent];
    });
    const first = degrees.indexOf(1);
    yield [...edges, [first, degrees.indexOf(1, first + 1)]];
  }
}

/** Those of every number of nodes that is tried: the last number has 1296. */
const treesBySize: readonly (readonly (readonly Edge[])[])[] = Array.from(
  { length: maxPlaces + 2 },
  (_, count) => [...treesOf(count)],
);

/**
 * The only flows along the edges of a tree that leave each node with its residual.
 * @returns undefined if one of them is from or to a node that cannot have it
 */
function flowsOn(
  tree: readonly Edge[],
  residuals: readonly bigint[],
  canGive: (from: number) => boolean,
  canTake: (to: number) => boolean,
): readonly Flow[] | undefined {
  const left = [...residuals];
  const flows: Flow[] = [];
  for (const [leaf, parent] of tree) {
    const amount = left[leaf] ?? 0n;
    if (amount === 0n) continue;
    left[parent] = (left[parent] ?? 0n) + amount;
    const [from, to] = amount > 0n ? [parent, leaf] : [leaf, parent];
    if (!canGive(from) || !canTake(to)) return undefined;
    flows.push({ from, to, amount: amount > 0n ? amount : -amount });
  }
  return flows;
}

/** Whether the sums of the calls allow these flows, of which none is from nowhere. */
function isPossible(flows: readonly Flow[], places: readonly NetworkPlace[]): boolean {
  const out = places.map(() => 0n);
  const lost = places.map(() => 0n);
  for (const { from, to, amount } of flows) {
    out[from] = (out[from] ?? 0n) + amount;
    if (to === places.length) lost[from] = amount;
  }
  return places.every(({ calls: { plus } }, place) => {
    const gone = lost[place] ?? 0n;
    return (out[place] ?? 0n) <= plus.all && gone >= plus.missed && gone <= plus.all - plus.matched;
  });
}
