import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/bank/judge.ts';
import { OutcomeUnknown } from '../../src/bank/outcome-unknown.ts';
import { post } from '../../src/bank/post.ts';
import { createMemory } from '../../src/bank/post-memory.ts';
import { createRehearsal } from '../../src/bank/rehearsal.ts';
import { startFaultServer } from '../fault-server.ts';
import { bankWith, by, operation, place, plus } from './bank-fixture.ts';

function fates(outcomes: readonly Outcome[]): readonly string[] {
  return outcomes.map((outcome) => {
    if (outcome.applied) return outcome.replayed ? 'replayed' : 'applied';
    return outcome.error.code;
  });
}

describe('rows whose commit went unanswered', () => {
  test('are applied, not replayed, when the same run posts them again', async () => {
    const server = await startFaultServer();
    const { bank } = await bankWith(['branch1:A'], { uri: server.uri, timeoutMs: 3_000 });
    const rows = [plus('branch1:A', 100n, 'a'), plus('branch1:A', 200n, 'b')];
    const slow = { failCommands: ['commitTransaction'], blockConnection: true, blockTimeMS: 5_000 };
    await server.fail({ times: 1 }, slow);
    const options = { by, memory: createMemory() };
    const failure = await post(bank, rows, options).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OutcomeUnknown);
    expect(failure).toMatchObject({ operations: rows });
    await pause(4_000);
    expect(fates(await post(bank, rows, options))).toEqual(['applied', 'applied']);
    // Another run, and the same one later, find them to be replays.
    expect(fates(await post(bank, rows, { by }))).toEqual(['replayed', 'replayed']);
    expect(fates(await post(bank, rows, options))).toEqual(['replayed', 'replayed']);
  });

  test('are replayed if another run posted them first', async () => {
    const server = await startFaultServer();
    const { bank } = await bankWith(['branch1:A'], { uri: server.uri, timeoutMs: 3_000 });
    const rows = [plus('branch1:A', 100n, 'a')];
    await server.fail('alwaysOn', { failCommands: ['commitTransaction'], closeConnection: true });
    const options = { by, memory: createMemory() };
    await expect(post(bank, rows, options)).rejects.toBeInstanceOf(OutcomeUnknown);
    // What was never committed is in the way until it is aborted: before the server heals, since an
    // attempt that is still under way would commit it then.
    await server.client.db('admin').command({ killAllSessions: [] });
    await server.heal();
    expect(fates(await post(bank, rows, { by: 'another@desk' }))).toEqual(['applied']);
    expect(fates(await post(bank, rows, options))).toEqual(['replayed']);
  });
});

describe('a batch that cannot end in time', () => {
  const rows = Array.from({ length: 1_200 }, (_, index) => plus('branch1:A', 1n, `row-${index}`));

  /** The bank on a server that takes too long for more than 300 rows. */
  async function slowBank() {
    const opened = await bankWith(['branch1:A']);
    const { journal } = opened.bank;
    if (!journal) throw new Error('a bank without a journal');
    const append: typeof journal.append = (documents) => {
      const send = journal.append(documents);
      return async (session) => {
        if (documents.length > 300) await pause(6_000);
        await send(session);
      };
    };
    return {
      ...opened,
      bank: { ...opened.bank, timeoutMs: 5_000, journal: { ...journal, append } },
    };
  }

  test('is split in halves, and later batches start at the smaller size', async () => {
    const { bank, db } = await slowBank();
    const memory = createMemory();
    const parts: number[] = [];
    const onSettled = (outcomes: readonly Outcome[]) => parts.push(outcomes.length);
    const outcomes = await post(bank, rows, { by, memory, onSettled });
    expect(new Set(fates(outcomes))).toEqual(new Set(['applied']));
    expect(parts.reduce((sum, part) => sum + part)).toBe(1_200);
    expect(memory.batchSize).toBeLessThanOrEqual(300);
    expect(await db.collection('journal').countDocuments()).toBe(1_201);
    parts.length = 0;
    const more = rows.map((row) => ({ ...row, id: `more-${row.id}` }));
    await post(bank, more, { by, memory, onSettled });
    expect(Math.max(...parts)).toBeLessThanOrEqual(300);
  });

  test('is not split if it is atomic', async () => {
    const { bank, db } = await slowBank();
    await expect(post(bank, rows, { by, atomic: true })).rejects.toMatchObject({
      code: 'timed_out',
    });
    await pause(2_000);
    expect(await db.collection('journal').countDocuments()).toBe(1);
  });
});

