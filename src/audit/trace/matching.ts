import { type Call, type CallGraph, createCallGraph, type Write } from './call-graph.ts';
import { findComponents } from './components.ts';
import { findMatching, type Matching } from './maximum-matching.ts';

/** All that can have become of a call. */
export interface Fates {
  /** The places in which its write may be, in alphabetical order. */
  readonly places: readonly string[];
  /** True if it may have reached no document. */
  readonly lost: boolean;
}

/** What the calls and writes of one account number tell of each other. */
export type Matched =
  /** The fates of each call are exactly those that occur in some matching. */
  | { readonly kind: 'explained'; readonly fates: readonly Fates[] }
  /**
   * No matching explains every write and every call that landed, so somebody else wrote, or a clock
   * or the log is wrong: nothing is certain, and the fates are those of each call by itself.
   */
  | {
      readonly kind: 'contradicted';
      readonly fates: readonly Fates[];
      /** Writes that no call can explain, whatever else is matched. */
      readonly unexplained: readonly number[];
      /** How many of the other writes are not explained either: it is not known which. */
      readonly moreUnexplained: number;
      /** Calls that landed according to the log, for which no write is left. */
      readonly callsLeft: readonly number[];
    }
  /** Too many of them. */
  | { readonly kind: 'undecided' };

/** More of them would need hundreds of megabytes. */
const defaultMaxEdges = 16_000_000;

/**
 * Finds the possible fates of every call: those that occur in some matching that explains every
 * write by one call, and in which each call that landed has a write. One matching is found, and
 * what can be exchanged in it without loss is what lies on a circle: the strongly connected
 * components tell. Takes O(n log n) and the time of the matching.
 * Source: Dulmage and Mendelsohn, "Coverings of Bipartite Graphs", 1958; Régin, "A Filtering
 * Algorithm for Constraints of Difference in CSPs", 1994.
 */
export function findFates(
  calls: readonly Call[],
  writes: readonly Write[],
  maxEdges = defaultMaxEdges,
): Matched {
  const graph = createCallGraph(calls, writes, maxEdges);
  if (!graph) return { kind: 'undecided' };
  const matching = findMatching(graph, calls);
  const free = indexesOf(matching.owner, -1);
  const callsLeft = indexesOf(matching.taken, -1).filter((it) => calls[it]?.landed === 'yes');
  if (free.length === 0 && callsLeft.length === 0) {
    return { kind: 'explained', fates: fatesInMatchings(graph, calls, writes, matching) };
  }
  const unexplained = free.filter((write) => graph.hasCall[write] !== true);
  return {
    kind: 'contradicted',
    fates: fatesAlone(graph, calls, writes),
    unexplained,
    moreUnexplained: free.length - unexplained.length,
    callsLeft,
  };
}

function indexesOf(array: Int32Array, value: number): readonly number[] {
  const indexes: number[] = [];
  for (const [index, it] of array.entries()) if (it === value) indexes.push(index);
  return indexes;
}

/**
 * An edge from a call to a write means that it could take it, from a write to its call that this
 * would lose it, and from a call to the node "lost", and from there to the calls that have no
 * write, that it could change places with those.
 */
function fatesInMatchings(
  graph: CallGraph,
  calls: readonly Call[],
  writes: readonly Write[],
  { owner, taken }: Matching,
): readonly Fates[] {
  const { starts, targets, nodes } = graph;
  const lost = nodes;
  const isOptional = (call: number) => calls[call]?.landed === 'maybe';
  const unmatched = indexesOf(taken, -1).filter(isOptional);
  const target = (node: number, edge: number): number | undefined => {
    if (node === lost) return unmatched[edge];
    if (node >= graph.calls && node < graph.calls + graph.writes) {
      return edge === 0 ? owner[node - graph.calls] : undefined;
    }
    const at = (starts[node] ?? 0) + edge;
    const end = starts[node + 1] ?? 0;
    if (at < end) return targets[at];
    const canBeLost = at === end && node < graph.calls && taken[node] !== -1 && isOptional(node);
    return canBeLost ? lost : undefined;
  };
  const component = findComponents({ nodes: nodes + 1, target });
  const places = placesReached(graph, writes, (from, to) => component[from] === component[to]);
  return calls.map(({ landed }, call) => ({
    places: places(call),
    lost:
      landed === 'no' ||
      (landed === 'maybe' && (taken[call] === -1 || component[call] === component[lost])),
  }));
}

function fatesAlone(
  graph: CallGraph,
  calls: readonly Call[],
  writes: readonly Write[],
): readonly Fates[] {
  const places = placesReached(graph, writes, () => true);
  return calls.map(({ landed }, call) => ({ places: places(call), lost: landed !== 'yes' }));
}

/**
 * The places of the writes that a call can take along edges that count. Sets of places are the bits
 * of a number.
 */
function placesReached(
  { calls, nodes, starts, targets }: CallGraph,
  writes: readonly Write[],
  counts: (from: number, to: number) => boolean,
): (call: number) => readonly string[] {
  const names = [...new Set(writes.map(({ place }) => place))].sort();
  const bits = new Map(names.map((name, index) => [name, 1n << BigInt(index)]));
  const reached = Array.from({ length: nodes }, () => 0n);
  for (const [index, { place }] of writes.entries()) reached[calls + index] = bits.get(place) ?? 0n;
  const gather = (node: number) => {
    const end = starts[node + 1] ?? 0;
    let found = reached[node] ?? 0n;
    for (let at = starts[node] ?? 0; at < end; at += 1) {
      const to = targets[at] ?? 0;
      if (counts(node, to)) found |= reached[to] ?? 0n;
    }
    reached[node] = found;
  };
  // Children come after their parents, so the last nodes are done first; then the calls.
  for (let node = nodes - 1; node >= calls; node -= 1) gather(node);
  for (let call = 0; call < calls; call += 1) gather(call);
  const sets = new Map<bigint, readonly string[]>();
  return (call) => {
    const set = reached[call] ?? 0n;
    const known = sets.get(set) ?? names.filter((name) => (set & (bits.get(name) ?? 0n)) !== 0n);
    sets.set(set, known);
    return known;
  };
}
