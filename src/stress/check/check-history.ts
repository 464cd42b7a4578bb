import { BankctlError } from '../../core/errors.ts';
import { type HistoryEvent, readHistoryEvent } from '../history/event.ts';
import { readHistoryLines } from '../history/reader.ts';
import type { Anomaly, ModelHistory } from './findings.ts';
import { createHistoryJudge } from './judge.ts';
import { decide, type Verdict } from './verdict.ts';

/** The result of a stored history. */
interface HistoryReport {
  readonly models: readonly ModelHistory[];
  readonly verdict: Verdict;
  /** Why it proves nothing, if the verdict is `undecided`. */
  readonly reason?: string;
}

/** Called with each event, in order, and the anomaly that it shows. */
export type Heard = (event: HistoryEvent, anomaly: Anomaly | undefined) => void;

/** Judges a history line by line. */
interface LineJudge {
  /**
   * @param line the next one, without its line feed
   * @throws `invalid_history` if it is not in the format
   */
  readonly take: (line: string) => void;
  /** The history ends in the middle of its next line. */
  readonly cutOff: () => void;
  /** To be called once, after the last line. */
  readonly finish: () => HistoryReport;
}

/** Makes a judge of the text of a history. */
export function createLineJudge(heard?: Heard): LineJudge {
  const judge = createHistoryJudge();
  let number = 0;
  return Object.freeze({
    take: (line: string) => {
      number += 1;
      const event = readHistoryEvent(line);
      if (typeof event === 'string') {
        throw new BankctlError('invalid_history', `Line ${number} ${event}.`);
      }
      const anomaly = judge.take(event);
      heard?.(event, anomaly);
    },
    cutOff: judge.cutOff,
    finish: () => {
      const { models, broken } = judge.finish();
      return { models: models.map(({ report }) => report), ...decide(models, broken) };
    },
  });
}

/**
 * Judges the history in a file, line by line as it is read. One that is still being written, or
 * whose run was ended in the middle of a line, is incomplete and so undecided.
 *
 * @throws `usage` if the file cannot be read, `invalid_history`, `interrupted`
 */
export async function checkHistory(
  path: string,
  interrupted: AbortSignal,
  heard?: Heard,
): Promise<HistoryReport> {
  const judge = createLineJudge(heard);
  for await (const lines of readHistoryLines(path, interrupted)) {
    for (const { text, ended } of lines) {
      if (ended || isJson(text)) judge.take(text);
      else judge.cutOff();
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
