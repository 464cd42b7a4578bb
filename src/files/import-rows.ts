import { hash } from 'node:crypto';
import type { Bank } from '../bank/bank.ts';
import type { Reading } from '../bank/book.ts';
import { within } from '../bank/deadline.ts';
import type { Outcome } from '../bank/judge.ts';
import { referenceKey } from '../bank/operations/names.ts';
import type { Operation } from '../bank/operations/operation.ts';
import { OutcomeUnknown, post } from '../bank/post.ts';
import type { PostMemory } from '../bank/post-memory.ts';
import { readBook } from '../bank/reading.ts';
import { overlay, type Rehearsal } from '../bank/rehearsal.ts';
import { BankctlError } from '../core/errors.ts';
import { formatAmount } from '../core/money.ts';
import type { AccountRow } from './account-rows.ts';

/** What became of a row. */
export interface ImportedRow {
  readonly line: number;
  readonly outcome: 'created' | 'duplicate' | 'conflict' | 'rejected';
  /** Why it is not as the row has it. */
  readonly reason?: string;
}

/** What rows are posted with. */
export interface RowPosting {
  readonly bank: Bank;
  /** Who asks, as `user@host`. */
  readonly by: string;
  readonly memory: PostMemory;
  /** Undefined if it is no dry run. */
  readonly rehearsal: Rehearsal | undefined;
}

/** Answers that came for a batch of rows. They stand when the batch is posted again. */
export interface Answers {
  /** Ids of operations that this import applied. */
  readonly applied: Set<string>;
  /** Ids of operations whose commit was sent and not answered. */
  readonly unknown: Set<string>;
}

/** An account as a row wants it, and the operations that make it. */
interface Wanted {
  readonly row: AccountRow;
  readonly opening: Operation;
  readonly status: Operation | undefined;
}

/**
 * Opens the accounts of some rows, then freezes or closes those that it opened.
 *
 * @returns what became of each row, in order
 */
export async function importRows(
  rows: readonly AccountRow[],
  posting: RowPosting,
  answers: Answers,
): Promise<readonly ImportedRow[]> {
  const first = firstOfEach(rows);
  const judged = await judge([...first.values()], posting, answers);
  return rows.map((row) => {
    const before = first.get(referenceKey(row))?.row ?? row;
    const outcome = judged.get(before) ?? rejected(row, 'it was not judged');
    return before === row ? outcome : repeated(row, before, outcome);
  });
}

/** What is certain of the rows of a batch that was not finished: those that were opened. */
export function openedRows(
  rows: readonly AccountRow[],
  { applied }: Answers,
): readonly ImportedRow[] {
  return [...firstOfEach(rows).values()]
    .filter(({ opening }) => applied.has(opening.id))
    .map(({ row, status }) => {
      const { line } = row;
      if (!status || applied.has(status.id)) return { line, outcome: 'created' };
      const reason = `it is open, and may not be ${row.status} yet: run the import again`;
      return { line, outcome: 'created', reason };
    });
}

