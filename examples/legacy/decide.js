// What the people of the tutorial's bank decided about the documents that `bankctl adopt` will not
// choose between:
//
//     node decide.js [URI]
//
// Of each account number that is there twice, the document that never held money goes; and "12,50"
// was meant as 12.50.
import { withDatabase } from './connection.js';

await withDatabase(process.argv[2], async (db) => {
  const branch2 = db.collection('branch2');
  const twice = { $in: ['ACC-811', 'ACC-812', 'ACC-813'] };
  const { deletedCount } = await branch2.deleteMany({ account_number: twice, balance: 0 });
  const { modifiedCount } = await branch2.updateMany(
    { account_number: 'ACC-814', balance: '12,50' },
    { $set: { balance: 12.5 } },
  );
  console.log(`branch2: ${deletedCount} documents deleted, ${modifiedCount} balance corrected`);
});
