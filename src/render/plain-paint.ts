import type { Paint } from './paint.ts';

const unchanged = (text: string) => text;

/** No colour, and no colour library to load. */
export const plainPaint: Paint = Object.freeze({
  head: unchanged,
  good: unchanged,
  bad: unchanged,
  warn: unchanged,
  faint: unchanged,
});
