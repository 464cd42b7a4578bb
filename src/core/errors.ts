import { type ErrorRow, row } from './error-row.ts';
import { fileErrors } from './file-errors.ts';
import { labelErrors } from './label-errors.ts';
import { planErrors } from './plan-errors.ts';
import type { Status } from './status.ts';

export { Status } from './status.ts';

/**
 * Every failure that a user or an environment can cause: a closed set. A code that is not here
 * does not compile, so each has a status, a meaning and a next step.
 */
export const errorTable = {
  usage: row(2, 'The command line does not fit the command.', 'See bankctl --help.'),
  unknown_command: row(2, 'There is no such command.', 'bankctl --help lists the commands.'),
  unknown_branch: row(
    2,
    'The config has no branch of that name.',
    'bankctl branches lists the branches.',
  ),
  invalid_account: row(
    2,
    'An account number is 1 to 64 printable characters.',
    'Type it exactly as it is in the bank, for example ACC-1.',
  ),
  invalid_amount: row(
    2,
    'An amount is a plain decimal number, such as 50 or -12.34.',
    'Write digits, with a point before the cents: 50 or -12.34.',
  ),
  invalid_operation_id: row(
    2,
    'An operation id is 1 to 128 printable characters.',
    'Use letters, digits and punctuation; without --id, bankctl makes up an id.',
  ),
  invalid_memo: row(
    2,
    'A memo is at most 500 printable characters.',
    'Shorten the text after --memo, or leave out its invisible characters.',
  ),
  invalid_config: row(
    2,
    'The config file has a key or a value that is not allowed.',
    'Correct it; bankctl help config describes every key.',
  ),
  config_unreadable: row(
    2,
    'The config file cannot be read.',
    'Check the path and its permissions, or run bankctl init to write one.',
  ),
  config_not_trusted: row(
    2,
    'A config found in the working directory or above it could have been put there by others.',
    'Name it with --config if you mean it, or stop others from writing there.',
  ),
  config_mismatch: row(
    2,
    'The config or the URI contradicts what the database records about itself.',
    'Correct the config; bankctl init --rename changes the database if no document disagrees.',
  ),
  invalid_uri: row(
    2,
    'The connection string cannot be used.',
    'Write it as mongodb://HOST:27017 or mongodb+srv://CLUSTER; passwords go in BANKCTL_URI.',
  ),
  journal_disabled: row(
    2,
    'The config has journal: false, so this cannot be done.',
    'Give the journal a collection name in the config.',
  ),
  ...fileErrors,
  not_exportable: row(
    1,
    'The journal has an operation that no row of a file can ask for.',
    'Export the accounts, with bankctl export.',
  ),
  intended_sign: row(
    2,
    'A log of what was meant has the signs of its amounts the wrong way round.',
    'Turn the signs round: an amount above 0 is one that was added to the balance.',
  ),
  row_without_id: row(
    2,
    'A row has no operation id, so a repeated file could post it twice.',
    'Give each row an id, or name the whole batch with --batch NAME.',
  ),
  invalid_history: row(
    2,
    'A line of a history is not in the documented format.',
    'docs/history.md describes every line; name a file that bankctl stress --history wrote.',
  ),
  account_not_found: row(
    1,
    'The branch has no such account.',
    'bankctl balance BRANCH lists its accounts; bankctl open BRANCH ACCOUNT opens one.',
  ),
  account_exists: row(
    1,
    'The branch already has that account.',
    'See it with bankctl balance BRANCH ACCOUNT.',
  ),
  account_frozen: row(
    1,
    'The account is frozen.',
    'Unfreeze it with bankctl unfreeze BRANCH ACCOUNT.',
  ),
  account_closed: row(
    1,
    'The account is closed.',
    'Use another account; a closed one stays closed.',
  ),
  wrong_branch: row(
    1,
    "A document in the branch's collection is stamped for another branch, or not at all.",
    'bankctl audit BRANCH says what is there; bankctl adopt BRANCH takes it over.',
  ),
  foreign_documents: row(
    1,
    "A branch's collection holds documents that bankctl did not write.",
    'bankctl audit BRANCH says what is there; bankctl adopt BRANCH takes it over.',
  ),
  bad_balance: row(
    1,
    "The stored balance is not an exact amount of the branch's currency.",
    'bankctl audit BRANCH says what is there; bankctl adopt BRANCH takes it over.',
  ),
  bad_document: row(
    1,
    'A stored document lacks a field, or has one that bankctl could not have written.',
    'bankctl audit BRANCH says which; find out which program wrote it.',
  ),
  duplicate_account: row(
    1,
    "A branch's collection holds two documents with the same account number.",
    'bankctl audit BRANCH says which; keep one of them.',
  ),
  confirmation_needed: row(
    2,
    'A command that asks before it changes anything was not run on a terminal.',
    'Look first with --dry-run; --yes goes ahead without asking.',
  ),
  not_confirmed: row(
    1,
    'The question whether to go ahead was not answered with yes.',
    'Answer y to go ahead, or give --yes.',
  ),
  ...planErrors,
  ...labelErrors,
  behind_journal: row(
    1,
    'The journal has postings that the document of the account lacks.',
    'bankctl audit BRANCH says what is missing; find out which program did it.',
  ),
  capped_collection: row(
    1,
    'A collection of the bank is capped, so the server would drop its oldest documents.',
    'Copy the documents into a collection that is not capped.',
  ),
  collated_collection: row(
    1,
    'A collection of the bank compares text by a collation, not letter by letter.',
    'Copy the documents into a collection without a collation, and name that one in the config.',
  ),
  bad_identity: row(
    1,
    'The document that says what belongs to which branch is not what bankctl writes.',
    'Find out which program wrote it; bankctl init --rename rewrites it from the config.',
  ),
  account_not_frozen: row(
    1,
    'Only a frozen account can be unfrozen.',
    'See its status with bankctl balance BRANCH ACCOUNT.',
  ),
  balance_not_zero: row(
    1,
    'An account can be closed only when its balance is zero.',
    'Move the money out first, with bankctl transfer.',
  ),
  same_account: row(1, 'A transfer needs two different accounts.', 'Name another account.'),
  currency_mismatch: row(
    1,
    'The two branches have different currencies.',
    'Transfer between branches with the same currency; bankctl branches lists them.',
  ),
  amount_negative: row(
    1,
    'The amount of a transfer is below zero.',
    'Give the amount without a sign.',
  ),
  operation_not_found: row(
    1,
    'The journal has no such operation; one still under way may yet arrive.',
    'Check the id; bankctl history BRANCH ACCOUNT shows what there is.',
  ),
  operation_ambiguous: row(
    1,
    'Several operations have an id that begins like this.',
    'Type more of the id.',
  ),
  not_reversible: row(
    1,
    'Only an increment, a transfer, a label or a repair can be reversed.',
    'Post a new operation that corrects it.',
  ),
  already_reversed: row(
    1,
    'The operation has already been reversed, which can be done only once.',
    'See the reversal with bankctl show OPERATION.',
  ),
  time_out_of_range: row(
    1,
    'The journal cannot answer for that time: it is in the future, or before the first posting.',
    'bankctl history BRANCH ACCOUNT shows the times of its postings.',
  ),
  refused_by_server: row(
    1,
    'The server refused the write.',
    'Look at the documents of that account: another program may have changed them.',
  ),
  batch_refused: row(
    1,
    'Another operation of the same all-or-nothing batch was refused.',
    'Correct that one, and run the batch again.',
  ),
  too_many_operations: row(
    1,
    'One transaction cannot hold that many operations.',
    'Leave out --atomic, or split the file.',
  ),
  amount_zero: row(
    1,
    'The amount is zero, which moves nothing.',
    'Give an amount above or below 0.',
  ),
  amount_precision: row(
    1,
    'The amount has more decimals than its currency.',
    'Round it to the decimals of the currency.',
  ),
  below_minimum: row(
    1,
    "The result would be below the branch's minBalance.",
    'See what is there with bankctl balance BRANCH ACCOUNT.',
  ),
  balance_limit: row(
    1,
    'The result would be larger than a balance can be.',
    'A balance has at most 24 digits, including the decimals.',
  ),
  operation_id_conflict: row(
    1,
    'The operation id was already used for something else.',
    'See the first with bankctl show OPERATION; use a fresh id only for a new operation.',
  ),
  not_writable: row(
    1,
    'A file, a directory or stdout cannot be written.',
    'Check its permissions and the space left, or name another.',
  ),
  unreachable: row(
    3,
    'No database answers there.',
    'Check the address, and that the server is running; --timeout sets how long to wait.',
  ),
  authentication_failed: row(
    3,
    'The database refused the user name or the password.',
    'Check the credentials in BANKCTL_URI or the file of --uri-file.',
  ),
  not_permitted: row(
    3,
    'The database user may not do this.',
    'Give the user the role readWrite on the database, and dbAdmin for bankctl init.',
  ),
  no_transactions: row(
    3,
    'The server is a standalone, which has no transactions.',
    'Restart it with --replSet and run rs.initiate(), or set journal: false in the config.',
  ),
  not_initiated: row(
    3,
    'The server has no replica set config: rs.initiate() was never run, or not for this server.',
    'Run rs.initiate() on it in mongosh; if the set has other members, name one of those.',
  ),
  timed_out: row(
    3,
    'The database was too slow to finish in time.',
    'Wait longer, with --timeout 60s; repeat a change to an account with the same --id.',
  ),
  snapshot_too_old: row(
    3,
    'Reading took longer than the server keeps the past.',
    'Raise minSnapshotHistoryWindowInSeconds on the server, or read when less is written.',
  ),
  outcome_unknown: row(
    3,
    'The answer never came, so the operation may or may not be applied.',
    'bankctl show OPERATION says whether it was; repeated with that --id, it is applied once.',
  ),
  database_failed: row(
    3,
    'The database answered with an error.',
    'See bankctl db status for the local database, or the log of your server.',
  ),
  no_mongod: row(
    3,
    'No mongod was found and none could be fetched.',
    'Install MongoDB and put mongod on PATH, or set BANKCTL_MONGOD to its path.',
  ),
  local_database: row(
    3,
    'The local database cannot be started or used.',
    'bankctl db status says where it is; BANKCTL_DATA_DIR moves it.',
  ),
  no_local_database: row(
    3,
    'There is no local database yet, and this command does not create one.',
    'bankctl init creates one; BANKCTL_URI or --uri names a database elsewhere.',
  ),
  not_ours: row(
    1,
    'stress writes only into a database that it made itself.',
    'Leave the database name out of the URI: stress makes one up.',
  ),
  interrupted: row(
    130,
    'You stopped it.',
    'Run it again if it takes no --id; repeat an operation with its --id.',
  ),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errorTable;

/** What an error is about; by default that of a cause which is such an error too. */
interface About extends ErrorOptions, Partial<Pick<BankctlError, 'operationIds' | 'mayRepeat'>> {}

/** A failure that the user can understand and act on. Anything else is a bug in bankctl. */
export class BankctlError extends Error {
  readonly code: ErrorCode;
  /** One line: what to type next. */
  readonly hint: string;
  /** The ids of the operations that it is about. */
  readonly operationIds: readonly string[];
  /** False if it must not be repeated, whatever is true of its code. */
  readonly mayRepeat: boolean;

  /**
   * @param code a row of `errorTable`
   * @param message one sentence that names the offending thing
   * @param hint what to type next; the table's own by default
   */
  constructor(code: ErrorCode, message: string, hint?: string, options: About = {}) {
    super(message, options);
    const { cause } = options;
    const inner = cause instanceof BankctlError ? cause : undefined;
    this.operationIds = options.operationIds ?? inner?.operationIds ?? [];
    this.mayRepeat = options.mayRepeat ?? (inner?.code === code ? inner.mayRepeat : true);
    this.name = 'BankctlError';
    this.code = code;
    this.hint = hint ?? errorTable[code].hint;
  }

  get status(): Status {
    return errorTable[this.code].status;
  }
}
