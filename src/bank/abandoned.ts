import { type Document, type MongoClient, MongoServerError } from 'mongodb';
import { isOutage } from '../database/driver-errors.ts';

/**
 * Ends the transactions that killed clients left open. The server does not notice that a client is
 * gone, and would let such a transaction block the accounts it wrote for up to 60 s. One whose
 * connection is closed has nobody who could commit it; should its client live on after all, it is
 * told that the transaction is aborted, and begins it again.
 *
 * Needs no privilege: a user sees and ends sessions of his own. Where the server does not allow
 * even that, nothing is done, and the 60 s pass.
 *
 * Source: MongoDB manual, "$currentOp", "killSessions", "transactionLifetimeLimitSeconds".
 */
export async function endAbandoned(client: MongoClient): Promise<void> {
  try {
    const admin = client.db('admin');
    const operations = await admin
      .aggregate([{ $currentOp: { idleSessions: true, idleConnections: true } }], {
        // It is refused with the client's own read concern.
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
