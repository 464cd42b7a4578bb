import { MongoClient } from 'mongodb';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import {
  judgeSchedule,
  type ScheduleEnd,
  type Told,
} from '../../../src/stress/ledger/judge-schedule.ts';
import { exploreLedger, ledgerPoints } from '../../../src/stress/schedules/ledger-schedules.ts';

test('two workers through the real write path: nothing is wrong in any schedule', async () => {
  const client = await MongoClient.connect(inject('uri'));
  const database = `bankctl_schedules_${process.pid}`;
  onTestFinished(async () => {
    await client.db(database).dropDatabase();
    await client.close();
  });
  const explored = await exploreLedger(
    { workers: 2, points: ledgerPoints },
    {
      client,
      database,
      timeoutMs: 60_000,
      monotonicNs: process.hrtime.bigint,
      interrupted: new AbortController().signal,
    },
  );
  expect(explored).toMatchObject({ wrong: 0, deadlocked: 0, stuck: 0, firstWrong: undefined });
  expect(explored.coverage).toMatchObject({ complete: true, schedules: 70 });
  // Had nobody met anybody, it would prove nothing.
  expect(explored.conflicted).toBeGreaterThan(30);
  expect(explored.acknowledged).toBeGreaterThan(explored.coverage.schedules);
}, 60_000);

describe('the judge', () => {
  const operation = (id: string) => ({ applied: true, operation: { id } });
  const legs = (amount: bigint, version: bigint) => [
    { amountMinor: -amount, version },
    { amountMinor: amount, version },
  ];
  const sound: ScheduleEnd = {
    accounts: [
      { balanceMinor: 700n, version: 3n },
      { balanceMinor: 1300n, version: 3n },
    ],
    journal: [
      { id: 'a', legs: legs(100n, 2n) },
      { id: 'b', legs: legs(200n, 3n) },
    ],
  };
  const told: readonly Told[] = [operation('a'), operation('b')];

  test('finds nothing in a sound end', () => {
    expect(judgeSchedule(sound, told, 1000n)).toEqual([]);
  });

  const [first, second] = sound.journal;
  const doctored: readonly [anomaly: string, end: ScheduleEnd, told: readonly Told[]][] = [
    ['lost', sound, [...told, operation('c')]],
    ['phantom', sound, [operation('a'), { applied: false, operation: { id: 'b' } }]],
    ['duplicate', { ...sound, journal: [first, second, second].flatMap((it) => it ?? []) }, told],
    ['torn', { ...sound, journal: [{ id: 'a', legs: legs(100n, 2n).slice(1) }] }, told],
    ['wrong_total', { ...sound, accounts: sound.accounts.slice(1) }, told],
    [
      'negative',
      {
        ...sound,
        accounts: [
          { balanceMinor: -1n, version: 3n },
          { balanceMinor: 2001n, version: 3n },
        ],
      },
      told,
    ],
    [
      'drift',
      {
        ...sound,
        accounts: [
          { balanceMinor: 800n, version: 3n },
          { balanceMinor: 1200n, version: 3n },
        ],
      },
      told,
    ],
    ['gap', { ...sound, accounts: sound.accounts.map((it) => ({ ...it, version: 4n })) }, told],
  ];

  test.each(doctored)('finds %s', (anomaly, end, answers) => {
    expect(judgeSchedule(end, answers, 1000n)).toContain(anomaly);
  });
});
