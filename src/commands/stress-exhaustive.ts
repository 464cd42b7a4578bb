import { Status } from '../core/errors.ts';
import { bar } from '../render/progress.ts';
import type { SingleResult } from '../render/result.ts';
import type { Progress } from '../stress/explore/explorer.ts';
import type {
  ExhaustiveModelName,
  ExhaustiveOptions,
} from '../stress/schedules/exhaustive-options.ts';
import type { Session, Typed } from './command.ts';
import { mongodHost } from './mongod-host.ts';
import { modelsOption, stressUri, verdictStatus } from './stress-mode.ts';
import { withReport } from './stress-report.ts';
import { textOption, wholeNumberOption } from './typed.ts';

/** `bankctl stress --exhaustive`: every schedule of a few workers. */
export async function runExhaustiveMode(typed: Typed, session: Session): Promise<SingleResult> {
  if (textOption(typed, 'model')?.trim().toLowerCase() === 'ledger') {
    const { runLedgerSchedules } = await import('./stress-ledger-schedules.ts');
    return runLedgerSchedules(typed, session);
  }
  const [{ exhaust }, { exhaustiveView }, { createPaint }] = await Promise.all([
    import('../stress/schedules/exhaust.ts'),
    import('../render/exhaustive-view.ts'),
    import('../render/paint.ts'),
  ]);
  const options = await parseExhaustive(typed, session);
  const uri = await stressUri(session);
  const { context, globals } = session;
  const result = await withReport(typed, session, async () => {
    let serverVersion: string | undefined;
    const found = await exhaust(options, {
      ...mongodHost(session),
      uri,
      history: textOption(typed, 'history'),
      keep: typed.options['keep'] === true,
      timeoutMs: globals.timeoutMs,
      freshId: context.freshId,
      explored: progressTeller(session),
      opened: ({ version }) => {
        serverVersion = version;
      },
    });
    const reported = async () => {
      const { fromExhaustive } = await import('../render/html/from-exhaustive.ts');
      return { ...fromExhaustive(found), seed: found.seed, serverVersion };
    };
    return { result: found, reported };
  });
  session.progress(undefined);
  return {
    kind: 'single',
    data: result,
    view: exhaustiveView(result, createPaint(globals.colour), context.width),
    // What was covered until the interruption is a result; that there was one is the status.
    status: context.interrupted.aborted ? Status.interrupted : verdictStatus[result.verdict],
  };
}

/** What a worker count can be at most; how many are too many depends on the points. */
const mostTypedWorkers = 10 ** 9;

/** @throws `usage` */
export async function parseExhaustive(
  typed: Typed,
  { context }: Pick<Session, 'context'>,
): Promise<ExhaustiveOptions> {
  const { checkExhaustiveOptions, defaultPoints, parsePoints } = await import(
    '../stress/schedules/exhaustive-options.ts'
  );
  const number = (name: string, least: number, most: number) =>
    wholeNumberOption(typed, name, { least, most });
  const models: readonly ExhaustiveModelName[] = ['shared', 'branch'];
  const points = textOption(typed, 'points');
  const count = number('random', 1, 10_000_000);
  const options: ExhaustiveOptions = {
    workers: number('workers', 0, mostTypedWorkers) ?? 2,
    branches: number('branches', 2, 64),
    models: modelsOption(typed, models),
    points: points === undefined ? defaultPoints : parsePoints(points),
    preemptions: number('preemptions', 0, 10_000),
    random:
      count === undefined
        ? undefined
        : { count, seed: number('seed', 0, 2 ** 32 - 1) ?? context.freshSeed() },
    schedule: textOption(typed, 'schedule'),
  };
  checkExhaustiveOptions(options);
  return options;
}

const tellEveryNs = 100_000_000n;

/** Redraws the bar a few times a second, however many schedules there are in one. */
function progressTeller({ context, progress }: Session) {
  let dueNs = 0n;
  return (model: string, { done, total, found, preemptions }: Progress) => {
    const nowNs = context.monotonicNs();
    if (nowNs < dueNs) return;
    dueNs = nowNs + tellEveryNs;
    const share = total === undefined ? done / found : done / Number(total);
    const of = total === undefined ? `at least ${found}` : String(total);
    const bound = `with ${preemptions} preemption${preemptions === 1 ? '' : 's'}`;
    progress(`Model ${model} ${bar(share)} ${done} of ${of} schedules, now ${bound}`);
  };
}
