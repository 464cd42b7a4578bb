import { visible } from '../core/text.ts';
import type { Paint } from './paint.ts';
import type { Note, View } from './view.ts';

/**
 * Draws a view that is no grid as text, without a trailing newline. Field names are ASCII.
 *
 * @param exact for a program that reads plain text, such as rows or a path: nothing is escaped
 */
export function renderRecord(view: View, paint: Paint, exact = false): string {
  if (view.layout === 'text') return textLines(view, exact).join('\n');
  return [...fieldLines(view, paint), ...noteLines(view.notes)].join('\n');
}

function textLines({ rows, notes }: View, exact: boolean): readonly string[] {
  const lines = rows.map((row) => row.join('  '));
  return [...(exact ? lines : lines.map(visible)), ...noteLines(notes)];
}

/** Notes as they are shown. */
export function noteLines(notes: readonly Note[] = []): readonly string[] {
  return notes.map((note) => (typeof note === 'string' ? visible(note) : note.painted));
}

/** One line a field; a frame would only stand in the way of reading it. */
function fieldLines({ columns, rows: [row = []] }: View, paint: Paint): readonly string[] {
  const titles = columns.map(({ name }) => title(name));
  const width = Math.max(...titles.map(({ length }) => length));
  return titles.map((text, index) => {
    const gap = ' '.repeat(width - text.length + 2);
    return `${paint.head(text)}${gap}${visible(row[index] ?? '')}`.trimEnd();
  });
}

/** `balance_before` is headed `balance before`. */
export function title(name: string): string {
  return name.replaceAll('_', ' ');
}
