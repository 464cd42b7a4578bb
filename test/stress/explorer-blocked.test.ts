import { type Db, type Document, MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { explore, type Run, type World } from '../../src/stress/explore/explorer.ts';
import type { At } from '../../src/stress/explore/explorer-execution.ts';
import { stepLabel, troubleOf } from '../../src/stress/explore/schedule.ts';
import { waitsInServer } from '../../src/stress/schedules/server-waits.ts';

// A write outside a transaction waits in the server for a document that an open transaction has
// written; a write inside one would be refused at once. See the MongoDB manual, "In-progress
// Transactions and Write Conflicts".

interface Pair extends World {
  readonly sessions: readonly string[];
}

const name = `explorer_blocked_${process.pid}`;
let client: MongoClient;
let db: Db;

beforeAll(async () => {
  client = new MongoClient(inject('uri'), { retryWrites: false });
  db = client.db(name);
  await db.collection<{ _id: string; n: number }>('docs').insertMany([
    { _id: 'left', n: 0 },
    { _id: 'right', n: 0 },
  ]);
});

afterAll(async () => {
  await db.dropDatabase();
  await client.close();
});

/** Each task writes `held` in a transaction, then `wanted` outside of it, then commits. */
function pair(wants: readonly (readonly [held: string, wanted: string | undefined])[]): Pair {
  const docs = db.collection<{ _id: string }>('docs');
  const sessions = wants.map(() => client.startSession());
  const writes: Promise<unknown>[] = [];
  const tasks = wants.map(([held, wanted], task) => async (at: At) => {
    const session = sessions[task];
    session?.startTransaction();
    await docs.updateOne({ _id: held }, { $inc: { n: 1 } }, { ...(session ? { session } : {}) });
    await at('held');
    if (wanted) {
      const write = docs.updateOne({ _id: wanted }, { $inc: { n: 1 } }, { comment: `t${task}` });
      writes.push(write);
      await write;
    }
    await at('wrote');
    await session?.commitTransaction();
    await session?.endSession();
  });
  return {
    tasks,
    sessions: sessions.map(idOf),
    dispose: async () => {
      for (const session of sessions) {
        if (session.inTransaction()) await session.abortTransaction();
        await session.endSession();
      }
      // One that still waited would be taken for a write of the next run.
      await Promise.allSettled(writes);
    },
  };
}

function idOf({ id }: { readonly id?: Document | undefined }): string {
  return id?.['id']?.toString('hex');
}

async function exploreAll(wants: Parameters<typeof pair>[0]): Promise<readonly Run[]> {
  const seen: Run[] = [];
  const coverage = await explore<Pair>({
    fresh: () => pair(wants),
    points: new Set(['held', 'wrote']),
    monotonicNs: process.hrtime.bigint,
    waiting: (task, { sessions }) =>
      waitsInServer(client.db('admin'), {
        task,
        isOperation: ({ command }) => command?.comment === `t${task}`,
        ownerOf: ({ lsid }) => {
          const owner = sessions.indexOf(idOf(lsid ? { id: lsid } : {}));
          return owner < 0 ? undefined : owner;
        },
      }),
    visit: (run) => {
      seen.push(run);
      return undefined;
    },
  });
  expect(coverage.complete).toBe(true);
  return seen;
}

describe('a step that waits in the server for another task', () => {
  test('is blocked while another runs, and comes back when it is answered', async () => {
    const seen = await exploreAll([
      ['left', undefined],
      ['right', 'left'],
    ]);
    expect(seen.every(({ end }) => end === 'done')).toBe(true);
    const blocked = seen.filter(({ steps }) => steps.some(({ end }) => end === 'blocked'));
    // Task 0 holds the document while task 1 wants it: 1 is blocked until 0 has committed.
    expect(blocked.length).toBeGreaterThan(0);
    expect(blocked.length).toBeLessThan(seen.length);
    for (const { steps } of blocked) {
      const release = steps.find(({ answered }) => answered.length > 0);
      expect(release).toMatchObject({
        task: 0,
        end: 'ended',
        answered: [{ task: 1, point: 'wrote', end: 'paused' }],
      });
    }
    expect(new Set(seen.map(({ steps }) => steps.map(stepLabel).join())).size).toBe(seen.length);
  });

  test('is in a deadlock if both are blocked, which says who waits for whom', async () => {
    const seen = await exploreAll([
      ['left', 'right'],
      ['right', 'left'],
    ]);
    const deadlocks = seen.filter(({ end }) => end === 'deadlock');
    // Both hold, then both want: the two orders of holding times the two of wanting.
    expect(deadlocks).toHaveLength(4);
    expect(deadlocks.map(troubleOf)).toContainEqual(
      'worker 1, after held, waits for worker 2 (a document that an open transaction has written ' +
        `in ${name}.docs); worker 2, after held, waits for worker 1 (a document that an open ` +
        `transaction has written in ${name}.docs)`,
    );
    for (const { waiters } of deadlocks) {
      expect(waiters).toEqual([
        { task: 0, point: 'held', for: [1], what: expect.stringContaining(`${name}.docs`) },
        { task: 1, point: 'held', for: [0], what: expect.stringContaining(`${name}.docs`) },
      ]);
    }
    expect(seen.filter(({ end }) => end === 'done').length).toBe(seen.length - 4);
  });
});
