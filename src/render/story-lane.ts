import type {
  FirstWrong,
  FirstWrongEvent,
  ScheduleAction,
  ScheduleStep,
  ScheduleStory,
} from '../stress/check/story.ts';
import type { Lane, LaneStep, LaneWrite, Phrase } from './lane.ts';

const wrongMark = '✗';
const rightMark = '✓';

/** A schedule, step by step. */
export function scheduleLane(story: ScheduleStory, title: string): Lane {
  const steps = story.steps.map(
    (step): LaneStep => ({
      label: String(step.step),
      worker: step.worker,
      phrases: [...step.actions.flatMap(actionPhrases), endPhrase(step)],
      model: step.model,
      writes: step.actions.flatMap((action) => writeOf(action, step.worker)),
      wrong: wrongStep(step),
    }),
  );
  const branches = story.workers.map(({ branch }) => branch);
  // The model's own, if it occurs, comes before the branches.
  const others = collectionsOf(steps).filter((name) => !branches.includes(name));
  return {
    title,
    workers: story.workers.map(({ worker, branch }) => ({
      worker,
      head: `worker ${worker} → ${branch}`,
      label: `adds to ${branch}`,
    })),
    counts: 'step',
    collections: [...new Set([...others, ...branches.toSorted()])],
    steps,
    reason: story.reason ?? '',
    replay: story.replay,
    remark: story.same_again
      ? plain('It was run twice, and ended the same both times.')
      : bad('It was run twice, and did not end the same: something outside interferes.'),
  };
}

/** What a worker did, in words. */
function actionPhrases(action: ScheduleAction): readonly Phrase[] {
  switch (action.does) {
    case 'remembers':
      return [plain(`remembers ${pointing(action)}`)];
    case 'switches':
      return [plain(`switches the model to ${action.name}`)];
    case 'indexes':
      return [plain(`caches ${action.collection}, ensures its index`)];
    case 'takes':
      return [plain(`takes ${action.collection ?? 'nothing'}`)];
    case 'looks_up':
      return [plain(`looks up the model of ${action.branch}`)];
    case 'writes':
      return writePhrases(action);
    case 'crashes':
      return [bad(`${wrongMark} crashes: ${action.message}`)];
    case 'restores':
      return [plain(`restores ${pointing(action)}`)];
  }
}

function writePhrases(action: ScheduleAction & { does: 'writes' }): readonly Phrase[] {
  const { collection, should_be, wrong } = action;
  if (wrong === null) return [{ tone: 'good', text: `${rightMark} writes to ${collection}` }];
  const nothing = wrong === 'lost' ? ', which matches nothing' : '';
  return [bad(`${wrongMark} writes to ${collection}${nothing}`), bad(`  should be ${should_be}`)];
}

function pointing({ name, cached }: { readonly name: string; readonly cached: string | null }) {
  if (cached === name) return name;
  return `${name}, ${cached === null ? 'nothing cached' : `${cached} cached`}`;
}

/** Where a step ended, in words. */
function endPhrase({ to }: ScheduleStep): Phrase {
  return { tone: 'faint', text: to === 'ended' || to === 'crashed' ? to : `at ${to}` };
}

function writeOf(action: ScheduleAction, worker: number): readonly LaneWrite[] {
  if (action.does !== 'writes') return [];
  const { collection, should_be, wrong } = action;
  return [{ worker, collection, should_be, wrong }];
}

function wrongStep({ actions, worker, step }: ScheduleStep): string | null {
  for (const action of actions) {
    if (action.does === 'crashes') return `step ${step}: worker ${worker} crashes`;
    if (action.does === 'writes' && action.wrong) {
      return `step ${step}: ${wrongWrite(worker, action, action.should_be, action.wrong)}`;
    }
  }
  return null;
}

