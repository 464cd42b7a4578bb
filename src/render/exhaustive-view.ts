import type {
  ExhaustiveModelResult,
  ExhaustiveResult,
} from '../stress/schedules/exhaustive-result.ts';
import type { Paint } from './paint.ts';
import { scheduleColumns } from './schedule-columns.ts';
import { verdictLine } from './verdict.ts';
import type { Note, View } from './view.ts';

const counted = ['schedules', 'wrong', 'misplaced', 'lost', 'crashed', 'left_switched'] as const;

/**
 * An exhaustive run as people see it: a row a model, what was covered, the shortest wrong schedule
 * or the one that was replayed, and the verdict.
 */
export function exhaustiveView(result: ExhaustiveResult, paint: Paint, width: number): View {
  return {
    layout: 'grid',
    columns: [{ name: 'model' }, ...counted.map((name) => ({ name, align: 'right' as const }))],
    rows: result.models.map((model) => [
      model.model,
      ...counted.map((name) => String(model[name])),
    ]),
    notes: [
      ...result.models.flatMap((model) => covered(model, paint)),
      ...result.models.flatMap((model) => pictures(model, paint, width)),
      '',
      verdictLine(result, paint),
      { painted: paint.faint(circumstances(result)) },
      ...(result.kept ?? []).map((database) => `Kept the database ${database}.`),
    ],
  };
}

function covered(model: ExhaustiveModelResult, paint: Paint): readonly Note[] {
  const { trouble, deadlocked } = model;
  const rate = `${Math.round(model.schedules_per_second)} a second`;
  return [
    paint.faint(`Model ${model.model}: ${model.covered}; ${rate}.`),
    ...(deadlocked > 0 ? [paint.bad(`${deadlocked} schedules ended in a deadlock.`)] : []),
    ...(trouble ? [paint.bad(`The first: ${trouble}.`)] : []),
  ].map((painted) => ({ painted }));
}

function pictures(model: ExhaustiveModelResult, paint: Paint, width: number): readonly Note[] {
  const { shortest_wrong: shortest, replayed } = model;
  const story = shortest ?? replayed;
  if (!story) return [];
  const title = shortest
    ? `The shortest wrong schedule of the ${model.model} model (${story.switches} switches):`
    : `The schedule ${story.id}:`;
  const lines = [paint.head(title), ...scheduleColumns(story, paint, width)];
  return ['', ...lines.map((painted) => ({ painted }))];
}

function circumstances({ seed, workers, points }: ExhaustiveResult): string {
  const drawn = seed === null ? '' : `Seed ${seed}, `;
  const text = `${drawn}${workers} workers, one increment each, paused at ${points.join(', ')}.`;
  return text.charAt(0).toUpperCase() + text.slice(1);
}
