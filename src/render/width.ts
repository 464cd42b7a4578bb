const ascii = /^[\x20-\x7E]*$/;

/** True for text of which each character is one column wide. */
export function isAscii(text: string): boolean {
  return ascii.test(text);
}

/** Columns of a terminal that a text takes. */
export type Measure = (text: string) => number;

/**
 * A measure for these texts. The Unicode tables are loaded only if one needs them: that takes
 * longer than drawing a table.
 */
export async function measureFor(texts: Iterable<string>): Promise<Measure> {
  for (const text of texts) {
    if (!ascii.test(text)) return unicodeMeasure();
  }
  return ({ length }) => length;
}

async function unicodeMeasure(): Promise<Measure> {
  const { textWidth } = await import('./unicode-width.ts');
  return (text) => (ascii.test(text) ? text.length : textWidth(text));
}

/**
 * Cuts a text to a number of columns, for a line that must not wrap. Without the tables of Unicode,
 * what is neither ASCII nor a line or block of a bar counts as wide.
 */
export function cutToWidth(text: string, columns: number): string {
  if (ascii.test(text)) return text.slice(0, Math.max(columns, 0));
  let left = columns;
  let shown = '';
  for (const character of text) {
    left -= /[\x20-\x7E\u2500-\u259F]/.test(character) ? 1 : 2;
    if (left < 0) break;
    shown += character;
  }
  return shown;
}
