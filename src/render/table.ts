import Table from 'cli-table3';
import { visible } from '../core/text.ts';
import { noteLines, type Style, title } from './record.ts';
import type { Row, View } from './view.ts';
import { isAscii, type Measure, measureFor } from './width.ts';

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

/**
 * The library measures combining marks and newer scripts wrongly, so it draws a table of these
 * characters instead: no visible text contains them, and each is one column wide. The texts then
 * replace them.
 */
const place = '\uE000';
const places = /\uE000+/g;

/** Draws a grid as text, without a trailing newline. */
export async function renderTable(view: View, style: Style): Promise<string> {
  const { paint, terminal, widths } = style;
  const head = widths === undefined;
  const table = new Table({
    ...(head && { head: view.columns.map(({ name }) => paint.head(title(name))) }),
    colAligns: view.columns.map(({ align }) => align ?? 'left'),
    style: { head: [], border: [], ...(!terminal && { 'padding-left': 0, 'padding-right': 0 }) },
    ...(!terminal && { chars: noBorders }),
  });
  const rows = escapeCells(view);
  const measure = await measureFor(rows.flat());
  const padded = widths ? padCells(rows, measure, view, widths) : rows;
  const lines = drawCells(table, padded, measure).split('\n');
  if (terminal) dropInnerRules(lines, view, head);
  return [...lines.map((line) => line.trimEnd()), ...noteLines(view.notes)].join('\n');
}

function drawCells(table: Table.Table, rows: readonly Row[], measure: Measure): string {
  if (rows.every((row) => row.every(isAscii))) {
    table.push(...rows.map((row) => [...row]));
    return table.toString();
  }
  table.push(...rows.map((row) => row.map((cell) => place.repeat(measure(cell)))));
  const texts = rows.flat().filter((cell) => measure(cell) > 0);
  let next = 0;
  return table.toString().replace(places, () => texts[next++] ?? '');
}

/** Keeps only the line below the header and the one above the footer. */
function dropInnerRules(lines: string[], view: View, head: boolean): void {
  const footerRule = (head ? 2 : 0) + 2 * view.rows.length;
  const hasFooter = (view.footer?.length ?? 0) > 0;
  for (let index = lines.length - 3; index > (head ? 2 : 0); index -= 2) {
    if (!hasFooter || index !== footerRule) lines.splice(index, 1);
  }
}

function escapeCells({ rows, footer = [] }: View): readonly Row[] {
  return [...rows, ...footer].map((row) => row.map(showCell));
}

/** A combining mark that would attach to the border on its left gets a base of its own. */
function showCell(text: string): string {
  return visible(text).replace(/^\p{M}/u, '\u25CC$&');
}

/** Measures the columns of a view. Later parts of a long table use the widths of its first. */
export async function columnWidths(view: View): Promise<readonly number[]> {
  const rows = escapeCells(view);
  const measure = await measureFor(rows.flat());
  return view.columns.map(({ name }, index) =>
    Math.max(name.length, ...rows.map((row) => measure(row[index] ?? ''))),
  );
}

function padCells(
  rows: readonly Row[],
  measure: Measure,
  { columns }: View,
  widths: readonly number[],
): readonly Row[] {
  return rows.map((row) =>
    row.map((cell, index) => {
      const gap = ' '.repeat(Math.max((widths[index] ?? 0) - measure(cell), 0));
      return columns[index]?.align === 'right' ? gap + cell : cell + gap;
    }),
  );
}
