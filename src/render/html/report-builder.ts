import type { EventTimeline } from '../../stress/check/timeline.ts';
import type { ModelResult, StressResult } from '../../stress/result.ts';
import type { StressMode } from '../../stress/setup/options.ts';
import type { Lane, Tone } from '../lane.ts';
import { firstWrongLane, scheduleLane } from '../story-lane.ts';
import { sentencesOf } from '../stress-view.ts';
import { verdictSentence, verdictTones } from '../verdict.ts';
import type { Outcome, ReportData, ReportModel, ReportTimeline } from './report-data.ts';

/**
 * Turns a result into what the page shows.
 *
 * @param timelines of its models, in order; undefined for a model without one
 */
export function buildReport(
  result: StressResult,
  mode: StressMode,
  timelines: readonly (EventTimeline | undefined)[],
): Pick<ReportData, 'mode' | 'verdict' | 'models'> {
  const sentence = verdictSentence(result);
  return {
    mode: modeWords[mode](result),
    verdict: {
      name: result.verdict,
      tone: verdictTones[result.verdict],
      sentence: sentence.charAt(0).toUpperCase() + sentence.slice(1),
    },
    models: result.models.map((model, index): ReportModel => {
      const { throughput, latency_ms, branches = [] } = model;
      const timeline = timelines[index];
      const lane = laneOf(model);
      return {
        model: model.model,
        ...(mode === 'check' ? judgedPart(model) : partOf(model)),
        branches,
        ...(latency_ms && throughput !== undefined ? { throughput, latency_ms } : {}),
        ...(timeline
          ? { timeline: timelineOf(timeline, mode !== 'check' && model.model !== 'ledger') }
          : {}),
        ...(lane ? { lane } : {}),
      };
    }),
  };
}

const modeWords: Readonly<Record<StressMode, (result: StressResult) => string>> = {
  load: ({ workers, seed }) => `load of ${workers} workers, seed ${seed}`,
  ledger: ({ workers, seed }) => `ledger under ${workers} workers, seed ${seed}`,
  exhaustive: pausedWorkers,
  schedules: pausedWorkers,
  check: () => 'a stored history, judged again',
};

function pausedWorkers({ workers, points = [] }: StressResult): string {
  return `${workers} workers, paused at ${points.join(', ')}`;
}

/** What a mode says about a model in words and counts. */
type Part = Pick<ReportModel, 'summary' | 'tone' | 'unit' | 'total' | 'outcomes' | 'remarks'>;

function partOf(model: ModelResult): Part {
  if (model.anomalies) return ledgerPart(model, model.anomalies);
  return model.schedules === undefined ? loadPart(model) : exploredPart(model, model.schedules);
}

function loadPart(model: ModelResult): Part {
  const { operations, wrong, left_switched = 0 } = model;
  return {
    summary: `${group(wrong)} of ${group(operations)} increments went wrong.`,
    tone: wrong > 0 ? 'bad' : 'good',
    unit: 'increments',
    total: operations,
    outcomes: [
      outcome('acknowledged', model.acknowledged, 'plain'),
      outcome('right', operations - wrong, 'good'),
      ...wrongOutcomes(model),
    ],
    ...(left_switched > 0
      ? { remarks: ['The model did not point at its own collection at the end.'] }
      : {}),
  };
}

function exploredPart(model: ModelResult, schedules: number): Part {
  const { wrong, covered, trouble, complete, deadlocked = 0, stuck = 0 } = model;
  const rate = group(Math.round(model.schedules_per_second ?? 0));
  return {
    summary: complete
      ? `${group(wrong)} of all ${group(schedules)} schedules end wrong.`
      : `${group(wrong)} of ${group(schedules)} schedules end wrong. Covered: ${covered}.`,
    tone: wrong > 0 ? 'bad' : complete ? 'good' : 'warn',
    unit: `schedules, ${rate} a second`,
    total: schedules,
    outcomes: [
      outcome('right', schedules - wrong, 'good'),
      ...wrongOutcomes(model),
      outcome('left_switched', model.left_switched ?? 0, 'warn'),
      ...(deadlocked > 0 ? [outcome('deadlocked', deadlocked, 'bad')] : []),
      ...(stuck > 0 ? [outcome('stuck', stuck, 'warn')] : []),
    ],
    ...(trouble ? { remarks: [`The first trouble: ${trouble}.`] } : {}),
  };
}

function wrongOutcomes({ wrong, misplaced, lost, crashed }: ModelResult): readonly Outcome[] {
  return Object.entries({ wrong, misplaced, lost, crashed }).map(([name, count]) =>
    outcome(name, count, 'bad'),
  );
}

