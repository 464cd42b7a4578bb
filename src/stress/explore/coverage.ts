import { count } from '../../core/text.ts';
import type { Coverage } from './explorer.ts';
import type { SampleCoverage } from './explorer-sample.ts';

/** What was covered, in terms that suit every mode. */
export interface Covered {
  /** True if there is no other schedule. */
  readonly complete: boolean;
  /** How many there are; undefined if tasks branch and not all were run. */
  readonly total: bigint | undefined;
  /** Different schedules run. */
  readonly distinct: number;
  /** What was covered, exactly, without a full stop. */
  readonly covered: string;
}

/** `all 402 schedules with at most 2 preemptions, of 34,650`. */
export function coveredByExploring(coverage: Coverage): Covered {
  const { complete, total, schedules } = coverage;
  return { complete, total, distinct: schedules, covered: exploredSentence(coverage) };
}

function exploredSentence(coverage: Coverage): string {
  const { complete, schedules, allUpTo, schedulesUpTo, total, found, stopped } = coverage;
  if (complete) return `all ${digits(schedules)} schedules`;
  const of = total === undefined ? `at least ${digits(found)}` : digits(total);
  const whole =
    allUpTo < 0
      ? []
      : [`all ${digits(schedulesUpTo)} schedules with at most ${count(allUpTo, 'preemption')}`];
  const beyond = schedules - schedulesUpTo;
  const rest = beyond > 0 ? [`${digits(beyond)} with ${count(allUpTo + 1, 'preemption')}`] : [];
  const why = stopped === 'bound' ? '' : stopped === 'stuck' ? ' (one is stuck)' : ' (stopped)';
  return `${[...whole, ...rest].join(' and ') || 'no schedule'}, of ${of}${why}`;
}

/** A sample is no proof, even if it happens to have met every schedule. */
export function coveredBySampling(coverage: SampleCoverage, seed: number): Covered {
  const { schedules, distinct, total } = coverage;
  const of = total === undefined ? 'an unknown number' : digits(total);
  return {
    complete: false,
    total,
    distinct,
    covered:
      `${digits(schedules)} schedules drawn at random with seed ${seed}, ` +
      `${digits(distinct)} of them different, of ${of}`,
  };
}

/** `34650` as `34,650`. */
function digits(number: bigint | number): string {
  return number.toLocaleString('en');
}
