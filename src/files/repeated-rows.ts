import type { Bank } from '../bank/bank.ts';
import { runWithin } from '../bank/deadline.ts';
import { fromJournalDocument, isApplied } from '../bank/journal-document.ts';
import type { Entry } from '../bank/operations/entry.ts';
import {
  type Operation,
  type Request,
  requestOf,
  requestOfEntry,
} from '../bank/operations/operation.ts';
import { createDigestTable, digestOf } from '../core/digest-table.ts';
import { BankctlError } from '../core/errors.ts';
import type { RowLayout } from './dress.ts';
import { assignIds } from './operation-ids.ts';
import { readRows } from './row-reader.ts';
import { LineProblem, type Row, type RowShape } from './rows.ts';
import { readAhead, type Source } from './source.ts';

/** A row of a file, as an operation with its id. */
export interface NumberedOperation {
  readonly line: number;
  readonly operation: Operation;
  /** Whether it was given its id, since the row has none. */
  readonly isDerived: boolean;
}

/** How the rows of a file are read as operations. */
interface RowReading {
  readonly shape: RowShape;
  /** @throws `LineProblem` */
  readonly read: (row: Row) => Operation;
}

/** Rows that would move once more the money that applied operations moved. */
export interface RepeatedRows {
  readonly rows: number;
  /** The line of the first of them. */
  readonly line: number;
  /** The operation that the first of them repeats. */
  readonly operation: string;
}

/**
 * The accounts and the amount of a request, in minor units, as a text. The columns of a file that
 * say nothing of money may be read otherwise each time, and what a row is called too.
 * @returns undefined for a request that moves no money
 */
function moneyOf(request: Request): string | undefined {
  const { amount, type: _type, memo: _memo, owner: _owner, labels: _labels, ...accounts } = request;
  if (amount === undefined || amount === '0') return undefined;
  return [amount, ...Object.values(accounts)].join('\n');
}

/** The operations of some ids that moved money, unless they were reversed since. */
async function standingMoney(
  { journal, branches, timeoutMs }: Bank,
  ids: readonly string[],
): Promise<ReadonlyMap<string, { readonly entry: Entry; readonly money: string }>> {
  const standing = new Map<string, { readonly entry: Entry; readonly money: string }>();
  if (!journal || ids.length === 0) return standing;
  const [documents, reversals] = await runWithin(timeoutMs, () =>
    Promise.all([journal.find(ids), journal.findReversals(ids)]),
  );
  const reversed = new Set(reversals.map(({ reverses }) => reverses));
  for (const document of documents) {
    if (!isApplied(document) || reversed.has(document._id)) continue;
    try {
      const entry = fromJournalDocument(document, branches.currencyOf);
      const money = moneyOf(requestOfEntry(entry));
      if (money !== undefined) standing.set(document._id, { entry, money });
    } catch (error) {
      // What another program changed is for `audit` to find.
      if (!(error instanceof BankctlError)) throw error;
    }
  }
  return standing;
}

/** Operations that moved money under the name of a file, and that none of its rows asks for. */
export interface LeftOperations {
  readonly operations: number;
  readonly first: Entry;
  /** Rows that move the same money: their memos or types were read or written otherwise. */
  readonly redressed: () => Promise<RepeatedRows | undefined>;
}

/**
 * Finds what was applied under the name of a file, still stands, and is in no row of it any more:
 * rows that were edited or removed since, or those of another file. Reads the file once if anything
 * was applied under that name; memory stays constant but for 32 bytes a row.
 *
 * @param read reads the file from its beginning
 */
