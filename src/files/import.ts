import { hash } from 'node:crypto';
import type { Bank } from '../bank/bank.ts';
import { within } from '../bank/bound.ts';
import { formatAmount } from '../bank/money.ts';
import { type Operation, referenceKey } from '../bank/operation.ts';
import { mostOperations, post } from '../bank/post.ts';
import { readBook } from '../bank/reading.ts';
import type { Reading } from '../bank/rules.ts';
import { BankctlError } from '../errors.ts';
import { type AccountRow, accountShape, type Target, toAccount } from './account-rows.ts';
import { ahead } from './ahead.ts';
import { LineProblem } from './lines.ts';
import { type Patience, persist } from './persist.ts';
import type { ResultsFile } from './results.ts';
import { type Row, type RowFormat, readRows } from './rows.ts';
import type { Source } from './source.ts';

/** Numbers of rows, in the words of the JSON result; the last four add up to the first. */
export interface ImportCounts {
  readonly read: number;
  /** Opened now. */
  readonly created: number;
  /** There already, with the same balance and status. */
  readonly duplicate: number;
  /** There already, with another balance or status; left as it is. */
  readonly conflict: number;
  /** Not a row that can be an account. */
  readonly rejected: number;
}

/** What became of a row. */
export interface ImportedRow {
  readonly line: number;
  readonly outcome: 'created' | 'duplicate' | 'conflict' | 'rejected';
  /** For the last two: why. */
  readonly reason?: string;
}

/** What importing takes from its surroundings. */
export interface ImportHost extends Patience {
  readonly bank: Bank;
  /** Who asks, as `user@host`. */
  readonly by: string;
  readonly dryRun: boolean;
  readonly results: ResultsFile | undefined;
  /** Told of each batch of rows, in order. */
  readonly imported: (rows: readonly ImportedRow[]) => void;
  /** A command line that can be given again to make sure. */
  readonly again: string;
}

/** A row may need two operations, opening and freezing, which are posted together. */
const rowsAtOnce = Math.floor(mostOperations / 2);

/**
 * Opens the accounts of a file, with their balances and statuses, by operations like any other.
 * Each row is accounted for. Repeated, it finds what it did as duplicates.
 *
 * @throws `file_unreadable`, `file_empty`, `invalid_row` where the whole file is at fault, and
 *   whatever ends it, with how much is done
 */
export async function importFile(
  source: Source,
  format: RowFormat | undefined,
  target: Target,
  host: ImportHost,
): Promise<ImportCounts> {
  const counts = { read: 0, created: 0, duplicate: 0, conflict: 0, rejected: 0 };
  try {
    for await (const rows of ahead(batches(source, format), host.interrupted)) {
      if (host.interrupted.aborted) throw new BankctlError('interrupted', 'Interrupted.');
      const imported = await persist(host, (again) => importRows(rows, target, host, again));
      for (const { outcome } of imported) {
        counts.read += 1;
        counts[outcome] += 1;
      }
      await host.results?.append(imported);
      host.imported(imported);
    }
    return counts;
  } catch (error) {
    throw explained(error, source, counts, host);
  } finally {
    await source.close();
  }
}

async function* batches(
  source: Source,
  format: RowFormat | undefined,
): AsyncIterable<readonly (Row | LineProblem)[]> {
  let waiting: (Row | LineProblem)[] = [];
  for await (const { rows } of readRows(source, format, accountShape)) {
    for (const row of rows) {
      waiting.push(row);
      if (waiting.length < rowsAtOnce) continue;
      yield waiting;
      waiting = [];
    }
  }
  if (waiting.length > 0) yield waiting;
}

/** An account as a row wants it, and the operations that make it. */
interface Wanted {
  readonly row: AccountRow;
  readonly opening: Operation;
  readonly status: Operation | undefined;
}

async function importRows(
  rows: readonly (Row | LineProblem)[],
  target: Target,
  host: ImportHost,
  again: boolean,
): Promise<readonly ImportedRow[]> {
  const parsed = rows.map((row) => tryParse(row, target));
  // A row may repeat an account of the same batch: it is judged by what the one before it asks.
  const first = new Map<string, Wanted>();
  for (const row of parsed) {
    if ('outcome' in row || first.has(referenceKey(row))) continue;
    first.set(referenceKey(row), toWanted(row));
  }
  const judged = await judge([...first.values()], host, again);
  return parsed.map((row) => {
    if ('outcome' in row) return row;
    const { row: before } = first.get(referenceKey(row)) ?? { row };
    const outcome = judged.get(before) ?? rejected(row, 'it was not judged');
    return before === row ? outcome : repeated(row, before, outcome);
  });
}

