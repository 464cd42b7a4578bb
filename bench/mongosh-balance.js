// What `bankctl balance branch1 ACC` does, for `mongosh --eval`.
const account = db
  .getCollection('branch1')
  .find({ account_number: 'ACC', branch: 'branch1' })
  .readConcern('majority')
  .next();
print(`${account.balance} ${account.version} ${account.status}`);