export async function findLeft(
  bank: Bank,
  batch: string,
  read: () => AsyncIterable<NumberedOperation>,
): Promise<LeftOperations | undefined> {
  const { batchFiles, timeoutMs } = bank;
  if (!batchFiles || !(await runWithin(timeoutMs, () => batchFiles.hasApplied(batch)))) {
    return undefined;
  }
  const rows = createDigestTable();
  for await (const { operation } of read()) rows.update(...digestOf(operation.id), () => inFile);
  const left = createDigestTable();
  const examples = new Map<string, string>();
  let [operations, first]: [number, Entry | undefined] = [0, undefined];
  for await (const ids of batchFiles.appliedIds(batch)) {
    const gone: string[] = [];
    for (const id of ids) {
      if (rows.get(...digestOf(id)) === 0) gone.push(id);
      else rows.update(...digestOf(id), () => isPosted);
    }
    for (const [id, { entry, money }] of await standingMoney(bank, gone)) {
      operations += 1;
      if (!first || entry.seq < first.seq) first = entry;
      left.update(...digestOf(money), (before) => Math.max(before, 1) + 1);
      if (examples.size < maxExamples) examples.set(money, id);
    }
  }
  const redressed = () => findRedressed({ rows, left, examples }, read());
  return first && { operations, first, redressed };
}

/** What the number of a row's id says: the file has it, and the journal too. */
const [inFile, isPosted] = [1, 2];

/** Ids of rows, and of each sum of money one more than how many operations of it are left. */
interface LeftMoney {
  readonly rows: ReturnType<typeof createDigestTable>;
  readonly left: ReturnType<typeof createDigestTable>;
  readonly examples: ReadonlyMap<string, string>;
}

async function findRedressed(
  { rows, left, examples }: LeftMoney,
  operations: AsyncIterable<NumberedOperation>,
): Promise<RepeatedRows | undefined> {
  let found: RepeatedRows | undefined;
  for await (const { line, operation, isDerived } of operations) {
    if (!isDerived || rows.get(...digestOf(operation.id)) === isPosted) continue;
    const money = moneyOf(requestOf(operation));
    if (money === undefined || left.get(...digestOf(money)) <= 1) continue;
    left.update(...digestOf(money), (before) => before - 1);
    found ??= { rows: 0, line, operation: examples.get(money) ?? '' };
    found = { ...found, rows: found.rows + 1 };
  }
  return found;
}

/** Operations that a message may name. */
const maxExamples = 1000;

/** The first rows of a file without ids, with the cells that may be ids all the same. */
export interface PossibleIds {
  /** @param leftOut the cells of the row that were not read */
  readonly add: (line: number, operation: Operation, leftOut: readonly string[]) => void;
  /** Finds a row with the id of an operation that moved the same money, as its memo or unread. */
  readonly find: (bank: Bank) => Promise<Omit<RepeatedRows, 'rows'> | undefined>;
}

/** How many cells are looked at: a file that was applied with its ids shows it early. */
const maxCells = 2000;

/** The maximum length of an operation id. */
const maxIdLength = 128;

/** Makes an empty list. */
export function createPossibleIds(): PossibleIds {
  const seen: { readonly line: number; readonly money: string; readonly cell: string }[] = [];
  return Object.freeze({
    add: (line: number, operation: Operation, leftOut: readonly string[]) => {
      if (seen.length >= maxCells) return;
      const cells = [operation.memo ?? '', ...leftOut];
      const some = cells.filter((cell) => cell !== '' && cell.length <= maxIdLength);
      const money = some.length === 0 ? undefined : moneyOf(requestOf(operation));
      if (money === undefined) return;
      seen.push(...some.map((cell) => ({ line, money, cell: cell.normalize('NFC') })));
    },
    find: async (bank: Bank) => {
      const moved = await standingMoney(bank, [...new Set(seen.map(({ cell }) => cell))]);
      const first = seen.find(({ cell, money }) => moved.get(cell)?.money === money);
      return first && { line: first.line, operation: first.cell };
    },
  });
}

/** Reads the rows of a file with their ids, their own or those that they are given. */
export async function* readNumbered(
  source: Source,
  layout: RowLayout,
  { shape, read }: RowReading,
  { batch, interrupted }: { readonly batch: string; readonly interrupted: AbortSignal },
): AsyncIterable<NumberedOperation> {
  const identify = assignIds(batch);
  for await (const { rows } of readAhead(readRows(source, layout, shape), interrupted)) {
    for (const row of rows) {
      if (row instanceof LineProblem) throw row;
      const { line } = row;
      const operation = read(row);
      // Beforehand, since it may be the same object that then has an id.
      const isDerived = operation.id === '';
      yield { line, operation: identify(operation, line), isDerived };
    }
  }
}
