/** One call of the application's log, for one account number. */
export interface Call {
  /** In the same unit as the amounts of the writes. */
  readonly amount: bigint;
  /** The first and the last moment at which its write may have happened, milliseconds. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Whether the log knows that it changed a document; `maybe` if it does not say. */
  readonly landed: 'yes' | 'no' | 'maybe';
}

/** One write that the server recorded for the account number. */
export interface Write {
  readonly place: string;
  /** Undefined for the first write of a document in the history, whose value before is unknown. */
  readonly amount: bigint | undefined;
  /** By the server's clock, milliseconds. */
  readonly atMs: number;
}

/**
 * Which calls can explain which writes, without an edge for each pair: the writes of one amount are
 * the leaves of a binary tree in the order of time, and a call points to the few nodes that cover
 * its window. Nodes are the calls, then the writes, then the inner nodes of the trees.
 */
export interface CallGraph {
  readonly calls: number;
  readonly writes: number;
  readonly nodes: number;
  /** The targets of node n are `targets[starts[n]]` up to `targets[starts[n + 1]]`. */
  readonly starts: Int32Array;
  readonly targets: Int32Array;
  /** For each call, the writes of its amount in its window: a range of `group`. */
  readonly ranges: readonly (CallRange | undefined)[];
  /** For each write, true if some call can explain it. */
  readonly hasCall: readonly boolean[];
}

interface CallRange {
  /** The writes of one amount, by time. */
  readonly group: readonly number[];
  readonly from: number;
  /** The first that is later. */
  readonly to: number;
}

/**
 * Builds the graph in O((calls + writes) log writes).
 * @returns undefined if it would have more than `maxEdges` edges
 */
export function createCallGraph(
  calls: readonly Call[],
  writes: readonly Write[],
  maxEdges: number,
): CallGraph | undefined {
  const groups = groupByAmount(writes);
  const unknown = groups.get(undefined) ?? [];
  const ranges = calls.map((call) => rangeOf(call, groups.get(call.amount), writes));
  const unknownRanges = calls.map((call) => rangeOf(call, unknown, writes));
  const starts: number[] = [];
  const targets: number[] = [];
  const trees = placeTrees(groups, calls.length + writes.length);
  for (const index of calls.keys()) {
    starts.push(targets.length);
    const range = ranges[index];
    if (range) coverRange(range, trees.get(range.group) ?? 0, calls.length, targets);
    const early = unknownRanges[index];
    for (const write of early?.group.slice(early.from, early.to) ?? []) {
      targets.push(calls.length + write);
    }
    if (targets.length > maxEdges) return undefined;
  }
  // Where a write leads depends on who explains it: see `owner`.
  for (const _ of writes) starts.push(targets.length);
  for (const group of groups.values()) {
    if (group === unknown) continue;
    const base = trees.get(group) ?? 0;
    for (let node = 1; node < group.length; node += 1) {
      starts.push(targets.length);
      for (const child of [2 * node, 2 * node + 1]) {
        targets.push(nodeOf(child, group, base, calls.length));
      }
    }
  }
  const nodes = starts.length;
  starts.push(targets.length);
  return {
    calls: calls.length,
    writes: writes.length,
    nodes,
    starts: Int32Array.from(starts),
    targets: Int32Array.from(targets),
    ranges,
    hasCall: markCovered(writes.length, [...ranges, ...unknownRanges]),
  };
}

function groupByAmount(writes: readonly Write[]): Map<bigint | undefined, number[]> {
  const groups = new Map<bigint | undefined, number[]>();
  for (const [index, { amount }] of writes.entries()) {
    const group = groups.get(amount);
    if (group) group.push(index);
    else groups.set(amount, [index]);
  }
  const timeOf = (index: number) => writes[index]?.atMs ?? 0;
  for (const group of groups.values()) group.sort((left, right) => timeOf(left) - timeOf(right));
  return groups;
}

function rangeOf(
  { fromMs, toMs, landed }: Call,
  group: readonly number[] | undefined,
  writes: readonly Write[],
): CallRange | undefined {
  if (!group || landed === 'no') return undefined;
  const timeOf = (position: number) => writes[group[position] ?? 0]?.atMs ?? 0;
  const from = firstPosition(group.length, (position) => timeOf(position) >= fromMs);
  const to = firstPosition(group.length, (position) => timeOf(position) > toMs);
  return from < to ? { group, from, to } : undefined;
}

/** The first position at which a condition holds that holds from there on. */
function firstPosition(length: number, holds: (position: number) => boolean): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The number of the first inner node of each tree, less one: inner nodes count from 1. */
function placeTrees(
  groups: ReadonlyMap<bigint | undefined, readonly number[]>,
  firstNode: number,
): ReadonlyMap<readonly number[], number> {
  const trees = new Map<readonly number[], number>();
  let next = firstNode - 1;
  for (const [amount, group] of groups) {
    if (amount === undefined) continue;
    trees.set(group, next);
    next += group.length - 1;
  }
  return trees;
}

/**
 * In a tree of m leaves, the inner nodes are 1 to m - 1, the leaves m to 2m - 1, and the children
 * of n are 2n and 2n + 1. Source: "Efficient and easy segment trees", by Al.Cash.
 */
function nodeOf(node: number, group: readonly number[], base: number, calls: number): number {
  return node < group.length ? base + node : calls + (group[node - group.length] ?? 0);
}

function coverRange(
  { group, from, to }: CallRange,
  base: number,
  calls: number,
  targets: number[],
): void {
  let low = from + group.length;
  let high = to + group.length;
  while (low < high) {
    if (low % 2 === 1) {
      targets.push(nodeOf(low, group, base, calls));
      low += 1;
    }
    if (high % 2 === 1) {
      high -= 1;
      targets.push(nodeOf(high, group, base, calls));
    }
    low /= 2;
    high /= 2;
  }
}

function markCovered(writes: number, ranges: readonly (CallRange | undefined)[]): boolean[] {
  const changes = new Map<readonly number[], Int32Array>();
  for (const range of ranges) {
    if (!range) continue;
    const steps = changes.get(range.group) ?? new Int32Array(range.group.length + 1);
    changes.set(range.group, steps);
    steps[range.from] = (steps[range.from] ?? 0) + 1;
    steps[range.to] = (steps[range.to] ?? 0) - 1;
  }
  const covered = Array.from({ length: writes }, () => false);
  for (const [group, steps] of changes) {
    let depth = 0;
    for (const [position, write] of group.entries()) {
      depth += steps[position] ?? 0;
      covered[write] = depth > 0;
    }
  }
  return covered;
}
