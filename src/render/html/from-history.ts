import type { HistoryReport } from '../../stress/history/judge-history.ts';
import type { Outcome, ReportData, ReportModel } from './report-data.ts';
import { reportVerdict } from './verdict.ts';

const notOutcomes: ReadonlySet<string> = new Set(['operations', 'acknowledged', 'wrong']);

/** A judged history, as the page shows it: every anomaly with its name. */
export function fromHistory(
  report: HistoryReport,
): Pick<ReportData, 'mode' | 'verdict' | 'models'> {
  return {
    mode: 'a stored history, judged again',
    verdict: reportVerdict(report),
    models: report.models.map(modelOf),
  };
}

function modelOf(judged: HistoryReport['models'][number]): ReportModel {
  const { model, operations, acknowledged, wrong, first_wrong } = judged;
  const anomalies = Object.entries(judged).flatMap(([name, count]): readonly Outcome[] =>
    typeof count === 'number' && !notOutcomes.has(name) ? [{ name, count, tone: 'bad' }] : [],
  );
  const where = first_wrong?.line ? `Line ${first_wrong.line}: ` : '';
  return {
    model,
    summary: `${wrong} anomalies in ${operations} operations.`,
    tone: wrong > 0 ? 'bad' : 'good',
    unit: 'operations',
    total: operations,
    outcomes: [{ name: 'acknowledged', count: acknowledged, tone: 'plain' }, ...anomalies],
    branches: [],
    ...(first_wrong ? { remarks: [`${where}${first_wrong.anomaly}: ${first_wrong.detail}.`] } : {}),
  };
}
