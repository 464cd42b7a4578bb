import type { ScheduleAction, ScheduleStep } from '../check/story.ts';
import type { IssuedCommand, ObservedWrite } from '../drive/command-monitor.ts';
import type { Step, Task } from '../explore/explorer-execution.ts';
import { endName } from '../explore/schedule.ts';
import type { Subject } from '../subjects/plain-models.ts';
import type { SharedModelState } from '../subjects/shared-model.ts';

/** Something that a worker was seen to do in the step with this index. */
interface Sight {
  readonly step: number;
  /** Called at the end of the schedule: what a write matched is not known when it is sent. */
  readonly actions: () => readonly ScheduleAction[];
  /** Where the model pointed then, if that was checked. */
  readonly state?: SharedModelState | undefined;
}

/** Notes what the workers of one schedule do, step by step. */
export class Narrator {
  readonly #subject: Subject;
  readonly #branchOf: readonly string[];
  readonly #points: ReadonlySet<string>;
  readonly #sights: Sight[] = [];
  #step = -1;

  /**
   * @param branchOf the branch of each worker
   * @param points where a step ends
   */
  constructor(subject: Subject, branchOf: readonly string[], points: ReadonlySet<string>) {
    this.#subject = subject;
    this.#branchOf = branchOf;
    this.#points = points;
  }

  /** The same task, with its actions noted. */
  watch(task: Task, worker: number): Task {
    return async (at) => {
      this.#begin();
      try {
        await task(async (point) => {
          this.#look((state) => pointActions(point, state, this.#branchOf[worker] ?? ''));
          await at(point);
          if (this.#points.has(point)) this.#begin();
        });
        this.#look(restoreActions);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        this.#look((state) => [{ does: 'crashes', message }, ...restoreActions(state)]);
        throw error;
      }
    };
  }

  /** Notes a command of the schedule as it is sent. */
  noteCommand({ command, collection }: IssuedCommand, write: ObservedWrite | undefined): void {
    const step = this.#step;
    if (command === 'createIndexes') {
      this.#sights.push({ step, actions: () => [{ does: 'indexes', collection }] });
    } else if (write) {
      const meant = this.#branchOf[write.worker] ?? '';
      this.#sights.push({ step, actions: () => [writeAction(write, meant)] });
    }
  }

  /** What each step did, in order; the same for the same schedule. */
  narrate(steps: readonly Step[]): readonly ScheduleStep[] {
    let state: SharedModelState | undefined;
    return steps.map((step, index) => {
      const seen = this.#sights.filter((sight) => sight.step === index);
      for (const sight of seen) state = sight.state ?? state;
      return {
        step: index + 1,
        worker: step.task + 1,
        from: step.from,
        to: endName(step),
        actions: seen.flatMap(({ actions }) => actions()),
        model: state ? { name: state.name, cached: state.cached ?? null } : null,
      };
    });
  }

  #begin(): void {
    this.#step += 1;
  }

  #look(actionsAt: (state: SharedModelState | undefined) => readonly ScheduleAction[]): void {
    const state = this.#subject.state();
    this.#sights.push({ step: this.#step, actions: () => actionsAt(state), state });
  }
}

function pointActions(
  point: string,
  state: SharedModelState | undefined,
  branch: string,
): readonly ScheduleAction[] {
  if (!state) return point === 'resolved' ? [{ does: 'looks_up', branch }] : [];
  const cached = state.cached ?? null;
  if (point === 'captured') return [{ does: 'remembers', name: state.name, cached }];
  if (point === 'switched') return [{ does: 'switches', name: state.name }];
  if (point === 'resolved') return [{ does: 'takes', collection: cached }];
  return [];
}

function writeAction({ collection, matched }: ObservedWrite, meant: string): ScheduleAction {
  const wrong = matched === 0 ? 'lost' : collection === meant ? null : 'misplaced';
  return { does: 'writes', collection, should_be: meant, matched: matched ?? null, wrong };
}

function restoreActions(state: SharedModelState | undefined): readonly ScheduleAction[] {
  if (!state) return [];
  return [{ does: 'restores', name: state.name, cached: state.cached ?? null }];
}
