import { stringify } from 'csv-stringify/sync';
import { visible } from '../core/text.ts';
import type { View } from './view.ts';

/** What a reader might drop, or take for the end of a line, if it is not quoted. */
const needsQuotes = /^\s|\s$|[\r\u0085\u2028\u2029]|^\uFEFF/;

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
