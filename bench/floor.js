// The least that `bankctl apply` can take: the documents that it wrote, handed to the bare driver
// in transactions of the same size, into collections with the same indexes and validators.
import { MongoClient } from 'mongodb';
import { secondsOf } from './measure.js';

const documentsAtOnce = 2500;

/**
 * Reads what an apply left behind, and writes it anew into a database that has the accounts as they
 * were before.
 *
 * @param batch the operations of a transaction, at most
 * @returns seconds of the writes alone
 */
export async function floor(uri, { from, to, accounts, ofBatch, size }) {
  const client = await MongoClient.connect(uri, { retryWrites: false });
  try {
    const documents = await client
      .db(from)
      .collection('journal')
      .find(ofBatch, { promoteLongs: false })
      .sort({ at: 1, seq: 1 })
      .toArray();
    const target = client.db(to);
    const branches = accounts.map(({ branch }) => branch);
    const numbers = new Map();
    for (const branch of new Set(branches)) {
      for await (const { _id, account_number } of target.collection(branch).find()) {
        numbers.set(`${branch}:${account_number}`, _id);
      }
    }
    const batches = [];
    for (let start = 0; start < documents.length; start += size) {
      batches.push(prepare(documents.slice(start, start + size), numbers));
    }
    const session = client.startSession();
    return await secondsOf(async () => {
      for (const { updates, journal } of batches) {
        session.startTransaction({
          readConcern: { level: 'snapshot' },
          writeConcern: { w: 'majority' },
        });
        for (const [branch, changes] of updates) {
          await target.collection(branch).bulkWrite(changes, { session, ordered: false });
        }
        for (let start = 0; start < journal.length; start += documentsAtOnce) {
          const part = journal.slice(start, start + documentsAtOnce);
          await target.collection('journal').insertMany(part, { session, ordered: false });
        }
        await session.commitTransaction();
      }
    });
  } finally {
    await client.close();
  }
}

/** One update an account, as it is after the last of its operations. */
function prepare(journal, numbers) {
  const last = new Map();
  for (const { at, postings } of journal) {
    for (const posting of postings)
      last.set(`${posting.branch}:${posting.account_number}`, { at, posting });
  }
  const updates = new Map();
  for (const [name, { at, posting }] of last) {
    const { branch, account_number, balance_after: balance, version } = posting;
    const changes = updates.get(branch) ?? [];
    updates.set(branch, changes);
    changes.push({
      updateOne: {
        filter: { _id: numbers.get(name), account_number, branch },
        update: { $set: { balance, version, posted_at: at } },
        hint: { _id: 1 },
      },
    });
  }
  return { updates, journal };
}
