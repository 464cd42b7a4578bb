import { visible } from '../core/text.ts';
import type { Paint } from './paint.ts';
import type { Note, View } from './view.ts';

/** How a view is drawn, which depends on where it is shown. */
export interface Style {
  readonly paint: Paint;
  /** Piped, a table has no lines around its cells, and plain text is not escaped. */
  readonly terminal: boolean;
  /**
   * Widths of the columns of a long table's first part: later parts line up with it, without a
   * header.
   */
  readonly widths?: readonly number[] | undefined;
}

/** Rows or a path: lines with nothing around them, which a program may read. */
export function renderText({ rows, notes }: View, { terminal }: Style): string {
  const lines = rows.map((row) => row.join('  '));
  return [...(terminal ? lines.map(visible) : lines), ...noteLines(notes)].join('\n');
}

/** One line per field: a frame would only make it harder to read. Field names are ASCII. */
export function renderRecord(view: View, { paint }: Style): string {
  const [row = []] = view.rows;
  const titles = view.columns.map(({ name }) => title(name));
  const width = Math.max(...titles.map(({ length }) => length));
  const lines = titles.map((text, index) => {
    const gap = ' '.repeat(width - text.length + 2);
    return `${paint.head(text)}${gap}${visible(row[index] ?? '')}`.trimEnd();
  });
  return [...lines, ...noteLines(view.notes)].join('\n');
}

/** Notes as they are shown. */
export function noteLines(notes: readonly Note[] = []): readonly string[] {
  return notes.map((note) => (typeof note === 'string' ? visible(note) : note.painted));
}

/** `balance_before` is headed `balance before`. */
export function title(name: string): string {
  return name.replaceAll('_', ' ');
}
