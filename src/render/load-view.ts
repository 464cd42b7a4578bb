import type { HistoryReport } from '../stress/history/judge-history.ts';
import type { LoadModelReport, LoadReport } from '../stress/load.ts';
import type { Paint } from './paint.ts';
import { swimlane } from './swimlane.ts';
import type { View } from './view.ts';

/** A load run as people see it: a row a model, then the first wrong write and the verdict. */
export function loadView(report: LoadReport, paint: Paint, width: number): View {
  return {
    layout: 'grid',
    columns: [{ name: 'model' }, ...counted.map((name) => ({ name, align: 'right' as const }))],
    rows: report.models.map(row),
    notes: notes(report, paint, width),
  };
}

/** A judged history as people see it: a row a model, what went wrong first, and the verdict. */
export function historyView(report: HistoryReport, paint: Paint): View {
  const columns = ['operations', 'acknowledged', 'wrong'] as const;
  return {
    layout: 'grid',
    columns: [
      { name: 'model' },
      ...columns.map((name) => ({ name, align: 'right' as const })),
      { name: 'first_wrong' },
    ],
    rows: report.models.map(({ first_wrong: first, ...model }) => [
      model.model,
      ...columns.map((name) => String(model[name])),
      first ? `${first.line ? `line ${first.line}, ` : ''}${first.anomaly}` : '',
    ]),
    notes: [
      ...report.models.flatMap(({ model, first_wrong }) =>
        first_wrong ? [`Model ${model}: ${first_wrong.detail}.`] : [],
      ),
      '',
      verdictLine(report, paint),
    ],
  };
}

const counted = ['operations', 'misplaced', 'lost', 'crashed', 'left_switched', 'wrong'] as const;

function row(model: LoadModelReport): readonly string[] {
  return [model.model, ...counted.map((name) => String(model[name]))];
}

function speed({ model, throughput, latency_ms }: LoadModelReport): string {
  const { p50, p99, max } = latency_ms;
  const times = `p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, max ${max.toFixed(1)}`;
  return `Model ${model}: ${throughput} increments a second, latency in ms: ${times}.`;
}

function notes(report: LoadReport, paint: Paint, width: number): readonly string[] {
  const first = report.models.find(({ first_wrong }) => first_wrong !== undefined);
  const pictures = first?.first_wrong
    ? [
        '',
        `The first wrong write of the ${first.model} model:`,
        ...swimlane(first.first_wrong, paint, width),
      ]
    : [];
  const balances = report.models.flatMap(({ model, branches }) =>
    branches
      .filter(({ expected, actual }) => expected !== actual)
      .map(
        ({ branch, expected, actual }) =>
          `Model ${model}: ${branch} should hold ${expected}, and holds ${actual}.`,
      ),
  );
  return [
    ...report.models.map((model) => paint.faint(speed(model))),
    ...(balances.length > 0 ? ['', ...balances] : []),
    ...pictures,
    '',
    verdictLine(report, paint),
    paint.faint(`Seed ${report.seed}, ${report.workers} workers.`),
    ...(report.kept ?? []).map((database) => `Kept the database ${database}.`),
  ];
}

function verdictLine(
  { verdict, reason }: Pick<LoadReport, 'verdict' | 'reason'>,
  paint: Paint,
): string {
  const painted = paint[tones[verdict]];
  return `${painted(verdict)}: ${reason ?? meanings[verdict]}`;
}

const tones = {
  demonstrated: 'good',
  clean: 'good',
  not_reproduced: 'warn',
  violation: 'bad',
  undecided: 'warn',
} as const satisfies Record<LoadReport['verdict'], keyof Paint>;

const meanings = {
  demonstrated: 'the shared model went wrong; the branch models, where run, did not.',
  clean: 'no write went wrong.',
  not_reproduced: 'the shared model did not go wrong this time.',
  violation: 'a model that must not go wrong did.',
  undecided: 'the run proves nothing.',
} as const satisfies Record<LoadReport['verdict'], string>;
