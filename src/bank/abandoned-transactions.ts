import { type Document, type MongoClient, MongoServerError } from 'mongodb';
import { isOutage } from '../database/driver-errors.ts';

/**
 * Ends the transactions that killed clients left open: the server does not notice that a client is
 * gone, and would let them block accounts for up to 60 s. A client that is alive after all sees its
 * transaction aborted, and restarts it. Needs no privilege, since a user may end its own sessions.
 * If the server refuses even that, nothing is done.
 * Source: MongoDB manual, "$currentOp", "killSessions", "transactionLifetimeLimitSeconds".
 */
export async function endAbandoned(client: MongoClient): Promise<void> {
  try {
    const admin = client.db('admin');
    const operations = await admin
      .aggregate([{ $currentOp: { idleSessions: true, idleConnections: true } }], {
        // The server refuses it under the client's own read concern.
        readConcern: { level: 'local' },
      })
      .toArray();
    const connections = new Set(
      operations.filter(({ type }) => type !== 'idleSession').map((it) => it['connectionId']),
    );
    const abandoned = operations
      .filter(isOurs)
      .filter((operation) => !connections.has(operation['connectionId']));
    if (abandoned.length === 0) return;
    await admin.command({ killSessions: abandoned.map(({ lsid }) => ({ id: lsid.id })) });
  } catch (error) {
    if (!(error instanceof MongoServerError) && !isOutage(error)) throw error;
  }
}

function isOurs({ type, transaction, lsid, connectionId, appName }: Document): boolean {
  return (
    type === 'idleSession' &&
    transaction !== undefined &&
    lsid !== undefined &&
    connectionId !== undefined &&
    String(appName).startsWith('bankctl')
  );
}
