import type { HistoryEvent } from './history-event.ts';
import { readHistoryLines } from './history-reader.ts';
import { createHistoryJudge, type HistoryReport } from './judge-history.ts';

/**
 * Judges the history in a file, line by line as it is read. One that is still being written, or
 * whose run was ended in the middle of a line, breaks off and is undecided.
 *
 * @param heard hears every event, in order
 * @throws `usage` if the file cannot be read, `invalid_history`, `interrupted`
 */
export async function checkHistory(
  path: string,
  interrupted: AbortSignal,
  heard?: (event: HistoryEvent) => void,
): Promise<HistoryReport> {
  const judge = createHistoryJudge();
  for await (const lines of readHistoryLines(path, interrupted)) {
    for (const { text, ended } of lines) {
      if (!ended && !isJson(text)) judge.cutOff();
      else {
        const event = judge.take(text);
        heard?.(event);
      }
    }
  }
  return judge.finish();
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
