import { visible } from '../core/text.ts';
import type { Paint } from './paint.ts';

/** No colour, and no colour library to load. */
export const plainPaint: Paint = Object.freeze({
  head: visible,
  good: visible,
  bad: visible,
  warn: visible,
  faint: visible,
});
