import Table from 'cli-table3';
import type { Paint } from './paint.ts';
import { title } from './record.ts';
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

/** Draws a grid as text, without a trailing newline. */
export function renderTable(view: View, style: TableStyle): string {
  const { paint } = style;
  const head = style.head ?? true;
  const { borders } = style;
  const table = new Table({
    ...(head ? { head: view.columns.map(({ name }) => paint.head(title(name))) } : {}),
    colAligns: view.columns.map(({ align }) => align ?? 'left'),
    style: {
      head: [],
      border: [],
      ...(borders ? {} : { 'padding-left': 0, 'padding-right': 0 }),
    },
    ...(borders ? {} : { chars: noBorders }),
  });
  table.push(...cells(view, style));
  const lines = table.toString().split('\n');
  if (borders) dropInnerRules(lines, view, head);
  return [...lines.map((line) => line.trimEnd()), ...(view.notes ?? [])].join('\n');
}

/** Leaves the line under the head, and the one above the footer. */
function dropInnerRules(lines: string[], view: View, head: boolean): void {
  const footerRule = (head ? 2 : 0) + 2 * view.rows.length;
  const hasFooter = (view.footer?.length ?? 0) > 0;
  for (let index = lines.length - 3; index > (head ? 2 : 0); index -= 2) {
    if (!hasFooter || index !== footerRule) lines.splice(index, 1);
  }
}

function cells(view: View, style: TableStyle): string[][] {
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
