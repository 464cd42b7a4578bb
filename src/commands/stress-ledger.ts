import { parseDuration } from '../core/duration.ts';
import type { SingleResult } from '../render/result.ts';
import type { EventTimeline } from '../stress/check/timeline.ts';
import type { StressHost, StressOptions } from '../stress/drive/run.ts';
import type { Session, Typed } from './command.ts';
import { mongodHost } from './mongod-host.ts';
import { modelsOption, stressUri, verdictStatus } from './stress-mode.ts';
import { wantsReport, withReport } from './stress-report.ts';
import { textOption, wholeNumberOption } from './typed.ts';

/** `bankctl stress --model ledger`, alone or behind the other models. */
export async function runLedgerMode(typed: Typed, session: Session): Promise<SingleResult> {
  const options = await parseLedger(typed, session);
  const [{ runStress }, { loadView }, { createPaint }] = await Promise.all([
    import('../stress/drive/run.ts'),
    import('../render/load-view.ts'),
    import('../render/paint.ts'),
  ]);
  const report = await withReport(typed, session, async () => {
    const timelines = new Map<string, EventTimeline>();
    let serverVersion: string | undefined;
    const result = await runStress(options, {
      ...stressHost(session),
      opened: ({ version }) => {
        serverVersion = version;
      },
      ...(wantsReport(typed)
        ? {
            timed: (model: string, timeline: EventTimeline) => timelines.set(model, timeline),
          }
        : {}),
    });
    const reported = async () => {
      const { fromStress } = await import('../render/html/from-ledger.ts');
      const shown = fromStress(result, timelines);
      return { ...shown, seed: result.seed, serverVersion };
    };
    return { result, reported };
  });
  session.progress(undefined);
  const { context, globals } = session;
  return {
    kind: 'single',
    data: report,
    view: loadView(report, createPaint(globals.colour), context.width),
    status: verdictStatus[report.verdict],
  };
}

/** @throws `usage`, `invalid_uri` */
export async function parseLedger(typed: Typed, session: Session): Promise<StressOptions> {
  const { context, globals } = session;
  const number = (name: string, least: number, most: number) =>
    wholeNumberOption(typed, name, { least, most });
  const duration = textOption(typed, 'duration');
  const faults = textOption(typed, 'faults');
  const models = modelsOption(typed, ['shared', 'branch', 'ledger'] as const);
  return {
    seed: number('seed', 0, 2 ** 32 - 1) ?? context.freshSeed(),
    workers: number('workers', 1, 1024),
    threads: number('threads', 1, 64),
    operations: number('ops', 1, 10_000_000),
    durationMs: duration === undefined ? undefined : parseDuration(duration, '--duration'),
    branches: number('branches', 2, 64),
    models: models ?? ['ledger'],
    faults: faults === 'kill' || faults === 'failover' ? faults : undefined,
    replicas: number('replicas', 1, 3),
    keep: typed.options['keep'] === true,
    history: textOption(typed, 'history'),
    uri: await stressUri(session),
    timeoutMs: globals.timeoutMs,
  };
}

function stressHost(session: Session): StressHost {
  const { freshId, freshSeed } = session.context;
  const share = (done: number, total: number | undefined) =>
    total === undefined ? `${done}` : `${done} of ${total}`;
  return {
    ...mongodHost(session),
    freshId,
    freshSeed,
    counted: (model, done, total, wrong) =>
      session.progress(`Model ${model}: ${share(done, total)} increments, ${wrong} wrong`),
    countedLedger: ({ done, total, unknown, faults }) =>
      session.progress(
        `Model ledger: ${share(done, total)} operations, ${unknown} unanswered, ${faults} faults`,
      ),
  };
}
