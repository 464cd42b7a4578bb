import { textWidth } from './unicode-width.ts';

/**
 * Breaks at spaces; a word longer than the width is cut, between characters as they are seen.
 * Continued lines keep the indent.
 *
 * @param width columns of a terminal, at least 2
 */
export function wrap(text: string, width: number): readonly string[] {
  const indent = /^ */.exec(text)?.[0] ?? '';
  const lines: string[] = [];
  let current = indent;
  for (const word of text.trim().split(' ')) {
    const glue = current.trim() === '' ? '' : ' ';
    if (textWidth(current + glue + word) <= width) {
      current += glue + word;
      continue;
    }
    if (current.trim() !== '') lines.push(current);
    current = indent;
    for (const { segment } of new Intl.Segmenter().segment(word)) {
      if (current !== indent && textWidth(current + segment) > width) {
        lines.push(current);
        current = indent;
      }
      current += segment;
    }
  }
  return [...lines, current];
}
