import { type ErrorRow, row } from './error-row.ts';

/** What can be wrong with a plan of repairs: rows of the table of errors. */
export const planErrors = {
  account_moved: row(
    1,
    'The account is no longer as it was when the plan was made.',
    'Make a new plan with bankctl audit --plan.',
  ),
  invalid_plan: row(
    2,
    'A plan of repairs cannot be read, or has a line that is not allowed.',
    'Correct those lines, delete their whole entries, or make a new plan with audit --plan.',
  ),
  plan_mismatch: row(
    2,
    'A plan of repairs is of another database, or has an entry that was never true of this one.',
    'Delete those entries, or make a new plan with bankctl audit --plan.',
  ),
} as const satisfies Record<string, ErrorRow>;
