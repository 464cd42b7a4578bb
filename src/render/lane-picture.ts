import { visibleTexts } from '../core/text.ts';
import type { Lane, Phrase } from './lane.ts';
import type { Paint } from './paint.ts';
import { textWidth } from './unicode-width.ts';
import { wrapText } from './wrap.ts';

/** Width of the labels, what is between two cells, and what comes before each. */
const layouts = {
  ms: { label: 7, gap: '  ', rule: '', head: 'ms', tone: 'faint' },
  step: { label: 2, gap: ' ', rule: '│ ', head: '', tone: 'plain' },
} as const satisfies Readonly<Record<Lane['counts'], object>>;

const minCell = 10;

/**
 * Draws a lane as columns, one per worker, time running down. A step's lines are in the column of
 * the worker that made it; below are the reason, and how to see it again.
 *
 * @param paint how each meaning looks; without colour the marks still show it
 * @param width columns of the terminal; each worker needs 16
 * @returns lines of at most that width, except for the line to copy, without line feeds
 */
export function drawLane(given: Lane, paint: Paint, width: number): readonly string[] {
  const lane = visibleTexts(given);
  const { label, gap, rule, head, tone } = layouts[lane.counts];
  const room = Math.floor((width - label - gap.length) / lane.workers.length);
  const cell = Math.max(minCell, room - gap.length - rule.length);
  const coloured = (text: string, meaning: Phrase['tone'] | 'head') =>
    meaning === 'plain' || text.trim() === '' ? text : paint[meaning](text);
  /** Colour is put on after padding. */
  const line = (before: string, cells: readonly string[], meaning: Phrase['tone'] | 'head') => {
    const padded = cells.map((text) => {
      const padding = ' '.repeat(Math.max(0, cell - textWidth(text)));
      return `${rule.replace('│', paint.faint)}${coloured(text, meaning)}${padding}`;
    });
    const shown = coloured(before.padStart(label), meaning === 'head' ? 'head' : tone);
    return `${shown}${gap}${padded.join(gap)}`.trimEnd();
  };
  const heads = lane.workers.map((worker) => wrapText(worker.head, cell, textWidth));
  const height = Math.max(...heads.map((lines) => lines.length));
  const headLines = Array.from({ length: height }, (_, row) => {
    const cells = heads.map((lines) => lines[row] ?? '');
    return line(row === 0 ? head : '', cells, 'head');
  });
  const stepLines = lane.steps.flatMap((step) =>
    step.phrases
      .flatMap(({ tone, text }) => wrapText(text, cell, textWidth).map((part) => ({ tone, part })))
      .map(({ tone, part }, row) => {
        const cells = lane.workers.map(({ worker }) => (worker === step.worker ? part : ''));
        return line(row === 0 ? step.label : '', cells, tone);
      }),
  );
  const reason = lane.reason === '' ? [] : wrapText(lane.reason, width, textWidth);
  const { replay, remark } = lane;
  const again = [`Again: ${replay}`, coloured(remark.text, remark.tone)];
  return [...headLines, ...stepLines, ...(replay === '' ? reason : ['', ...reason, ...again])];
}
