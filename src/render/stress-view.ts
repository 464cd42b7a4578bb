import type { ModelResult, StressResult } from '../stress/result.ts';
import type { StressMode } from '../stress/setup/options.ts';
import { drawLane } from './lane-picture.ts';
import type { Paint } from './paint.ts';
import { firstWrongLane, scheduleLane } from './story-lane.ts';
import { verdictLine } from './verdict.ts';
import type { Note, View } from './view.ts';

/** How a stress result is shown. */
interface StressFormat {
  readonly mode: StressMode;
  readonly paint: Paint;
  /** Columns of the terminal. */
  readonly width: number;
}

/** What is counted, one column each; empty for a model that does not count it. */
const columns = {
  load: ['operations', 'misplaced', 'lost', 'crashed', 'left_switched', 'wrong'],
  ledger: ['operations', 'acknowledged', 'refused', 'unknown', 'misplaced', 'lost', 'wrong'],
  exhaustive: ['schedules', 'wrong', 'misplaced', 'lost', 'crashed', 'left_switched'],
  schedules: ['schedules', 'conflicted', 'acknowledged', 'refused', 'wrong'],
  check: ['operations', 'acknowledged', 'wrong'],
} as const satisfies Readonly<Record<StressMode, readonly (keyof ModelResult)[]>>;

/**
 * A result as people see it: a row per model, sentences about each, the picture of what went
 * wrong, and the verdict.
 *
 * @param covered what an exploration of the ledger covered, in sentences
 */
export function stressView(
  result: StressResult,
  format: StressFormat,
  covered: readonly string[] = [],
): View {
  const { mode } = format;
  const names = columns[mode];
  return {
    layout: 'grid',
    columns: [
      { name: 'model' },
      ...names.map((name) => ({ name, align: 'right' as const })),
      ...(mode === 'check' ? [{ name: 'first_wrong' }] : []),
    ],
    rows: result.models.map((model) => [
      model.model,
      ...names.map((name) => String(model[name] ?? '')),
      ...(mode === 'check' ? [firstAnomaly(model)] : []),
    ]),
    notes: mode === 'schedules' ? ledgerNotes(result, covered) : notes(result, format),
  };
}

/** Where a stored history first shows something wrong. */
function firstAnomaly({ first_wrong: first }: ModelResult): string {
  if (!first || !('line' in first)) return '';
  return `${first.line ? `line ${first.line}, ` : ''}${first.anomaly}`;
}

function notes(result: StressResult, { mode, paint, width }: StressFormat): readonly Note[] {
  const { models, kept = [] } = result;
  const balances = models.flatMap(wrongBalances);
  const pictures = models.flatMap((model) => scheduleNotes(model, paint, width));
  return [
    ...models.flatMap(speed).map((text) => ({ painted: paint.faint(text) })),
    ...models.flatMap((model) => coverage(model, paint)),
    ...separateParagraphs(balances),
    ...(pictures.length > 0 ? pictures : firstWrongNotes(models, paint, width)),
    ...models.flatMap((model) => separateParagraphs(sentencesOf(model))),
    ...(mode === 'check' ? models.flatMap(anomalyDetail) : []),
    '',
    verdictLine(result, paint),
    ...circumstances(result).map((text) => ({ painted: paint.faint(text) })),
    ...kept.map((database) => `Kept the database ${database}.`),
  ];
}

function separateParagraphs(lines: readonly Note[]): readonly Note[] {
  return lines.length > 0 ? ['', ...lines] : [];
}

function speed({ model, throughput, latency_ms }: ModelResult): readonly string[] {
  if (!latency_ms) return [];
  const { p50, p99, max } = latency_ms;
  const what = model === 'ledger' ? 'operations' : 'increments';
  const times = `p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, max ${max.toFixed(1)}`;
  return [`Model ${model}: ${throughput} ${what} a second, latency in ms: ${times}.`];
}

