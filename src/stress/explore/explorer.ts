import { countSchedules } from './explorer-count.ts';
import {
  type Choose,
  type ExecutionOptions,
  execute,
  type Run,
  type Step,
  type World,
} from './explorer-execution.ts';
import { ScheduleLog } from './explorer-log.ts';

// A stateless model checker: it keeps no state of the program under test, only choices, and returns
// to a state by executing its choices again from a fresh one (Godefroid, "Model Checking for
// Programming Languages using VeriSoft", POPL 1997). Schedules are tried by increasing number of
// preemptions (Musuvathi and Qadeer, "Iterative Context Bounding for Systematic Testing of
// Multithreaded Programs", PLDI 2007: CHESS), and a schedule is described by a list of choices that
// can be executed again, as Lincheck does (Koval et al., CAV 2023). Nothing is pruned by declared
// independence: independence is what is to be proved.
//
// How each schedule is executed exactly once: left alone, the scheduler lets a task go on as long
// as it can, and then takes the lowest-numbered one. A schedule differs from that default by its
// deviations: the steps at which another task was chosen. Its parent is the schedule without the
// last of them; so all schedules are one tree, the default one its root, and the children of a
// schedule deviate at a step after its last deviation. A deviation from a task that could go on is
// a preemption, and costs one; from a task that has ended or is blocked, it is free. Hence level c
// of the search holds the free descendants, by plain depth-first search, of the children by
// preemption of the schedules of level c-1. What these children are is known from the trace of the
// parent, which was executed on the level before, so it need not be executed again.
//
// That trace has to be kept somewhere. No scheme can do without it: whether a preemption is
// possible after a step is known only to the program under test, since tasks may branch, so one
// either executes it again on each level (as CHESS does) or remembers it. It is remembered in two
// bytes per step in a `ScheduleLog`, whose memory is bounded: the excess goes to a temporary file,
// which is read once, from front to back. The search itself needs memory for one path.

export type { Run, Step, World } from './explorer-execution.ts';

/** What the explorer has seen so far. */
export interface Progress {
  /** Schedules executed. */
  readonly done: number;
  /** How many there are in all; undefined if tasks may branch. */
  readonly total: bigint | undefined;
  /** Schedules known to exist: those executed, and the deviations that wait for their turn. */
  readonly found: number;
  /** The number of preemptions of those being tried now. */
  readonly preemptions: number;
}

/** Why an exploration ended before it had tried every schedule. */
export type Stopped = 'interrupted' | 'bound' | 'stuck' | 'visitor';

/** What was covered, exactly. */
export interface Coverage {
  /** Schedules executed, each once. */
  readonly schedules: number;
  /** True if there is no other schedule. */
  readonly complete: boolean;
  readonly stopped: Stopped | undefined;
  /** All schedules with at most this many preemptions were executed; -1 for none. */
  readonly allUpTo: number;
  /** How many those are. */
  readonly schedulesUpTo: number;
  /** How many there are: exact if tasks do not branch or all were executed. */
  readonly total: bigint | undefined;
  /** A lower bound on the same. */
  readonly found: number;
  /** The maximum memory that remembered traces took, bytes. */
  readonly retainedBytes: number;
}

/** Called after each schedule; `stop` ends the exploration. */
export type Visit<W extends World> = (
  run: Run,
  world: W,
) => undefined | 'stop' | Promise<undefined | 'stop'>;

/** How to explore. */
export interface ExploreOptions<W extends World> extends ExecutionOptions<W> {
  readonly visit: Visit<W>;
  /** The maximum number of preemptions to try; unlimited by default. */
  readonly preemptions?: number | undefined;
  /**
   * How many steps each task has, if none ever branches; the number of schedules is then known
   * before the first. A run that disagrees is an error.
   */
  readonly fixedSteps?: readonly number[] | undefined;
  /** Stops the exploration between two schedules. */
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((progress: Progress) => void) | undefined;
  /** Limit on the memory for remembered traces, bytes; 4 MiB by default. */
  readonly keepBytes?: number | undefined;
}

const keepBytes = 4 * 1024 * 1024;

/**
 * Executes every schedule of the tasks, each exactly once, by increasing number of preemptions.
 *
 * A run that ends in a deadlock is a schedule like any other. One that is stuck ends the
 * exploration, since each further one would take as long to give up on.
 *
 * @throws Error if the tasks are not deterministic: the same choices led elsewhere
 */
export async function explore<W extends World>(options: ExploreOptions<W>): Promise<Coverage> {
  return new Exploration(options).run();
}

