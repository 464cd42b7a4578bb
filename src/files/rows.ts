import { nearest } from '../core/near-names.ts';
import { quote } from '../core/text.ts';
import type { Separator } from './dress.ts';

/** One row of a file: its fields by name. A field that is not given is absent. */
export interface Row {
  /** Number of its first line, from 1; in CSV the header is line 1. */
  readonly line: number;
  /** Characters of its text. */
  readonly length: number;
  readonly fields: Fields;
  /** The cells of columns that were left out, if there are any. */
  readonly leftOut?: readonly string[];
  /** The field in which the file ends, unless something shows that it is whole. */
  readonly mayBeCut?: string;
  /** How its amounts are written, if that can be said of the file. */
  readonly decimal?: 'point' | 'comma' | 'in doubt' | undefined;
}

/** Text by name; a flag is `true` or `false`. */
export type Fields = Readonly<Record<string, string>>;

/** What rows may have. */
export interface RowShape {
  /** What one row is, for messages: `an operation`. */
  readonly noun: string;
  readonly columns: readonly string[];
  /** What people call some of them, for guessing what was meant. */
  readonly otherNames?: Readonly<Record<string, string>>;
  /** Which of the columns are true or false. */
  readonly flags: readonly string[];
  /** Which of the columns name something: a rounded number would name something else. */
  readonly names: readonly string[];
  /** Which of the columns are amounts of money. */
  readonly amounts?: readonly string[];
  /**
   * Columns that the header of a CSV must have, given those it has. Even if none is missing, each
   * row is still checked for what it needs.
   */
  readonly needed: (columns: readonly string[]) => readonly string[];
}

/** What its reader should be told about a file that is correct. */
export interface FileTraits {
  /** What spreadsheets add that holds nothing, and was left out. */
  readonly blankRows: number;
  readonly namelessColumns: number;
  /** The columns that were left out because the user said so, as the file calls them. */
  readonly droppedColumns: readonly string[];
  /** What stands between the columns, if the user did not say so and it is no comma. */
  readonly separatorFound?: Separator | undefined;
}

/** Of a file about which there is nothing to say. */
export const plainTraits: FileTraits = Object.freeze({
  blankRows: 0,
  namelessColumns: 0,
  droppedColumns: [],
});

/** Turns lines of one format into rows; made afresh for each pass. */
export interface RowParser {
  /**
   * @param isCut the file ends on this line without a newline
   * @returns the row that ends on this line, if one does
   * @throws `LineProblem`
   */
  readonly parse: (line: number, text: string, isCut: boolean) => Row | undefined;
  /** Skips a line that is not text. */
  readonly skip: () => void;
  /** Whether the lines after a problem can be read. */
  readonly canGoOn: () => boolean;
  /** What the end of the file leaves unfinished. */
  readonly end: () => LineProblem | undefined;
  readonly traits: FileTraits;
}

/** The codes that a line can be refused with. */
type FaultCode = 'invalid_row' | 'row_without_id' | 'row_repeated' | 'line_cut';

/** A line that is not what was expected. Thrown to where problems are listed. */
export class LineProblem extends Error {
  readonly line: number;
  /** What to do about it, if there is more to say than what was expected. */
  readonly hint: string | undefined;
  readonly code: FaultCode;

  /** @param message completes "line 3 …": what is wrong, and what was expected */
  constructor(line: number, message: string, hint?: string, code: FaultCode = 'invalid_row') {
    super(message);
    this.line = line;
    this.hint = hint;
    this.code = code;
  }
}

/** The column of rows of this shape that a name was probably meant to be. */
export function meantColumn(name: string, shape: RowShape): string | undefined {
  return shape.otherNames?.[name.toLowerCase()] ?? nearest(name, shape.columns);
}

/** Why a field or a column that rows of this shape do not have is refused. */
export function unknownColumn(kind: 'field' | 'column', name: string, shape: RowShape): string {
  const meant = meantColumn(name, shape);
  const guess = meant === undefined ? '' : `; did you mean ${meant}?`;
  const known = shape.columns.join(', ');
  return `has an unknown ${kind} ${quote(name)}: there are ${known}${guess}`;
}

/** Whether a text contains only white space. */
export function isBlank(text: string): boolean {
  return text.trim() === '';
}

/** The number of quotation marks in a text. */
export function countQuotes(text: string): number {
  let quotes = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) quotes += 1;
  return quotes;
}
