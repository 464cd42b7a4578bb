import { BankctlError } from '../../core/errors.ts';
import { decide, type Verdict } from '../check/verdict.ts';
import { type HistoryEvent, readHistoryEvent } from './history-event.ts';
import { HistorySection, type SectionJudgement } from './history-section.ts';

/** What a stored history came to. */
export interface HistoryReport {
  readonly models: readonly Omit<SectionJudgement, 'doubt' | 'vacuity'>[];
  readonly verdict: Verdict;
  /** Why it proves nothing, where the verdict is `undecided`. */
  readonly reason?: string;
}

/** Judges a history line by line. */
export interface HistoryJudge {
  /**
   * The next line, without its line feed.
   *
   * @throws `invalid_history` if it is not in the format
   */
  readonly take: (line: string) => HistoryEvent;
  /** The history ends in the middle of its next line. */
  readonly cutOff: () => void;
  /** The report; to be called once, after the last line. */
  readonly finish: () => HistoryReport;
}

/**
 * Judges a history without a database. Pure, and linear in its length; what it remembers is the
 * ids that occurred and a sum an account, never the events.
 *
 * A history is made of sections, one a model: from a line `init` to a line `applied`.
 */
export function createHistoryJudge(): HistoryJudge {
  const finished: SectionJudgement[] = [];
  let section: HistorySection | undefined;
  let broken: string | undefined;
  let number = 0;
  let lastTime = 0;

  const take = (line: string) => {
    number += 1;
    const event = readHistoryEvent(line);
    if (typeof event === 'string') {
      throw new BankctlError('invalid_history', `Line ${number} ${event}.`);
    }
    if (event.time < lastTime) {
      const doubt = `line ${number} is earlier than the line before it.`;
      if (section) section.doubted(doubt);
      else broken ??= `L${doubt.slice(1)}`;
    }
    lastTime = event.time;
    if (event.f === 'init') {
      if (section) broken ??= `Line ${number} begins a history inside another.`;
      section = new HistorySection(event);
    } else if (!section) {
      broken ??= `Line ${number} stands before any init.`;
    } else if (event.f === 'applied') {
      finished.push(section.finish(event));
      section = undefined;
    } else {
      section.take(event, number);
    }
    return event;
  };
  const cutOff = () => {
    broken ??= `The history breaks off in the middle of line ${number + 1}.`;
  };
  const finish = () => {
    if (section) broken ??= 'The history breaks off: it has no applied line at its end.';
    return report(finished, broken);
  };
  return Object.freeze({ take, cutOff, finish });
}

function report(sections: readonly SectionJudgement[], broken: string | undefined): HistoryReport {
  const models = sections.map(({ doubt: _, vacuity: _none, ...judgement }) => judgement);
  const empty = sections.length === 0 ? 'It is empty.' : undefined;
  return { models, ...decide(sections, broken ?? empty) };
}
