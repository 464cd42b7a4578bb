import type { Paint } from './paint.ts';
import type { View } from './view.ts';

/** Draws a view that is no grid as text, without a trailing newline. Field names are ASCII. */
export function renderRecord(view: View, paint: Paint): string {
  const lines = view.layout === 'text' ? textLines(view) : fieldLines(view, paint);
  return [...lines, ...(view.notes ?? [])].join('\n');
}

function textLines({ rows }: View): readonly string[] {
  return rows.map((row) => row.join('  '));
}

/** One line a field; a frame would only stand in the way of reading it. */
function fieldLines({ columns, rows: [row = []] }: View, paint: Paint): readonly string[] {
  const titles = columns.map(({ name }) => title(name));
  const width = Math.max(...titles.map(({ length }) => length));
  return titles.map((text, index) => {
    const gap = ' '.repeat(width - text.length + 2);
    return `${paint.head(text)}${gap}${row[index] ?? ''}`.trimEnd();
  });
}

/** `balance_before` is headed `balance before`. */
export function title(name: string): string {
  return name.replaceAll('_', ' ');
}
