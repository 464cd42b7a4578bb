import type { Operation } from '../bank/operation.ts';
import type { Config } from '../config/config.ts';
import { BankctlError } from '../errors.ts';
import { LineProblem } from './lines.ts';
import { giveIds } from './operation-ids.ts';
import { operationShape, toOperation } from './operation-rows.ts';
import { type Row, type RowFormat, readRows } from './rows.ts';
import type { Source } from './source.ts';

/** What a file of operations is read with. */
export interface Reading {
  readonly source: Source;
  readonly format: RowFormat | undefined;
  readonly config: Config;
  /** The name that ids derive from where rows have none. */
  readonly batch: string | undefined;
}

/** Operations that are posted together, with their lines. */
export interface Batch {
  readonly operations: readonly Operation[];
  readonly lines: readonly number[];
  /** Bytes of the file up to about the end of it. */
  readonly bytes: number;
}

/** Longer rows make smaller batches, so that memory does not grow with them. */
const mostCharacters = 4 * 1024 * 1024;

/**
 * Reads a file as batches of `size` operations, or fewer where the rows are long. The same file
 * gives the same batches every time.
 *
 * @throws as `readRows`, after the batch that ends before the problem
 */
export async function* readBatches(reading: Reading, size: number): AsyncIterable<Batch> {
  const idOf = giveIds(reading.batch);
  let operations: Operation[] = [];
  let lines: number[] = [];
  let bytes = 0;
  let characters = 0;
  const take = (): Batch => {
    const batch = { operations, lines, bytes };
    [operations, lines, characters] = [[], [], 0];
    return batch;
  };
  try {
    for await (const batch of readRows(reading.source, reading.format, operationShape)) {
      bytes = batch.bytes;
      for (const row of batch.rows) {
        if (row instanceof LineProblem) throw row;
        operations.push(identified(row, reading, idOf));
        lines.push(row.line);
        characters += row.length;
        if (operations.length === size || characters >= mostCharacters) yield take();
      }
    }
  } catch (error) {
    if (!(error instanceof LineProblem) || operations.length === 0) throw error;
    yield take();
    throw error;
  }
  if (operations.length > 0) yield take();
}

function identified(row: Row, { config }: Reading, idOf: ReturnType<typeof giveIds>): Operation {
  const operation = idOf(toOperation(row, config));
  if (operation) return operation;
  throw new LineProblem(row.line, 'has no id, and no --batch names the file', withoutId);
}

const withoutId =
  'Give each row an id, or name the file for all of them, once and for ever: --batch NAME.';

/**
 * Reads a whole file and finds what is wrong with it, before anything is posted.
 *
 * @returns how many rows it has
 * @throws as `readRows`; `too_many_operations` where there are more than `most`
 */
export async function checkRows(
  reading: Reading,
  most: number,
  counted: (rows: number) => void,
): Promise<number> {
  let rows = 0;
  for await (const batch of readRows(reading.source, reading.format, operationShape)) {
    for (const row of batch.rows) {
      if (row instanceof LineProblem) throw row;
      const { id } = toOperation(row, reading.config);
      if (id === '' && reading.batch === undefined) {
        throw new LineProblem(row.line, 'has no id, and no --batch names the file', withoutId);
      }
    }
    rows += batch.rows.length;
    counted(rows);
    if (rows > most) throw tooMany(reading.source, most);
  }
  return rows;
}

function tooMany({ name }: Source, most: number): BankctlError {
  return new BankctlError(
    'too_many_operations',
    `${name} has more than ${most} rows, which are the most that --atomic can hold.`,
  );
}
