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

/** How a view is written in one piece. */
interface Piece {
  /** False for the second and later parts of a long list. */
  readonly head: boolean;
  /** Every cell as it is, for a program; otherwise cells are escaped, for a person. */
  readonly exact: boolean;
}

/**
 * A view as CSV for a spreadsheet: a cell that could be a formula begins with an apostrophe, and a
 * time has the form that is taken for one. All are quoted, since some take a semicolon for the end
 * of a cell, and a mark says that it is UTF-8.
 */
export function renderSheet(view: View, piece: Piece): string {
  return sheetOf(view, piece, { delimiter: ',', point: '.' });
}

/** As `renderSheet`, for a spreadsheet of a country that has a comma before the decimals. */
export function renderCommaSheet(view: View, piece: Piece): string {
  return sheetOf(view, piece, { delimiter: ';', point: ',' });
}

const isoTime = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;
const timeColumns: ReadonlySet<string> = new Set(['at', 'since']);

function sheetOf(
  view: View,
  { head, exact }: Piece,
  { delimiter, point }: { readonly delimiter: string; readonly point: string },
): string {
  const isNumber = view.columns.map(({ name, align }) => align === 'right' || isMoney(name));
  const isTime = view.columns.map(({ name }) => timeColumns.has(name));
  const rows = view.rows.map((row) =>
    row.map((cell, index) => {
      if (isNumber[index] && plainNumber.test(cell)) return cell.replace('.', point);
      if (isTime[index] && isoTime.test(cell)) return cell.replace(isoTime, '$1 $2');
      return escapedBySheets.test(cell) ? `'${cell}` : cell;
    }),
  );
  const lines = head ? [view.columns.map(({ name }) => name), ...rows] : rows;
  const mark = head && exact ? '\uFEFF' : '';
  const shown = exact ? lines : lines.map((row) => row.map(visible));
  return mark + stringify(shown, { quoted: true, delimiter });
}

/** A view as CSV: RFC 4180, but each line ends with a bare newline. */
export function renderCsv(view: View, { head, exact }: Piece): string {
  const rows = head ? [view.columns.map(({ name }) => name), ...view.rows] : view.rows;
  return stringify(
    rows.map((row) => (exact ? [...row] : row.map(visible))),
    { quoted_match: needsQuotes, quoted_empty: view.columns.length === 1 },
  );
}
