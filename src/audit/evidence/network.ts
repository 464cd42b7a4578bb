/**
 * What can have become of the calls of one account number, as flows of money in a small network.
 *
 * Money of calls with positive amounts flows from the calls of a branch to the place where it
 * arrived; that of negative amounts flows from the place that lost it back to its calls. A call
 * that changed nothing has "nowhere" as its place. The possible worlds, if no more is known of the
 * calls than sums, are exactly the integral flows of this network: so a linear statement is true in
 * all of them if no cycle of the residual network changes its value.
 * Source: Ahuja, Magnanti and Orlin, Network Flows, theorem 3.8 (two flows differ by cycles of the
 * residual network) and theorem 9.10 (integrality).
 */
export interface Network {
  /** The net amount of branch `from`'s money that is in place `to`, less that of the way back. */
  readonly moved: (from: number, to: number) => Known;
  /** The net amount of a branch's money that reached no place. */
  readonly lost: (branch: number) => Known;
}

/** A value in one possible world, and whether it is the same in all. */
interface Known {
  readonly minor: bigint;
  readonly isFixed: boolean;
}

/** The sums of the calls that were meant for one branch, by sign. In one unit; none negative. */
export interface CallSums {
  readonly plus: SumsOfSign;
  readonly minus: SumsOfSign;
}

/** Absolute amounts; `missed` and `matched` are parts of `all` that do not overlap. */
interface SumsOfSign {
  readonly all: bigint;
  /** Of calls known to have changed no document. */
  readonly missed: bigint;
  /** Of calls known to have changed one. */
  readonly matched: bigint;
}

/** A branch or stray with respect to one account number. */
export interface NetworkPlace {
  /** Whether it has a document of that account number. */
  readonly isHeld: boolean;
  /** What the place has too much, in the unit of the sums; negative if it has too little. */
  readonly residual: bigint;
  readonly calls: CallSums;
}

interface Arc {
  readonly from: number;
  readonly to: number;
  readonly capacity: bigint;
  flow: bigint;
}

/** The nodes of a network of `n` places. */
function nodesOf(n: number) {
  return {
    plus: (place: number) => place,
    minus: (place: number) => n + place,
    place: (place: number) => 2 * n + place,
    nowhere: 3 * n,
    source: 3 * n + 1,
    sink: 3 * n + 2,
    count: 3 * n + 3,
  };
}

type Nodes = ReturnType<typeof nodesOf>;

/** @returns undefined if no fates of the calls can have led to these residuals */
export function solveNetwork(places: readonly NetworkPlace[]): Network | undefined {
  const nodes = nodesOf(places.length);
  if (places.some((place) => !place.isHeld && received(place) !== 0n)) return undefined;
  const calls = callArcs(places, nodes);
  const ends = endArcs(places, nodes);
  saturate([...calls, ...ends], nodes);
  if (ends.some(({ flow, capacity }) => flow !== capacity)) return undefined;
  const components = componentsOf(calls, nodes.count);
  const value = (weights: readonly (readonly [from: number, to: number, weight: bigint])[]) => {
    const weightOf = (arc: Arc) =>
      weights.find(([from, to]) => arc.from === from && arc.to === to)?.[2] ?? 0n;
    return {
      minor: calls.reduce((sum, arc) => sum + weightOf(arc) * arc.flow, 0n),
      isFixed: isFixed(calls, weightOf, components),
    };
  };
  return {
    moved: (from, to) =>
      value([
        [nodes.plus(from), nodes.place(to), 1n],
        [nodes.place(to), nodes.minus(from), -1n],
        [nodes.plus(to), nodes.place(from), -1n],
        [nodes.place(from), nodes.minus(to), 1n],
      ]),
    lost: (branch) => {
      const { minor, isFixed } = value([
        [nodes.plus(branch), nodes.nowhere, 1n],
        [nodes.nowhere, nodes.minus(branch), -1n],
      ]);
      const sums = places[branch]?.calls;
      return { minor: minor + (sums ? sums.plus.missed - sums.minus.missed : 0n), isFixed };
    },
  };
}

/** What all calls together have added to a place. */
function received({ residual, calls }: NetworkPlace): bigint {
  return residual + calls.plus.all - calls.minus.all;
}

/** From the calls of each branch to wherever they can have gone, and back for negative amounts. */
function callArcs(places: readonly NetworkPlace[], nodes: Nodes): readonly Arc[] {
  return places.flatMap(({ calls: { plus, minus } }, branch) => {
    const held = places.flatMap(({ isHeld }, place) => (isHeld ? [nodes.place(place)] : []));
    const out = (to: number, capacity: bigint) => arc(nodes.plus(branch), to, capacity);
    const back = (from: number, capacity: bigint) => arc(from, nodes.minus(branch), capacity);
    return [
      ...held.map((place) => out(place, plus.all - plus.missed)),
      out(nodes.nowhere, plus.all - plus.missed - plus.matched),
      ...held.map((place) => back(place, minus.all - minus.missed)),
      back(nodes.nowhere, minus.all - minus.missed - minus.matched),
    ];
  });
}

