import { stringify } from 'csv-stringify/sync';
import { visible } from '../core/text.ts';
import { isMoney, type View } from './view.ts';

/** What a reader might drop, or take for the end of a line, if it is not quoted. */
const needsQuotes = /^\s|\s$|[\r\u0085\u2028\u2029]|^\uFEFF/;

/**
 * What a spreadsheet may take for a formula, and what begins with the apostrophe that prevents it:
 * to take one away from each cell gives back every cell.
 */
const escapedBySheets = /^[\s\p{C}]*[=+\-@\uFF0B\uFF0D\uFF1D\uFF20]|^['\t\r]/u;

const plainNumber = /^[+-]?\d+(?:\.\d+)?$/;

/**
 * A view as CSV for a spreadsheet: a cell that could be a formula begins with an apostrophe. All
 * are quoted, since some take a semicolon for the end of a cell, and a mark says that it is UTF-8.
 */
export function renderSheet(
  view: View,
  { head, exact }: { readonly head: boolean; readonly exact: boolean },
): string {
  const isNumber = view.columns.map(({ name, align }) => align === 'right' || isMoney(name));
  const rows = view.rows.map((row) =>
    row.map((cell, index) => {
      if (isNumber[index] && plainNumber.test(cell)) return cell;
      return escapedBySheets.test(cell) ? `'${cell}` : cell;
    }),
  );
  const lines = head ? [view.columns.map(({ name }) => name), ...rows] : rows;
  const mark = head && exact ? '\uFEFF' : '';
  return mark + stringify(exact ? lines : lines.map((row) => row.map(visible)), { quoted: true });
}

/**
 * A view as CSV: RFC 4180, but each line ends with a bare newline.
 *
 * @param head false for the second and later parts of a long list
 * @param exact every cell as it is, for a program; otherwise cells are escaped, for a person
 */
export function renderCsv(
  view: View,
  { head, exact }: { readonly head: boolean; readonly exact: boolean },
): string {
  const rows = head ? [view.columns.map(({ name }) => name), ...view.rows] : view.rows;
  return stringify(
    rows.map((row) => (exact ? [...row] : row.map(visible))),
    { quoted_match: needsQuotes, quoted_empty: view.columns.length === 1 },
  );
}
