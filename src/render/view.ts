/** A result as people see it: plain data, drawn in its layout or written as CSV. */
export interface View {
  /** Stable names: CSV headers and, in their readable form, table headings. */
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  readonly layout: Layout;
  /** Rows under a line at the foot, such as totals, for people only: not in CSV. */
  readonly footer?: readonly Row[];
  /** Text under the table, for people only: not in CSV. */
  readonly notes?: readonly Note[];
}

/**
 * A grid has a line per item and a record one per field; text and prose are lines as they are, and
 * prose is wrapped at spaces to fit a terminal.
 */
export type Layout = 'grid' | 'record' | 'text' | 'prose';

/** A line of text, or a painted one, which is safe to show as it is. */
export type Note = string | Painted;

/** Made only of what a `Paint` painted and of `visible` text. */
export interface Painted {
  readonly painted: string;
}

/** A column of a table and of CSV. */
interface Column {
  readonly name: string;
  readonly align?: 'left' | 'right';
}

/** One cell per column. */
export type Row = readonly string[];

/** A column that knows what to show for an item. */
export interface ColumnOf<Item> extends Column {
  readonly cell: (item: Item) => string;
}

/** Makes a column of a field, named as in the JSON; null is shown as `missing`. */
export function column<Name extends string>(
  name: Name,
  missing = '',
): ColumnOf<Readonly<Record<Name, unknown>>> {
  return { name, cell: (item) => String(item[name] ?? missing) };
}

/** Like `column`, for numbers and amounts, which are aligned to the right. */
export function figure<Name extends string>(name: Name, missing?: string) {
  return { ...column(name, missing), align: 'right' } as const;
}

/** True for a column of amounts of money, whose names are the same in every result. */
export function isMoney(name: string): boolean {
  return /(?:^|_)(?:amount|balance|total)(?:_before|_after)?$|^(?:before|after)$/.test(name);
}

/** Shown for an unknown figure: not a number, so that nobody takes it for one. */
export const unknown = '?';

/** Makes the cells of each item. */
export function rowsOf<Item>(
  items: readonly Item[],
  columns: readonly ColumnOf<Item>[],
): readonly Row[] {
  return items.map((item) => columns.map(({ cell }) => cell(item)));
}

/** Makes a view of many things, with a line per item. */
export function gridView<Item>(items: readonly Item[], columns: readonly ColumnOf<Item>[]): View {
  return { layout: 'grid', columns, rows: rowsOf(items, columns) };
}

/** Makes a view of one thing, with a line per field, in the order of the fields. */
export function recordView(fields: Readonly<Record<string, unknown>>, missing = ''): View {
  const names = Object.keys(fields);
  const columns = names.map((name) => column(name, missing));
  return { layout: 'record', columns, rows: rowsOf([fields], columns) };
}