describe('a batch of one caller', () => {
  /** A bank of which a rival holds an account, until the batch has drawn that many pauses. */
  async function contended(pausesBefore: number, { timeoutMs = 20_000 } = {}) {
    const { bank, db } = await bankWith(['branch1:A', 'branch1:B'], { timeoutMs });
    const rival = db.client.startSession();
    let pauses = 0;
    const hold = async () => {
      pauses = 0;
      rival.startTransaction();
      const held = { account_number: 'B' };
      await db.collection('branch1').updateOne(held, { $set: { x: 1 } }, { session: rival });
    };
    const draw = () => {
      pauses += 1;
      if (pauses === pausesBefore) rival.abortTransaction().catch(() => undefined);
      return 0.1;
    };
    const parts: number[] = [];
    const onSettled = (outcomes: readonly Outcome[]) => parts.push(outcomes.length);
    let reads = 0;
    const onPoint = async (point: string) => {
      if (point === 'read') reads += 1;
    };
    const memory = createMemory();
    return {
      hold,
      memory,
      counts: () => ({ parts, reads }),
      post: (suffix: string) => {
        const rows = ['A', 'B'].map((it) => plus(`branch1:${it}`, 100n, `${it}${suffix}`));
        return post({ ...bank, draw }, rows, { by, memory, onSettled, onPoint });
      },
    };
  }

  test('is judged once for nothing when it meets a rival, and then waits whole', async () => {
    const { hold, post: postRows, counts } = await contended(20);
    await hold();
    expect(fates(await postRows('1'))).toEqual(['applied', 'applied']);
    expect(counts()).toEqual({ parts: [2], reads: 2 });
    // The next one expects the rival, and is not judged before it has the accounts.
    await hold();
    expect(fates(await postRows('2'))).toEqual(['applied', 'applied']);
    expect(counts()).toEqual({ parts: [2, 2], reads: 3 });
  });

  test('waits for a rival longer than its own time, and stays whole', async () => {
    const {
      hold,
      post: postRows,
      counts,
      memory,
    } = await contended(18, {
      timeoutMs: 2_000,
    });
    await hold();
    const start = performance.now();
    expect(fates(await postRows('1'))).toEqual(['applied', 'applied']);
    expect(performance.now() - start).toBeGreaterThan(2_000);
    expect(counts().parts).toEqual([2]);
    expect(memory.batchSize).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('a batch that the server aborts although it has its accounts', () => {
  const rows = Array.from({ length: 8 }, (_, index) => plus('branch1:A', 100n, `row-${index}`));

  /** Aborts a first time, as a rival would, and then again. */
  async function abortedTwice() {
    const server = await startFaultServer();
    const { bank } = await bankWith(['branch1:A'], { uri: server.uri });
    const conflict = { errorCode: 112, errorLabels: ['TransientTransactionError'] };
    await server.fail({ times: 2 }, { failCommands: ['insert'], ...conflict });
    const parts: number[] = [];
    const onSettled = (outcomes: readonly Outcome[]) => parts.push(outcomes.length);
    return { bank, parts, options: { by, memory: createMemory(), onSettled } };
  }

  test('is divided, and later batches begin at the smaller size and grow again', async () => {
    const { bank, parts, options } = await abortedTwice();
    expect(new Set(fates(await post(bank, rows, options)))).toEqual(new Set(['applied']));
    expect(parts).toEqual([2, 2, 4]);
    expect(options.memory.batchSize).toBe(8);
  });

  test('is not divided if it is atomic', async () => {
    const { bank, parts, options } = await abortedTwice();
    const outcomes = await post(bank, rows, { ...options, atomic: true });
    expect(new Set(fates(outcomes))).toEqual(new Set(['applied']));
    expect(parts).toEqual([8]);
  });
});

test('a batch that is aborted again and again after a conflict runs out of time', async () => {
  const server = await startFaultServer();
  const timeoutMs = 1_500;
  const { bank } = await bankWith(['branch1:A'], { uri: server.uri, timeoutMs });
  const inserts = { failCommands: ['insert'], errorLabels: ['TransientTransactionError'] };
  await server.fail({ times: 1 }, { ...inserts, errorCode: 112 });
  const start = performance.now();
  let reads = 0;
  const onPoint = async (point: string) => {
    if (point === 'read') reads += 1;
    // As if it waited for a lock in vain. It has its accounts by then, from a new start each time.
    if (point === 'read' && reads === 2)
      await server.fail('alwaysOn', { ...inserts, errorCode: 24 });
    if (performance.now() - start > 8 * timeoutMs) throw new Error('it goes on for ever');
  };
  const rows = [plus('branch1:A', 100n, 'a'), plus('branch1:A', 200n, 'b')];
  await expect(post(bank, rows, { by, onPoint })).rejects.toMatchObject({ code: 'timed_out' });
});

describe('a dry run of many batches', () => {
  test('answers each row like the real run, however far apart the rows are', async () => {
    const { bank } = await bankWith(['branch1:A', 'branch1:B']);
    const move = { from: place('branch1:A'), to: place('branch1:B'), amountMinor: 2_000n };
    const rows = [
      [plus('branch1:A', -20_000n, 'refused'), plus('branch1:A', 100n, 'twice')],
      [operation({ type: 'open', ...place('branch1:NEW'), amountMinor: 500n }, 'new')],
      [operation({ type: 'transfer', ...move }, 'move')],
      [operation({ type: 'freeze', ...place('branch1:B') }, 'freeze')],
      [plus('branch1:A', 50_000n, 'rich')],
      [plus('branch1:A', -20_000n, 'refused'), plus('branch1:A', 100n, 'twice')],
      [plus('branch1:A', 300n, 'twice'), plus('branch1:A', -1n, 'refused')],
      [operation({ type: 'reverse', reverses: 'move' }, 'back')],
      [operation({ type: 'unfreeze', ...place('branch1:B') }, 'unfreeze')],
      [
        operation({ type: 'reverse', reverses: 'move' }, 'back'),
        plus('branch1:NEW', -501n, 'over'),
      ],
      [operation({ type: 'reverse', reverses: 'move' }, 'again')],
      [operation({ type: 'reverse', reverses: 'over' }, 'none')],
      [operation({ type: 'open', ...place('branch1:NEW'), amountMinor: 500n }, 'newer')],
    ];
    const options = { by, refusals: { stand: true } };
    const rehearsal = createRehearsal();
    const shown = (outcomes: readonly Outcome[]) =>
      outcomes.map((outcome) =>
        outcome.applied
          ? [outcome.replayed, outcome.entry.postings, outcome.entry.reverses]
          : [outcome.error.code, outcome.error.message, outcome.standing !== undefined],
      );
    const dry: unknown[] = [];
    for (const batch of rows) {
      dry.push(shown(await post(bank, batch, { ...options, dryRun: true, rehearsal })));
    }
    const real: unknown[] = [];
    for (const batch of rows) real.push(shown(await post(bank, batch, options)));
    expect(dry).toEqual(real);
  });
});

test('a batch reads all its accounts of a branch in one answer', async () => {
  const numbers = Array.from({ length: 300 }, (_, index) => `A${index}`);
  const { bank, db } = await bankWith(numbers.map((number) => `branch1:${number}`));
  await db.command({ profile: 2 });
  await post(
    bank,
    numbers.map((number) => plus(`branch1:${number}`, 1n)),
    { by },
  );
  await db.command({ profile: 0 });
  const reads = await db
    .collection('system.profile')
    .find({ ns: `${db.databaseName}.branch1`, op: { $in: ['query', 'getmore'] } })
    .toArray();
  expect(reads.map(({ op, nreturned }) => [op, nreturned])).toEqual([['query', 300]]);
});