/**
 * Executes the schedule with these choices.
 *
 * @returns a run whose `end` is `given_up` if a choice was not possible or choices are missing: the
 *   step is `run.steps.length`, what was possible there `run.options`
 */
export async function replay<W extends World>(
  options: ExecutionOptions<W>,
  choices: readonly number[],
): Promise<{ readonly run: Run; readonly world: W }> {
  return execute(options, (_options, _previous, step) => choices[step] ?? -1);
}

/** The tasks of a set of options, lowest first. */
export function tasksOf(options: number): readonly number[] {
  const tasks: number[] = [];
  for (let task = 0; options >> task > 0; task += 1) if (options & (1 << task)) tasks.push(task);
  return tasks;
}

/** How often the scheduler preempted a task that could have gone on. */
export function countPreemptions(steps: readonly Step[]): number {
  let preemptions = 0;
  let previous = -1;
  for (const { task, options } of steps) {
    if (task !== previous && canGoOn(previous, options)) preemptions += 1;
    previous = task;
  }
  return preemptions;
}

/** How often the turn passed from one task to another, for whatever reason. */
export function countSwitches(steps: readonly Step[]): number {
  let switches = 0;
  for (const [index, { task }] of steps.entries()) {
    if (index > 0 && steps[index - 1]?.task !== task) switches += 1;
  }
  return switches;
}

/**
 * What the scheduler does left alone: the task that ran goes on, or else the lowest-numbered one.
 */
function defaultChoice(options: number, previous: number): number {
  return canGoOn(previous, options) ? previous : 31 - Math.clz32(options & -options);
}

function canGoOn(previous: number, options: number): boolean {
  return previous >= 0 && (options & (1 << previous)) !== 0;
}

class Exploration<W extends World> {
  readonly #options: ExploreOptions<W>;
  readonly #bound: number;
  readonly #total: bigint | undefined;
  /** Traces of this level that have children on the next. */
  #next: ScheduleLog;
  #stopped: Stopped | undefined;
  #schedules = 0;
  /** Children on the next level that are known already. */
  #waiting = 0;
  /** Children on this level that were known before it began. */
  #due = 0;
  #level = 0;
  #schedulesUpTo = 0;
  #retainedBytes = 0;

  constructor(options: ExploreOptions<W>) {
    this.#options = options;
    this.#bound = options.preemptions ?? Number.POSITIVE_INFINITY;
    this.#total = options.fixedSteps && countSchedules(options.fixedSteps);
    this.#next = this.#newLog();
  }

