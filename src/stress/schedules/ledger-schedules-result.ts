import { count } from '../../core/text.ts';
import { decide } from '../check/verdict.ts';
import {
  type LedgerSchedules,
  type LedgerSchedulesOptions,
  maxConflicts,
} from './ledger-schedules.ts';

/** The result of an exploration of the ledger; printed as it is by `--json`. */
export function ledgerSchedulesResult(
  explored: LedgerSchedules,
  { workers, points }: LedgerSchedulesOptions,
) {
  const { coverage, firstWrong, seconds, operations, acknowledged, refused, conflicted } = explored;
  const { wrong, misplaced, lost, crashed, deadlocked, stuck } = explored;
  const { schedules, complete } = coverage;
  const model = {
    model: 'ledger',
    workers,
    points,
    operations,
    acknowledged,
    refused,
    conflicted,
    most_conflicts: maxConflicts,
    schedules,
    wrong,
    misplaced,
    lost,
    crashed,
    left_switched: 0,
    deadlocked,
    stuck,
    complete,
    schedules_per_second: Math.round((schedules / seconds) * 10) / 10,
    ...(firstWrong ? { first_wrong: firstWrong } : {}),
  };
  const exercised = conflicted > 0 && acknowledged > refused;
  const vacuity = !complete
    ? 'it was not tried in full.'
    : stuck > 0
      ? 'a worker is stuck.'
      : exercised
        ? undefined
        : 'the transfers did not meet each other.';
  const decision = decide([{ model: 'ledger', wrong: wrong + deadlocked, vacuity }]);
  return { seed: null, workers, points, models: [model], ...decision };
}

/** What was covered, in sentences. */
export function ledgerCoverage({ coverage, seconds }: LedgerSchedules): readonly string[] {
  const { schedules, complete, allUpTo, found } = coverage;
  const covered = complete
    ? `All ${schedules} schedules`
    : `${schedules} schedules of at least ${found}, ` +
      `all with at most ${count(allUpTo, 'preemption')}`;
  return [
    `${covered}, ${(schedules / seconds).toFixed(0)} a second.`,
    `A transfer that met ${maxConflicts} conflicts was refused: while its rival is held, ` +
      'another try can only meet another one.',
  ];
}
