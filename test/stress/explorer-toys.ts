import type { ExploreOptions } from '../../src/stress/explore/explorer.ts';
import type { At, Run, Task, World } from '../../src/stress/explore/explorer-execution.ts';

/** A toy: tasks without a server. */
export interface Toy extends World {
  readonly state: { value: number };
}

/** What every toy is explored with. */
export const toyOptions = {
  points: new Set(['a', 'b', 'c', 'd', 'read']),
  monotonicNs: process.hrtime.bigint,
};

/** The textbook lost update: read, pause, write what was read plus one. */
export function lostUpdate(): Toy {
  const state = { value: 0 };
  const task: Task = async (at) => {
    const read = state.value;
    await at('read');
    state.value = read + 1;
  };
  return { state, tasks: [task, task] };
}

/** Tasks that pass N points each and touch nothing. */
export function walkers(...points: readonly number[]): () => Toy {
  const names = ['a', 'b', 'c', 'd'];
  const task = (count: number) => async (at: At) => {
    for (const name of names.slice(0, count)) await at(name);
  };
  return () => ({ state: { value: 0 }, tasks: points.map(task) });
}

/** Tasks that pause once more if they came first, so the number of steps varies. */
export function branching(): Toy {
  const state = { value: 0 };
  const task: Task = async (at) => {
    await at('a');
    state.value += 1;
    if (state.value === 1) await at('b');
    if (state.value > 1) await at('c');
    await at('d');
  };
  return { state, tasks: [task, task, async (at) => at('a')] };
}

/** An exploration's options that gather the order of every schedule as text. */
export function gathering(
  fresh: () => Toy,
  more: Partial<ExploreOptions<Toy>> = {},
): { readonly seen: Run[]; readonly options: ExploreOptions<Toy> } {
  const seen: Run[] = [];
  const visit = (run: Run) => {
    seen.push(run);
    return undefined;
  };
  return { seen, options: { ...toyOptions, fresh, visit, ...more } };
}

/** The workers of the steps, as an id has them. */
export function orderOf({ steps }: Run): string {
  return steps.map(({ task }) => task).join('');
}
