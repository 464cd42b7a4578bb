import type { SharedModelState } from '../shared-model.ts';
import type { ScheduleAction, ScheduleStep } from '../story.ts';
import type { ObservedWrite } from './exhaustive-watch.ts';
import type { Step } from './explorer-execution.ts';
import { endName } from './schedule.ts';

/** Something that a worker was seen to do, in the step with this index. */
export type Sight = SightKind & { readonly step: number; readonly worker: number };

type SightKind =
  | {
      readonly saw: 'point';
      readonly point: string;
      readonly branch: string;
      readonly state: SharedModelState | undefined;
    }
  | { readonly saw: 'index'; readonly collection: string }
  | { readonly saw: 'write'; readonly write: ObservedWrite; readonly meant: string }
  | { readonly saw: 'end'; readonly state: SharedModelState | undefined }
  | {
      readonly saw: 'crash';
      readonly message: string;
      readonly state: SharedModelState | undefined;
    };

/** What each step did, in order. Pure, and the same for the same schedule. */
export function narrate(steps: readonly Step[], sights: readonly Sight[]): readonly ScheduleStep[] {
  let state: SharedModelState | undefined;
  return steps.map((step, index) => {
    const seen = sights.filter((sight) => sight.step === index);
    for (const sight of seen) if ('state' in sight) state = sight.state;
    return {
      step: index + 1,
      worker: step.task + 1,
      from: step.from,
      to: endName(step),
      actions: seen.flatMap(actionsOf),
      model: state ? { name: state.name, cached: state.cached ?? null } : null,
    };
  });
}

function actionsOf(sight: Sight): readonly ScheduleAction[] {
  switch (sight.saw) {
    case 'point':
      return pointAction(sight);
    case 'index':
      return [{ does: 'indexes', collection: sight.collection }];
    case 'write':
      return [writeAction(sight.write, sight.meant)];
    case 'end':
      return restoreAction(sight.state);
    case 'crash':
      return [{ does: 'crashes', message: sight.message }, ...restoreAction(sight.state)];
  }
}

function pointAction(sight: Sight & { saw: 'point' }): readonly ScheduleAction[] {
  const { point, state, branch } = sight;
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

function restoreAction(state: SharedModelState | undefined): readonly ScheduleAction[] {
  if (!state) return [];
  return [{ does: 'restores', name: state.name, cached: state.cached ?? null }];
}

/** A moment of a story. */
interface Moment {
  readonly step: ScheduleStep;
  readonly action: ScheduleAction;
}

/**
 * Why a schedule went wrong, in one sentence: what was written where, and which step of another
 * worker came in between. Null where nothing went wrong.
 */
export function explain(steps: readonly ScheduleStep[]): string | null {
  const moments: readonly Moment[] = steps.flatMap((step) =>
    step.actions.map((action) => ({ step, action })),
  );
  const wrong = moments.find(
    ({ action }) => action.does === 'crashes' || (action.does === 'writes' && action.wrong),
  );
  if (!wrong) return null;
  const cause = findCause(moments, wrong);
  const because = cause ? `, because ${cause}` : '';
  return `${consequence(wrong)}${because}.`;
}

function consequence({ step: { worker }, action }: Moment): string {
  if (action.does !== 'writes') return `Worker ${worker} crashed with no collection to write to`;
  const { collection, should_be, wrong } = action;
  return wrong === 'lost'
    ? `Worker ${worker}'s write went to ${collection} and matched nothing, not to ${should_be}`
    : `Worker ${worker} wrote to ${collection} instead of ${should_be}`;
}

/** The last step by which another re-pointed the model while this worker relied on it. */
function findCause(moments: readonly Moment[], wrong: Moment): string | undefined {
  const { worker } = wrong.step;
  const before = moments.slice(0, moments.indexOf(wrong));
  const own = before.filter(({ step }) => step.worker === worker);
  const pointed = own.findLast(({ action }) => action.does === 'switches');
  const taken = own.findLast(({ action }) => action.does === 'takes') ?? wrong;
  if (!pointed) return undefined;
  const between = moments.slice(moments.indexOf(pointed), moments.indexOf(taken));
  const culprit = between.findLast(
    ({ step, action }) =>
      step.worker !== worker && (action.does === 'switches' || action.does === 'restores'),
  );
  if (!culprit) return undefined;
  const emptied = wrong.action.does === 'crashes';
  const did = emptied ? "emptied the model's cache" : 're-pointed the model';
  return (
    `worker ${culprit.step.worker}'s step ${culprit.step.step} ${did} ` +
    `between worker ${worker}'s steps ${pointed.step.step} and ${taken.step.step}`
  );
}