function repeated(row: AccountRow, before: AccountRow, judged: ImportedRow): ImportedRow {
  const { line } = row;
  if (judged.outcome === 'rejected' || judged.outcome === 'conflict') return { ...judged, line };
  if (before.balanceMinor === row.balanceMinor && before.status === row.status) {
    return { line, outcome: 'duplicate' };
  }
  const reason = `line ${before.line} has another balance or status for ${referenceKey(row)}`;
  return { line, outcome: 'conflict', reason };
}

/**
 * @param again whether these rows were posted before, so that an account that is there may be
 *   what that attempt made; the ids tell
 * @returns what becomes of each row; each is of another account
 */
async function judge(
  wanted: readonly Wanted[],
  { bank, by, dryRun }: ImportHost,
  again: boolean,
): Promise<ReadonlyMap<AccountRow, ImportedRow>> {
  const opening = wanted.map(({ opening: operation }) => operation);
  const { accounts } = await within(bank.timeoutMs, () =>
    bank.inSession((session) => readBook(bank, opening, session, { ids: 'none', versions: false })),
  );
  const readingOf = ({ row }: Wanted) => accounts.get(referenceKey(row)) ?? 'missing';
  const posted = again ? wanted : wanted.filter((want) => readingOf(want) === 'missing');
  const outcomes = await post(bank, posted.flatMap(operationsOf), { by, dryRun });
  const judged = new Map<AccountRow, ImportedRow>();
  for (const want of wanted) judged.set(want.row, compared(want.row, readingOf(want), bank));
  let at = 0;
  for (const want of posted) {
    const ofRow = outcomes.slice(at, at + operationsOf(want).length);
    at += ofRow.length;
    const refused = ofRow.find((outcome) => !outcome.applied);
    if (!refused) judged.set(want.row, { line: want.row.line, outcome: 'created' });
    else if (refused.error.code !== 'account_exists') {
      judged.set(want.row, rejected(want.row, refused.error.message));
    }
  }
  return judged;
}

function operationsOf({ opening, status }: Wanted): readonly Operation[] {
  return status ? [opening, status] : [opening];
}

function toWanted(row: AccountRow): Wanted {
  const { branch, account, balanceMinor, status } = row;
  const text = JSON.stringify([branch, account, String(balanceMinor), status]);
  const id = `import:${hash('sha256', text, 'base64url').slice(0, 22)}`;
  const shared = { branch, account, idGiven: true, memo: undefined };
  const opening: Operation = { ...shared, type: 'open', amountMinor: balanceMinor, id };
  if (status === 'open') return { row, opening, status: undefined };
  const type = status === 'frozen' ? 'freeze' : 'close';
  return { row, opening, status: { ...shared, type, id: `${id}:${type}` } };
}

function compared(row: AccountRow, reading: Reading, bank: Bank): ImportedRow {
  const { line } = row;
  if (reading === 'missing') return rejected(row, 'another program opened it meanwhile');
  if (reading instanceof BankctlError) {
    const reason = `the document of ${referenceKey(row)} is not one of bankctl's accounts`;
    return { line, outcome: 'conflict', reason };
  }
  if (reading.balanceMinor === row.balanceMinor && reading.status === row.status) {
    return { line, outcome: 'duplicate' };
  }
  const { currency } = bank.branches.get(row.branch);
  const state = (minor: bigint, status: string) => `${formatAmount(minor, currency)} and ${status}`;
  return {
    line,
    outcome: 'conflict',
    reason:
      `${referenceKey(row)} is there with ${state(reading.balanceMinor, reading.status)}, ` +
      `and the row has ${state(row.balanceMinor, row.status)}`,
  };
}

function rejected({ line }: { readonly line: number }, reason: string): ImportedRow {
  return { line, outcome: 'rejected', reason };
}

function tryParse(row: Row | LineProblem, target: Target): AccountRow | ImportedRow {
  try {
    if (row instanceof LineProblem) throw row;
    return toAccount(row, target);
  } catch (error) {
    if (!(error instanceof LineProblem)) throw error;
    return rejected(error, `it ${error.message}`);
  }
}

function explained(
  error: unknown,
  source: Source,
  counts: ImportCounts,
  { interrupted, again }: ImportHost,
): unknown {
  const done =
    counts.read === 0
      ? 'Nothing was imported.'
      : `The first ${counts.read} rows are done: ${counts.created} accounts were created.`;
  if (error instanceof LineProblem) {
    const where = `${source.name}, line ${error.line}`;
    return new BankctlError('invalid_row', `${where} ${error.message}. ${done}`, error.hint);
  }
  if (interrupted.aborted) return new BankctlError('interrupted', `Interrupted. ${done}`, again);
  if (!(error instanceof BankctlError) || counts.read === 0) return error;
  return new BankctlError(error.code, `${error.message} ${done}`, again, { cause: error });
}
