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
  readonly notes?: readonly Note[];
}

/** A line of text, or one that is painted, and so safe to show as it is. */
export type Note = string | Painted;

/** Made of what a `Paint` painted and of `visible` text, and of nothing else. */
export interface Painted {
  readonly painted: string;
}

/** A column of a table and of CSV. */
export interface Column {
  readonly name: string;
  readonly align?: 'left' | 'right';
}

/** One cell a column. */
export type Row = readonly string[];

/** A view of one thing: a line a field, in the order of the fields. */
export function recordView(fields: Readonly<Record<string, string>>): View {
  return {
    layout: 'record',
    columns: Object.keys(fields).map((name) => ({ name })),
    rows: [Object.values(fields)],
  };
}

/** A record of numbers, such as how many rows of a file were applied. */
export function countsView(counts: Readonly<Record<string, number>>): View {
  const fields = Object.entries(counts).map(([name, number]) => [name, String(number)]);
  return recordView(Object.fromEntries(fields));
}
