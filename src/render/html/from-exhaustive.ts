import type {
  ExhaustiveModelResult,
  ExhaustiveResult,
} from '../../stress/schedules/exhaustive-result.ts';
import type { ScheduleAction } from '../../stress/story.ts';
import { actionPhrases, endPhrase } from '../schedule-columns.ts';
import type { Lane, LaneStep, LaneWrite, ReportData, ReportModel, Tone } from './report-data.ts';
import { reportVerdict } from './verdict.ts';

/** An exhaustive run, as the page shows it. */
export function fromExhaustive(
  result: ExhaustiveResult,
): Pick<ReportData, 'mode' | 'verdict' | 'models'> {
  return {
    mode: `${result.workers} workers, paused at ${result.points.join(', ')}`,
    verdict: reportVerdict(result),
    models: result.models.map(modelOf),
  };
}

function modelOf(result: ExhaustiveModelResult): ReportModel {
  const { model, schedules, wrong, covered, trouble, complete } = result;
  const lane = laneOf(result);
  return {
    model,
    summary: complete
      ? `${count(wrong)} of all ${count(schedules)} schedules end wrong.`
      : `${count(wrong)} of ${count(schedules)} schedules end wrong. Covered: ${covered}.`,
    tone: wrong > 0 ? 'bad' : complete ? 'good' : 'warn',
    unit: `schedules, ${count(Math.round(result.schedules_per_second))} a second`,
    total: schedules,
    outcomes: [
      outcome('right', schedules - wrong, 'good'),
      outcome('wrong', wrong, 'bad'),
      outcome('misplaced', result.misplaced, 'bad'),
      outcome('lost', result.lost, 'bad'),
      outcome('crashed', result.crashed, 'bad'),
      outcome('left_switched', result.left_switched, 'warn'),
      ...(result.deadlocked > 0 ? [outcome('deadlocked', result.deadlocked, 'bad')] : []),
      ...(result.stuck > 0 ? [outcome('stuck', result.stuck, 'warn')] : []),
    ],
    branches: result.branches,
    ...(lane ? { lane } : {}),
    ...(trouble ? { remarks: [`The first trouble: ${trouble}.`] } : {}),
  };
}

function outcome(name: string, number: number, tone: Tone) {
  return { name, count: number, tone };
}

function laneOf({ model, shortest_wrong, replayed }: ExhaustiveModelResult): Lane | undefined {
  const story = shortest_wrong ?? replayed;
  if (!story) return undefined;
  const steps = story.steps.map((step): LaneStep => {
    const writes = step.actions.flatMap((action) => writeOf(action, step.worker));
    return {
      label: String(step.step),
      worker: step.worker,
      phrases: [...step.actions.flatMap(actionPhrases), endPhrase(step)].map(({ tone, text }) => ({
        tone: tone === 'head' ? 'plain' : tone,
        text,
      })),
      model: step.model,
      writes,
      wrong: wrongOf(step.actions, step.worker, step.step),
    };
  });
  return {
    title: shortest_wrong
      ? `The shortest wrong schedule of the ${model} model`
      : `The schedule that was asked for, of the ${model} model`,
    workers: story.workers.map(({ worker, branch }) => ({ worker, label: `adds to ${branch}` })),
    collections: collectionsOf(
      steps,
      story.workers.map(({ branch }) => branch),
    ),
    steps,
    reason: story.reason ?? '',
    replay: story.replay,
    remark: story.same_again
      ? 'It was run twice, and ended the same both times. Again:'
      : 'It was run twice, and did not end the same: something outside interferes. Again:',
  };
}

function writeOf(action: ScheduleAction, worker: number): readonly LaneWrite[] {
  if (action.does !== 'writes') return [];
  const { collection, should_be, wrong } = action;
  return [{ worker, collection, should_be, wrong }];
}

function wrongOf(actions: readonly ScheduleAction[], worker: number, step: number): string | null {
  for (const action of actions) {
    if (action.does === 'crashes') return `step ${step}: worker ${worker} crashes`;
    if (action.does === 'writes' && action.wrong) {
      const { wrong, collection, should_be } = action;
      const place = `${collection}, not ${should_be},`;
      return `step ${step}: worker ${worker}'s write to ${place} is ${wrong}`;
    }
  }
  return null;
}

/** The model's own first, where it occurs, then the branches. */
function collectionsOf(steps: readonly LaneStep[], branches: readonly string[]): string[] {
  const seen = steps.flatMap(({ model, writes }) => [
    ...(model ? [model.name] : []),
    ...writes.map(({ collection }) => collection),
  ]);
  const others = seen.filter((name) => !branches.includes(name));
  return [...new Set([...others, ...[...branches].sort()])];
}

function count(number: number): string {
  return number.toLocaleString('en');
}
