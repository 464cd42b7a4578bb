import { parseDuration } from '../core/duration.ts';
import { BankctlError, Status } from '../core/errors.ts';
import { hasPassword } from '../core/redaction.ts';
import { count } from '../core/text.ts';
import { checkUri } from '../core/uri.ts';
import { ignoredNotice } from '../core/uri-options.ts';
import { bar } from '../render/progress.ts';
import type { SingleResult } from '../render/result.ts';
import type { Heard } from '../stress/check/check-history.ts';
import type { EventTimeline } from '../stress/check/timeline.ts';
import type { Verdict } from '../stress/check/verdict.ts';
import type { Progress } from '../stress/explore/explorer.ts';
import { incrementModels } from '../stress/plan/increments.ts';
import { faultKinds } from '../stress/plan/ledger.ts';
import type { LedgerProgress, LoadHost } from '../stress/run.ts';
import type { LedgerSchedulesOptions } from '../stress/schedules/ledger-schedules.ts';
import {
  boundsOf,
  defaultPoints,
  type ExhaustiveOptions,
  type LoadSettings,
  ledgerPoints,
  modeOf,
  type NumberFlag,
  parseLedgerPoints,
  parseModels,
  parsePoints,
  type StressFlag,
  type StressOptions,
  stressModels,
} from '../stress/setup/options.ts';
import { uriFromFile } from '../system/uri-file.ts';
import type { Command, OptionSpec, Session, Typed } from './command.ts';
import { textOption, wholeNumberOption } from './command-input.ts';
import { mongodHost } from './mongod-host.ts';
import { type StressRun, wantsReport, withReport } from './stress-report.ts';
import { stressForms } from './stress-schema.ts';

/** Each option, in the order of the help. */
const flags = {
  workers: {
    flags: '--workers <N>',
    summary: 'number of concurrent workers (default: 8; 2 with --exhaustive)',
  },
  threads: { flags: '--threads <N>', summary: 'threads to spread the workers over (default: 1)' },
  ops: { flags: '--ops <N>', summary: 'operations for each model (default: 1000)' },
  duration: {
    flags: '--duration <TIME>',
    summary: 'stop starting operations after TIME (default: 10s with --faults)',
  },
  branches: { flags: '--branches <N>', summary: 'number of branches, 2 to 64 (default: 2)' },
  seed: { flags: '--seed <N>', summary: 'repeat the plan or the sample of an earlier run' },
  model: {
    flags: '--model <LIST>',
    summary: 'models to run: shared,branch,ledger (default: shared,branch)',
  },
  faults: {
    flags: '--faults <KIND>',
    summary: 'keep killing the server under the ledger',
    choices: faultKinds,
  },
  replicas: {
    flags: '--replicas <N>',
    summary: 'servers under the ledger, 1 or 3 (default: 3 with failover)',
  },
  exhaustive: { flags: '--exhaustive', summary: 'try every possible schedule of the workers' },
  points: {
    flags: '--points <LIST>',
    summary: 'points where workers may pause (default: switched,written)',
  },
  preemptions: {
    flags: '--preemptions <K>',
    summary: 'try only schedules with at most K preemptions',
  },
  random: { flags: '--random <N>', summary: 'try N schedules drawn at random instead of all' },
  schedule: { flags: '--schedule <ID>', summary: 'replay one schedule' },
  history: {
    flags: '--history <FILE>',
    summary: 'write every event to a file, as one line of JSON each',
  },
  report: { flags: '--report <FILE>', summary: 'write an HTML page that shows the run' },
  keep: { flags: '--keep', summary: 'keep the databases on the server of --uri' },
} as const satisfies Readonly<Record<StressFlag, OptionSpec>>;

export const stress: Command = {
  name: 'stress',
  summary: 'show the wrong-collection bug, and that the branch models do not have it',
  description:
    'Drives the same seeded plan of increments against the shared model, which has the bug, and\n' +
    'against the branch models, on a throwaway server, and reports where every write went.\n' +
    'With --uri it creates a database there, and drops it at the end.\n\n' +
    'With --model ledger a bank workload goes through the real write path: transfers,\n' +
    'increments, reversals, repeated requests and snapshots. --faults kill keeps killing the\n' +
    'server with SIGKILL and restarting it; --faults failover kills the primary of three.\n' +
    'SIGKILL is not a power cut: the kernel keeps what the server had written.\n\n' +
    'With --exhaustive it tries every schedule of a few workers, one increment each, instead of\n' +
    'leaving it to luck; --points, --preemptions, --random and --schedule imply it.',
  arguments: [
    { name: 'action', summary: 'check a stored history', optional: true, choices: ['check'] },
    { name: 'file', summary: 'the history that --history wrote', optional: true },
  ],
  options: Object.values(flags),
  examples: [
    'bankctl stress',
    'bankctl stress --workers 32 --threads 2 --duration 10s --report load.html',
    'bankctl stress --model branch --seed 42 --json',
    'bankctl stress --exhaustive --points all --report race.html',
    'bankctl stress --exhaustive --workers 3 --preemptions 2',
    'bankctl stress --model ledger --faults kill --threads 2 --history history.ndjson',
    'bankctl stress check history.ndjson',
  ],
  results: stressForms,
  run: runStress,
};

