import { type ErrorRow, row } from './error-row.ts';

/** What can be wrong with a file of rows as a whole, or with one of its lines. */
export const fileErrors = {
  file_unreadable: row(
    2,
    'A file of rows cannot be read.',
    'Check the path and its permissions; - reads the standard input.',
  ),
  file_empty: row(2, 'A file has no rows.', 'Check that whatever writes the file has run.'),
  invalid_row: row(
    2,
    'A line of a file is not a valid row.',
    'Correct that line and run the whole file again: what was applied is not applied twice.',
  ),
  file_format: row(
    2,
    'A file is something other than rows of text, such as a spreadsheet or a compressed file.',
    'Save it as CSV with commas, or as NDJSON, in UTF-8.',
  ),
  row_repeated: row(
    2,
    'A file has the same operation id on two lines, so one of them would not be posted.',
    'Give each row its own id, or leave the ids out and name the file with --batch NAME.',
  ),
  line_cut: row(
    2,
    'The last line of a file has no newline, so the end of the file may be missing.',
    'Fetch the file again, or say that it is complete with --last-line-complete.',
  ),
  file_repeated: row(
    2,
    'Rows of a file may pay twice: they had another --batch name, other columns, or were edited.',
    'Name and read the file as before to apply it once, or add --again to apply it once more.',
  ),
  totals_differ: row(
    2,
    'A file does not have the number of rows or the totals that were expected of it.',
    'Fetch the file again, or correct the figure; nothing of the file was applied.',
  ),
} as const satisfies Record<string, ErrorRow>;
