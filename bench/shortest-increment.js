// The shortest script that does what `bankctl increment` does, with the driver alone.
import { randomUUID } from 'node:crypto';
import { Decimal128, MongoClient } from 'mongodb';

const [uri, database] = process.argv.slice(2);
const client = await MongoClient.connect(uri);
const db = client.db(database);
await client.withSession((session) =>
  session.withTransaction(
    async () => {
      const account = await db
        .collection('branch1')
        .findOne({ account_number: 'ACC', branch: 'branch1' }, { session, promoteLongs: false });
      const cents = BigInt(account.balance.toString().replace('.', '')) + 100n;
      const text = cents.toString();
      const balance = Decimal128.fromString(`${text.slice(0, -2)}.${text.slice(-2)}`);
      const version = account.version.add(1);
      const at = new Date();
      await db
        .collection('branch1')
        .updateOne(
          { account_number: 'ACC', branch: 'branch1', version: account.version },
          { $set: { balance, version, status: 'open', posted_at: at } },
          { session },
        );
      await db.collection('journal').insertOne(
        {
          _id: randomUUID(),
          type: 'increment',
          at,
          by: 'bench',
          request: '',
          postings: [
            {
              branch: 'branch1',
              account_number: 'ACC',
              amount: Decimal128.fromString('1.00'),
              balance_after: balance,
              version,
            },
          ],
        },
        { session },
      );
    },
    { readConcern: { level: 'snapshot' }, writeConcern: { w: 'majority' } },
  ),
);
await client.close();
