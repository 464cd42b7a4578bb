import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { bareRate } from '../../bench/bare-rate.ts';
import { drawLane } from '../../src/render/lane-picture.ts';
import { createPaint } from '../../src/render/paint.ts';
import { scheduleLane } from '../../src/render/story-lane.ts';
import { checkExhaustiveOptions } from '../../src/stress/schedules/exhaustive-options.ts';
import type { ExhaustiveHost } from '../../src/stress/schedules/exhaustive-run.ts';
import { runExhaustive, runModel } from '../../src/stress/schedules/exhaustive-run.ts';
import { type ExhaustiveOptions, parsePoints } from '../../src/stress/setup/options.ts';
import { canaryModel } from './exhaustive-canary.ts';

let client: MongoClient;

beforeAll(async () => {
  client = await new MongoClient(inject('uri')).connect();
});

afterAll(async () => {
  await client.close();
});

const prefix = `exhaustive_${process.pid}`;
const counter = { next: 0 };

/** Each has a database name of its own. */
function host(more: Partial<ExhaustiveHost> = {}): ExhaustiveHost {
  counter.next += 1;
  return {
    uri: inject('uri'),
    database: `${prefix}_${counter.next}`,
    timeoutMs: 5000,
    monotonicNs: process.hrtime.bigint,
    interrupted: new AbortController().signal,
    ...more,
  };
}

function run(options: Omit<ExhaustiveOptions, 'workers'> & { workers?: number }, on = host()) {
  return runExhaustive({ workers: 2, ...options }, on);
}

async function databases(): Promise<readonly string[]> {
  const { databases: found } = await client.db('admin').admin().listDatabases({ nameOnly: true });
  return found.map(({ name }) => name).filter((name) => name.startsWith(prefix));
}

/**
 * What MongoEngine's own `switch_collection` does in all schedules:
 * schedules/wrong/misplaced/lost/crashed/left switched.
 */
describe('the counts match those of the original', () => {
  test.each([
    [2, 'switched', '6/2/2/2/0/2'],
    [2, 'captured,switched', '20/10/6/10/0/4'],
    [2, 'switched,indexing', '18/8/6/8/2/8'],
    [2, 'switched,written', '20/12/10/4/0/10'],
    [2, 'all', '670/452/342/110/30/208'],
    [3, 'switched,written', '1680/1332/1130/444/0/1110'],
  ])('%i workers, %s: %s', async (workers, points, counts) => {
    const { models, verdict } = await run({ workers, points: parsePoints(points) });
    const [shared, branch] = models;
    const columns = [
      'schedules',
      'wrong',
      'misplaced',
      'lost',
      'crashed',
      'left_switched',
    ] as const;
    expect(columns.map((column) => shared?.[column]).join('/')).toBe(counts);
    expect(shared).toMatchObject({ complete: true, reconciled: true, distinct: shared?.schedules });
    expect(shared?.shortest_wrong).toMatchObject({ same_again: true });
    expect(branch).toMatchObject({ wrong: 0, left_switched: 0, complete: true, reconciled: true });
    expect(branch?.acknowledged).toBe(branch?.operations);
    expect(branch?.branches.every(({ expected, actual }) => expected === actual)).toBe(true);
    expect(branch?.branches).toHaveLength(2);
    expect(verdict).toBe('demonstrated');
    expect(await databases()).toEqual([]);
  });
});

describe('the shortest wrong schedule', () => {
  test('is shown, explained, and replayed by its id with the same trace', async () => {
    const { models } = await run({ models: ['shared'], points: parsePoints('all') });
    const shortest = models[0]?.shortest_wrong;
    expect(shortest).toMatchObject({ switches: 3, preemptions: 2 });
    expect(shortest?.reason).toBe(
      'Worker 1 crashed with no collection to write to, because ' +
        "worker 2's step 5 emptied the model's cache between worker 1's steps 2 and 6.",
    );
    const again = await run({ points: [], schedule: shortest?.id ?? '' });
    expect(again).toMatchObject({ workers: 2, verdict: 'demonstrated' });
    const replayed = again.models[0]?.replayed;
    expect(replayed).toEqual(shortest);
    expect(JSON.stringify(replayed)).toBe(JSON.stringify(shortest));
  });

  test('a schedule of the branch model can be replayed, but proves nothing by itself', async () => {
    const shown = await run({ points: parsePoints('switched,written'), models: ['branch'] });
    expect(shown.verdict).toBe('clean');
    const wrong = await run({
      points: [],
      schedule: 's1:branch:switched-written:w2:010101:0000000',
    })
      .then(() => 'accepted')
      .catch((error: Error) => error.message);
    expect(wrong).toContain('step 1, now from start to resolved, is not the one that was digested');
    expect(wrong).toContain('(possible there: worker 1 or worker 2)');
    expect(await databases()).toEqual([]);
  });
});

