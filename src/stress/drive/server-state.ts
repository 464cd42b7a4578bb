import { setTimeout as pause } from 'node:timers/promises';
import type { Document, MongoClient } from 'mongodb';
import { BankctlError } from '../../core/errors.ts';
import { isServerError } from '../../database/driver-errors.ts';
import { ledgerWorkload } from './ledger.ts';

/** What waiting for a server needs from its caller. */
export interface WaitHost {
  /** Monotonic, nanoseconds since the start of the run. */
  readonly nowNs: () => number;
  readonly interrupted: AbortSignal;
}

/** A killed server replays its journal and holds an election; this is far more than it needs. */
const longestWaitMs = 60_000;
const lookEveryMs = 20;

/**
 * Waits until a write is acknowledged by a majority, which means that a majority has everything
 * before it too.
 *
 * @throws `database_failed` after a minute, `interrupted`
 */
export async function awaitWrites(
  client: MongoClient,
  database: string,
  host: WaitHost,
): Promise<void> {
  const collection = client.db(database).collection<{ _id: string }>(quietCollection);
  await pollUntil('takes no writes', host, async () => {
    await collection.updateOne({ _id: 'probe' }, { $inc: { count: 1 } }, { upsert: true });
    return true;
  });
}

/** The collection of a run that is written to see whether the server accepts writes. */
const quietCollection = 'probe';

/** The address of the primary, once there is one. */
export async function primaryOf(client: MongoClient, host: WaitHost): Promise<string> {
  let primary = '';
  await pollUntil('has no primary', host, async () => {
    const hello = await client.db('admin').command({ hello: 1 });
    primary = String(hello['primary'] ?? '');
    return primary !== '';
  });
  return primary;
}

/**
 * Waits until `count` members are primary or secondary: all have the data, and none is catching up.
 */
export async function awaitMembers(
  client: MongoClient,
  count: number,
  host: WaitHost,
): Promise<void> {
  await pollUntil('lacks a member', host, async () => {
    const { members } = await client.db('admin').command({ replSetGetStatus: 1 });
    const states: readonly Document[] = Array.isArray(members) ? members : [];
    const ready = states.filter(({ stateStr }) => ['PRIMARY', 'SECONDARY'].includes(stateStr));
    return ready.length === count;
  });
}

/**
 * Waits until no command of the crews runs in the server any more: a commit whose connection was
 * lost may still be under way. If the user is not permitted to look, only what was seen counts.
 */
export async function awaitQuiet(client: MongoClient, host: WaitHost): Promise<void> {
  await pollUntil('is still at work', host, async () => {
    const admin = client.db('admin');
    const current = await admin
      .command({ currentOp: 1, $ownOps: true, active: true, appName: ledgerWorkload.appName })
      .catch((error: unknown) => {
        if (isServerError(error, 'unauthorized')) return { inprog: [] };
        throw error;
      });
    return Array.isArray(current['inprog']) && current['inprog'].length === 0;
  });
}

async function pollUntil(
  what: string,
  { nowNs, interrupted }: WaitHost,
  holds: () => Promise<boolean>,
): Promise<void> {
  const deadlineNs = nowNs() + longestWaitMs * 1e6;
  let reason = '';
  while (nowNs() < deadlineNs) {
    if (interrupted.aborted) throw new BankctlError('interrupted', 'Stopped by you.');
    try {
      if (await holds()) return;
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
    await pause(lookEveryMs);
  }
  throw new BankctlError(
    'database_failed',
    `The server ${what} for ${longestWaitMs / 1000} s${reason && ` (${reason})`}.`,
  );
}
