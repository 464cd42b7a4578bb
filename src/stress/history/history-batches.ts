import type { HistorySink } from '../load/drive.ts';
import type { Plan } from '../load/plan.ts';
import type { LoadModelName } from '../subjects/load-models.ts';
import { endLine, invokeLine } from './history-lines.ts';
import { batchLines, type HistoryBatch, type LineBatches } from './line-batches.ts';

export type { HistoryBatch } from './line-batches.ts';

/** Gathers a thread's history into batches, and holds the workers when they get ahead. */
export interface HistoryBatches extends HistorySink, Omit<LineBatches, 'add'> {}

/** Makes the sink of a drive that sends its history away in batches. */
export function batchHistory(
  plan: Plan,
  model: LoadModelName,
  send: (batch: HistoryBatch) => void,
): HistoryBatches {
  const { add, written, flush } = batchLines(send);
  return Object.freeze({
    began: (operation, atNs) => add(invokeLine(plan, model, operation, atNs)),
    ended: (operation, record, message) => add(endLine(plan, model, operation, record, message)),
    written,
    flush,
  } satisfies HistoryBatches);
}
