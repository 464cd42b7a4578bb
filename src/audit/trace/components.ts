/** A directed graph whose edges are asked for one by one. */
interface Digraph {
  readonly nodes: number;
  /** The target of the edge with that number, from 0; undefined after the last. */
  readonly target: (node: number, edge: number) => number | undefined;
}

/**
 * The strongly connected component of each node: two nodes share a number if and only if each can
 * be reached from the other. Without recursion, which a long path would exhaust.
 * Source: Tarjan, "Depth-First Search and Linear Graph Algorithms", 1972.
 */
export function findComponents({ nodes, target }: Digraph): Int32Array {
  const component = new Int32Array(nodes).fill(-1);
  const order = new Int32Array(nodes).fill(-1);
  const lowest = new Int32Array(nodes);
  const edge = new Int32Array(nodes);
  const open: number[] = [];
  let visited = 0;
  let components = 0;
  const enter = (node: number, path: number[]) => {
    order[node] = visited;
    lowest[node] = visited;
    visited += 1;
    open.push(node);
    path.push(node);
  };
  const lower = (node: number, to: number) => {
    lowest[node] = Math.min(lowest[node] ?? 0, to);
  };
  const close = (node: number) => {
    for (let member = open.pop(); member !== undefined; member = open.pop()) {
      component[member] = components;
      if (member === node) break;
    }
    components += 1;
  };
  const advance = (node: number, path: number[]) => {
    const next = target(node, edge[node] ?? 0);
    edge[node] = (edge[node] ?? 0) + 1;
    if (next === undefined) return false;
    if (order[next] === -1) enter(next, path);
    else if (component[next] === -1) lower(node, order[next] ?? 0);
    return true;
  };
  for (let root = 0; root < nodes; root += 1) {
    if (order[root] !== -1) continue;
    const path: number[] = [];
    enter(root, path);
    for (let node = path.at(-1); node !== undefined; node = path.at(-1)) {
      if (advance(node, path)) continue;
      path.pop();
      const parent = path.at(-1);
      if (parent !== undefined) lower(parent, lowest[node] ?? 0);
      if (lowest[node] === order[node]) close(node);
    }
  }
  return component;
}
