import type { Status } from './status.ts';

/** What the table of errors says of one. */
export interface ErrorRow {
  /** The exit status of a command that ends with this error. */
  readonly status: Status;
  /** What it means, for the reference; one line. */
  readonly meaning: string;
  /** What to type next, unless whoever throws the error knows better. */
  readonly hint: string;
}

/** Makes a row of the table of errors. */
export function row(status: Status, meaning: string, hint: string): ErrorRow {
  return { status, meaning, hint };
}
