import { expect, test } from 'vitest';
import { post } from '../../src/bank/post.ts';
import type { ApplyHost } from '../../src/files/apply.ts';
import { reverseBatch } from '../../src/files/reverse-batch.ts';
import { bankWith, by, type OpenBank, plus } from '../bank/bank-fixture.ts';

const options = { batch: 'pay', memo: undefined, results: undefined, dryRun: false };

/** @param opened called each time that the run asks for its bank */
function hostOf({ bank }: OpenBank, opened: () => Promise<unknown>): ApplyHost {
  const nothing = () => undefined;
  return {
    context: {
      ...{ stdin: process.stdin, cwd: '.', author: by, monotonicNs: () => 0n },
      interrupted: new AbortController().signal,
    },
    openBank: async () => {
      await opened();
      return bank;
    },
    ...{ traits: nothing, progress: nothing, faulty: nothing, refused: nothing },
    rerunHint: () => '',
  };
}

test('a run does not count what another reversed after it had listed the operations', async () => {
  const opened = await bankWith(['branch1:A']);
  const id = (digit: string) => `pay:${digit.repeat(32)}`;
  await post(opened.bank, [plus('branch1:A', 700n, id('a')), plus('branch1:A', 500n, id('b'))], {
    by,
  });
  let asked = 0;
  const other = () =>
    reverseBatch(
      options,
      hostOf(opened, async () => undefined),
    );
  const late = hostOf(opened, async () => {
    asked += 1;
    if (asked === 2) {
      expect(await other()).toMatchObject({
        counts: { reversed: 2, reversed_before: 0, refused: 0, batches: 1 },
        totals: [{ minor: 1200n }],
      });
    }
  });
  expect(await reverseBatch(options, late)).toMatchObject({
    counts: { reversed: 0, reversed_before: 2, refused: 0, batches: 0 },
    totals: [{ minor: 0n }],
  });
  const account = await opened.db.collection('branch1').findOne({ account_number: 'A' });
  expect([asked, String(account?.['balance'])]).toEqual([2, '100.00']);
});
