/** A result as people see it: plain data, drawn by `table.ts` or written as CSV. */
export interface View {
  /** Stable names: CSV headers and, in the titles, table heads. */
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  /** A grid has one line an item; a record has one line a field; text has no lines around it. */
  readonly layout: 'grid' | 'record' | 'text';
  /** Rows under a line at the foot, such as totals, for people only: not in CSV. */
  readonly footer?: readonly Row[];
  /** Text under the table, for people only: not in CSV. */
  readonly notes?: readonly string[];
}

/** A column of a table and of CSV. */
export interface Column {
  readonly name: string;
  readonly align?: 'left' | 'right';
}

/** One cell a column. */
export type Row = readonly string[];
