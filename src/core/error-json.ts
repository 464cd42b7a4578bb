import type { BankctlError, ErrorCode } from './errors.ts';

/**
 * Whether the same command may succeed later although nothing was changed for it: what stood in its
 * way was of the moment. One that changes accounts is repeated with the same `--id`, or `--batch`.
 * Each code has to say so.
 */
const retryable = {
  usage: false,
  unknown_command: false,
  unknown_branch: false,
  invalid_account: false,
  invalid_amount: false,
  invalid_operation_id: false,
  invalid_memo: false,
  invalid_config: false,
  config_unreadable: false,
  config_not_trusted: false,
  config_mismatch: false,
  invalid_uri: false,
  journal_disabled: false,
  file_unreadable: false,
  file_empty: false,
  invalid_row: false,
  file_format: false,
  row_repeated: false,
  line_cut: false,
  file_repeated: false,
  totals_differ: false,
  not_exportable: false,
  intended_sign: false,
  row_without_id: false,
  invalid_history: false,
  account_not_found: false,
  account_exists: false,
  account_frozen: false,
  account_closed: false,
  wrong_branch: false,
  foreign_documents: false,
  bad_balance: false,
  bad_document: false,
  duplicate_account: false,
  confirmation_needed: false,
  not_confirmed: false,
  account_moved: false,
  invalid_plan: false,
  plan_mismatch: false,
  invalid_owner: false,
  invalid_label: false,
  too_many_labels: false,
  labels_unchanged: false,
  labels_changed: false,
  behind_journal: false,
  capped_collection: false,
  collated_collection: false,
  bad_identity: false,
  account_not_frozen: false,
  balance_not_zero: false,
  same_account: false,
  currency_mismatch: false,
  amount_negative: false,
  operation_not_found: false,
  operation_ambiguous: false,
  not_reversible: false,
  already_reversed: false,
  time_out_of_range: false,
  refused_by_server: false,
  batch_refused: false,
  too_many_operations: false,
  amount_zero: false,
  amount_precision: false,
  below_minimum: false,
  balance_limit: false,
  operation_id_conflict: false,
  not_writable: false,
  unreachable: true,
  authentication_failed: false,
  not_permitted: false,
  no_transactions: false,
  not_initiated: false,
  timed_out: true,
  snapshot_too_old: true,
  outcome_unknown: true,
  database_failed: false,
  no_mongod: false,
  local_database: false,
  no_local_database: false,
  not_ours: false,
  interrupted: true,
} as const satisfies Readonly<Record<ErrorCode, boolean>>;

/** See `retryable`. */
export function isRetryable(code: string): boolean {
  return Object.entries(retryable).some(([name, may]) => may && name === code);
}

/** An error as `--json` prints it. */
export interface ErrorJson {
  readonly code: ErrorCode | 'internal';
  readonly message: string;
  /** What to type next. */
  readonly hint: string;
  /** See `retryable`; a bug in bankctl stays. */
  readonly retryable: boolean;
  /** The ids of the operations that it is about; absent if there are none. */
  readonly operations?: readonly string[];
}

/** The fields of an error for a program. */
export function errorJson({ code, message, hint, operationIds = [], mayRepeat = true }: Told) {
  return {
    ...{ code, message, hint },
    retryable: mayRepeat && isRetryable(code),
    ...(operationIds.length > 0 ? { operations: operationIds } : {}),
  } satisfies ErrorJson;
}

type Told = Pick<ErrorJson, 'code' | 'message' | 'hint'> &
  Partial<Pick<BankctlError, 'operationIds' | 'mayRepeat'>>;