/** The exit status of each verdict. */
const verdictStatus = {
  demonstrated: Status.done,
  clean: Status.done,
  not_reproduced: Status.undecided,
  violation: Status.violation,
  undecided: Status.undecided,
} as const satisfies Readonly<Record<Verdict, Status>>;

async function runStress(typed: Typed, session: Session): Promise<SingleResult> {
  const input = await parseStress(typed, session);
  const { mode } = input;
  const { context, globals } = session;
  const { result, covered } = await withReport(typed, session, mode, () =>
    runMode(input, session, wantsReport(typed)),
  );
  session.progress(undefined);
  const [{ stressView }, { createPaint }] = await Promise.all([
    import('../render/stress-view.ts'),
    import('../render/paint.ts'),
  ]);
  const format = { mode, paint: createPaint(globals.colour), width: context.width };
  // What was covered before the interruption is the result; the status says that there was one.
  const isCut = (mode === 'exhaustive' || mode === 'schedules') && context.interrupted.aborted;
  return {
    kind: 'single',
    data: result,
    view: stressView(result, format, covered),
    status: isCut ? Status.interrupted : verdictStatus[result.verdict],
  };
}

/** Which server a run uses, and what it leaves there. */
type Place = Pick<LoadSettings, 'keep' | 'uri' | 'history' | 'timeoutMs'>;

/** What a command line asks for. */
type StressInput =
  | { readonly mode: 'load' | 'ledger'; readonly options: StressOptions }
  | { readonly mode: 'exhaustive'; readonly options: ExhaustiveOptions; readonly place: Place }
  | { readonly mode: 'schedules'; readonly options: LedgerSchedulesOptions; readonly place: Place }
  | { readonly mode: 'check'; readonly file: string };

/** The part of a session that parsing needs. */
type ParseSession = Pick<Session, 'context' | 'globals' | 'talk'>;

/** @throws `usage`, `invalid_uri` */
export async function parseStress(typed: Typed, session: ParseSession): Promise<StressInput> {
  const mode = modeOf(typed);
  if (mode === 'check') return { mode, file: historyFile(typed) };
  const number = (flag: NumberFlag) => {
    const { min, max } = boundsOf(flag, mode);
    return wholeNumberOption(typed, flag, { min, max });
  };
  const seed = () => number('seed') ?? session.context.freshSeed();
  const workers = number('workers');
  const model = textOption(typed, 'model');
  const points = textOption(typed, 'points');
  if (mode === 'schedules') {
    const options = {
      workers: workers ?? 2,
      points: points === undefined ? ledgerPoints : parseLedgerPoints(points),
      preemptions: number('preemptions'),
    };
    return { mode, options, place: await parsePlace(typed, session) };
  }
  if (mode === 'exhaustive') {
    const drawn = number('random');
    const options: ExhaustiveOptions = {
      workers: workers ?? 2,
      branches: number('branches'),
      models: model === undefined ? undefined : parseModels(model, incrementModels),
      points: points === undefined ? defaultPoints : parsePoints(points),
      preemptions: number('preemptions'),
      random: drawn === undefined ? undefined : { count: drawn, seed: seed() },
      schedule: textOption(typed, 'schedule'),
    };
    (await import('../stress/schedules/exhaustive-options.ts')).checkExhaustiveOptions(options);
    return { mode, options, place: await parsePlace(typed, session) };
  }
  const duration = textOption(typed, 'duration');
  const faults = textOption(typed, 'faults');
  const known = mode === 'ledger' ? stressModels : incrementModels;
  const options: StressOptions = {
    seed: seed(),
    workers,
    threads: number('threads'),
    operations: number('ops'),
    durationMs: duration === undefined ? undefined : parseDuration(duration, '--duration'),
    branches: number('branches'),
    models:
      model !== undefined ? parseModels(model, known) : mode === 'ledger' ? [mode] : undefined,
    faults: faultKinds.find((kind) => kind === faults),
    replicas: number('replicas'),
    ...(await parsePlace(typed, session)),
  };
  return { mode, options };
}

function historyFile({ args }: Typed): string {
  const [, file] = args;
  if (file !== undefined) return file;
  throw new BankctlError(
    'usage',
    'stress check needs the file of a history.',
    'Type bankctl stress check FILE.',
  );
}

async function parsePlace(typed: Typed, session: ParseSession): Promise<Place> {
  return {
    keep: typed.options['keep'] === true,
    history: textOption(typed, 'history'),
    uri: await stressUri(session),
    timeoutMs: session.globals.timeoutMs,
  };
}

