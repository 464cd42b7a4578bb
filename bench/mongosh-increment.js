// What `bankctl increment branch1 ACC 1` does, for `mongosh --eval`.
const session = db.getMongo().startSession();
const bank = session.getDatabase(db.getName());
session.startTransaction({ readConcern: { level: 'snapshot' }, writeConcern: { w: 'majority' } });
const account = bank.branch1.findOne({ account_number: 'ACC', branch: 'branch1' });
const text = (BigInt(account.balance.toString().replace('.', '')) + 100n).toString();
const balance = NumberDecimal(`${text.slice(0, -2)}.${text.slice(-2)}`);
const version = NumberLong(`${BigInt(account.version.toString()) + 1n}`);
const at = new Date();
bank.branch1.updateOne(
  { account_number: 'ACC', branch: 'branch1', version: account.version },
  { $set: { balance, version, status: 'open', posted_at: at } },
);
bank.journal.insertOne({
  _id: UUID().toString(),
  type: 'increment',
  at,
  by: 'bench',
  request: '',
  postings: [
    {
      branch: 'branch1',
      account_number: 'ACC',
      amount: NumberDecimal('1.00'),
      balance_after: balance,
      version,
    },
  ],
});
session.commitTransaction();
