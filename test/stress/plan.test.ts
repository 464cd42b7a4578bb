import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makePlan, type PlanOptions } from '../../src/stress/plan/increments.ts';
import { createDraw } from '../../src/stress/plan/random.ts';
import '../seed.ts';

const options: PlanOptions = {
  seed: 7,
  operations: 1000,
  branches: 2,
  accountsPerBranch: 4,
  workers: 8,
};

function all(changed: Partial<PlanOptions> = {}) {
  const plan = makePlan({ ...options, ...changed });
  return Array.from({ length: plan.operations }, (_, index) => plan.at(index));
}

describe('a plan', () => {
  test('is the same for the same seed, and different for another', () => {
    expect(all()).toEqual(all());
    expect(all({ seed: 8 })).not.toEqual(all());
  });

  test('never changes for a given seed', () => {
    const row = ({ worker, branch, account, amountMinor }: ReturnType<typeof all>[number]) =>
      `${worker} ${branch} ${account} ${amountMinor}`;
    expect(all().slice(0, 4).map(row)).toEqual([
      '0 0 1 4000',
      '1 1 2 9001',
      '2 0 2 6002',
      '3 0 1 5003',
    ]);
  });

  test('gives every branch, account and worker a fair share', () => {
    const shares = (key: 'branch' | 'account' | 'worker') => {
      const counts = new Map<number, number>();
      for (const operation of all()) {
        counts.set(operation[key], (counts.get(operation[key]) ?? 0) + 1);
      }
      return [...counts.values()];
    };
    for (const share of shares('branch')) expect(share).toBeGreaterThan(400);
    for (const share of shares('account')) expect(share).toBeGreaterThan(190);
    for (const share of shares('worker')) expect(share).toBe(125);
  });

  test('has amounts that each belong to one operation', () => {
    fc.assert(
      fc.property(
        fc.record({ seed: fc.nat(), operations: fc.integer({ min: 1, max: 10_000_000 }) }),
        fc.array(fc.nat(), { minLength: 1, maxLength: 20 }),
        (changed, places) => {
          const plan = makePlan({ ...options, ...changed });
          for (const place of places) {
            const operation = plan.at(place % plan.operations);
            expect(plan.indexOf(Number(operation.amountMinor))).toBe(operation.index);
            expect(operation.amountMinor).toBeGreaterThan(0n);
            expect(operation.amountMinor).toBeLessThan(10n ** 8n);
          }
        },
      ),
    );
  });

  test('shows no pattern from one seed to the next', () => {
    const row = (seed: number) => Array.from({ length: 64 }, (_, at) => createDraw(seed)(at, 2));
    const agreeing = row(1).filter((bit, at) => bit === row(2)[at]).length;
    expect(agreeing).toBeGreaterThan(16);
    expect(agreeing).toBeLessThan(48);
  });
});
