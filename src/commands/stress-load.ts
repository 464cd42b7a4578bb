import { parseDuration } from '../core/duration.ts';
import type { SingleResult } from '../render/result.ts';
import type { EventTimeline } from '../stress/check/timeline.ts';
import type { LoadHost } from '../stress/drive/run.ts';
import type { LoadOptions } from '../stress/load/load-options.ts';
import type { Session, Typed } from './command.ts';
import { mongodHost } from './mongod-host.ts';
import { modelsOption, stressUri, verdictStatus } from './stress-mode.ts';
import { wantsReport, withReport } from './stress-report.ts';
import { textOption, wholeNumberOption } from './typed.ts';

/** `bankctl stress` as it is without further options: a load run. */
export async function runLoadMode(typed: Typed, session: Session): Promise<SingleResult> {
  const options = await parseLoad(typed, session);
  const [{ runLoad }, { loadView }, { createPaint }] = await Promise.all([
    import('../stress/drive/run.ts'),
    import('../render/load-view.ts'),
    import('../render/paint.ts'),
  ]);
  const report = await withReport(typed, session, async () => {
    const timelines = new Map<string, EventTimeline>();
    let serverVersion: string | undefined;
    const result = await runLoad(options, {
      ...loadHost(session),
      opened: ({ version }) => {
        serverVersion = version;
      },
      ...(wantsReport(typed) ? { timed: (model, timeline) => timelines.set(model, timeline) } : {}),
    });
    const reported = async () => {
      const { fromLoad } = await import('../render/html/from-load.ts');
      return { ...fromLoad(result, timelines), seed: result.seed, serverVersion };
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
export async function parseLoad(
  typed: Typed,
  session: Pick<Session, 'context' | 'globals' | 'talk'>,
): Promise<LoadOptions> {
  const { context, globals } = session;
  const number = (name: string, least: number, most: number) =>
    wholeNumberOption(typed, name, { least, most });
  const duration = textOption(typed, 'duration');
  return {
    seed: number('seed', 0, 2 ** 32 - 1) ?? context.freshSeed(),
    workers: number('workers', 1, 1024),
    threads: number('threads', 1, 64),
    operations: number('ops', 1, 10_000_000),
    durationMs: duration === undefined ? undefined : parseDuration(duration, '--duration'),
    branches: number('branches', 2, 64),
    models: modelsOption(typed, ['shared', 'branch'] as const),
    keep: typed.options['keep'] === true,
    history: textOption(typed, 'history'),
    uri: await stressUri(session),
    timeoutMs: globals.timeoutMs,
  };
}

function loadHost(session: Session): LoadHost {
  return {
    ...mongodHost(session),
    freshId: session.context.freshId,
    freshSeed: session.context.freshSeed,
    counted: (model, done, total, wrong) => {
      const share = total === undefined ? `${done}` : `${done} of ${total}`;
      session.progress(`Model ${model}: ${share} increments, ${wrong} wrong`);
    },
  };
}