/** The first wrong write of a load run, event by event. */
export function firstWrongLane(first: FirstWrong, title: string): Lane {
  let pointed: LaneStep['model'] = null;
  const steps = first.events.map((event): LaneStep => {
    pointed = pointedBy(event, pointed);
    const own = event.operation === first.operation;
    const at = first.wrong === 'crashed' ? 'crashed' : 'sent';
    return {
      label: event.at_ms.toFixed(3),
      worker: event.worker,
      phrases: [eventPhrase(event, first)],
      model: pointed,
      writes: writesOf(event, first),
      wrong: own && event.event === at ? summaryOf(first) : null,
    };
  });
  return {
    title,
    workers: first.workers.map((worker) => ({
      worker,
      head: `worker ${worker}`,
      label: worker === first.worker ? `adds ${first.amount} to ${first.branch}` : 'meanwhile',
    })),
    counts: 'ms',
    collections: [...new Set([...collectionsOf(steps), first.branch])].sort(ownFirst),
    steps,
    reason: first.reason,
    replay: '',
    remark: plain(
      'Only the steps of the workers that took part are shown; times count from the first.',
    ),
  };
}

/** What happened at an event, in words. */
function eventPhrase(event: FirstWrongEvent, wrong: FirstWrong): Phrase {
  const { collection, name } = event;
  const own = event.operation === wrong.operation;
  const missed = own && collection !== wrong.expected_collection;
  switch (event.event) {
    case 'captured':
      return plain(`remembers ${name ?? 'nothing'}`);
    case 'switched':
      return (!own && name === wrong.collection ? bad : plain)(`switches the model to ${name}`);
    case 'resolved': {
      const taken = `takes ${collection ?? 'an empty cache'}`;
      return missed ? bad(`${taken} ${wrongMark}`) : plain(taken);
    }
    case 'sent':
      return missed
        ? bad(`${wrongMark} writes to ${collection}, not ${wrong.expected_collection}`)
        : plain(`writes to ${collection}`);
    case 'written':
      return own && wrong.matched === 0 ? bad(`${wrongMark} matched no account`) : plain('written');
    case 'crashed':
      return own ? bad(`${wrongMark} crashes`) : plain('crashes');
    case 'restored':
      return plain(`restores ${name ?? 'nothing'}`);
  }
}

/** Where the model points, as far as the steps of these workers show. */
function pointedBy(event: FirstWrongEvent, before: LaneStep['model']): LaneStep['model'] {
  const { event: kind, name, collection } = event;
  if (name !== undefined) return { name, cached: collection };
  if (kind === 'resolved' && collection !== null) {
    return { name: before?.name ?? collection, cached: collection };
  }
  return before;
}

function writesOf(event: FirstWrongEvent, first: FirstWrong): readonly LaneWrite[] {
  const { event: kind, worker, collection, operation } = event;
  if (kind !== 'sent' || collection === null) return [];
  // Where the other worker's operation belonged is not known here.
  const own = operation === first.operation;
  const should_be = own ? first.expected_collection : collection;
  return [{ worker, collection, should_be, wrong: own ? first.wrong : null }];
}

function summaryOf({ worker, collection, expected_collection, wrong }: FirstWrong): string {
  if (wrong === 'crashed') return `worker ${worker} crashes`;
  return wrongWrite(worker, { collection }, expected_collection, wrong);
}

function wrongWrite(
  worker: number,
  { collection }: { readonly collection: string | null },
  meant: string,
  wrong: string,
): string {
  return `worker ${worker}'s write to ${collection}, not ${meant}, is ${wrong}`;
}

/** The shared model's own collection, which is not a branch's, comes first. */
function ownFirst(left: string, right: string): number {
  const isBranch = (name: string) => Number(name.startsWith('branch'));
  return isBranch(left) - isBranch(right) || left.localeCompare(right, 'en', { numeric: true });
}

/** Where the steps point or write. */
function collectionsOf(steps: readonly LaneStep[]): readonly string[] {
  return steps.flatMap(({ model, writes }) => [
    ...(model ? [model.name] : []),
    ...writes.map(({ collection }) => collection),
  ]);
}

function plain(text: string): Phrase {
  return { tone: 'plain', text };
}

function bad(text: string): Phrase {
  return { tone: 'bad', text };
}
