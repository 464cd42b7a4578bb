import { expect, inject, test } from 'vitest';
import { workspace } from '../workspace.ts';
import { damage, makePlan, plant } from './damage.ts';
import { truthOf } from './truth.ts';

test.each([{ hasPause: false }, { hasPause: true }])(
  'the original code goes wrong, and its truth adds up: $hasPause',
  async ({ hasPause }) => {
    const { db, directory } = await workspace();
    const plan = makePlan({
      seed: 1,
      branches: ['branch1', 'branch2'],
      calls: 400,
      hasStray: true,
    });
    await plant(db, plan);
    const truth = truthOf(await damage(db, plan, { uri: inject('uri'), directory, hasPause }));
    expect(truth.counts.misplaced).toBeGreaterThan(0);
    expect(truth.counts.lost).toBeGreaterThan(0);
    for (const [key, cents] of truth.actual) {
      const [collection = '', account_number] = key.split(':');
      const found = await db.collection(collection).findOne({ account_number });
      expect([key, Math.round(100 * found?.['balance'])]).toEqual([key, cents]);
    }
  },
);
