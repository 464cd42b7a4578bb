import { stringify } from 'csv-stringify/sync';
import type { View } from './view.ts';

/** A view as CSV: RFC 4180, but each line ends with a bare newline. */
export function renderCsv(view: View, head = true): string {
  const rows = head ? [view.columns.map(({ name }) => name), ...view.rows] : view.rows;
  return stringify(rows.map((row) => [...row]));
}
