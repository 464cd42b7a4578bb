// Loads the damaged database of this folder, for the tutorial in docs/legacy.md:
//
//     node load.js [--again] [URI]
//
// Without a URI it goes into bankctl's own local database, which is started if need be. A database
// that is there already is never overwritten, unless you say --again: then it is dropped first.
import { execFileSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { BSON, MongoClient } from 'mongodb';

const database = 'legacy_bank';
const here = import.meta.dirname;

/** Starts the local database and asks where it is. */
function localUri() {
  const bankctl = join(here, '../../bin/bankctl.js');
  return JSON.parse(execFileSync(process.execPath, [bankctl, 'db', 'start', '--json'])).uri;
}

async function load(db, isAgain) {
  if (isAgain) await db.dropDatabase();
  const present = await db.listCollections({}, { nameOnly: true }).toArray();
  if (present.length > 0) {
    throw new Error(`The database ${database} is there already. Drop and reload it with --again.`);
  }
  const documents = new Map();
  const file = createReadStream(join(here, 'database.ndjson'));
  for await (const line of createInterface({ input: file })) {
    const { collection, document } = BSON.EJSON.parse(line, { relaxed: false });
    if (!documents.has(collection)) documents.set(collection, []);
    documents.get(collection).push(document);
  }
  for (const [collection, all] of documents) {
    await db.collection(collection).insertMany(all);
    console.log(`${collection}: ${all.length} documents`);
  }
}

const typed = parseArgs({ options: { again: { type: 'boolean' } }, allowPositionals: true });
const client = new MongoClient(typed.positionals[0] ?? localUri());
try {
  await load(client.db(database), typed.values.again);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await client.close();
}
