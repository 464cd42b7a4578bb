import type { EventTimeline } from '../../stress/check/timeline.ts';
import type { ReportTimeline } from './report-data.ts';

const places = {
  all: 'all',
  first_wrong: 'the first that went wrong',
  first_fault: 'the first fault',
  beginning: 'the beginning',
};
const endings = { invoke: 'begun', ok: 'done', fail: 'refused', info: 'no answer' };

/** The time line of a history, as the page shows it. */
export function timelineOfEvents(timeline: EventTimeline): ReportTimeline {
  const { unanswered, wrong: _, window, ...columns } = timeline;
  const { around, total } = window;
  const operations = window.operations.map(({ worker, from_ms, to_ms, type, f, about }) => ({
    worker,
    from_ms,
    to_ms,
    told: `${f} by ${worker} of ${about}: ${endings[type]}, ${(to_ms - from_ms).toFixed(1)} ms`,
    marked: type === 'info',
  }));
  return {
    ...columns,
    marked: unanswered,
    mark: 'unanswered',
    window: {
      around: places[around],
      row: 'process',
      from_ms: operations[0]?.from_ms ?? 0,
      to_ms: operations.reduce((latest, { to_ms }) => Math.max(latest, to_ms), 0),
      operations,
      total,
    },
  };
}
