/**
 * Awaited by a task wherever it can be paused. It returns at once if the point is not among those
 * that are explored, and otherwise when the scheduler grants the task its next step.
 */
export type At = (point: string) => Promise<void>;

/** What is scheduled: a function that announces its points. Nothing else may delay it. */
export type Task = (at: At) => Promise<void>;

/** A fresh state and the tasks that work on it. */
export interface World {
  /** At most 8. */
  readonly tasks: readonly Task[];
  /** Called if a run did not end by itself, to release what its tasks hold in a server. */
  readonly dispose?: () => Promise<void>;
}

/** How a step came to its end. `blocked` goes on later; `stuck` never came back. */
type StepEnd = 'paused' | 'ended' | 'crashed' | 'blocked' | 'stuck';

/** A task that had been blocked, and came back during another's step. */
interface Answered {
  readonly task: number;
  readonly end: StepEnd;
  readonly point: string;
}

/** One step: a task runs from one point to the next. */
export interface Step {
  readonly task: number;
  /** The tasks that could have run instead, itself included: bit t for task t. */
  readonly options: number;
  readonly from: string;
  /** The point where it stopped; if it ended, crashed, is blocked or is stuck, its last one. */
  readonly to: string;
  readonly end: StepEnd;
  readonly answered: readonly Answered[];
}

/** What a blocked task waits for, as the host found out. */
export interface Waiting {
  /** The tasks that hold it up; empty if the host cannot tell. */
  readonly for: readonly number[];
  /** In words, for people. */
  readonly what: string;
}

/** A task of a deadlock. */
interface Waiter extends Waiting {
  readonly task: number;
  /** Its last point. */
  readonly point: string;
}

/**
 * How a run came to its end: all tasks did, or every task that did not is blocked, or one is
 * stuck, or the chooser gave up.
 */
type RunEnd = 'done' | 'deadlock' | 'stuck' | 'given_up';

/** One schedule, executed. */
export interface Run {
  readonly steps: readonly Step[];
  readonly end: RunEnd;
  /** What each task threw; undefined for one that threw nothing. */
  readonly errors: readonly unknown[];
  /** Who waits for whom, if `end` is `deadlock`. */
  readonly waiters: readonly Waiter[];
  /** Tasks that could have run when the chooser gave up; bit t for task t. */
  readonly options: number;
}

/** Chooses the next task among `options`, or gives up with -1. */
export type Choose = (options: number, previous: number, step: number) => number;

/** How one run is executed. */
export interface ExecutionOptions<W extends World> {
  /** A fresh state; nothing of the run before may show in it. */
  readonly fresh: () => W | Promise<W>;
  /** The points at which tasks are paused. */
  readonly points: ReadonlySet<string>;
  /** Monotonic, nanoseconds. Consulted only about a late step. */
  readonly monotonicNs: () => bigint;
  /**
   * Asked about a step that did not come back within `lateAfterMs`: does the task wait in a server
   * for another task? Undefined means that it does not, and that its step is awaited. Without this
   * function no task is ever considered blocked.
   */
  readonly waiting?: ((task: number, world: W) => Promise<Waiting | undefined>) | undefined;
  /** When a step counts as late and `waiting` is called; 50 by default. */
  readonly lateAfterMs?: number | undefined;
  /** When a task that does not wait for another is reported as stuck; 10,000 by default. */
  readonly stuckAfterMs?: number | undefined;
}

const lateAfterMs = 50;
const stuckAfterMs = 10_000;

/** The maximum number of tasks that a set of options has room for. */
export const maxTasks = 8;

/**
 * Executes one schedule: grants steps, one at a time, to the tasks that `choose` names.
 *
 * Real time decides nothing but when to ask whether a late step is blocked: a fast and a slow
 * machine make the same steps.
 *
 * @throws Error if a task announces a point while another one runs
 */
export async function execute<W extends World>(
  options: ExecutionOptions<W>,
  choose: Choose,
): Promise<{ readonly run: Run; readonly world: W }> {
  const fresh = options.fresh();
  const world = fresh instanceof Promise ? await fresh : fresh;
  const execution = new Execution(options, world);
  try {
    const run = await execution.run(choose);
    if (run.end !== 'done') await world.dispose?.();
    return { run, world };
  } finally {
    execution.close();
  }
}

type SlotState = 'held' | 'running' | StepEnd;

interface Slot {
  readonly index: number;
  state: SlotState;
  point: string;
  /** Lets it go on from its point. */
  resume: () => void;
  /** Called when its step is over, or late. */
  notify: (() => void) | undefined;
  error: unknown;
  waiting: Waiting | undefined;
  readonly at: At;
}

const nobody: readonly Answered[] = Object.freeze([]);
const nothing = () => undefined;

class Execution<W extends World> {
  readonly #options: ExecutionOptions<W>;
  readonly #world: W;
  readonly #slots: readonly Slot[];
  readonly #steps: Step[] = [];
  /** One timer per run, postponed at each step: a timer per step would cost as much as the step. */
  readonly #timer: NodeJS.Timeout;
  #granted: Slot | undefined;
  #answered: Answered[] = [];
  #blocked = 0;

  constructor(options: ExecutionOptions<W>, world: W) {
    this.#options = options;
    this.#world = world;
    if (world.tasks.length > maxTasks) throw new RangeError(`more than ${maxTasks} tasks`);
    this.#slots = world.tasks.map((task, index) => this.#slot(task, index));
    this.#timer = setTimeout(() => this.#granted?.notify?.(), options.lateAfterMs ?? lateAfterMs);
  }