/** A row may repeat an account of the same batch: it is judged by what the first one asks. */
function firstOfEach(rows: readonly AccountRow[]): ReadonlyMap<string, Wanted> {
  const first = new Map<string, Wanted>();
  for (const row of rows) {
    if (!first.has(referenceKey(row))) first.set(referenceKey(row), toWanted(row));
  }
  return first;
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

function repeated(row: AccountRow, before: AccountRow, judged: ImportedRow): ImportedRow {
  const { line } = row;
  if (judged.outcome === 'rejected' || judged.outcome === 'conflict') return { ...judged, line };
  if (before.balanceMinor === row.balanceMinor && before.status === row.status) {
    return { line, outcome: 'duplicate' };
  }
  const reason = `line ${before.line} has another balance or status for ${referenceKey(row)}`;
  return { line, outcome: 'conflict', reason };
}

/** Each of the wanted is of another account. */
async function judge(
  wanted: readonly Wanted[],
  posting: RowPosting,
  answers: Answers,
): Promise<ReadonlyMap<AccountRow, ImportedRow>> {
  const found = await readings(wanted, posting);
  const toOpen = wanted.filter(
    (want) =>
      answers.applied.has(want.opening.id) ||
      answers.unknown.has(want.opening.id) ||
      readingOf(want, found) === 'missing' ||
      isUnfinished(want, found),
  );
  const opened = await postAll(
    toOpen.map(({ opening }) => opening),
    posting,
    answers,
  );
  const mine = ({ opening }: Wanted) => answers.applied.has(opening.id);
  const now = await readings(
    wanted.filter((want) => !mine(want)),
    posting,
  );
  // An earlier run of the same import opened it, and was ended before it was done.
  const unfinished = (want: Wanted) =>
    opened.get(want.opening.id)?.applied === true && isUnfinished(want, now);
  const toChange = wanted.filter((want) => want.status && (mine(want) || unfinished(want)));
  const changed = await postAll(
    toChange.flatMap(({ status }) => status ?? []),
    posting,
    answers,
  );
  const judged = new Map<AccountRow, ImportedRow>();
  for (const want of wanted) {
    const change = want.status && changed.get(want.status.id);
    const outcome = mine(want) ? 'created' : change?.applied ? 'duplicate' : undefined;
    judged.set(
      want.row,
      outcome
        ? changedRow(want, outcome, change)
        : compared(want.row, readingOf(want, now), opened.get(want.opening.id), posting.bank),
    );
  }
  return judged;
}

function changedRow(
  { row }: Wanted,
  outcome: 'created' | 'duplicate',
  change: Outcome | undefined,
): ImportedRow {
  const { line, status } = row;
  if (!change || change.applied) return { line, outcome };
  return {
    line,
    outcome,
    reason: `it was opened, but it is not ${status}: ${change.error.message}`,
  };
}

/** Whether the account is as the opening of its row leaves it, and the row wants more. */
function isUnfinished(want: Wanted, found: ReadonlyMap<string, Reading>): boolean {
  const reading = readingOf(want, found);
  return (
    want.status !== undefined &&
    typeof reading === 'object' &&
    'version' in reading &&
    reading.version === 1n &&
    reading.status === 'open' &&
    reading.balanceMinor === want.row.balanceMinor
  );
}

function readingOf({ row }: Wanted, found: ReadonlyMap<string, Reading>): Reading {
  return found.get(referenceKey(row)) ?? 'missing';
}

async function readings(
  wanted: readonly Wanted[],
  { bank, rehearsal }: RowPosting,
): Promise<ReadonlyMap<string, Reading>> {
  if (wanted.length === 0) return new Map();
  const openings = wanted.map(({ opening }) => opening);
  const book = await within(bank.timeoutMs, () =>
    bank.inSession((session) =>
      readBook(bank, openings, session, { ids: 'none', versions: false }),
    ),
  );
  if (rehearsal) overlay(book, openings, rehearsal);
  return book.accounts;
}

/** @returns outcomes by operation id */
async function postAll(
  operations: readonly Operation[],
  { bank, by, memory, rehearsal }: RowPosting,
  { applied, unknown }: Answers,
): Promise<ReadonlyMap<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  if (operations.length === 0) return outcomes;
  try {
    await post(bank, operations, {
      by,
      memory,
      dryRun: rehearsal !== undefined,
      ...(rehearsal ? { rehearsal } : {}),
      settled: (some) => {
        for (const outcome of some) {
          const { id } = outcome.operation;
          outcomes.set(id, outcome);
          unknown.delete(id);
          if (outcome.applied && !outcome.replayed) applied.add(id);
        }
      },
    });
  } catch (error) {
    if (error instanceof OutcomeUnknown) {
      for (const { id } of error.operations) unknown.add(id);
    }
    throw error;
  }
  return outcomes;
}

/** A row whose account this import did not make, compared with what is there. */
function compared(
  row: AccountRow,
  reading: Reading,
  opened: Outcome | undefined,
  bank: Bank,
): ImportedRow {
  const { line } = row;
  const shown = referenceKey(row);
  if (opened?.applied === false && opened.error.code !== 'account_exists') {
    return rejected(row, opened.error.message.replace(/\.$/, ''));
  }
  if (reading === 'missing') {
    return rejected(row, `${shown} was opened before, and its document is gone`);
  }
  if (reading instanceof BankctlError) {
    return { line, outcome: 'conflict', reason: reading.message.replace(/\.$/, '') };
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
      `${shown} is there with ${state(reading.balanceMinor, reading.status)}, ` +
      `and the row has ${state(row.balanceMinor, row.status)}`,
  };
}

function rejected({ line }: { readonly line: number }, reason: string): ImportedRow {
  return { line, outcome: 'rejected', reason };
}
