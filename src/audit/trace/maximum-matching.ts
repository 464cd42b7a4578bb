import type { Call, CallGraph } from './call-graph.ts';

/** Which call explains which write; -1 for none. */
export interface Matching {
  /** By write, its call. */
  readonly owner: Int32Array;
  /** By call, its write. */
  readonly taken: Int32Array;
}

/**
 * A matching that explains as many writes as possible, and among those one that leaves as few calls
 * as possible that certainly landed. An augmenting path never frees a call, so those come first.
 * Source: Hopcroft and Karp, "An n^5/2 Algorithm for Maximum Matchings in Bipartite Graphs", 1973.
 */
export function findMatching(graph: CallGraph, calls: readonly Call[]): Matching {
  const matching = {
    owner: new Int32Array(graph.writes).fill(-1),
    taken: new Int32Array(graph.calls).fill(-1),
  };
  for (const landed of ['yes', 'maybe'] as const) {
    const wanted = calls.flatMap((call, index) => (call.landed === landed ? [index] : []));
    takeEarliest(graph, calls, wanted, matching);
    while (augment(graph, wanted, matching)) {
      // Each round explains at least one more write.
    }
  }
  return matching;
}

/** By the end of the window, each call takes the earliest free write: mostly the best there is. */
function takeEarliest(
  { ranges }: CallGraph,
  calls: readonly Call[],
  wanted: readonly number[],
  { owner, taken }: Matching,
): void {
  const skips = new Map<readonly number[], Int32Array>();
  const toMs = (call: number) => calls[call]?.toMs ?? 0;
  const byEnd = wanted.toSorted((left, right) => compare(toMs(left), toMs(right)));
  for (const call of byEnd) {
    const range = ranges[call];
    if (!range) continue;
    const { group } = range;
    const skip = skips.get(group) ?? Int32Array.from({ length: group.length + 1 }, (_, at) => at);
    skips.set(group, skip);
    let at = firstFree(skip, range.from);
    while (at < range.to && owner[group[at] ?? 0] !== -1) {
      skip[at] = at + 1;
      at = firstFree(skip, at);
    }
    if (at >= range.to) continue;
    const write = group[at] ?? 0;
    owner[write] = call;
    taken[call] = write;
    skip[at] = at + 1;
  }
}

/** Both may be infinite, whose difference is no number. */
function compare(left: number, right: number): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** Follows the skips, and shortens them. */
function firstFree(skip: Int32Array, from: number): number {
  let at = from;
  for (let next = skip[at] ?? at; next !== at; next = skip[at] ?? at) {
    skip[at] = skip[next] ?? next;
    at = next;
  }
  return at;
}

/** One phase: disjoint shortest augmenting paths from the wanted calls without a write. */
function augment(graph: CallGraph, wanted: readonly number[], matching: Matching): boolean {
  const free = wanted.filter((call) => matching.taken[call] === -1);
  const levels = findLevels(graph, free, matching);
  if (!levels) return false;
  const next = graph.starts.slice();
  let found = false;
  for (const call of free) {
    const path = findPath(graph, call, { levels, next, matching });
    if (!path) continue;
    found = true;
    applyPath(graph, path, levels, matching);
  }
  return found;
}

/** The distance of each node from the free calls; undefined if no free write can be reached. */
function findLevels(
  { calls, writes, nodes, starts, targets }: CallGraph,
  free: readonly number[],
  { owner }: Matching,
): Int32Array | undefined {
  const levels = new Int32Array(nodes).fill(-1);
  const queue = [...free];
  for (const call of free) levels[call] = 0;
  let reached = false;
  const visit = (node: number, level: number) => {
    if (levels[node] !== -1) return;
    levels[node] = level;
    queue.push(node);
  };
  for (const node of queue) {
    const level = (levels[node] ?? 0) + 1;
    if (node >= calls && node < calls + writes) {
      const call = owner[node - calls] ?? -1;
      if (call === -1) reached = true;
      else visit(call, level);
      continue;
    }
    const end = starts[node + 1] ?? 0;
    for (let at = starts[node] ?? 0; at < end; at += 1) visit(targets[at] ?? 0, level);
  }
  return reached ? levels : undefined;
}

interface Search {
  /** -1 for a write that a path of this phase has used. */
  readonly levels: Int32Array;
  /** The next edge of each node to try. */
  readonly next: Int32Array;
  readonly matching: Matching;
}

/** A shortest path from a free call to a free write. */
function findPath(graph: CallGraph, from: number, search: Search): readonly number[] | undefined {
  const { calls, writes } = graph;
  const path = [from];
  for (let node = path.at(-1); node !== undefined; node = path.at(-1)) {
    const isWrite = node >= calls && node < calls + writes;
    if (isWrite && search.matching.owner[node - calls] === -1) return path;
    const next = isWrite ? nextCall(graph, node, search) : nextTarget(graph, node, search);
    if (next !== undefined) {
      path.push(next);
    } else {
      // A dead end, for every other path too.
      search.levels[node] = -1;
      path.pop();
    }
  }
  return undefined;
}

function nextCall(
  { calls }: CallGraph,
  write: number,
  { levels, matching }: Search,
): number | undefined {
  const call = matching.owner[write - calls] ?? -1;
  return levels[call] === (levels[write] ?? 0) + 1 ? call : undefined;
}

function nextTarget(
  { starts, targets }: CallGraph,
  node: number,
  { levels, next }: Search,
): number | undefined {
  const end = starts[node + 1] ?? 0;
  let at = next[node] ?? 0;
  while (at < end && levels[targets[at] ?? 0] !== (levels[node] ?? 0) + 1) at += 1;
  next[node] = at;
  return at < end ? targets[at] : undefined;
}

function applyPath(
  { calls, writes }: CallGraph,
  path: readonly number[],
  levels: Int32Array,
  { owner, taken }: Matching,
): void {
  let call = -1;
  for (const node of path) {
    if (node < calls) {
      call = node;
    } else if (node < calls + writes) {
      owner[node - calls] = call;
      taken[call] = node - calls;
      levels[node] = -1;
    }
  }
}
