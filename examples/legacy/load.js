// Loads the damaged database of this folder, for the tutorial in docs/legacy.md:
//
//     node load.js [--again] [URI]
//
// Without a URI it goes into bankctl's own local database. A database that is there is never
// overwritten, unless you say --again: then it is dropped first.
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { BSON } from 'mongodb';
import { withDatabase } from './connection.js';

const typed = parseArgs({ options: { again: { type: 'boolean' } }, allowPositionals: true });

await withDatabase(typed.positionals[0], async (db) => {
  if (typed.values.again) await db.dropDatabase();
  const present = await db.listCollections({}, { nameOnly: true }).toArray();
  if (present.length > 0) {
    throw new Error('The database legacy_bank is there already. Reload it with --again.');
  }
  const documents = new Map();
  const file = createReadStream(join(import.meta.dirname, 'database.ndjson'));
  for await (const line of createInterface({ input: file })) {
    const { collection, document } = BSON.EJSON.parse(line, { relaxed: false });
    if (!documents.has(collection)) documents.set(collection, []);
    documents.get(collection).push(document);
  }
  for (const [collection, all] of documents) {
    await db.collection(collection).insertMany(all);
    console.log(`${collection}: ${all.length} documents`);
  }
});
