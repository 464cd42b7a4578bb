import type { HistoryReport } from '../../stress/check/check-history.ts';
import type { EventTimeline } from '../../stress/check/timeline.ts';
import { timelineOfEvents } from './from-events.ts';
import type { Outcome, ReportData, ReportModel } from './report-data.ts';
import { reportVerdict } from './verdict.ts';

const notOutcomes: ReadonlySet<string> = new Set(['operations', 'wrong']);

/** Counts of a judged history that say nothing bad. */
const harmless: ReadonlySet<string> = new Set([
  'acknowledged',
  'refused',
  'unknown',
  'unknown_applied',
  'retried',
]);

/**
 * A judged history, as the page shows it: every anomaly with its name.
 *
 * @param timelines of its sections, in order
 */
export function fromHistory(
  report: HistoryReport,
  timelines: readonly EventTimeline[],
): Pick<ReportData, 'mode' | 'verdict' | 'models'> {
  return {
    mode: 'a stored history, judged again',
    verdict: reportVerdict(report),
    models: report.models.map((model, index) => modelOf(model, timelines[index])),
  };
}

function modelOf(
  judged: HistoryReport['models'][number],
  timeline: EventTimeline | undefined,
): ReportModel {
  const { model, operations, wrong, first_wrong } = judged;
  const outcomes = Object.entries(judged).flatMap(([name, count]): readonly Outcome[] => {
    if (typeof count !== 'number' || notOutcomes.has(name)) return [];
    return [{ name, count, tone: harmless.has(name) ? 'plain' : 'bad' }];
  });
  const where = first_wrong?.line ? `Line ${first_wrong.line}: ` : '';
  return {
    model,
    summary: `${wrong} anomalies in ${operations} operations.`,
    tone: wrong > 0 ? 'bad' : 'good',
    unit: 'operations',
    total: operations,
    outcomes,
    branches: judged.branches ?? [],
    ...(timeline ? { timeline: timelineOfEvents(timeline) } : {}),
    ...(first_wrong ? { remarks: [`${where}${first_wrong.anomaly}: ${first_wrong.detail}.`] } : {}),
  };
}