/** What an exploration covered, and what blocked it. */
function coverage(result: ModelResult, paint: Paint): readonly Note[] {
  const { model, covered, trouble, deadlocked = 0, schedules_per_second: rate = 0 } = result;
  if (covered === undefined) return [];
  return [
    paint.faint(`Model ${model}: ${covered}; ${Math.round(rate)} a second.`),
    ...(deadlocked > 0 ? [paint.bad(`${deadlocked} schedules ended in a deadlock.`)] : []),
    ...(trouble ? [paint.bad(`The first: ${trouble}.`)] : []),
  ].map((painted) => ({ painted }));
}

/** For a run under load: an exploration and a history show every balance elsewhere. */
function wrongBalances({ model, branches = [], latency_ms }: ModelResult): readonly string[] {
  if (!latency_ms) return [];
  return branches
    .filter(({ expected, actual }) => expected !== actual)
    .map(
      ({ branch, expected, actual }) =>
        `Model ${model}: ${branch} should hold ${expected}, and holds ${actual}.`,
    );
}

function scheduleNotes(
  { model, shortest_wrong: shortest, replayed }: ModelResult,
  paint: Paint,
  width: number,
): readonly Note[] {
  const story = shortest ?? replayed;
  if (!story) return [];
  const title = shortest
    ? `The shortest wrong schedule of the ${model} model (${story.switches} switches):`
    : `The schedule ${story.id}:`;
  const lines = [paint.head(title), ...drawLane(scheduleLane(story, title), paint, width)];
  return ['', ...lines.map((painted) => ({ painted }))];
}

/** Of the first model that has a wrong write. */
function firstWrongNotes(
  models: readonly ModelResult[],
  paint: Paint,
  width: number,
): readonly Note[] {
  for (const { model, first_wrong: first } of models) {
    if (!first || !('events' in first)) continue;
    const title = `The first wrong write of the ${model} model:`;
    const lines = drawLane(firstWrongLane(first, title), paint, width);
    return ['', title, ...lines.map((painted) => ({ painted }))];
  }
  return [];
}

function anomalyDetail({ model, first_wrong: first }: ModelResult): readonly string[] {
  return first && 'detail' in first ? [`Model ${model}: ${first.detail}.`] : [];
}

function circumstances({ seed, workers, points }: StressResult): readonly string[] {
  if (workers === undefined) return [];
  if (!points) return [`Seed ${seed}, ${workers} workers.`];
  const drawn = typeof seed === 'number' ? `Seed ${seed}, ` : '';
  return [`${drawn}${workers} workers, one increment each, paused at ${points.join(', ')}.`];
}

/**
 * For a run of the ledger: what went wrong, what the faults did, and what remains unknown, in
 * sentences. None for a model without a journal.
 */
export function sentencesOf(model: ModelResult): readonly string[] {
  const { anomalies, unknown = 0, unknown_applied = 0, retried = 0, refused, faults } = model;
  if (!anomalies) return [];
  const why = faults || unknown === 0 ? '' : ', since some workers give up on purpose';
  const were = unknown_applied === 1 ? 'was' : 'were';
  const found = Object.entries(anomalies).filter(([, count]) => count > 0);
  const changed = faults?.kind === 'kill' ? 'the server is another process' : otherPrimary;
  return [
    ...found.map(([name, count]) => `Model ledger: ${name} ${count}.`),
    ...anomalyDetail(model),
    `Model ledger: ${refused} refused by the rules, ${retried} asked again with the same id.`,
    `Model ledger: ${unknown} got no answer${why}; ${unknown_applied} of them ${were} applied.`,
    ...(faults
      ? [
          `Model ledger: ${faults.bitten} of ${faults.planned} faults (${faults.kind}) took ` +
            `effect: ${changed}, and an operation under way felt it.`,
          'A kill -9 is not a power cut: the kernel keeps what the server had written.',
        ]
      : []),
  ];
}

const otherPrimary = 'another server is primary';

/** Of the schedules of the ledger. */
function ledgerNotes(
  { models, verdict }: StressResult,
  covered: readonly string[],
): readonly string[] {
  const wrong = models.flatMap(({ first_wrong: first }) =>
    first && 'steps' in first
      ? [`The first wrong one, ${first.anomalies.join(' and ')}:`, ...first.steps]
      : [],
  );
  const means = verdict === 'clean' ? 'nothing was lost, doubled, torn or left over' : 'see above';
  return [...covered, ...wrong, `${verdict}: ${means}.`];
}