  async run(): Promise<Coverage> {
    let current = this.#newLog();
    try {
      await this.#visitTree({ prefix: [], options: [] });
      for (;;) {
        if (this.#stopped) return this.#coverage(this.#level - 1);
        this.#schedulesUpTo = this.#schedules;
        if (this.#waiting === 0) return this.#coverage(this.#level);
        if (this.#level >= this.#bound) {
          this.#stopped = 'bound';
          return this.#coverage(this.#level);
        }
        await current.close();
        current = this.#next;
        this.#next = this.#newLog();
        this.#level += 1;
        this.#due = this.#waiting;
        this.#waiting = 0;
        await this.#visitLevel(current);
      }
    } finally {
      await current.close();
      await this.#next.close();
    }
  }

  #newLog(): ScheduleLog {
    return new ScheduleLog((this.#options.keepBytes ?? keepBytes) / 2);
  }

  /** The children by preemption of every trace of the level before. */
  async #visitLevel(parents: ScheduleLog): Promise<void> {
    for await (const bytes of parents.read()) {
      const trace = decode(bytes);
      for (const child of preemptiveChildren(trace)) {
        this.#due -= 1;
        await this.#visitTree(child);
        if (this.#stopped) return;
      }
    }
  }

  /** Executes a schedule and its descendants by free deviations. */
  async #visitTree(child: Child): Promise<void> {
    if (this.#options.signal?.aborted) this.#stopped = 'interrupted';
    if (this.#stopped) return;
    const { prefix } = child;
    const run = await this.#visit(child);
    const trace: Trace = {
      choices: run.steps.map(({ task }) => task),
      options: run.steps.map(({ options }) => options),
      prefixLength: prefix.length,
    };
    let children = 0;
    for (const _child of preemptiveChildren(trace)) children += 1;
    if (children > 0) {
      this.#waiting += children;
      // A level beyond the bound is never visited, so nothing is kept for it.
      if (this.#level < this.#bound) await this.#next.append(encode(trace));
      this.#retainedBytes = Math.max(this.#retainedBytes, this.#next.memoryBytes);
    }
    this.#report();
    for (const sibling of freeChildren(trace)) await this.#visitTree(sibling);
  }

  async #visit({ prefix, options: before }: Child): Promise<Run> {
    const choose: Choose = (options, previous, step) => {
      const chosen = prefix[step];
      if (chosen === undefined) return defaultChoice(options, previous);
      return options === before[step] ? chosen : -1;
    };
    const { run, world } = await execute(this.#options, choose);
    if (run.end === 'given_up') throw new Error(divergence(run, before));
    this.#schedules += 1;
    if (run.end === 'stuck') this.#stopped = 'stuck';
    else this.#checkFixed(run);
    if ((await this.#options.visit(run, world)) === 'stop') this.#stopped ??= 'visitor';
    return run;
  }

  #checkFixed(run: Run): void {
    const { fixedSteps } = this.#options;
    if (!fixedSteps || run.end !== 'done') return;
    const expected = fixedSteps.reduce((sum, steps) => sum + steps, 0);
    if (run.steps.length === expected) return;
    throw new Error(`a run took ${run.steps.length} steps where ${expected} were declared`);
  }

  #report(): void {
    this.#options.progress?.({
      done: this.#schedules,
      total: this.#total,
      found: this.#found(),
      preemptions: this.#level,
    });
  }

  #found(): number {
    return this.#schedules + this.#waiting + Math.max(0, this.#due);
  }

  #coverage(allUpTo: number): Coverage {
    const complete = this.#stopped === undefined;
    return {
      schedules: this.#schedules,
      complete,
      stopped: this.#stopped,
      allUpTo,
      schedulesUpTo: this.#schedulesUpTo,
      total: complete ? BigInt(this.#schedules) : this.#total,
      found: this.#found(),
      retainedBytes: this.#retainedBytes,
    };
  }
}

/** What is remembered of an executed schedule. */
interface Trace {
  readonly choices: ArrayLike<number> & Iterable<number>;
  readonly options: ArrayLike<number>;
  /** Deviations of children are at or after this step. */
  readonly prefixLength: number;
}

/** A schedule to be executed: the choices up to its last deviation, the rest is the default. */
interface Child {
  readonly prefix: readonly number[];
  /** What was possible at each of these steps when the parent was executed. */
  readonly options: ArrayLike<number>;
}

/** The schedules that preempt a task after the last deviation. */
function preemptiveChildren(trace: Trace): Generator<Child> {
  return children(trace, true);
}

/**
 * The schedules that choose another task, after the last deviation, at a step where none could go
 * on.
 */
function freeChildren(trace: Trace): Generator<Child> {
  return children(trace, false);
}

function* children(trace: Trace, preemptive: boolean): Generator<Child> {
  const choices = [...trace.choices];
  for (let step = trace.prefixLength; step < choices.length; step += 1) {
    const options = trace.options[step] ?? 0;
    const previous = choices[step - 1] ?? -1;
    if (canGoOn(previous, options) !== preemptive) continue;
    const kept = defaultChoice(options, previous);
    for (const task of tasksOf(options & ~(1 << kept))) {
      yield { prefix: [...choices.slice(0, step), task], options: trace.options };
    }
  }
}

function encode({ choices, options, prefixLength }: Trace): Uint8Array {
  const bytes = new Uint8Array(2 + 2 * choices.length);
  bytes[0] = prefixLength & 0xff;
  bytes[1] = prefixLength >> 8;
  for (let step = 0; step < choices.length; step += 1) {
    bytes[2 + 2 * step] = choices[step] ?? 0;
    bytes[3 + 2 * step] = options[step] ?? 0;
  }
  return bytes;
}

function decode(bytes: Uint8Array): Trace {
  const steps = (bytes.length - 2) / 2;
  const choices = new Uint8Array(steps);
  const options = new Uint8Array(steps);
  for (let step = 0; step < steps; step += 1) {
    choices[step] = bytes[2 + 2 * step] ?? 0;
    options[step] = bytes[3 + 2 * step] ?? 0;
  }
  return { choices, options, prefixLength: (bytes[0] ?? 0) + ((bytes[1] ?? 0) << 8) };
}

function divergence({ steps, options }: Run, before: ArrayLike<number>): string {
  const names = (set: number) => tasksOf(set).join(', ') || 'none';
  return (
    `the tasks are not deterministic: at step ${steps.length + 1} the same choices left ` +
    `${names(before[steps.length] ?? 0)} before, and ${names(options)} now`
  );
}
