// The shortest script that does what `bankctl balance branch1 ACC` does, with the driver alone.
import { MongoClient } from 'mongodb';

const [uri, database] = process.argv.slice(2);
const client = await MongoClient.connect(uri);
const account = await client
  .db(database)
  .collection('branch1')
  .findOne(
    { account_number: 'ACC', branch: 'branch1' },
    { promoteLongs: false, readConcern: { level: 'majority' } },
  );
console.log(`${account.balance} ${account.version} ${account.status}`);
await client.close();
