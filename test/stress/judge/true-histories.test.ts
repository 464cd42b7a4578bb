import { expect, test } from 'vitest';
import { createLineJudge } from '../../../src/stress/check/check-history.ts';
import { type Line, trueHistory } from './serial-bank.ts';

const firstSeed = Number(process.env['BANKCTL_TEST_SEED'] ?? 1);
const histories = 2000;

function judge(lines: readonly Line[]) {
  const judging = createLineJudge();
  for (const line of lines) judging.take(JSON.stringify(line));
  return judging.finish();
}

/** A short history may lack something. */
const vacuous =
  /no \w+ succeeded|no two operations ran|was not read|cannot be checked|that are not known/;

/** Why a history was not passed, without a valid reason. */
function falseAlarm(lines: readonly Line[]): string | undefined {
  const { verdict, reason, models } = judge(lines);
  const wrong = models[0]?.first_wrong;
  if (verdict === 'clean' || (!wrong && vacuous.test(reason ?? ''))) return undefined;
  return JSON.stringify(wrong ?? reason);
}

test(`none of ${histories} true histories is called wrong`, () => {
  const alarms: string[] = [];
  let clean = 0;
  for (let seed = firstSeed; seed < firstSeed + histories; seed += 1) {
    const { lines, idsAlone } = trueHistory(seed);
    for (const history of [lines, idsAlone]) {
      const alarm = falseAlarm(history);
      if (alarm !== undefined) alarms.push(`seed ${seed}: ${alarm}`);
      if (judge(history).verdict === 'clean') clean += 1;
    }
  }
  expect(alarms).toEqual([]);
  // In the others something was not tried, or not recorded.
  expect(clean).toBeGreaterThan(0.5 * histories);
}, 120_000);
