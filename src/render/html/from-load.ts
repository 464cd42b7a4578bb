import type { EventTimeline } from '../../stress/check/timeline.ts';
import type { LoadModelReport, LoadReport } from '../../stress/drive/report.ts';
import type { FirstWrong, FirstWrongEvent } from '../../stress/load/explain.ts';
import { eventPhrase } from '../swimlane.ts';
import { timelineOfEvents } from './from-events.ts';
import type {
  Lane,
  LaneStep,
  ReportData,
  ReportModel,
  ReportTimeline,
  Tone,
} from './report-data.ts';
import { reportVerdict } from './verdict.ts';

/**
 * A load run, as the page shows it.
 *
 * @param timelines by model
 */
export function fromLoad(
  report: LoadReport,
  timelines: ReadonlyMap<string, EventTimeline>,
): Pick<ReportData, 'mode' | 'verdict' | 'models'> {
  return {
    mode: `load of ${report.workers} workers, seed ${report.seed}`,
    verdict: reportVerdict(report),
    models: report.models.map((model) => modelOf(model, timelines.get(model.model))),
  };
}

function modelOf(report: LoadModelReport, timeline: EventTimeline | undefined): ReportModel {
  const { model, operations, wrong, left_switched, first_wrong } = report;
  const number = (name: string, count: number, tone: Tone) => ({ name, count, tone });
  return {
    model,
    summary: `${count(wrong)} of ${count(operations)} increments went wrong.`,
    tone: wrong > 0 ? 'bad' : 'good',
    unit: 'increments',
    total: operations,
    outcomes: [
      number('acknowledged', report.acknowledged, 'plain'),
      number('right', operations - wrong, 'good'),
      number('wrong', wrong, 'bad'),
      number('misplaced', report.misplaced, 'bad'),
      number('lost', report.lost, 'bad'),
      number('crashed', report.crashed, 'bad'),
    ],
    branches: report.branches,
    throughput: report.throughput,
    latency_ms: report.latency_ms,
    ...(timeline ? { timeline: timelineOf(timeline) } : {}),
    ...(first_wrong ? { lane: laneOf(model, first_wrong) } : {}),
    ...(left_switched > 0
      ? { remarks: ['The model did not point at its own collection at the end.'] }
      : {}),
  };
}

/** The time line of increments: what went wrong is marked, and each says where it was written. */
function timelineOf(timeline: EventTimeline): ReportTimeline {
  const { window, ...columns } = timelineOfEvents(timeline);
  const operations = timeline.window.operations.map((shown) => {
    const { worker, from_ms, to_ms, about, operation, collection, wrong } = shown;
    const went = collection === null ? 'written nowhere' : `written to ${collection}`;
    const ended = wrong === null ? '' : `, ${wrong}`;
    const took = `${(to_ms - from_ms).toFixed(1)} ms`;
    const [branch] = about.split(':');
    const name = `operation ${operation?.split('-').at(-1)} of worker ${worker} for ${branch}`;
    const told = `${name}: ${went}${ended}, ${took}`;
    return { worker, from_ms, to_ms, told, marked: wrong !== null };
  });
  const { wrong } = timeline;
  return {
    ...columns,
    marked: wrong,
    mark: 'wrong',
    window: { ...window, row: 'worker', operations },
  };
}

function laneOf(model: string, first: FirstWrong): Lane {
  let pointed: LaneStep['model'] = null;
  const steps = first.events.map((event): LaneStep => {
    pointed = pointedBy(event, pointed);
    const { text, bad } = eventPhrase(event, first);
    const own = event.operation === first.operation;
    return {
      label: event.at_ms.toFixed(3),
      worker: event.worker,
      phrases: [{ tone: bad ? 'bad' : 'plain', text }],
      model: pointed,
      writes: writesOf(event, first),
      wrong: own && wentWrong(event, first) ? summaryOf(first) : null,
    };
  });
  const names = steps.flatMap((step) => [
    ...(step.model ? [step.model.name] : []),
    ...step.writes.map(({ collection }) => collection),
  ]);
  return {
    title: `The first wrong write of the ${model} model`,
    workers: first.workers.map((worker) => ({
      worker,
      label: worker === first.worker ? `adds ${first.amount} to ${first.branch}` : 'meanwhile',
    })),
    collections: [...new Set([...names, first.branch])].sort(ownFirst),
    steps,
    reason: first.reason,
    replay: '',
    remark: 'Only the steps of the workers that took part are shown; times count from the first.',
  };
}

/** Where the model points, as far as the steps of these workers tell. */
function pointedBy(event: FirstWrongEvent, before: LaneStep['model']): LaneStep['model'] {
  const { event: kind, name, collection } = event;
  if (name !== undefined) return { name, cached: collection };
  if (kind === 'resolved' && collection !== null) {
    return { name: before?.name ?? collection, cached: collection };
  }
  return before;
}

function writesOf(event: FirstWrongEvent, first: FirstWrong): LaneStep['writes'] {
  const { event: kind, worker, collection, operation } = event;
  if (kind !== 'sent' || collection === null) return [];
  // Of the other worker's operation it is not known here where it belonged.
  const own = operation === first.operation;
  return [
    {
      worker,
      collection,
      should_be: own ? first.expected_collection : collection,
      wrong: own ? first.wrong : null,
    },
  ];
}

function wentWrong({ event }: FirstWrongEvent, { wrong }: FirstWrong): boolean {
  return event === (wrong === 'crashed' ? 'crashed' : 'sent');
}

function summaryOf({ worker, collection, expected_collection, wrong }: FirstWrong): string {
  if (wrong === 'crashed') return `worker ${worker} crashes`;
  return `worker ${worker}'s write to ${collection}, not ${expected_collection}, is ${wrong}`;
}

/** The shared model's own collection, which is no branch's, stands first. */
function ownFirst(left: string, right: string): number {
  const isBranch = (name: string) => Number(name.startsWith('branch'));
  return isBranch(left) - isBranch(right) || left.localeCompare(right, 'en', { numeric: true });
}

function count(number: number): string {
  return number.toLocaleString('en');
}