/** What each node gives or takes; calls that are known to have missed are left out. */
function endArcs(places: readonly NetworkPlace[], nodes: Nodes): readonly Arc[] {
  const sum = (of: (place: NetworkPlace) => bigint) =>
    places.reduce((total, place) => total + of(place), 0n);
  const demand = (node: number, amount: bigint) =>
    amount >= 0n ? arc(node, nodes.sink, amount) : arc(nodes.source, node, -amount);
  const nowhere = sum(({ residual, calls: { plus, minus } }) => {
    return -residual - plus.missed + minus.missed;
  });
  return [
    ...places.flatMap(({ calls: { plus, minus } }, branch) => [
      arc(nodes.source, nodes.plus(branch), plus.all - plus.missed),
      arc(nodes.minus(branch), nodes.sink, minus.all - minus.missed),
    ]),
    ...places.map((place, index) => demand(nodes.place(index), received(place))),
    demand(nodes.nowhere, nowhere),
  ];
}

function arc(from: number, to: number, capacity: bigint): Arc {
  return { from, to, capacity, flow: 0n };
}

/** One way through an arc, forward or back. */
interface Step {
  readonly arc: Arc;
  readonly isForward: boolean;
  readonly from: number;
  readonly to: number;
}

/** The steps that the flow leaves open, by the node where they begin. */
function openSteps(arcs: readonly Arc[], nodes: number): readonly (readonly Step[])[] {
  const steps: Step[][] = Array.from({ length: nodes }, () => []);
  for (const arc of arcs) {
    const { from, to } = arc;
    if (arc.flow < arc.capacity) steps[from]?.push({ arc, isForward: true, from, to });
    if (arc.flow > 0n) steps[to]?.push({ arc, isForward: false, from: to, to: from });
  }
  return steps;
}

/** Makes the flow from source to sink as large as it can be, along shortest paths. */
function saturate(arcs: readonly Arc[], { source, sink, count }: Nodes): void {
  for (;;) {
    const path = shortestPath(openSteps(arcs, count), source, sink);
    if (path.length === 0) return;
    const rooms = path.map(({ arc, isForward }) =>
      isForward ? arc.capacity - arc.flow : arc.flow,
    );
    const [amount = 0n] = rooms.sort((one, other) => (one < other ? -1 : 1));
    for (const { arc, isForward } of path) arc.flow += isForward ? amount : -amount;
  }
}

function shortestPath(
  steps: readonly (readonly Step[])[],
  source: number,
  sink: number,
): readonly Step[] {
  const reachedBy = new Map<number, Step | undefined>([[source, undefined]]);
  // A set is walked in the order of insertion, with what is added meanwhile.
  for (const node of reachedBy.keys()) {
    for (const step of steps[node] ?? []) {
      if (!reachedBy.has(step.to)) reachedBy.set(step.to, step);
    }
    if (reachedBy.has(sink)) break;
  }
  const path: Step[] = [];
  for (let step = reachedBy.get(sink); step; step = reachedBy.get(step.from)) path.unshift(step);
  return path;
}

/** Which nodes lie on a common cycle of open steps: their component's number, by node. */
interface Components {
  readonly of: readonly number[];
  /** The open steps within components. */
  readonly steps: readonly (readonly Step[])[];
}

function componentsOf(arcs: readonly Arc[], count: number): Components {
  const steps = openSteps(arcs, count);
  const reached = steps.map((_, node) => {
    const seen = new Set([node]);
    for (const at of seen) for (const { to } of steps[at] ?? []) seen.add(to);
    return seen;
  });
  const of = reached.map((seen, node) =>
    reached.findIndex((other, index) => seen.has(index) && other.has(node)),
  );
  return { of, steps: steps.map((some) => some.filter(({ from, to }) => of[from] === of[to])) };
}

/** Whether no cycle changes the weighted sum: then each node of a component has one height. */
function isFixed(
  arcs: readonly Arc[],
  weightOf: (arc: Arc) => bigint,
  { steps }: Components,
): boolean {
  const weights = new Map(arcs.map((arc) => [arc, weightOf(arc)]));
  const heights = new Map<number, bigint>();
  /** Gives the node at the end of a step its height, and says whether it can have it. */
  const climb = ({ arc, isForward, from, to }: Step, left: number[]): boolean => {
    const weight = weights.get(arc) ?? 0n;
    const height = (heights.get(from) ?? 0n) + (isForward ? weight : -weight);
    if (!heights.has(to)) {
      heights.set(to, height);
      left.push(to);
    }
    return heights.get(to) === height;
  };
  for (const start of steps.keys()) {
    if (heights.has(start)) continue;
    heights.set(start, 0n);
    const left = [start];
    for (let node = left.pop(); node !== undefined; node = left.pop()) {
      if (!(steps[node] ?? []).every((step) => climb(step, left))) return false;
    }
  }
  return true;
}
