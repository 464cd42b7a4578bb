// In a file of its own, since it loads the Unicode tables: imported only for text that may not be
// ASCII.
import stringWidth from 'string-width';

/** Columns of a terminal that a text takes: wide characters two, combining marks none. */
export function textWidth(text: string): number {
  return stringWidth(text);
}