describe('what was covered is stated exactly', () => {
  const points = parsePoints('switched,written');

  test('bounded: finding something wrong counts, but finding nothing proves nothing', async () => {
    const { models, verdict } = await run({ points, preemptions: 2 });
    expect(models.map(({ covered }) => covered)).toEqual([
      'all 14 schedules with at most 2 preemptions, of 20',
      'all 14 schedules with at most 2 preemptions, of 20',
    ]);
    expect(models[0]?.wrong).toBeGreaterThan(0);
    expect(models[1]).toMatchObject({ wrong: 0, complete: false, total: '20' });
    expect(verdict).toBe('undecided');
  });

  test('a bound that excludes no schedule is a proof', async () => {
    const { models, verdict } = await run({ points, preemptions: 9 });
    expect(models.every(({ complete }) => complete)).toBe(true);
    expect(verdict).toBe('demonstrated');
  });

  test('interrupted', async () => {
    const controller = new AbortController();
    const { models, verdict } = await run(
      { points },
      host({
        interrupted: controller.signal,
        progress: (_model, { done }) => {
          if (done === 13) controller.abort();
        },
      }),
    );
    expect(models.map(({ schedules }) => schedules)).toEqual([13, 0]);
    expect(models.map(({ covered }) => covered)).toEqual([
      'all 6 schedules with at most 1 preemption and 7 with 2 preemptions, of 20 (stopped)',
      'no schedule, of 20 (stopped)',
    ]);
    expect(verdict).toBe('undecided');
    expect(await databases()).toEqual([]);
  });

  test('a sample says how many schedules it saw out of how many, and is not a proof', async () => {
    const options = { points, random: { count: 12, seed: 5 } };
    const first = await run(options);
    const [shared] = first.models;
    expect(shared?.covered).toMatch(
      /^12 schedules drawn at random with seed 5, \d+ of them different, of 20$/,
    );
    expect(first).toMatchObject({ seed: 5, verdict: 'undecided' });
    const second = await run(options);
    expect(second.models[0]?.wrong).toBe(shared?.wrong);
    expect(second.models[0]?.shortest_wrong?.id).toBe(shared?.shortest_wrong?.id);
  });

  test('a shared model that cannot go wrong is not reproduced', async () => {
    const { verdict, models } = await run({ points: parsePoints('captured') });
    expect(models[0]).toMatchObject({ wrong: 0, complete: true });
    expect(verdict).toBe('not_reproduced');
  });
});

describe('refused', () => {
  const refusal = (options: Parameters<typeof run>[0], on?: ExhaustiveHost) =>
    run(options, on)
      .then(() => 'accepted')
      .catch(({ code, message, hint }) => [code, message, hint].join(' | '));
  const points = parsePoints('switched,written');

  test.each([
    [0, /usage \| 0 workers cannot be run/],
    [1, /usage \| One worker has no other/],
    [1_000_000, /usage \| 1000000 workers have more than 10\^\d+ schedules, .* no computer/],
    [
      8,
      new RegExp(
        '8 workers .* have 369,398,958,888,960,000 schedules of the shared model, which takes ' +
          String.raw`10\^\d+ years at the [\d,]+ a second measured here\. ` +
          String.raw`\| Type --workers 2, or .*--random \d+ for`,
      ),
    ],
  ])('%i workers', async (workers, pattern) => {
    expect(await refusal({ workers, points })).toMatch(pattern);
    expect(await databases()).toEqual([]);
  });

  test.each([
    ['switch', 'Did you mean switched?'],
    ['written,capturd', 'Did you mean captured?'],
    [
      'zzzz',
      'The points are captured, switched, resolved, indexing, written, or all of them: all.',
    ],
    ['', 'The points are captured'],
  ])('the point %j', (text, hint) => {
    expect(() => parsePoints(text)).toThrow(
      expect.objectContaining({ code: 'usage', hint: expect.stringContaining(hint) }),
    );
  });

  test('a database that holds anything', async () => {
    const database = `${prefix}_taken`;
    const db = client.db(`${database}_shared`);
    await db.collection('branch1').insertOne({ account_number: 'ACC-0' });
    expect(await refusal({ points }, host({ database }))).toMatch(/^not_ours/);
    expect(await db.collection('branch1').countDocuments()).toBe(1);
    await db.dropDatabase();
  });

  test('a server that does not answer', async () => {
    const uri = 'mongodb://127.0.0.1:9/';
    expect(await refusal({ points }, host({ uri, timeoutMs: 100 }))).toMatch(/^unreachable/);
  });
});

test('a canary with a subtler mistake is caught only under preemption at written', async () => {
  const explore = (points: string) =>
    runModel(
      canaryModel,
      checkExhaustiveOptions({ workers: 2, points: parsePoints(points) }),
      host(),
    );
  expect(await explore('switched')).toMatchObject({ schedules: 6, wrong: 0, complete: true });
  expect(await explore('written')).toMatchObject({ schedules: 6, wrong: 0, complete: true });
  const both = await explore('switched,written');
  expect(both).toMatchObject({ schedules: 20, complete: true, reconciled: true });
  expect(both.wrong).toBeGreaterThan(0);
  expect(both.shortest_wrong?.reason).toContain("worker 1's step 4 re-pointed the model");
});

test('a real schedule fits 80 columns with two, three and four workers', async () => {
  for (const workers of [2, 3, 4]) {
    const { models } = await run({
      workers,
      models: ['shared'],
      points: parsePoints('all'),
      random: { count: 40, seed: 1 },
    });
    const story = models[0]?.shortest_wrong;
    const lines = story ? drawLane(scheduleLane(story, ''), createPaint(false), 80) : [];
    expect(lines.length).toBeGreaterThan(10);
    for (const line of lines.filter((text) => !text.startsWith('Again'))) {
      expect([...line].length).toBeLessThanOrEqual(80);
    }
  }
});

test('the rate is compared with that of the bare driver issuing the same commands', async () => {
  const points = parsePoints('switched,written');
  const [shared] = await bareRate({ workers: 2, models: ['shared'], points }, host(), 1);
  expect(shared?.schedules).toBe(20);
  expect(shared?.explorer.every((rate) => rate > 0)).toBe(true);
  expect(shared?.bare).toHaveLength(shared?.explorer.length ?? 1);
});