  async run(choose: Choose): Promise<Run> {
    let previous = -1;
    for (;;) {
      if (this.#blocked > 0) await this.#askBlocked();
      if (this.#slots.some(({ state }) => state === 'stuck')) return this.#result('stuck', 0);
      const options = this.#heldTasks();
      if (options === 0) return this.#result(this.#blocked > 0 ? 'deadlock' : 'done', 0);
      const chosen = choose(options, previous, this.#steps.length);
      const slot = this.#slots[chosen];
      if (!slot || (options & (1 << chosen)) === 0) return this.#result('given_up', options);
      const from = slot.point;
      this.#answered = [];
      await this.#grant(slot);
      if (slot.state === 'running') await this.#awaitLate(slot);
      this.#steps.push({
        task: chosen,
        options,
        from,
        to: slot.point,
        end: endOf(slot),
        answered: this.#answered.length === 0 ? nobody : this.#answered,
      });
      previous = chosen;
    }
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #result(end: RunEnd, options: number): Run {
    const waiters = this.#slots.flatMap(({ index, state, point, waiting }) =>
      state === 'blocked' && waiting ? [{ task: index, point, ...waiting }] : [],
    );
    return {
      steps: this.#steps,
      end,
      errors: this.#slots.map(({ error }) => error),
      waiters: end === 'deadlock' ? waiters : [],
      options,
    };
  }

  #slot(task: Task, index: number): Slot {
    const slot: Slot = {
      index,
      state: 'held',
      point: 'start',
      resume: () => {
        void this.#launch(task, slot);
      },
      notify: undefined,
      error: undefined,
      waiting: undefined,
      at: (point) => {
        if (!this.#options.points.has(point)) return Promise.resolve();
        if (slot.state !== 'running' && slot.state !== 'blocked') {
          throw new Error(`task ${index} announces ${point} while it is ${slot.state}`);
        }
        return new Promise<void>((resolve) => {
          slot.resume = resolve;
          slot.point = point;
          this.#arrive(slot, 'held');
        });
      },
    };
    return slot;
  }

  async #launch(task: Task, slot: Slot): Promise<void> {
    try {
      await task(slot.at);
      this.#arrive(slot, 'ended');
    } catch (error) {
      slot.error = error ?? new Error('a task threw nothing');
      this.#arrive(slot, 'crashed');
    }
  }

  #arrive(slot: Slot, state: SlotState): void {
    if (slot.state === 'blocked') this.#blocked -= 1;
    const another = this.#granted !== slot;
    slot.state = state;
    slot.waiting = undefined;
    if (another) this.#answered.push({ task: slot.index, end: endOf(slot), point: slot.point });
    slot.notify?.();
  }

  #heldTasks(): number {
    let options = 0;
    for (const { state, index } of this.#slots) if (state === 'held') options |= 1 << index;
    return options;
  }

  /** Lets a task go on; returns when it is at its next point, at its end, or late. */
  #grant(slot: Slot): Promise<void> {
    return new Promise((resolve) => {
      slot.notify = resolve;
      slot.state = 'running';
      this.#granted = slot;
      this.#timer.refresh();
      const { resume } = slot;
      slot.resume = nothing;
      resume();
    });
  }

  /**
   * A late step: the host says whether it is blocked; if not, it is given more time, and then
   * counts as stuck.
   */
  async #awaitLate(slot: Slot): Promise<void> {
    const { monotonicNs, waiting } = this.#options;
    const patienceMs = this.#options.stuckAfterMs ?? stuckAfterMs;
    const sinceNs = monotonicNs();
    while (slot.state === 'running') {
      const found = await waiting?.(slot.index, this.#world);
      if (slot.state !== 'running') return;
      if (found) {
        slot.state = 'blocked';
        slot.waiting = found;
        this.#blocked += 1;
        // Whatever it does from now on happens during another task's step.
        this.#granted = undefined;
        return;
      }
      if (Number(monotonicNs() - sinceNs) / 1e6 >= patienceMs) slot.state = 'stuck';
      else await this.#nextNews(slot);
    }
  }

  #nextNews(slot: Slot): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#options.lateAfterMs ?? lateAfterMs);
      slot.notify = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /**
   * After a step, those who were blocked either still are, or come back now. Both are awaited, so
   * that the next choice is made among the same tasks on every machine.
   */
  async #askBlocked(): Promise<void> {
    for (const slot of this.#slots) {
      if (slot.state !== 'blocked') continue;
      const found = await this.#options.waiting?.(slot.index, this.#world);
      // The answer may have come while the host was asking.
      if (!isBlocked(slot)) continue;
      if (found) {
        slot.waiting = found;
        continue;
      }
      slot.state = 'running';
      this.#blocked -= 1;
      await this.#awaitLate(slot);
    }
    this.#recordAnswers();
  }

  /** Tasks that came back since the last step belong to it, since it released them. */
  #recordAnswers(): void {
    const last = this.#steps.at(-1);
    if (!last || last.answered === this.#answered || this.#answered.length === 0) return;
    this.#steps[this.#steps.length - 1] = { ...last, answered: this.#answered };
  }
}

function isBlocked(slot: Slot): boolean {
  return slot.state === 'blocked';
}

function endOf({ state }: Slot): StepEnd {
  return state === 'held' || state === 'running' ? 'paused' : state;
}
