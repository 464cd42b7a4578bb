import { type Document, type MongoClient, MongoServerError } from 'mongodb';
import { isOutage } from '../database/driver-errors.ts';

/**
 * Ends the transactions that killed clients left open: the server does not notice that a client is
 * gone, and would let them block accounts for up to 60 s. A client that is alive and only lost its
 * connection has to restart its transaction anyway. Needs no privilege, since a user may end its
 * own sessions. If the server refuses even that, nothing is done.
 *
 * The server lists its connections before its sessions: the transaction of a client that connected
 * in between has no connection there. So only what has none at a second look is ended.
 * Source: MongoDB manual, "$currentOp", "killSessions", "transactionLifetimeLimitSeconds".
 */
export async function endAbandoned(client: MongoClient): Promise<void> {
  try {
    const suspects = await withoutConnection(client);
    if (suspects.size === 0) return;
    const abandoned = [...(await withoutConnection(client))].filter(([key]) => suspects.has(key));
    if (abandoned.length === 0) return;
    await client.db('admin').command({ killSessions: abandoned.map(([, lsid]) => lsid) });
  } catch (error) {
    if (!(error instanceof MongoServerError) && !isOutage(error)) throw error;
  }
}

/**
 * The sessions in which a transaction of bankctl is open whose last connection is not listed, by
 * what tells the transactions apart.
 */
async function withoutConnection(client: MongoClient): Promise<ReadonlyMap<string, Document>> {
  const operations = await client
    .db('admin')
    .aggregate([{ $currentOp: { idleSessions: true, idleConnections: true } }, ...relevant], {
      // The server refuses it under the client's own read concern.
      readConcern: { level: 'local' },
    })
    .toArray();
  const connections = new Set(
    operations.filter(({ type }) => type !== 'idleSession').map((it) => it['connectionId']),
  );
  return new Map(
    operations
      .filter(({ type, connectionId }) => type === 'idleSession' && !connections.has(connectionId))
      .map(({ lsid, transaction, connectionId }) => [
        JSON.stringify([lsid, transaction, connectionId]),
        lsid,
      ]),
  );
}

/** A server may have many thousands of sessions in which nothing is open. */
const relevant = [
  {
    $match: {
      $or: [
        { type: { $ne: 'idleSession' } },
        {
          appName: /^bankctl/,
          'transaction.parameters.txnNumber': { $exists: true },
          'lsid.id': { $exists: true },
          connectionId: { $exists: true },
        },
      ],
    },
  },
  { $project: { type: 1, connectionId: 1, 'lsid.id': 1, 'transaction.parameters.txnNumber': 1 } },
];
