import type { Operation } from '../bank/operations/operation.ts';
import type { Config } from '../config/config.ts';
import { LineProblem } from './lines.ts';
import { giveIds } from './operation-ids.ts';
import { operationShape, toOperation } from './operation-rows.ts';
import { type RowFormat, readRows } from './rows.ts';
import type { Source } from './source.ts';

/** What a file of operations is read with. */
export interface Reading {
  readonly source: Source;
  readonly format: RowFormat | undefined;
  readonly config: Config;
  /** The name that ids derive from if rows have none. */
  readonly batch: string | undefined;
}

/** Operations that are posted together, with their lines. */
export interface Batch {
  readonly operations: readonly Operation[];
  readonly lines: readonly number[];
}

/** How large a batch may be. */
export interface BatchBounds {
  readonly operations: number;
  /** Of the text of its rows: longer rows make smaller batches, so that memory stays flat. */
  readonly characters: number;
}

/**
 * Reads a file that was checked, as batches. The same file gives the same batches every time.
 *
 * @throws as `readRows`; `LineProblem` for a row that has changed since
 */
export async function* readBatches(reading: Reading, bounds: BatchBounds): AsyncIterable<Batch> {
  const idOf = giveIds(reading.batch);
  let operations: Operation[] = [];
  let lines: number[] = [];
  let characters = 0;
  for await (const { rows } of readRows(reading.source, reading.format, operationShape)) {
    for (const row of rows) {
      if (row instanceof LineProblem) throw row;
      const operation = idOf(toOperation(row, reading.config));
      if (!operation) throw withoutId(row.line);
      operations.push(operation);
      lines.push(row.line);
      characters += row.length;
      if (operations.length < bounds.operations && characters < bounds.characters) continue;
      yield { operations, lines };
      [operations, lines, characters] = [[], [], 0];
    }
  }
  if (operations.length > 0) yield { operations, lines };
}

/** What is wrong with a row that has no id, in a file without a name. */
export function withoutId(line: number): LineProblem {
  return new LineProblem(
    line,
    'has no id, and no --batch names the file',
    'Give each row an id, or name the file for all of them, once and for ever: --batch NAME.',
    'row_without_id',
  );
}
