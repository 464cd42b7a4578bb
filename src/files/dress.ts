/** What may stand between the columns of a CSV, and how messages call it. */
export const separators = {
  ',': 'commas',
  ';': 'semicolons',
  '\t': 'tabs',
} as const satisfies Readonly<Record<string, string>>;
/** One of `separators`. */
export type Separator = keyof typeof separators;

/** How a CSV is written, as its giver says. The rows do not depend on it. */
export interface Dress {
  /** If undefined, the header decides, when it leaves no doubt. */
  readonly separator: Separator | undefined;
  /** What stands before the cents; a point if undefined, unless it may be one between thousands. */
  readonly decimal: 'point' | 'comma' | undefined;
  /** What the file calls a column, by the name of the field that the column is. */
  readonly columns: ReadonlyMap<string, string>;
  /** Names of columns to leave out, or several of them with commas between: see `droppedNames`. */
  readonly dropped: readonly string[];
}

/** How a file of rows is read. */
export interface RowLayout {
  /** If undefined, the name of the file decides, or else its first character. */
  readonly format?: RowFormat | undefined;
  /** If undefined, columns have commas between them, and each has to be a known one. */
  readonly dress?: Dress | undefined;
}

/** The formats of rows. */
export const rowFormats = ['ndjson', 'csv'] as const;
/** One of `rowFormats`. */
export type RowFormat = (typeof rowFormats)[number];

/**
 * A name of a column without what operators and their programs change about it: case, white space
 * around it and the number of spaces in it, and a byte-order mark.
 */
export function foldName(name: string): string {
  return name.normalize('NFC').trim().replace(/\s+/g, ' ').toLowerCase();
}

/** The folded names of the columns that were said to be left out. A comma may be part of a name. */
export function droppedNames(dropped: readonly string[]): ReadonlySet<string> {
  return new Set(dropped.flatMap((text) => [text, ...text.split(',')]).map(foldName));
}