function ledgerPart(model: ModelResult, anomalies: Readonly<Record<string, number>>): Part {
  return {
    ...anomalyPart(model),
    outcomes: [
      outcome('acknowledged', model.acknowledged, 'plain'),
      outcome('refused', model.refused ?? 0, 'plain'),
      outcome('unanswered', model.unknown ?? 0, 'plain'),
      outcome('asked again', model.retried ?? 0, 'plain'),
      ...Object.entries(anomalies).map(([name, count]) => outcome(name, count, 'bad')),
    ],
    remarks: sentencesOf(model),
  };
}

/** Counts of a judged history that are not bad news. */
const harmless: ReadonlySet<string> = new Set([
  'acknowledged',
  'refused',
  'unknown',
  'unknown_applied',
  'retried',
]);

/** Of a stored history, every anomaly with its name. */
function judgedPart(model: ModelResult): Part {
  const { operations: _, wrong: _wrong, first_wrong: first, ...counts } = model;
  const remarks =
    first && 'detail' in first
      ? [`${first.line ? `Line ${first.line}: ` : ''}${first.anomaly}: ${first.detail}.`]
      : undefined;
  return {
    ...anomalyPart(model),
    outcomes: Object.entries(counts).flatMap(([name, count]) =>
      typeof count === 'number' ? [outcome(name, count, harmless.has(name) ? 'plain' : 'bad')] : [],
    ),
    ...(remarks ? { remarks } : {}),
  };
}

function anomalyPart({ operations, wrong }: ModelResult) {
  return {
    summary: `${wrong} anomalies in ${operations} operations.`,
    tone: wrong > 0 ? 'bad' : 'good',
    unit: 'operations',
    total: operations,
  } as const;
}

function outcome(name: string, count: number, tone: Tone): Outcome {
  return { name, count, tone };
}

function laneOf({ model, shortest_wrong, replayed, first_wrong }: ModelResult): Lane | undefined {
  if (shortest_wrong) {
    return scheduleLane(shortest_wrong, `The shortest wrong schedule of the ${model} model`);
  }
  if (replayed) {
    return scheduleLane(replayed, `The schedule that was asked for, of the ${model} model`);
  }
  if (!first_wrong || !('events' in first_wrong)) return undefined;
  return firstWrongLane(first_wrong, `The first wrong write of the ${model} model`);
}

const places = {
  all: 'all',
  first_wrong: 'the first that went wrong',
  first_fault: 'the first fault',
  beginning: 'the beginning',
} as const;

const endings = { invoke: 'begun', ok: 'done', fail: 'refused', info: 'no answer' };

/** @param plain whether to mark what went wrong; otherwise what got no answer is marked */
function timelineOf(timeline: EventTimeline, plain: boolean): ReportTimeline {
  const { unanswered, wrong, window, ...columns } = timeline;
  const operations = window.operations.map((operation) => {
    const { worker, from_ms, to_ms, type } = operation;
    const title = `${plain ? writeWords(operation) : callWords(operation)}, ${took(operation)}`;
    const marked = plain ? operation.wrong !== null : type === 'info';
    return { worker, from_ms, to_ms, title, marked };
  });
  return {
    ...columns,
    marked: plain ? wrong : unanswered,
    mark: plain ? 'wrong' : 'unanswered',
    window: {
      around: places[window.around],
      row: plain ? 'worker' : 'process',
      from_ms: operations[0]?.from_ms ?? 0,
      to_ms: operations.reduce((latest, { to_ms }) => Math.max(latest, to_ms), 0),
      operations,
      total: window.total,
    },
  };
}

type Shown = EventTimeline['window']['operations'][number];

function writeWords({ worker, operation, about, collection, wrong }: Shown): string {
  const [branch] = about.split(':');
  const went = collection === null ? 'written nowhere' : `written to ${collection}`;
  const ended = wrong === null ? '' : `, ${wrong}`;
  const number = operation?.split('-').at(-1);
  return `operation ${number} of worker ${worker} for ${branch}: ${went}${ended}`;
}

function callWords({ worker, f, about, type }: Shown): string {
  return `${f} by ${worker} of ${about}: ${endings[type]}`;
}

function took({ from_ms, to_ms }: { readonly from_ms: number; readonly to_ms: number }): string {
  return `${(to_ms - from_ms).toFixed(1)} ms`;
}

function group(number: number): string {
  return number.toLocaleString('en');
}
