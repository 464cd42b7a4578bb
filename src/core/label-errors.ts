import { type ErrorRow, row } from './error-row.ts';

/** What can be wrong with owners and labels: rows of `errorTable`. */
export const labelErrors = {
  invalid_owner: row(
    2,
    'An owner is one line of 1 to 200 printable characters.',
    'Shorten it, or leave out its invisible characters; - stands for no owner.',
  ),
  invalid_label: row(
    2,
    'A label is a word of 1 to 40 printable characters, and an account has at most 20.',
    'Write words with spaces or commas between them, such as vip,retail.',
  ),
  too_many_labels: row(
    1,
    'The account would have more than 20 labels.',
    'Remove a label that is no longer needed, with bankctl label BRANCH ACCOUNT --remove WORD.',
  ),
  labels_unchanged: row(
    1,
    'The account already has the owner and the labels asked for.',
    'bankctl accounts BRANCH ACCOUNT shows them.',
  ),
  labels_changed: row(
    1,
    'What a reversal would put back was changed again since.',
    'Say what the account shall have now, with bankctl label BRANCH ACCOUNT.',
  ),
} as const satisfies Record<string, ErrorRow>;
