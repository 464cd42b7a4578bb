import type { AbstractCursor } from 'mongodb';

/** The documents of a cursor as they arrive from the server; closes it at the end. */
export async function* batchesOf<T>(cursor: AbstractCursor<T>): AsyncIterable<readonly T[]> {
  try {
    while (await cursor.hasNext()) yield cursor.readBufferedDocuments();
  } finally {
    await cursor.close();
  }
}
