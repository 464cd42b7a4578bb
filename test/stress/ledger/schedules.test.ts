import { MongoClient } from 'mongodb';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { exploreLedger, judgeTransfers } from '../../../src/stress/schedules/ledger-schedules.ts';
import type { ScheduleEvent } from '../../../src/stress/schedules/schedule-history.ts';
import { ledgerPoints } from '../../../src/stress/setup/options.ts';
import type { Applied, StoredAccount } from '../../../src/stress/subjects/ledger.ts';

test('two workers on the real write path: nothing goes wrong in any schedule', async () => {
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
  // If no workers had met, it would prove nothing.
  expect(explored.conflicted).toBeGreaterThan(30);
  expect(explored.acknowledged).toBeGreaterThan(explored.coverage.schedules);
}, 60_000);

describe('the judge', () => {
  type End = 'ok' | 'fail';

  /** Transfers of 1.00, 2.00, … from branch1 to branch2, one after the other. */
  function asked(...ends: readonly (readonly [id: string, end: End])[]): readonly ScheduleEvent[] {
    return ends.flatMap(([id, type], place) => {
      const value = { id, from: 'branch1:A', to: 'branch2:A', amount: `${place + 1}.00` };
      const moved = ((place + 1) * (place + 2)) / 2;
      const answer = {
        from_balance: `${10 - moved}.00`,
        from_version: place + 2,
        to_balance: `${10 + moved}.00`,
        to_version: place + 2,
      };
      const event = { process: 0, f: 'transfer', time: place } as const;
      return [
        { ...event, type: 'invoke', value },
        { ...event, type, value: type === 'ok' ? { ...value, ...answer } : value },
      ];
    });
  }

  const both = asked(['a', 'ok'], ['b', 'ok']);
  const from: StoredAccount = {
    balance: '7.00',
    version: 3,
    postings: [
      [2, 'a', '-1.00', '9.00'],
      [3, 'b', '-2.00', '7.00'],
    ],
  };
  const to: StoredAccount = {
    balance: '13.00',
    version: 3,
    postings: [
      [2, 'a', '1.00', '11.00'],
      [3, 'b', '2.00', '13.00'],
    ],
  };
  const stored = (
    ids: readonly string[],
    first?: StoredAccount,
    second?: StoredAccount,
  ): Applied => ({
    ids,
    accounts: {
      ...(first ? { 'branch1:A': first } : {}),
      ...(second ? { 'branch2:A': second } : {}),
    },
  });
  const ids = ['a', 'b'];

  test('finds nothing wrong with a correct end', () => {
    expect(judgeTransfers('A', both, stored(ids, from, to))).toEqual([]);
  });

  const untouched: StoredAccount = { balance: '10.00', version: 1, postings: [] };
  const half: StoredAccount = {
    ...to,
    balance: '11.00',
    version: 2,
    postings: to.postings.slice(0, 1),
  };
  const doctored: readonly [anomaly: string, events: readonly ScheduleEvent[], end: Applied][] = [
    ['lost', asked(['a', 'ok'], ['b', 'ok'], ['c', 'ok']), stored(ids, from, to)],
    ['phantom', asked(['a', 'ok'], ['b', 'fail']), stored(ids, from, to)],
    ['duplicate', both, stored(['a', 'b', 'b'], from, to)],
    ['torn', asked(['a', 'ok']), stored(['a'], untouched, half)],
    ['wrong_total', both, stored(ids, undefined, to)],
    ['negative', both, stored(ids, { ...from, balance: '-0.01' }, { ...to, balance: '20.01' })],
    ['drift', both, stored(ids, { ...from, balance: '8.00' }, { ...to, balance: '12.00' })],
    ['gap', both, stored(ids, { ...from, version: 4 }, { ...to, version: 4 })],
  ];

  test.each(doctored)('finds %s', (anomaly, events, end) => {
    expect(judgeTransfers('A', events, end)).toContain(anomaly);
  });
});
