import type { PostPoint } from '../bank/post.ts';
import { BankctlError, Status } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { count, quote } from '../core/text.ts';
import { bar } from '../render/progress.ts';
import type { SingleResult } from '../render/result.ts';
import type { Session, Typed } from './command.ts';
import { mongodHost } from './mongod-host.ts';
import { stressUri, verdictStatus } from './stress-mode.ts';
import { textOption, wholeNumberOption } from './typed.ts';

/** `bankctl stress --exhaustive --model ledger`: every schedule of the real write path. */
export async function runLedgerSchedules(typed: Typed, session: Session): Promise<SingleResult> {
  const { context, globals } = session;
  const [{ exploreLedger, ledgerPoints }, { ledgerCoverage, ledgerSchedulesResult }] =
    await Promise.all([
      import('../stress/schedules/ledger-schedules.ts'),
      import('../stress/schedules/ledger-schedules-result.ts'),
    ]);
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
  return present(
    ledgerSchedulesResult(explored, options),
    ledgerCoverage(explored),
    context.interrupted.aborted,
  );
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

function present(
  result: ReturnType<
    typeof import('../stress/schedules/ledger-schedules-result.ts')['ledgerSchedulesResult']
  >,
  covered: readonly string[],
  interrupted: boolean,
): SingleResult {
  const { models, verdict } = result;
  const columns = ['schedules', 'conflicted', 'acknowledged', 'refused', 'wrong'] as const;
  const firstWrong = models[0]?.first_wrong;
  return {
    kind: 'single',
    data: result,
    view: {
      layout: 'grid',
      columns: [{ name: 'model' }, ...columns.map((name) => ({ name, align: 'right' as const }))],
      rows: models.map((model) => [model.model, ...columns.map((name) => String(model[name]))]),
      notes: [
        ...covered,
        ...(firstWrong
          ? [`The first wrong one, ${firstWrong.anomalies.join(' and ')}:`, ...firstWrong.steps]
          : []),
        verdict === 'clean'
          ? 'clean: nothing was lost, doubled, torn or left over.'
          : `${verdict}: see above.`,
      ],
    },
    status: interrupted ? Status.interrupted : verdictStatus[verdict],
  };
}
