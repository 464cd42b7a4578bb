// Reads every document of the collections named on the command line with the driver alone.
import { MongoClient } from 'mongodb';

const [uri, database, ...collections] = process.argv.slice(2);
const client = await MongoClient.connect(uri);
let documents = 0;
for (const name of collections) {
  for await (const document of client.db(database).collection(name).find()) {
    if (document !== null) documents += 1;
  }
}
await client.close();
if (documents === 0) throw new Error('There was nothing to read.');
