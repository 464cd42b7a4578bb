// Apart, since it loads the tables of Unicode: only what may not be ASCII imports this.
import stringWidth from 'string-width';

/** Columns of a terminal that a text takes: wide characters two, combining marks none. */
export function textWidth(text: string): number {
  return stringWidth(text);
}
