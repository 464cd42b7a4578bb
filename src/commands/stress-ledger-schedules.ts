import type { PostPoint } from '../bank/post.ts';
import { BankctlError, Status } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { count, quote } from '../core/text.ts';
import { bar } from '../render/progress.ts';
import type { SingleResult } from '../render/result.ts';
import { decide } from '../stress/check/verdict.ts';
import type { Session, Typed } from './command.ts';
import { mongodHost } from './mongod-host.ts';
import { stressUri, verdictStatus } from './stress-mode.ts';
import { textOption, wholeNumberOption } from './typed.ts';

/** `bankctl stress --exhaustive --model ledger`: every schedule of the real write path. */
export async function runLedgerSchedules(typed: Typed, session: Session): Promise<SingleResult> {
  const { context, globals } = session;
  const { exploreLedger, ledgerPoints, mostConflicts } = await import(
    '../stress/schedules/ledger-schedules.ts'
  );
  const options = parse(typed, ledgerPoints);
  const { onLedgerServer } = await import('../stress/schedules/ledger-server.ts');
  const { timeoutMs } = globals;
  const host = { ...mongodHost(session), freshId: context.freshId, timeoutMs };
  const explored = await onLedgerServer(await stressUri(session), host, (place) =>
    exploreLedger(options, {
      ...place,
      timeoutMs,
      monotonicNs: context.monotonicNs,
      interrupted: context.interrupted,
      progress: ({ done, found, preemptions }) =>
        session.progress(
          `Model ledger ${bar(done / found)} ${done} of at least ${found} schedules, ` +
            `now with ${count(preemptions, 'preemption')}`,
        ),
    }),
  );
  session.progress(undefined);
  return resultOf(explored, options, mostConflicts, context.interrupted.aborted);
}

interface Options {
  readonly workers: number;
  readonly points: readonly PostPoint[];
  readonly preemptions: number | undefined;
}

/** @throws `usage` */
function parse(typed: Typed, known: readonly PostPoint[]): Options {
  for (const name of ['random', 'schedule', 'history', 'report', 'keep', 'branches'] as const) {
    if (typed.options[name] === undefined) continue;
    throw new BankctlError(
      'usage',
      `--${name} cannot be had with --exhaustive --model ledger.`,
      `Leave out --${name}.`,
    );
  }
  const text = textOption(typed, 'points') ?? 'all';
  const names = text.split(',').map((name) => name.trim().toLowerCase());
  for (const name of names) {
    if (name === 'all' || known.some((point) => point === name)) continue;
    const meant = nearest(name, known);
    throw new BankctlError(
      'usage',
      `The ledger has no point ${quote(name)}.`,
      meant ? `Did you mean ${meant}?` : `Its points are ${known.join(', ')}.`,
    );
  }
  return {
    workers: wholeNumberOption(typed, 'workers', { least: 2, most: 3 }) ?? 2,
    points: names.includes('all') ? known : known.filter((point) => names.includes(point)),
    preemptions: wholeNumberOption(typed, 'preemptions', { least: 0, most: 10_000 }),
  };
}

type Explored = Awaited<
  ReturnType<typeof import('../stress/schedules/ledger-schedules.ts')['exploreLedger']>
>;

function resultOf(
  explored: Explored,
  { workers, points }: Options,
  mostConflicts: number,
  interrupted: boolean,
): SingleResult {
  const { coverage, firstWrong, wrong, deadlocked, stuck, seconds, ...tally } = explored;
  const { schedules, complete } = coverage;
  const exercised = tally.conflicted > 0 && tally.acknowledged > tally.refused;
  const { verdict, reason } = decide([
    {
      model: 'ledger',
      wrong: wrong + deadlocked,
      vacuity: !complete
        ? 'it was not tried in full.'
        : stuck > 0
          ? 'a worker is stuck.'
          : exercised
            ? undefined
            : 'the transfers did not meet each other.',
    },
  ]);
  const model = {
    model: 'ledger',
    workers,
    points,
    ...tally,
    most_conflicts: mostConflicts,
    schedules,
    wrong,
    misplaced: 0,
    lost: firstWrong?.anomalies.includes('lost') ? wrong : 0,
    crashed: 0,
    left_switched: 0,
    deadlocked,
    stuck,
    complete,
    schedules_per_second: Math.round((schedules / seconds) * 10) / 10,
    ...(firstWrong ? { first_wrong: firstWrong } : {}),
  };
  return {
    kind: 'single',
    data: {
      seed: null,
      workers,
      points,
      models: [model],
      verdict,
      ...(reason === undefined ? {} : { reason }),
    },
    view: {
      layout: 'grid',
      columns: [
        { name: 'model' },
        { name: 'schedules', align: 'right' },
        { name: 'conflicted', align: 'right' },
        { name: 'acknowledged', align: 'right' },
        { name: 'refused', align: 'right' },
        { name: 'wrong', align: 'right' },
      ],
      rows: [
        [
          'ledger',
          String(schedules),
          String(tally.conflicted),
          String(tally.acknowledged),
          String(tally.refused),
          String(wrong),
        ],
      ],
      notes: notes(explored, verdict, mostConflicts),
    },
    status: interrupted ? Status.interrupted : verdictStatus[verdict],
  };
}

function notes(
  { coverage, firstWrong, seconds }: Explored,
  verdict: string,
  mostConflicts: number,
): readonly string[] {
  const { schedules, complete, allUpTo, found } = coverage;
  const covered = complete
    ? `All ${schedules} schedules`
    : `${schedules} schedules of at least ${found}, ` +
      `all with at most ${count(allUpTo, 'preemption')}`;
  return [
    `${covered}, ${(schedules / seconds).toFixed(0)} a second.`,
    `A transfer that met ${mostConflicts} conflicts was refused: while its rival is held, ` +
      'another try can only meet another one.',
    ...(firstWrong
      ? [`The first wrong one, ${firstWrong.anomalies.join(' and ')}:`, ...firstWrong.steps]
      : []),
    verdict === 'clean'
      ? 'clean: nothing was lost, doubled, torn or left over.'
      : `${verdict}: see above.`,
  ];
}
