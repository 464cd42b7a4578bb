import type { AbstractCursor } from 'mongodb';
import { limitHeapGrowth, limitYoungGeneration } from '../system/heap.ts';

/**
 * How many documents of a long list arrive together. They live until they are printed: with 1,000,
 * most of them were old by then to the garbage collector, which took more time and memory.
 */
export const listBatchSize = 250;

/**
 * The documents of a cursor as they arrive from the server; closes it at the end. However many
 * batches there are, what was made of earlier ones takes little memory.
 */
export async function* batchesOf<T>(cursor: AbstractCursor<T>): AsyncIterable<readonly T[]> {
  limitHeapGrowth();
  try {
    while (await cursor.hasNext()) {
      limitYoungGeneration();
      yield cursor.readBufferedDocuments();
    }
  } finally {
    await cursor.close();
  }
}
