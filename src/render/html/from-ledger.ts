import type { EventTimeline } from '../../stress/check/timeline.ts';
import type { LedgerModelReport, LoadReport, StressReport } from '../../stress/drive/report.ts';
import { isLedger, ledgerNotes } from '../ledger-view.ts';
import { timelineOfEvents } from './from-events.ts';
import { fromLoad } from './from-load.ts';
import type { Outcome, ReportData, ReportModel } from './report-data.ts';
import { reportVerdict } from './verdict.ts';

/** A run with the ledger, as the page shows it; the other models as those of a load run. */
export function fromStress(
  report: StressReport,
  timelines: ReadonlyMap<string, EventTimeline>,
): Pick<ReportData, 'mode' | 'verdict' | 'models'> {
  const plain = report.models.filter((model): model is LoadReport['models'][number] => {
    return !isLedger(model);
  });
  const load = fromLoad({ ...report, models: plain }, timelines);
  return {
    mode: `ledger under ${report.workers} workers, seed ${report.seed}`,
    verdict: reportVerdict(report),
    models: [
      ...load.models,
      ...report.models.filter(isLedger).map((model) => modelOf(model, timelines.get('ledger'))),
    ],
  };
}

function modelOf(report: LedgerModelReport, timeline: EventTimeline | undefined): ReportModel {
  const { model, operations, wrong, branches, throughput, latency_ms } = report;
  const counts = { acknowledged: report.acknowledged, refused: report.refused };
  const open = { unanswered: report.unknown, 'asked again': report.retried ?? 0 };
  const outcomes = (tone: Outcome['tone'], named: Readonly<Record<string, number>>) =>
    Object.entries(named).map(([name, count]): Outcome => ({ name, count, tone }));
  return {
    model,
    summary: `${wrong} anomalies in ${operations} operations.`,
    tone: wrong > 0 ? 'bad' : 'good',
    unit: 'operations',
    total: operations,
    outcomes: [
      ...outcomes('plain', counts),
      ...outcomes('plain', open),
      ...outcomes('bad', report.anomalies),
    ],
    branches,
    throughput,
    latency_ms,
    ...(timeline ? { timeline: timelineOfEvents(timeline) } : {}),
    remarks: ledgerNotes(report),
  };
}
