import type { Status } from '../core/errors.ts';
import { type ColumnOf, gridView, type View } from './view.ts';

/** What a command hands back: data, and how people see it. Nothing is printed by a command. */
export type Result = SingleResult | StreamResult | LiveResult;

/** A result that fits in memory. */
export interface SingleResult {
  readonly kind: 'single';
  /** The operation that was applied: the user must learn it even if nothing can be shown. */
  readonly operation?: string;
  /** True if the work changed the bank: then the result is reported even if stdout is broken. */
  readonly wrote?: boolean;
  /** Printed as it is by `--json`; keys as in the reference. */
  readonly data: unknown;
  readonly view: View;
  /** Set if it is not 0 although the command did its work, as when `stress` finds a violation. */
  readonly status?: Status;
}

/** A result too long for memory: its parts are printed as they come. */
export interface StreamResult {
  readonly kind: 'stream';
  /** True if it goes on until Ctrl-C, which is then its normal end. */
  readonly endless?: boolean;
  /** At least one part, so that an empty list has a header. */
  readonly parts: AsyncIterable<Part>;
  /** Called after all parts are printed, if what they showed may not be status 0. */
  readonly status?: () => Status;
}

/**
 * A result that changes while somebody watches: redrawn in place on a terminal. Elsewhere the
 * changes themselves are printed, one per line.
 */
export interface LiveResult {
  readonly kind: 'live';
  readonly frames: AsyncIterable<View>;
}

/** Some items of a long result, as data and as people see them. */
export interface Part {
  readonly items: readonly unknown[];
  readonly view: View;
}

/**
 * Makes a long result of batches of items.
 * @param notesAfter called after the last batch: what people read under the table
 */
export function streamOf<Item>(
  batches: AsyncIterable<readonly Item[]>,
  columns: readonly ColumnOf<Item>[],
  notesAfter: () => readonly string[] = () => [],
): StreamResult {
  async function* parts(): AsyncIterable<Part> {
    let any = false;
    for await (const items of batches) {
      any = true;
      yield { items, view: gridView(items, columns) };
    }
    if (!any) yield { items: [], view: gridView([], columns) };
    const notes = notesAfter();
    if (notes.length > 0) yield { items: [], view: { layout: 'text', columns, rows: [], notes } };
  }
  return { kind: 'stream', parts: parts() };
}
