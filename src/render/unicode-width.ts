// In a file of its own, since it loads the Unicode tables: imported only for text that may not be
// ASCII.
import stringWidth from 'string-width';
import { wrapText } from './wrap.ts';

/** Columns of a terminal that a text takes: wide characters two, combining marks none. */
export function textWidth(text: string): number {
  return stringWidth(text);
}

/**
 * Breaks a line at spaces; a word longer than the width is cut. Continued lines keep the indent.
 *
 * @param width columns of a terminal, at least 2 more than the indent
 */
export function wrap(text: string, width: number): readonly string[] {
  const indent = /^ */.exec(text)?.[0] ?? '';
  const lines = wrapText(text.trim(), width - indent.length, textWidth);
  return lines.map((line) => indent + line);
}
