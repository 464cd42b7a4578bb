import Table from 'cli-table3';
import type { Paint } from './paint.ts';
import type { View } from './view.ts';

/** What a table needs to know of the place where it is shown. */
export interface TableStyle {
  readonly paint: Paint;
  /** Lines around the cells: on a terminal. Piped, columns are parted by spaces alone. */
  readonly borders: boolean;
  /** Least width of each column, so that the parts of a long table stand under one another. */
  readonly leastWidths?: readonly number[];
  /** False for the second and later parts of a long table. */
  readonly head?: boolean;
}

const noBorders = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** Draws a view as text, without a trailing newline. */
export function renderTable(view: View, style: TableStyle): string {
  if (view.layout === 'text') return view.rows.map((row) => row.join('  ')).join('\n');
  const { paint } = style;
  const head = style.head ?? true;
  const table = new Table({
    ...(view.layout === 'grid' && head
      ? { head: view.columns.map(({ name }) => paint.head(title(name))) }
      : {}),
    colAligns:
      view.layout === 'grid' ? view.columns.map(({ align }) => align ?? 'left') : ['left', 'left'],
    style: {
      head: [],
      border: [],
      ...(style.borders ? {} : { 'padding-left': 0, 'padding-right': 0 }),
    },
    ...(style.borders ? {} : { chars: noBorders }),
  });
  table.push(...cells(view, style));
  const lines = table.toString().split('\n');
  return [...lines.map((line) => line.trimEnd()), ...(view.notes ?? [])].join('\n');
}

function cells(view: View, style: TableStyle): string[][] {
  if (view.layout === 'record') {
    const [row = []] = view.rows;
    return view.columns.map(({ name }, index) => [style.paint.head(title(name)), row[index] ?? '']);
  }
  const rows = [...view.rows, ...(view.footer ?? [])];
  const widths = style.leastWidths;
  if (!widths) return rows.map((row) => [...row]);
  return rows.map((row) =>
    row.map((cell, index) => {
      const width = widths[index] ?? 0;
      return view.columns[index]?.align === 'right' ? cell.padStart(width) : cell.padEnd(width);
    }),
  );
}

/** `balance_before` is headed `balance before`. */
function title(name: string): string {
  return name.replaceAll('_', ' ');
}