/** Only the command line counts: stress never uses the deployment of the config. */
async function stressUri({ globals, context, talk }: ParseSession): Promise<string | undefined> {
  if (globals.uriFile !== undefined) return uriFromFile(globals.uriFile, context.interrupted);
  if (globals.uri === undefined) return undefined;
  if (hasPassword(globals.uri)) {
    talk('password_visible', 'Others can see a password on the command line: use --uri-file.');
  }
  const uri = checkUri(globals.uri, 'given with --uri');
  const notice = ignoredNotice(uri);
  if (notice !== undefined) talk('ignored_uri_options', notice);
  return uri;
}

async function runMode(
  input: StressInput,
  session: Session,
  isReported: boolean,
): Promise<StressRun> {
  let serverVersion: string | undefined;
  const host = {
    ...stressHost(session),
    opened: ({ version }: { readonly version: string }) => {
      serverVersion = version;
    },
  };
  const recipe = () => {
    switch (input.mode) {
      case 'load':
      case 'ledger':
        return runDriven(input.options, host, isReported);
      case 'exhaustive':
        return runExhaustive(input.options, { ...host, ...input.place });
      case 'schedules':
        return runSchedules(input.options, { ...host, ...input.place });
      case 'check':
        return runCheck(input.file, session.context.interrupted, isReported);
    }
  };
  const run = await recipe();
  return { ...run, serverVersion };
}

/** What a run of any mode takes from the session, which shows its progress. */
function stressHost(session: Session) {
  const { freshId, freshSeed } = session.context;
  const share = (done: number, total: number | undefined) =>
    total === undefined ? `${done}` : `${done} of ${total}`;
  return {
    ...mongodHost(session),
    freshId,
    freshSeed,
    counted: (model: string, done: number, total: number | undefined, wrong: number) =>
      session.progress(`Model ${model}: ${share(done, total)} increments, ${wrong} wrong`),
    countedLedger: ({ done, total, unknown, faults }: LedgerProgress) =>
      session.progress(
        `Model ledger: ${share(done, total)} operations, ${unknown} unanswered, ${faults} faults`,
      ),
    explored: showSchedules(session),
  };
}

/** The host, with a callback for when the server is up. */
type Host = ReturnType<typeof stressHost> & Required<Pick<LoadHost, 'opened'>>;

const showEveryNs = 100_000_000n;

/** Redraws the bar at most ten times a second, however fast the schedules are. */
function showSchedules({ context, progress }: Session) {
  let dueNs = 0n;
  return (model: string, { done, total, found, preemptions }: Progress) => {
    const nowNs = context.monotonicNs();
    if (nowNs < dueNs) return;
    dueNs = nowNs + showEveryNs;
    const share = total === undefined ? done / found : done / Number(total);
    const of = total === undefined ? `at least ${found}` : String(total);
    const bound = `with ${count(preemptions, 'preemption')}`;
    progress(`Model ${model} ${bar(share)} ${done} of ${of} schedules, now ${bound}`);
  };
}

async function runDriven(
  options: StressOptions,
  host: Host,
  isReported: boolean,
): Promise<StressRun> {
  const { runStress } = await import('../stress/run.ts');
  const timelines = new Map<string, EventTimeline>();
  const timed = (model: string, timeline: EventTimeline) => timelines.set(model, timeline);
  const result = await runStress(options, { ...host, ...(isReported ? { timed } : {}) });
  return { result, timelines: () => result.models.map(({ model }) => timelines.get(model)) };
}

async function runExhaustive(options: ExhaustiveOptions, host: Host & Place): Promise<StressRun> {
  const { exploreOnServer } = await import('../stress/schedules/exhaustive-server.ts');
  return { result: await exploreOnServer(options, host) };
}

async function runSchedules(
  options: LedgerSchedulesOptions,
  { uri, ...host }: Host & Place,
): Promise<StressRun> {
  const [{ exploreLedger }, { withLedgerServer }, result] = await Promise.all([
    import('../stress/schedules/ledger-schedules.ts'),
    import('../stress/schedules/ledger-server.ts'),
    import('../stress/schedules/ledger-schedules-result.ts'),
  ]);
  const progress = (progress: Progress) =>
    host.explored('ledger', { ...progress, total: undefined });
  const explored = await withLedgerServer(uri, host, (place) =>
    exploreLedger(options, { ...host, ...place, progress }),
  );
  return {
    result: result.ledgerSchedulesResult(explored, options),
    covered: result.ledgerCoverage(explored),
  };
}

async function runCheck(
  file: string,
  interrupted: AbortSignal,
  isReported: boolean,
): Promise<StressRun> {
  const [{ checkHistory }, { collectTimeline }] = await Promise.all([
    import('../stress/check/check-history.ts'),
    import('../stress/check/timeline.ts'),
  ]);
  const sections: ReturnType<typeof collectTimeline>[] = [];
  const heard: Heard = (event, anomaly) => {
    if (event.f === 'init') sections.push(collectTimeline());
    sections.at(-1)?.take(event, anomaly);
  };
  const result = await checkHistory(file, interrupted, isReported ? heard : undefined);
  return { result, timelines: () => sections.map(({ timeline }) => timeline()) };
}
