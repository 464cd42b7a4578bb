import { expect, onTestFinished, test } from 'vitest';
import { openBench } from './bench.ts';
import { findText, hunt } from './hunt.ts';

/**
 * About half a minute of sessions in which connections break, servers fail and users interrupt. A
 * difference is shown as the shortest session of command lines that has it, with its seed:
 * `npm run soak -- model --sessions 1 --seed S` plays that one again, thousands of them find more.
 */
test('under faults, what a command says about an operation is what the journal holds', {
  timeout: 3_600_000,
}, async () => {
  const bench = await openBench();
  onTestFinished(bench.close);
  const seed = Number(process.env['BANKCTL_TEST_SEED']) + 1_000_000;
  const { finds, sessions } = await hunt(bench, { sessions: 60, seed, faults: true });
  expect(finds.map(findText).join('\n')).toBe('');
  expect(sessions).toBe(60);
});
