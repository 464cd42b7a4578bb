import { expect, test } from 'vitest';
import { BankctlError } from '../../src/core/errors.ts';
import { retryThroughOutages } from '../../src/database/outage-retries.ts';

test.each([
  ['timed_out' as const, 3],
  ['outcome_unknown' as const, 7],
])('work that ends with %s is tried %i times, if each takes half its time', async (code, times) => {
  const timeoutMs = 10_000;
  let nowNs = 0n;
  let tried = 0;
  const surroundings = { monotonicNs: () => nowNs, interrupted: new AbortController().signal };
  const work = async () => {
    tried += 1;
    nowNs += BigInt(timeoutMs) * 500_000n;
    throw new BankctlError(code, 'No answer.');
  };
  await expect(retryThroughOutages(timeoutMs, surroundings, work)).rejects.toMatchObject({ code });
  expect(tried).toBe(times);
});
