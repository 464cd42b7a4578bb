// A Mongoose program that goes on beside bankctl: it adds amounts, which Mongoose sends as doubles,
// and inserts accounts as such programs do, until standard input ends. Prints what it did, as one
// JSON object.
import mongoose from 'mongoose';

const [uri, database, collection, account, amount] = process.argv.slice(2);

const schema = new mongoose.Schema(
  {
    account_number: { type: String, required: true },
    balance: { type: Number, default: 0 },
  },
  { collection },
);

await mongoose.connect(uri, { dbName: database });
const Account = mongoose.model('Account', schema);
console.error('ready');
const made = { increments: 0, opened: [] };
const stdin = { hasEnded: false };
process.stdin.resume().once('end', () => {
  stdin.hasEnded = true;
});
for (let n = 0; !stdin.hasEnded; n += 1) {
  const update = { $inc: { balance: Number(amount) } };
  const { modifiedCount } = await Account.updateOne({ account_number: account }, update);
  made.increments += modifiedCount;
  if (n % 10 === 0) {
    const opened = await Account.create({ account_number: `MONGOOSE-${n}`, balance: 0.1 + 0.2 });
    made.opened.push(opened.account_number);
  }
}
const read = await Account.findOne({ account_number: account });
console.log(JSON.stringify({ ...made, type: typeof read.balance, balance: read.balance }));
await mongoose.disconnect();
