import { stringify } from 'csv-stringify/sync';
import { visible } from '../core/text.ts';
import type { Row, View } from './view.ts';

/** How CSV is written. */
interface CsvStyle {
  /** False for the second and later parts of a long list. */
  readonly head: boolean;
  /** For a program: every cell exactly as it is. Otherwise a person looks on, and it is escaped. */
  readonly exact: boolean;
}

/** What a reader might drop or take for the end of a line, when it is not quoted. */
const needsQuotes = /^\s|\s$|[\r\u0085\u2028\u2029]|^\uFEFF/;

/** A view as CSV: RFC 4180, but each line ends with a bare newline. */
export function renderCsv(view: View, { head, exact }: CsvStyle): string {
  const rows = head ? [view.columns.map(({ name }) => name), ...view.rows] : view.rows;
  return stringify(exact ? rows.map((row) => [...row]) : rows.map(shown), {
    quoted_match: needsQuotes,
    quoted_empty: view.columns.length === 1,
  });
}

function shown(row: Row): string[] {
  return row.map(visible);
}
