import { setTimeout as pause } from 'node:timers/promises';
import type { Db, Document } from 'mongodb';
import type { Waiting } from '../explore/explorer-execution.ts';

/** Which operation to look for on the server, and whose the others are. */
interface ServerWaitQuestion {
  /** The task that may be waiting. */
  readonly task: number;
  /** True for the operation, as `$currentOp` shows it, that may be waiting. */
  readonly isOperation: (operation: Document) => boolean;
  /** The task that an open transaction belongs to; undefined for a stranger's. */
  readonly ownerOf: (session: Document) => number | undefined;
}

/** Longer than the server's own pauses between two attempts at a conflicting write. */
const betweenLooksMs = 40;

/**
 * Asks the server whether an operation waits there for another one: it was active in two looks, and
 * in both it waited for a lock, or between them it met further write conflicts, which is how a
 * write outside a transaction waits for a document that an open transaction has written. A merely
 * slow operation does neither.
 *
 * Source: MongoDB manual, `$currentOp` (`waitingForLock`, `writeConflicts`, `prepareReadConflicts`,
 * `idleSessions`); "Production Considerations: In-progress Transactions and Write Conflicts".
 *
 * @param admin the database `admin`. Nobody else is in the database of the run, so only the user's
 *   own operations matter, and seeing those needs no privilege
 */
export async function waitsInServer(
  admin: Db,
  question: ServerWaitQuestion,
): Promise<Waiting | undefined> {
  const before = (await look(admin)).find(question.isOperation);
  if (!before) return undefined;
  await pause(betweenLooksMs);
  const operations = await look(admin);
  const after = operations.find((operation) => operation['opid'] === before['opid']);
  if (!after) return undefined;
  const locked = before['waitingForLock'] === true && after['waitingForLock'] === true;
  if (!locked && conflicts(after) <= conflicts(before)) return undefined;
  const owners = operations
    .filter((operation) => operation['transaction'] && operation['opid'] !== after['opid'])
    .map(question.ownerOf)
    .filter((owner) => owner !== undefined);
  // The server does not say which transaction holds the document. It may be the task's own, but if
  // another task has one open too, the task waits for that.
  const others = owners.filter((owner) => owner !== question.task);
  const what = locked ? 'a lock' : 'a document that an open transaction has written';
  return {
    for: [...new Set(others.length > 0 ? others : owners)].sort((left, right) => left - right),
    what: `${what} in ${String(after['ns'])}`,
  };
}

async function look(admin: Db): Promise<readonly Document[]> {
  return admin.aggregate([{ $currentOp: { idleSessions: true } }]).toArray();
}

function conflicts(operation: Document): number {
  return Number(operation['writeConflicts'] ?? 0) + Number(operation['prepareReadConflicts'] ?? 0);
}
