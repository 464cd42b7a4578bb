import { expect, onTestFinished, test } from 'vitest';
import { openBench } from './bench.ts';
import { findText, hunt } from './hunt.ts';

/**
 * About half a minute of sessions, bounded by their number; faults.test.ts has the other half. A
 * difference is shown as the shortest session of command lines that has it, with its seed:
 * `npm run soak -- model --sessions 1 --seed S` plays that one again, thousands of them find more.
 */
test('sessions of whole commands agree with the model', { timeout: 3_600_000 }, async () => {
  const bench = await openBench();
  onTestFinished(bench.close);
  const seed = Number(process.env['BANKCTL_TEST_SEED']);
  const { finds, sessions } = await hunt(bench, { sessions: 80, seed, faults: false });
  expect(finds.map(findText).join('\n')).toBe('');
  expect(sessions).toBe(80);
});
