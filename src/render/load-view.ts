import type { HistoryReport } from '../stress/check/check-history.ts';
import type { LoadModelReport, StressReport } from '../stress/drive/report.ts';
import { isLedger, ledgerNotes } from './ledger-view.ts';
import type { Paint } from './paint.ts';
import { swimlane } from './swimlane.ts';
import { verdictLine } from './verdict.ts';
import type { Note, View } from './view.ts';

/** A load run as people see it: a row a model, then the first wrong write and the verdict. */
export function loadView(report: StressReport, paint: Paint, width: number): View {
  const names = report.models.some(isLedger) ? countedOfLedger : counted;
  return {
    layout: 'grid',
    columns: [{ name: 'model' }, ...names.map((name) => ({ name, align: 'right' as const }))],
    rows: report.models.map((model) => row(model, names)),
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

/** Columns where the ledger is among the models; the others leave empty what they do not count. */
const countedOfLedger = [
  'operations',
  'acknowledged',
  'refused',
  'unknown',
  'misplaced',
  'lost',
  'wrong',
] as const;

type ModelReport = StressReport['models'][number];

function row(
  model: ModelReport,
  names: typeof counted | typeof countedOfLedger,
): readonly string[] {
  const counts: Readonly<Record<string, unknown>> = { ...model };
  return [model.model, ...names.map((name) => String(counts[name] ?? ''))];
}

function speed({ model, throughput, latency_ms }: ModelReport): string {
  const { p50, p99, max } = latency_ms;
  const what = model === 'ledger' ? 'operations' : 'increments';
  const times = `p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, max ${max.toFixed(1)}`;
  return `Model ${model}: ${throughput} ${what} a second, latency in ms: ${times}.`;
}

function notes(report: StressReport, paint: Paint, width: number): readonly Note[] {
  const plain = report.models.filter((model): model is LoadModelReport => !isLedger(model));
  const first = plain.find(({ first_wrong }) => first_wrong !== undefined);
  const pictures = first?.first_wrong
    ? [
        '',
        `The first wrong write of the ${first.model} model:`,
        ...swimlane(first.first_wrong, paint, width).map((painted) => ({ painted })),
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
    ...report.models.map((model) => ({ painted: paint.faint(speed(model)) })),
    ...(balances.length > 0 ? ['', ...balances] : []),
    ...pictures,
    ...report.models.filter(isLedger).flatMap((model) => ['', ...ledgerNotes(model)]),
    '',
    verdictLine(report, paint),
    { painted: paint.faint(`Seed ${report.seed}, ${report.workers} workers.`) },
    ...(report.kept ?? []).map((database) => `Kept the database ${database}.`),
  ];
}
